"""Command, settings, commit and machine of each evaluation."""

from __future__ import annotations

import shlex
from typing import Any

from ...evaluation.settings import cameras_in_words, played_by
from ..draw.words import plural
from .data import EvaluationRun
from .formats import NONE, number


def origin(run: EvaluationRun) -> str:
    """Sum up robot, seed, cameras, commit and machine in a line."""
    settings = run.settings
    parts = [f"Robot {settings['robot']}", f"seed {settings['seed']}"]
    parts.append(cameras_in_words(settings))
    parts.append(f"commit {played_by(settings)}")
    return " · ".join([*parts, machine_words(settings)])


def machine_words(settings: dict[str, Any]) -> str:
    """Name the processor and count its cores."""
    found = settings.get("machine") or {}
    if "processor" not in found:
        return "machine unknown"
    return f"{found['processor']}, {plural(found.get('cores', 0), 'core')}"


def facts(run: EvaluationRun) -> dict[str, str]:
    """Return a run's folder, commit, versions, machine, cameras, speed and policies, by name."""
    settings = run.settings
    about = settings.get("machine") or {}
    packages = [f"Python {about['python']}"] if "python" in about else []
    packages += [f"{name} {version}" for name, version in (about.get("packages") or {}).items()]
    speed = number(run.trials_per_minute, 1)
    return {
        "Folder": str(run.folder),
        "Commit": played_by(settings),
        "Program": f"pushgrasp {settings.get('program') or NONE}",
        "Machine": machine_words(settings),
        "Packages": ", ".join(packages) or NONE,
        "Cameras": cameras_in_words(settings),
        "Speed": speed if speed == NONE else f"{speed} trials per minute",
        **{f"Policy {p['name']}": _policy(p) for p in settings["policies"]},
    }


def _policy(policy: dict[str, Any]) -> str:
    fingerprint = policy.get("sha256")
    return policy["source"] + (f", sha256 {fingerprint[:12]}" if fingerprint else "")


def command(run: EvaluationRun) -> str:
    """Return the command that reproduces a run, which may have been played by several commands."""
    settings = run.settings
    words = ["pushgrasp", "evaluate", "--policy", *(p["source"] for p in settings["policies"])]
    words += [word for suite in settings.get("suites", ()) for word in ("--suite", suite)]
    if settings["scenes"]:
        words += ["--scenes", *settings["scenes"], "--objects", *map(str, settings["objects"])]
    words += ["--trials", str(settings["trials"]), "--seed", str(settings["seed"])]
    words += ["--goal", str(settings["goal"])] if settings["goal"] is not None else []
    words += ["--robot", settings["robot"]]
    words += ["--cameras", "FILE"] if settings["cameras"] else []
    words += ["--noise", settings["noise"]] if settings["noise"] else []
    backend = settings["camera_backend"]
    words += ["--camera", backend] if backend != "ray" else []
    words += ["--randomise"] if settings["randomise"] else []
    return shlex.join([*words, "--out", str(run.folder)])
