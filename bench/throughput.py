"""Whole actions per second and core: camera, decision, physics and scoring, one thread.

And physics steps per second of `World.step`, in which the robot's drives and the watch for faults
are. Deciding includes asking the robot, which plans its way then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import common
import tyro

from pushgrasp.errors import SimulatorFault
from pushgrasp.evaluation.trial import play
from pushgrasp.policy.learned import Policy
from pushgrasp.policy.load import policy_names
from pushgrasp.retrieve import Step
from pushgrasp.sim.scenes.build import Scene, SceneConfig, build_scene
from pushgrasp.sim.world import World
from pushgrasp.training.recipes import RECIPES
from pushgrasp.utils.threads import use_one_thread


@dataclass
class _Tally:
    """Seconds and counts of some episodes."""

    actions: int = 0
    episodes: int = 0
    faults: int = 0
    building_s: float = 0.0
    playing_s: float = 0.0
    deciding_s: float = 0.0
    physics_s: float = 0.0
    steps: int = 0  # of physics
    refusals: int = 0


class _Physics:
    """A clock on a world's physics."""

    def __init__(self, world: World) -> None:
        self.seconds, self.steps = 0.0, 0
        self._step = world.step
        world.step = self._timed

    def _timed(self, n_steps: int = 4, drive: Callable[[float], None] | None = None) -> None:
        start = time.perf_counter()
        try:
            self._step(n_steps, drive)
        finally:
            self.seconds += time.perf_counter() - start
            self.steps += n_steps


def main(
    policy: str = "",
    scene: str = "random",
    objects: tuple[int, ...] = (10, 20, 30),
    robot: str = "gantry",
    actions: int = 100,
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Play episodes in this process, with one thread, and time them.

    Args:
        policy: name or directory; the first that comes with the package if not given.
        scene: random or heap.
        objects: numbers of objects, a row each.
        robot: gantry, ur5e or panda.
        actions: at least so many for each.
        seed: of the first scene.
        out: file for the JSON.
    """
    use_one_thread()
    names = policy_names()
    default = RECIPES["default"]
    if policy or names:
        loaded = Policy.from_pretrained(policy or names[0])
    else:
        loaded = Policy.random_init(default.network, default.decision, default.primitive)
    rows, results = [], []
    for n_objects in objects:
        tally = _play(loaded, scene, n_objects, robot, actions, seed)
        rate = tally.actions / tally.playing_s
        whole = tally.actions / (tally.playing_s + tally.building_s)
        speed = tally.steps / tally.physics_s
        results.append(
            {
                "objects": n_objects,
                "actions_per_s": rate,
                "with_building": whole,
                "steps_per_s": speed,
                **vars(tally),
            }
        )
        rows.append(
            (
                robot,
                n_objects,
                f"{rate:.2f}",
                f"{whole:.2f}",
                f"{speed:,.0f}",
                f"{tally.steps / tally.actions:,.0f}",
                f"{100 * tally.deciding_s / tally.playing_s:.0f} %",
                f"{100 * tally.physics_s / tally.playing_s:.0f} %",
                tally.actions,
                tally.episodes,
                tally.faults,
            )
        )
    result: dict[str, Any] = {
        "setting": common.setting(),
        "policy": loaded.name,
        "scene": scene,
        "robot": robot,
        "seed": seed,
        "results": results,
    }
    header = (
        "robot", "objects", "actions/s and core", "building scenes included",
        "physics steps/s", "steps an action", "deciding", "physics",
        "actions", "episodes", "faults",
    )  # fmt: skip
    common.show(result, header, rows)
    common.save(result, out)


def _play(
    policy: Policy, scene: str, n_objects: int, robot: str, actions: int, seed: int
) -> _Tally:
    tally = _Tally()
    seconds: list[float] = []

    def note(_scene: Scene, step: Step, _lifted: bool) -> None:
        seconds.append(step.decision_s)

    while tally.actions < actions:
        config = SceneConfig(
            name=scene,
            n_objects=n_objects,
            seed=seed + tally.episodes + tally.faults,
            robot=robot,
        )
        seconds.clear()
        start = built_at = time.perf_counter()
        try:
            built = build_scene(config)
            physics = _Physics(built.world)
            built_at = time.perf_counter()
            verdict = play(built, policy, on_step=note)
        except SimulatorFault:
            tally.faults += 1
            if tally.faults > actions:
                raise
            continue
        tally.building_s += built_at - start
        tally.playing_s += time.perf_counter() - built_at
        tally.deciding_s += sum(seconds)
        tally.physics_s += physics.seconds
        tally.steps += physics.steps
        tally.refusals += verdict.refusals
        tally.actions += verdict.pushes + verdict.grasps
        tally.episodes += 1
    return tally


if __name__ == "__main__":
    tyro.cli(main)
