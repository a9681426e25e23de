"""The settings of a run, and which of them a run that goes on may change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import UserError
from ..utils.files import read_json, to_json
from ..utils.provenance import commit, machine
from .config import EvaluationConfig
from .plan import PolicyEntry, planned_groups
from .records import TrialSpec

FORMAT, VERSION = "pushgrasp-evaluation", 1
SETTINGS = "settings.json"
KEPT = ("seed", "goal", "robot", "cameras", "noise", "camera_backend", "randomise")
"""What decides about each trial: a run that goes on has it as before."""
ORIGIN = ("program", "commit", "machine")

Settings = dict[str, Any]


def describe(
    config: EvaluationConfig, policies: Sequence[PolicyEntry], specs: Sequence[TrialSpec]
) -> Settings:
    """Collect what settings.json holds.

    Args:
        config: of the run.
        policies: of the run.
        specs: its trials, at least one.
    """
    view = specs[0].view
    settings = {
        "format": FORMAT,
        "version": VERSION,
        "policies": [asdict(policy) for policy in policies],
        "scenes": list(config.scenes),
        "objects": list(config.objects),
        "trials": config.trials,
        "seed": config.seed,
        "goal": config.goal,
        "robot": config.robot,
        "cameras": [camera.describe() for camera in view.cameras],
        "noise": view.noise,
        "camera_backend": view.backend,
        "randomise": config.randomise,
        "groups": [asdict(group) for group in planned_groups(specs)],
        "program": __version__,
        "commit": commit(),
        "machine": machine(),
    }
    return json.loads(to_json(settings))  # as it will be read


def read_settings(folder: str | Path) -> Settings:
    """The settings of a folder of results.

    Raises:
        UserError: it holds none, or those of another program or version.
    """
    path = Path(folder) / SETTINGS
    if not path.is_file():
        raise UserError(f"{folder} holds no evaluation: there is no {SETTINGS} in it")
    settings = read_json(path)
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        raise UserError(f"{path} is not of an evaluation: its format is not {FORMAT!r}")
    if settings.get("version") != VERSION:
        raise UserError(
            f"{path} has format version {settings.get('version')!r}; this program reads {VERSION}"
        )
    wanted = ("policies", "scenes", "objects", "trials", "groups", *KEPT)
    if lacking := [key for key in wanted if key not in settings]:
        raise UserError(f"{path} lacks {', '.join(lacking)}")
    return settings


def commits(settings: Settings) -> list[str]:
    """The commits whose code played a folder's trials, the first first; which played which trial
    is not recorded."""
    runs = [settings, *settings.get("resumed", [])]
    return list(dict.fromkeys(run.get("commit") or "unknown" for run in runs))


def played_by(settings: Settings) -> str:
    """The commits in words."""
    return ", then ".join(commits(settings))


def cameras_in_words(settings: Settings) -> str:
    """Name the cameras of a run with the noise that each has, and how they are drawn."""
    common = settings["noise"]
    cameras = settings["cameras"] or [{"name": "default", "noise": None}]
    words = []
    for camera in cameras:
        own = camera.get("noise")
        noise = common if own is None else "" if own == "none" else own
        noise = noise if isinstance(noise, str) else "of its own"
        words.append(f"{camera['name']} ({f'noise {noise}' if noise else 'no noise'})")
    kind = "camera" if len(cameras) == 1 else "cameras"
    return f"{kind} {', '.join(words)}, {settings['camera_backend']}"


def merge(old: Settings, new: Settings, where: str | Path) -> Settings:
    """The settings of a run that goes on: more trials, policies, scenes or numbers of objects.

    Args:
        old: of the folder.
        new: as asked for now.
        where: the folder, for messages.
    Raises:
        UserError: something differs that may not, or a policy or a scene is another one by now.
    """
    differing = [f"{key} {old[key]!r}, not {new[key]!r}" for key in KEPT if old[key] != new[key]]
    if differing:
        raise UserError(
            f"--resume: {where} was played with {'; '.join(differing)}; repeat its settings, or "
            "name a new folder"
        )
    policies = {policy["name"]: policy for policy in old["policies"]}
    for policy in new["policies"]:
        before = policies.get(policy["name"], policy)
        if before["sha256"] != policy["sha256"]:
            raise UserError(
                f"--resume: the policy {policy['name']} in {where} was another one: its weights "
                f"or numbers have changed since (sha256 {before['sha256']}, now "
                f"{policy['sha256']}); name a new folder, or a policy of another name"
            )
        policies[policy["name"]] = policy  # it may have been moved
    origin = {key: new.get(key) for key in ORIGIN}
    earlier = [{key: old.get(key) for key in ORIGIN}, *old.get("resumed", [])]
    merged = {
        **old,
        "policies": list(policies.values()),
        "scenes": list(dict.fromkeys(old["scenes"] + new["scenes"])),
        "objects": list(dict.fromkeys(old["objects"] + new["objects"])),
        "trials": max(old["trials"], new["trials"]),
        "groups": _merge_groups(old["groups"], new["groups"], list(policies), where),
    }
    if origin not in earlier:
        merged["resumed"] = [*old.get("resumed", []), origin]
    return merged


def _merge_groups(
    old: list[Settings], new: list[Settings], policies: list[str], where: str | Path
) -> list[Settings]:
    """Each policy's groups, with the most trials that were ever wanted, policy after policy."""
    scenes: dict[str, tuple[str, int]] = {}
    merged: dict[tuple[str, str], Settings] = {}
    for lot in old + new:
        scene = lot["scene"], lot["objects"]
        before = scenes.setdefault(lot["name"], scene)
        if before != scene:
            raise UserError(
                f"--resume: the group {lot['name']} in {where} was the scene {before[0]} with "
                f"{before[1]} objects, not {scene[0]} with {scene[1]}; name a new folder"
            )
        key = lot["policy"], lot["name"]
        trials = max(lot["trials"], merged[key]["trials"] if key in merged else 0)
        merged[key] = {**lot, "trials": trials}
    order = list(scenes)
    return sorted(
        merged.values(), key=lambda lot: (policies.index(lot["policy"]), order.index(lot["name"]))
    )
