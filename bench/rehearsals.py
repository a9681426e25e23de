"""Scenes played through a robot's real protocol, beside plain simulation of the same scenes.

For each seed: one random scene, once as `pushgrasp rehearse` plays it (drivers, makers' client
libraries, a controller that speaks the protocol, the simulated cell behind it), and once by the
simulated robot itself. Both use one policy and the same camera noise.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from pushgrasp.evaluation.trial import play
from pushgrasp.policy.load import load_policy
from pushgrasp.sim.cameras.views import ViewConfig
from pushgrasp.sim.robots.registry import gripper
from pushgrasp.sim.scenes.build import SceneConfig, build_scene

MAX_ACTIONS = 30


@dataclass
class Config:
    """Scenes, and where to write the results."""

    robot: Literal["ur5e", "fr3"] = "ur5e"
    """Whose protocol."""
    scenes: int = 20
    """Number of scenes; their seeds are 0, 1, ..."""
    objects: int = 10
    """Objects in each scene."""
    policy: str = "default"
    """Who decides."""
    noise: Literal["none", "d405", "d405-averaged"] = "none"
    """Of the camera."""
    out: Path = Path("rehearsals.jsonl")
    """One line for each scene; scenes that are there are not played again."""


def main(config: Config) -> None:
    """Play the scenes and print a table."""
    done: list[dict[str, Any]] = []
    if config.out.exists():
        done = [json.loads(line) for line in config.out.read_text().splitlines()]
    for seed in range(len(done), config.scenes):
        result = {"seed": seed, "rehearsed": rehearsed(config, seed), "plain": plain(config, seed)}
        with config.out.open("a") as file:
            file.write(json.dumps(result) + "\n")
        done.append(result)
        print(json.dumps(result), flush=True)
    for way in ("rehearsed", "plain"):
        rows = [r[way] for r in done]
        good = [r for r in rows if r["success"]]
        print(
            f"{way}: {len(good)} of {len(rows)} retrieved, "
            f"{np.mean([r['actions'] for r in rows]):.2f} actions, "
            f"{np.median([r['seconds'] for r in rows]):.0f} s (median)"
        )
    played = [r["rehearsed"] for r in done if r["rehearsed"]["worst_felt"] is not None]
    if not played:
        return
    for name in ("worst_felt", "worst_overshoot", "worst_force"):
        values = [r[name] for r in played]
        print(f"{name}: {max(values):.0f} N at most, {np.median(values):.0f} N in the median scene")
    print(f"{sum(r['stops'] for r in played)} stops at a guard")


def rehearsed(config: Config, seed: int) -> dict[str, Any]:
    """Play a scene through the protocol, as a person would from the command line."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        process = subprocess.run(
            [sys.executable, "-m", "pushgrasp", "rehearse", config.robot, "--objects",
             str(config.objects), "--seed", str(seed), "--policy", config.policy, "--noise",
             config.noise, "--max-actions", str(MAX_ACTIONS), "--out", str(out)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        path = out / "episode.json"
        record = json.loads(path.read_text()) if path.exists() else {}
    truth = record.get("truth", {})
    return {
        "success": bool(truth.get("success")),
        "claimed": bool(record.get("claimed_success")),
        "actions": len(record.get("steps", [])),
        "seconds": time.monotonic() - start,
        "worst_force": truth.get("worst_force"),  # N, with the impact of rigid bodies
        "worst_felt": truth.get("worst_felt"),  # N, as a wrist sensor smooths it
        "worst_overshoot": truth.get("worst_overshoot"),  # N felt past a guard
        "stops": len(truth.get("stops", ())),
        "fastest": truth.get("fastest"),
        "reason": record.get("reason", process.stderr[-300:]),
    }


def plain(config: Config, seed: int) -> dict[str, Any]:
    """Play a scene with the simulated robot itself."""
    start = time.monotonic()
    scene = build_scene(SceneConfig("random", config.objects, seed=seed, robot=config.robot))
    noise = "" if config.noise == "none" else config.noise
    n_actions = 0

    def count(*_: Any) -> None:
        nonlocal n_actions
        n_actions += 1

    policy = load_policy(config.policy, gripper(config.robot))
    result = play(scene, policy, ViewConfig((), noise), on_step=count)
    seconds = time.monotonic() - start
    return {
        "success": result.success, "claimed": result.claimed_success, "actions": n_actions,
        "seconds": seconds, "reason": result.reason,
    }  # fmt: skip


if __name__ == "__main__":
    main(tyro.cli(Config))
