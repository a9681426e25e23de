"""How often the simulator fails: random grasps and pushes on heaps of 30 objects.

A fault is what `World.step` and the hand report as one: a thrown object, NaN, deep
penetration, a gripper that does not open. What a robot refuses is counted apart, and so is one
that cannot get home: the heap's other actions are then left out. Each heap has its own seed, so
the counts do not depend on the number of workers.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import common
import numpy as np
import tyro

from pushgrasp.errors import RobotError, SimulatorFault
from pushgrasp.evaluation.intervals import wilson
from pushgrasp.interfaces import Action, Primitive
from pushgrasp.perception.heightmap import project
from pushgrasp.perception.segmentation import object_mask
from pushgrasp.primitives import moves, run
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.training.recipes import RECIPES
from pushgrasp.workspace import N_ROTATIONS, Workspace, rotation_angle

SPAWN_KEY = 3  # seeds apart from those of scenes, training and evaluation


@dataclass(frozen=True)
class _Heap:
    """One heap to try the simulator on."""

    seed: int
    index: int
    scene: str
    objects: int
    actions: int
    robot: str
    skip: bool


@dataclass
class _Tally:
    """What happened on a heap."""

    heap: _Heap
    scene_seed: int
    grasps: int = 0
    pushes: int = 0
    lifted: int = 0  # grasps that ended with something in the jaw
    fault: str = ""
    building: bool = False  # the fault came while the heap was built
    refusals: list[str] = field(default_factory=list)
    stopped: str = ""  # why the robot could not go on
    penetration_m: list[float] = field(default_factory=list)  # deepest of each action
    speed_m_s: list[float] = field(default_factory=list)  # fastest object of each action


def main(
    actions: int = 2000,
    objects: int = 30,
    scene: str = "heap",
    robot: str = "gantry",
    skip: bool = False,
    per_heap: int = 20,
    workers: int | None = None,
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Count faults.

    Args:
        actions: at least so many, half of them pushes.
        objects: in a scene.
        scene: heap or random.
        robot: gantry, ur5e or panda.
        skip: let time pass at once while the robot touches nothing and nothing else moves.
        per_heap: actions, refused ones too, on a heap before the next is built.
        workers: processes; all cores if not given.
        seed: of the run.
        out: file for the JSON.
    """
    n_workers = workers or len(os.sched_getaffinity(0))
    print(f"seed {seed}; the heaps' own seeds follow from it", file=sys.stderr)
    start, done, tallies = time.perf_counter(), 0, []
    os.environ["OMP_NUM_THREADS"] = "1"
    indices = itertools.count()
    with multiprocessing.get_context("spawn").Pool(n_workers) as pool:
        while done < actions:
            n_heaps = -(-(actions - done) // per_heap)
            heaps = [
                _Heap(seed, next(indices), scene, objects, per_heap, robot, skip)
                for _ in range(n_heaps)
            ]
            for tally in pool.imap_unordered(_try, heaps):
                tallies.append(tally)
                done += tally.grasps + tally.pushes
                if tally.fault:
                    print(f"scene seed {tally.scene_seed}: {tally.fault}", file=sys.stderr)
                if tally.stopped:
                    print(f"scene seed {tally.scene_seed}: {tally.stopped}", file=sys.stderr)
                if len(tallies) % 10 == 0:
                    print(f"{done} actions, {len(tallies)} heaps", file=sys.stderr)
    _report(sorted(tallies, key=lambda t: t.heap.index), time.perf_counter() - start, out)


def _report(tallies: list[_Tally], wall_s: float, out: Path | None) -> None:
    grasps, pushes = sum(t.grasps for t in tallies), sum(t.pushes for t in tallies)
    total = grasps + pushes
    acting = Counter(common.kind(t.fault) for t in tallies if t.fault and not t.building)
    building = Counter(common.kind(t.fault) for t in tallies if t.building)
    refusals = Counter(common.kind(r) for t in tallies for r in t.refusals)
    stops = Counter(common.kind(t.stopped) for t in tallies if t.stopped)
    low, high = wilson(acting.total(), total)
    depths = np.concatenate([t.penetration_m for t in tallies])
    speeds = np.concatenate([t.speed_m_s for t in tallies])
    result = {
        "setting": common.setting(),
        "scene": tallies[0].heap.scene,
        "objects": tallies[0].heap.objects,
        "robot": tallies[0].heap.robot,
        "skipping": tallies[0].heap.skip,
        "seed": tallies[0].heap.seed,
        "heaps": len(tallies),
        "actions": total,
        "grasps": grasps,
        "lifted": sum(t.lifted for t in tallies),
        "pushes": pushes,
        "faults": acting.total(),
        "fault_rate": acting.total() / total,
        "fault_rate_95": [low, high],
        "faults_per_1000": 1e3 * acting.total() / total,
        "faults_by_kind": dict(acting),
        "faults_while_building": dict(building),
        "refusals": dict(refusals),
        "stops": dict(stops),
        "scene_seeds": [t.scene_seed for t in tallies],
        "faulty_scene_seeds": [t.scene_seed for t in tallies if t.fault],
        "penetration_mm": _spread(1e3 * depths),
        "object_speed_m_s": _spread(speeds),
        "wall_s": wall_s,
    }
    rows = [(kind, n, f"{1e3 * n / total:.2f}") for kind, n in acting.most_common()]
    thousand = f"{1e3 * acting.total() / total:.2f} ({1e3 * low:.2f} to {1e3 * high:.2f})"
    rows.append(("all", acting.total(), thousand))
    rows += [(f"{kind}, while building", n, "") for kind, n in building.most_common()]
    rows += [(f"refused: {kind}", n, "") for kind, n in refusals.most_common()]
    rows += [(f"robot stopped: {kind}", n, "") for kind, n in stops.most_common()]
    robot = tallies[0].heap.robot
    common.show(result, (f"{robot}: fault", "number", f"per 1,000 of {total} actions"), rows)
    common.save(result, out)


def _spread(values: np.ndarray) -> dict[str, float]:
    """Median, tail and maximum over actions."""
    names = ("median", "p99", "p99_9", "max")
    return dict(zip(names, np.percentile(values, [50, 99, 99.9, 100]).tolist(), strict=True))


def _try(heap: _Heap) -> _Tally:
    rng = np.random.default_rng(
        np.random.SeedSequence([heap.seed, heap.index], spawn_key=(SPAWN_KEY,))
    )
    tally = _Tally(heap, scene_seed=int(rng.integers(2**53)))
    config = SceneConfig(
        name=heap.scene, n_objects=heap.objects, seed=tally.scene_seed, robot=heap.robot
    )
    try:
        scene = build_scene(config)
    except SimulatorFault as fault:
        tally.fault, tally.building = str(fault), True
        return tally
    world, workspace = scene.world, Workspace()
    world.skip_free_motion = heap.skip
    camera, robot = RayCamera(world), scene.make_robot()
    primitive_config = RECIPES["default"].primitive
    for action in _random_actions(camera, workspace, rng, heap.actions):
        refusal = robot.refuses(moves(action, primitive_config, workspace))
        if refusal:
            tally.refusals.append(refusal)
            continue
        world.peak_penetration = world.peak_speed = 0.0
        tally.grasps += action.primitive == "grasp"
        tally.pushes += action.primitive == "push"
        try:
            run(robot, action, primitive_config, workspace)
            tally.lifted += action.primitive == "grasp" and bool(world.held())
            robot.home()
        except SimulatorFault as fault:
            tally.fault = f"{fault} in a {action.primitive}"
            break
        except RobotError as error:
            tally.stopped = f"{error} in a {action.primitive}"
            break
        finally:
            tally.penetration_m.append(world.peak_penetration)
            tally.speed_m_s.append(world.peak_speed)
    return tally


def _random_actions(
    camera: RayCamera, workspace: Workspace, rng: np.random.Generator, n: int
) -> Iterator[Action]:
    """Grasps and pushes in turn, at random pixels of what is on the table then."""
    kinds: tuple[Primitive, Primitive] = ("grasp", "push")
    for i in range(n):
        heightmap = project(camera.capture(), workspace)
        pixels = np.argwhere(object_mask(heightmap))
        if not len(pixels):
            return
        row, column = (int(v) for v in pixels[rng.integers(len(pixels))])
        rotation = int(rng.integers(N_ROTATIONS))
        x, y = (float(v) for v in workspace.to_xy(row, column))
        position = (x, y, float(heightmap.height[row, column]))
        yaw = float(rotation_angle(rotation))
        yield Action(kinds[i % 2], (row, column), rotation, position, yaw, float("nan"))


if __name__ == "__main__":
    tyro.cli(main)
