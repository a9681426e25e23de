"""Time to build a scene until it has settled, including goal, robot and visible share."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import common
import tyro

from pushgrasp.errors import SimulatorFault
from pushgrasp.sim.robots.registry import ROBOTS
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.sim.scenes.layouts import PROCEDURAL, fixed_names


def main(
    scenes: tuple[str, ...] = ("random", "heap", "random-novel", "challenging", "novel"),
    objects: tuple[int, ...] = (10, 20, 30),
    robots: tuple[str, ...] = ROBOTS,
    builds: int = 20,
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Build scenes in this process and time them.

    Args:
        scenes: one row each; challenging and novel cycle through their scenes, perturbed as in an
            evaluation.
        objects: numbers of objects in procedural scenes, one row each.
        robots: one row each, with the same seeds.
        builds: per row; simulator faults are counted, and another seed is taken.
        seed: of the first scene.
        out: file for the JSON.
    """
    for robot in robots:  # costs paid once per process do not count
        build_scene(SceneConfig(n_objects=1, seed=seed, robot=robot)).make_robot()
    rows, results = [], []
    for scene in scenes:
        names = [name for name in fixed_names() if name.startswith(f"{scene}-")] or [scene]
        for n_objects in objects if scene in PROCEDURAL else (0,):
            for robot in robots:
                configs = [
                    SceneConfig(name, n_objects, perturb=scene not in PROCEDURAL, robot=robot)
                    for name in names
                ]
                seconds, faults = _build(configs, builds, seed)
                times = common.spread(seconds)
                rows.append(
                    (
                        scene,
                        n_objects or "",
                        robot,
                        f"{times['median']:.2f}",
                        f"{times['p95']:.2f}",
                        len(seconds),
                        faults,
                    )
                )
                results.append(
                    {
                        "scene": scene,
                        "objects": n_objects or None,
                        "robot": robot,
                        "seconds": times,
                        "builds": len(seconds),
                        "faults": faults,
                    }
                )
    result: dict[str, Any] = {"setting": common.setting(), "seed": seed, "results": results}
    header = ("scene", "objects", "robot", "median, s", "95 % under, s", "built", "faults")
    common.show(result, header, rows)
    common.save(result, out)


def _build(configs: list[SceneConfig], builds: int, seed: int) -> tuple[list[float], int]:
    """Return the seconds that each build took, and the number of faults."""
    seconds: list[float] = []
    faults = 0
    while len(seconds) < builds:
        config = replace(configs[len(seconds) % len(configs)], seed=seed + len(seconds) + faults)
        start = time.perf_counter()
        try:
            build_scene(config).make_robot()
        except SimulatorFault:
            faults += 1
            if faults > builds:
                raise
            continue
        seconds.append(time.perf_counter() - start)
    return seconds, faults


if __name__ == "__main__":
    tyro.cli(main)
