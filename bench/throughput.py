"""Whole actions per second and core: camera, decision, physics and scoring, one thread.

And physics steps per second of `World.step`, in which the robot's drives and the watch for faults
are. Deciding includes asking the robot, which plans its way then. Rates are per second of processor
time, so other work on the machine matters little; shares are of wall time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

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
    building_s: float = 0.0  # of processor time
    playing_s: float = 0.0  # of processor time
    wall_s: float = 0.0  # of playing
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
        start = time.process_time()
        try:
            self._step(n_steps, drive)
        finally:
            self.seconds += time.process_time() - start
            self.steps += n_steps


def main(
    policy: str = "",
    scene: str = "random",
    objects: tuple[int, ...] = (10, 20, 30),
    robot: str = "gantry",
    skip: Literal["off", "on", "both"] = "off",
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
        skip: let time pass at once while the robot touches nothing and nothing else moves; both:
            each scene with and without it in turn.
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
    skips = {"off": (False,), "on": (True,), "both": (False, True)}[skip]
    tallies = [
        (n, skipping, tally)
        for n in objects
        for skipping, tally in zip(
            skips, _play(loaded, scene, n, robot, skips, actions, seed), strict=True
        )
    ]
    for n_objects, skipping, tally in tallies:
        rate = tally.actions / tally.playing_s
        whole = tally.actions / (tally.playing_s + tally.building_s)
        speed = tally.steps / tally.physics_s
        results.append(
            {
                "objects": n_objects,
                "skipping": skipping,
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
                "yes" if skipping else "no",
                f"{rate:.2f}",
                f"{whole:.2f}",
                f"{speed:,.0f}",
                f"{tally.steps / tally.actions:,.0f}",
                f"{100 * tally.deciding_s / tally.wall_s:.0f} %",
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
        "robot", "objects", "skipping", "actions/s and core", "building scenes included",
        "physics steps/s", "steps an action", "deciding", "physics",
        "actions", "episodes", "faults",
    )  # fmt: skip
    common.show(result, header, rows)
    common.save(result, out)


def _play(
    policy: Policy,
    scene: str,
    n_objects: int,
    robot: str,
    skips: Sequence[bool],
    actions: int,
    seed: int,
) -> list[_Tally]:
    """Play the same scenes in each way in turn; returns a tally of each."""
    tallies = [_Tally() for _ in skips]
    index = 0
    while min(t.actions for t in tallies) < actions:
        config = SceneConfig(name=scene, n_objects=n_objects, seed=seed + index, robot=robot)
        index += 1
        for skipping, tally in zip(skips, tallies, strict=True):
            _play_scene(policy, config, skipping, tally)
            if tally.faults > actions:
                raise SystemExit(f"{tally.faults} scenes ended in a fault of the simulator")
    return tallies


def _play_scene(policy: Policy, config: SceneConfig, skipping: bool, tally: _Tally) -> None:
    """Play a scene and add it to a tally; of a scene with a fault the fault alone."""
    seconds: list[float] = []

    def note(_scene: Scene, step: Step, _lifted: bool) -> None:
        seconds.append(step.decision_s)

    start = time.process_time()
    try:
        built = build_scene(config)
        built.world.skip_free_motion = skipping
        physics = _Physics(built.world)
        built_at, wall = time.process_time(), time.perf_counter()
        verdict = play(built, policy, on_step=note)
    except SimulatorFault:
        tally.faults += 1
        return
    tally.building_s += built_at - start
    tally.playing_s += time.process_time() - built_at
    tally.wall_s += time.perf_counter() - wall
    tally.deciding_s += sum(seconds)
    tally.physics_s += physics.seconds
    tally.steps += physics.steps
    tally.refusals += verdict.refusals
    tally.actions += verdict.pushes + verdict.grasps
    tally.episodes += 1


if __name__ == "__main__":
    tyro.cli(main)
