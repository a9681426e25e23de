"""Time per frame, colour and depth, of each camera back end.

A first image includes making the camera. After that, rays are cast only where something has moved;
OpenGL renders everything each time.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import common
import cv2
import numpy as np
import tyro

from pushgrasp.perception.regions import workspace_region
from pushgrasp.sim.cameras.gl import GLCamera
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.sim.scenes.build import Scene, SceneConfig, build_scene
from pushgrasp.workspace import Workspace

MOVES = ("first image", "one object moved", "nothing moved")
STEP = 0.03  # m that an object moves by


def main(
    scene: str = "random",
    objects: tuple[int, ...] = (10, 20, 30),
    scenes: int = 3,
    rounds: int = 20,
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Capture images with both back ends in turn and time them.

    Args:
        scene: random or heap.
        objects: numbers of objects, one row each.
        scenes: scenes per number of objects.
        rounds: per scene; each round captures one image of each kind.
        seed: of the first scene.
        out: file for the JSON.
    """
    cv2.setNumThreads(1)
    rows, results = [], []
    for n_objects in objects:
        times: dict[tuple[str, str, str], list[float]] = {}
        for i in range(scenes):
            built = build_scene(SceneConfig(scene, n_objects, seed=seed + i))
            _measure(built, rounds, np.random.default_rng(seed + i), times)
        for key, seconds in times.items():
            ms = 1e3 * np.array(seconds)
            median, p95 = np.median(ms), np.percentile(ms, 95)
            rows.append((n_objects, *key, f"{median:.1f}", f"{p95:.1f}", len(ms)))
            labels = dict(zip(("view", "image", "camera"), key, strict=True))
            results.append(
                {"objects": n_objects, **labels, "median_ms": median, "p95_ms": p95, "n": len(ms)}
            )
    result: dict[str, Any] = {
        "setting": common.setting(),
        "scene": scene,
        "seed": seed,
        "results": results,
    }
    header = ("objects", "view", "image", "camera", "median, ms", "95th percentile, ms", "n")
    common.show(result, header, rows)
    common.save(result, out)


def _measure(
    scene: Scene,
    rounds: int,
    rng: np.random.Generator,
    times: dict[tuple[str, str, str], list[float]],
) -> None:
    """Add the seconds per image of a scene, by view, image and camera."""
    world = scene.world
    makers = {"rays": RayCamera, "OpenGL": GLCamera}
    first = RayCamera(world)
    part = workspace_region(Workspace(), first.intrinsics, first.T_world_camera)
    views = {"640 x 480": None, f"workspace, {part.width} x {part.height}": part}
    for k in range(rounds):
        name = str(rng.choice(world.object_names))
        for view, region in views.items():
            cameras = {}
            for change in MOVES:
                if change == "one object moved":
                    position, quaternion = world.pose(name)
                    angle = rng.uniform(0, 2 * np.pi)
                    step = STEP * np.array([np.cos(angle), np.sin(angle), 0])
                    world.place(name, position + step, quaternion)
                for back_end in list(makers)[:: 1 if k % 2 else -1]:
                    start = time.perf_counter()
                    if back_end not in cameras:
                        cameras[back_end] = makers[back_end](world)
                    cameras[back_end].capture(region)
                    seconds = time.perf_counter() - start
                    if k:  # the first round is a warm-up
                        times.setdefault((view, change, back_end), []).append(seconds)
            cameras["OpenGL"].close()


if __name__ == "__main__":
    tyro.cli(main)
