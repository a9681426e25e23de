"""The settings of a run, and which of them may change when it is resumed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import UserError
from ..utils.files import read_json, to_json
from ..utils.provenance import commit, machine

if TYPE_CHECKING:  # they import torch and the simulator, which readers of settings need not
    from .config import EvaluationConfig
    from .groups import SceneGroup
    from .policies import PolicyEntry
    from .suite import Suite

FORMAT, VERSION = "pushgrasp-evaluation", 1
SETTINGS = "settings.json"
KEPT = ("seed", "goal", "robot", "workspace", "cameras", "noise", "camera_backend", "randomise")
"""What determines the trials: it must stay the same when a run is resumed."""
ORIGIN = ("program", "commit", "machine")

Settings = dict[str, Any]


def describe(
    config: EvaluationConfig,
    policies: Sequence[PolicyEntry],
    groups: Sequence[SceneGroup],
    suites: Sequence[Suite] = (),
) -> Settings:
    """Collect what settings.json holds.

    Args:
        config, policies, groups, suites: of the run.
    """
    view, workspace = config.view(), config.read_workspace()
    settings = {
        "format": FORMAT,
        "version": VERSION,
        "policies": [asdict(policy) for policy in policies],
        "scenes": [] if config.suite else list(config.scenes),
        "suites": [config.suite] if config.suite else [],
        "objects": list(config.objects),
        "trials": config.trials,
        "seed": config.seed,
        "goal": config.goal,
        "robot": config.robot,
        "workspace": None if workspace is None else asdict(workspace),
        "cameras": [camera.describe() for camera in view.cameras],
        "noise": view.noise,
        "camera_backend": view.backend,
        "randomise": config.randomise,
        "groups": [
            {"policy": policy.name, **asdict(group), "trials": config.trials}
            for policy in policies
            for group in groups
        ],
        "published": {
            suite.name: [asdict(row) for row in suite.published]
            for suite in suites
            if suite.published
        },
        "program": __version__,
        "commit": commit(),
        "machine": machine(),
    }
    return json.loads(to_json(settings))  # as it will be read


def read_settings(folder: str | Path) -> Settings:
    """Read the settings of a results folder.

    Raises:
        UserError: it holds none, or those of another program or version.
    """
    path = Path(folder) / SETTINGS
    if not Path(folder).is_dir():
        raise UserError(f"there is no folder {str(folder)!r}; a folder of results was expected")
    if not path.is_file():
        below = sorted(str(found.parent) for found in Path(folder).glob(f"*/{SETTINGS}"))
        hint = f"; its subfolders do: {', '.join(below)}" if below else ""
        raise UserError(
            f"the folder {folder} holds no evaluation: there is no {SETTINGS} in it{hint}"
        )
    settings = read_json(path)
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        raise UserError(f"{path} is not of an evaluation: its format is not {FORMAT!r}")
    if settings.get("version") != VERSION:
        raise UserError(
            f"{path} has format version {settings.get('version')!r}; this program reads {VERSION}"
        )
    settings.setdefault("workspace", None)  # files written before there was a choice
    wanted = ("policies", "scenes", "objects", "trials", "groups", *KEPT)
    if lacking := [key for key in wanted if key not in settings]:
        raise UserError(f"{path} lacks {', '.join(lacking)}")
    return settings


def commits(settings: Settings) -> list[str]:
    """List the commits whose code played a folder's trials, in the order of the runs."""
    runs = [settings, *settings.get("resumed", [])]
    return list(dict.fromkeys(run.get("commit") or "unknown" for run in runs))


def played_by(settings: Settings) -> str:
    """Return the commits in words."""
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
    """Merge settings when resuming: there may be more trials, policies, scenes.

    Args:
        old: of the folder.
        new: as asked for now.
        where: the folder, for messages.
    Raises:
        UserError: something differs that may not, or a policy or a scene has changed.
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
        "suites": list(dict.fromkeys(old.get("suites", []) + new["suites"])),
        "published": {**old.get("published", {}), **new["published"]},
        "objects": list(dict.fromkeys(old["objects"] + new["objects"])),
        "trials": max(old["trials"], new["trials"]),
        "groups": _merge_groups(old["groups"], new["groups"], list(policies), where),
    }
    if origin not in earlier:
        merged["resumed"] = [*old.get("resumed", []), origin]
    return merged


def differing_scene(one: Settings, other: Settings) -> str:
    """Return the name of a value in which the scenes of two groups differ, or ""."""
    for key in ("scene", "objects", "goals", "offset", "meshes", "perturb"):
        if key in one and key in other and one[key] != other[key]:
            return key
    return ""


def _merge_groups(
    old: list[Settings], new: list[Settings], policies: list[str], where: str | Path
) -> list[Settings]:
    """Merge the groups, each with the most trials ever planned; ordered by policy."""
    scenes: dict[str, Settings] = {}
    merged: dict[tuple[str, str], Settings] = {}
    for group in old + new:
        before = scenes.setdefault(group["name"], group)
        if different := differing_scene(before, group):
            raise UserError(
                f"--resume: the group {group['name']} in {where} had {different} "
                f"{before[different]!r}, not {group[different]!r}; name a new folder"
            )
        key = group["policy"], group["name"]
        trials = max(group["trials"], merged[key]["trials"] if key in merged else 0)
        merged[key] = {**group, "trials": trials}
    order = list(scenes)
    return sorted(
        merged.values(), key=lambda g: (policies.index(g["policy"]), order.index(g["name"]))
    )
