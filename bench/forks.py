"""Compare candidates in forked copies of live scenes, and keep what came of each.

At each decision the candidates are played, each in a copy of the process, and the policy plays on
to the end. One file per scene; a run goes on where it stopped.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import tyro

from pushgrasp.errors import RobotError, SimulatorFault, UserError
from pushgrasp.perception.observation import Observation
from pushgrasp.policy.geometric.planner import Geometric
from pushgrasp.policy.learned import Policy
from pushgrasp.retrieve import StoppingRule, look
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.training.lookahead.candidates import Candidate, Spread, jittered
from pushgrasp.training.lookahead.forks import Arrays, run_forked
from pushgrasp.training.lookahead.playout import Table, play_out
from pushgrasp.training.lookahead.records import (
    SAMPLE,
    STATE,
    Ending,
    Kind,
    Records,
    pack_state,
    save_scene,
    values,
)
from pushgrasp.training.lookahead.scenes import draw_scene
from pushgrasp.utils.provenance import commit

GAMMA = 0.8


@dataclass
class Settings:
    """Of a run."""

    out: Path
    """Folder for the scenes' files."""
    policy: str = "default"
    """Name or folder of the policy that plays on."""
    seed: int = 20281
    """Of the run; scenes, candidates and errors follow from it."""
    first: int = 0
    """Index of the first scene."""
    scenes: int = 100_000
    """Scenes at most."""
    minutes: float = 60.0
    """After which no new state is begun."""
    states_per_scene: int = 4
    plays: int = 1
    """Of each candidate, each with another error of 3 mm and 3 degrees."""
    processes: int = 1
    oracle: bool = False
    """Always go on with the best candidate, without errors: how few actions would do."""
    only: str = ""
    """A kind of scene, with 20 objects and the goal at the bottom; "": the mix."""
    objects: int = 20
    """Of the scenes of `only`."""


def main(settings: Settings) -> None:
    """Collect."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    settings.out.mkdir(parents=True, exist_ok=True)
    policy = Policy.from_pretrained(settings.policy)
    began, n_states, n_samples, n_new = time.monotonic(), 0, 0, 0
    try:
        for index in range(settings.first, settings.first + settings.scenes):
            spent = (time.monotonic() - began) / 60
            if spent > settings.minutes:
                break
            path = settings.out / f"scene-{settings.seed}-{index:05d}.npz"
            if path.exists():
                continue
            collected = _scene(settings, policy, index, path)
            if collected is None:
                continue
            n_new += 1
            n_states, n_samples = n_states + collected[0], n_samples + collected[1]
            spent = (time.monotonic() - began) / 60
            print(
                f"{spent:6.1f} of {settings.minutes:.0f} min: {n_new} scenes, {n_states} states, "
                f"{n_samples} samples, {n_states / spent:.1f} states/min; {collected[2]}",
                flush=True,
            )
    except KeyboardInterrupt:
        print("stopped; the scene under way is left out, the same command goes on", file=sys.stderr)


def _scene(
    settings: Settings, policy: Policy, index: int, path: Path
) -> tuple[int, int, str] | None:
    """Play one scene and write its file; None if it could not be built."""
    with tempfile.TemporaryDirectory() as folder:
        config, rng = draw_scene(settings.seed, index, Path(folder))
        if settings.only:
            config = SceneConfig(settings.only, settings.objects, seed=config.seed)
        try:
            scene = build_scene(config)
        except (SimulatorFault, UserError) as error:
            print(f"scene {index}: {error}", file=sys.stderr)
            return None
    scene.world.skip_free_motion = True
    table = Table(scene, policy)
    kind = Path(config.name).name
    meta: dict[str, Any] = {
        "scene": kind,
        "objects": table.n_objects(),
        "seed": config.seed,
        "goal": scene.goal,
        "visible": scene.visible_fraction,
        "policy": settings.policy,
        "commit": commit() or "unknown",
        "oracle": settings.oracle,
    }
    start = time.process_time()
    collector = _Collector(settings, table, Spread(policy, Geometric(table.robot.gripper)), rng)
    meta["ending"], meta["actions"] = collector.play()
    meta["parent_cpu_s"] = time.process_time() - start
    if not collector.states:
        return None
    states, samples = np.concatenate(collector.states), np.concatenate(collector.samples)
    save_scene(path, states, samples, meta)
    compared = int(states["compared"].sum())
    return compared, len(samples), f"{kind}, {meta['objects']}: {meta['ending']}"


class _Collector:
    """Goes through a scene, comparing candidates at each decision."""

    def __init__(
        self, settings: Settings, table: Table, spread: Spread, rng: np.random.Generator
    ) -> None:
        self._settings, self._table, self._spread, self._rng = settings, table, spread, rng
        self.states: list[Records] = []
        self.samples: list[Records] = []
        self._n_states = 0

    def play(self) -> tuple[str, int]:
        """Play on; returns how it ended and after how many actions."""
        table, settings = self._table, self._settings
        table.robot.home()
        seen, _ = look(table.cameras, table.perception)
        rule = StoppingRule(40)
        limit = 40 if settings.oracle else settings.states_per_scene
        for _ in range(limit):
            chosen = table.choose(seen)
            if chosen is None:
                return "nothing to do", table.steps
            found = self._spread(seen, table.memory, chosen, self._rng)
            found = [c for c in found if not table.refuses(c.action, c.primitive)]
            score = self._compare(seen, found)
            best = found[self._pick(score)]
            try:
                seen, _, ending = table.act(best.action, best.primitive, seen, rule)
            except (SimulatorFault, RobotError):
                return "fault", table.steps
            if ending is not None:
                return ending.name.lower(), table.steps
        return "left", table.steps

    def _pick(self, score: np.ndarray) -> int:
        """Choose the candidate to go on with: the best, the policy's, or one by chance."""
        if self._settings.oracle or self._rng.random() < 0.4:
            return int(score.argmax())
        return 0 if self._rng.random() < 0.5 else int(self._rng.integers(len(score)))

    def _compare(self, seen: Observation, found: list[Candidate]) -> np.ndarray:
        """Play every candidate in forked copies; returns their mean values."""
        table, plays = self._table, self._settings.plays
        jobs = []
        for candidate in found:
            for _ in range(plays):
                exact = self._settings.oracle and plays == 1
                first = candidate if exact else jittered(candidate, self._rng)
                jobs.append(_job(table, seen, first))
        here = self._n_states
        self._add_states(pack_state(seen, table.n_objects(), table.steps, compared=True)[None])
        total, count = np.zeros(len(found)), np.zeros(len(found))
        for index, result in run_forked(jobs, self._settings.processes):
            which = index // plays
            samples = result["samples"].copy()
            samples["candidate"][0] = which
            offset = self._n_states
            samples["state"] = np.where(samples["state"] < 0, here, samples["state"] + offset)
            self._add_states(result["states"])
            self.samples.append(samples)
            if samples["ending"][0] != Ending.FAULT:
                total[which] += float(values(samples[:1], GAMMA)[0])
                count[which] += 1
        return np.where(count > 0, total / np.maximum(count, 1), -1.0)

    def _add_states(self, states: Records) -> None:
        self.states.append(states)
        self._n_states += len(states)


def _job(table: Table, seen: Observation, first: Candidate) -> Callable[[], Arrays]:
    return lambda: play_out(table, seen, first)


if __name__ == "__main__":
    assert SAMPLE.names
    assert STATE.names
    assert Kind.POLICY == 0
    main(tyro.cli(Settings))
