"""Segment simulated piles as if everything had one colour, by connected regions and by depth.

An object of at least 40 visible cells counts as found if a region overlaps it by more than a half
(intersection over union) by the simulator's ground truth.

    python bench/segmenter.py --scenes 24
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import common
import cv2
import numpy as np
import numpy.typing as npt
import tyro

from pushgrasp.perception.depth_split import split_by_depth
from pushgrasp.perception.heightmap import project_pixels
from pushgrasp.perception.segmentation import object_mask
from pushgrasp.sim.cameras.views import ViewConfig
from pushgrasp.sim.scenes.build import SceneConfig, build_scene

MIN_CELLS = 40
NOISES = ("none", "d405-averaged")
HEADER = ("regions", "camera noise", "objects", "IoU over 0.5, %", "IoU over 0.75, %")


def overlaps(
    labels: npt.NDArray[np.int32], truth: npt.NDArray[np.integer], objects: npt.NDArray[np.bool_]
) -> list[float]:
    """Largest IoU with a region, for each object that shows enough cells."""
    found: list[float] = []
    for body in np.unique(truth[objects]):
        mine = (truth == body) & objects
        if body <= 0 or mine.sum() < MIN_CELLS:
            continue
        numbers = np.unique(labels[mine & (labels > 0)])
        ious = [float((mine & (labels == n)).sum() / (mine | (labels == n)).sum()) for n in numbers]
        found.append(max(ious, default=0.0))
    return found


def main(scenes: int = 24, seed: int = 0, out: Path | None = None) -> None:
    """Score both segmentations.

    Args:
        scenes: how many; half have 10 objects and half 20.
        seed: of the first one.
        out: JSON file for the result.
    """
    scores: dict[tuple[str, str], list[float]] = defaultdict(list)
    for i in range(scenes):
        scene = build_scene(SceneConfig("random", (10, 20)[i % 2], seed=seed + i))
        for noise in NOISES:
            view = ViewConfig(noise="" if noise == "none" else noise)
            (camera,) = scene.make_cameras(view)
            frame = camera.capture()
            heightmap, pixel = project_pixels(frame, scene.workspace)
            bodies = camera.true_bodies().reshape(-1)  # type: ignore[attr-defined]
            truth = np.where(pixel >= 0, bodies[np.maximum(pixel, 0)], -1)
            objects = object_mask(heightmap)
            _, parts = cv2.connectedComponents(objects.view(np.uint8), connectivity=4)
            connected = np.asarray(parts, np.int32)
            split = split_by_depth(connected, heightmap.height)
            scores["connected", noise] += overlaps(connected, truth, objects)
            scores["split by depth", noise] += overlaps(split, truth, objects)
    rows = [
        (
            *key,
            str(len(ious)),
            f"{100 * np.mean(np.array(ious) > 0.5):.0f}",
            f"{100 * np.mean(np.array(ious) > 0.75):.0f}",
        )
        for key, ious in sorted(scores.items())
    ]
    answer = {
        "setting": common.setting(),
        "scenes": scenes,
        "seed": seed,
        "rows": [dict(zip(HEADER, row, strict=True)) for row in rows],
    }
    common.show(answer, HEADER, rows)
    common.save(answer, out)


if __name__ == "__main__":
    tyro.cli(main)
