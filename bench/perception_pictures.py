"""Draw the pictures of docs/perception.md: what was recognised before, and what is now.

"Before" is one angle of 2.7 degrees for each pixel, and connected regions as objects.

    python bench/perception_pictures.py --out docs/images/perception.png
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import perception as made
import tyro

from pushgrasp.interfaces import Intrinsics
from pushgrasp.perception.goal import Goal
from pushgrasp.perception.heightmap import Heightmap, project
from pushgrasp.perception.perceive import Perception
from pushgrasp.perception.segmentation import goal_mask, label_objects, object_mask
from pushgrasp.sim.cell import Tote
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.workspace import Workspace

mpl.use("Agg")
import matplotlib.pyplot as plt  # the back end comes first

Picture = npt.NDArray[np.uint8]
K = Intrinsics()


def thing(
    kind: str, x: float, y: float, color: str, finish: str = "plain", *,
    half: float = 0.032, bottom: float = 0.0, **rest: Any,
) -> made.Thing:  # fmt: skip
    """Make a thing of the bench; `half` its size, 6.4 cm for most."""
    sizes = np.full(3, half)
    second = made.COLORS["white"]
    center = np.array([x, y, bottom + half])
    values = {"yaw": 0.4, "gloss": 0.25, "seed": 3, **rest}
    return made.Thing(
        kind, center, sizes, color=made.COLORS[color], finish=finish, second=second, **values
    )  # fmt: skip


THINGS = [
    thing("ball", -0.52, 0.02, "light blue"),
    thing("box", -0.44, -0.09, "orange", finish="printed"),
    thing("cylinder", -0.57, 0.11, "green"),
    thing("box", -0.60, -0.08, "purple", finish="textured"),
]


def marked(heightmap: Heightmap, goal: npt.NDArray[np.bool_]) -> Picture:
    """Draw the map, all but the goal darkened."""
    image = np.where(goal[..., None], heightmap.color, heightmap.color // 3).astype(np.uint8)
    image = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    large = cv2.resize(goal.view(np.uint8), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    lines, _ = cv2.findContours(large, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(image, lines, -1, (255, 255, 255), 1), np.uint8)


def numbered(heightmap: Heightmap, labels: npt.NDArray[np.int32]) -> Picture:
    """Draw regions in colours of their own, by number."""
    colors = (255 * plt.get_cmap("tab20")(np.arange(20))[:, :3]).astype(np.uint8)
    image = np.where((labels > 0)[..., None], colors[labels % 20], heightmap.color // 3)
    return np.asarray(image, np.uint8)


def goals() -> list[tuple[str, Picture, Picture, Picture]]:
    """Rows of pictures: a colour from another lamp, and a printed thing by a cut-out."""
    rng = np.random.default_rng(4)
    lamplight = made.render(THINGS, "wooden", "tungsten", "right", rng, k=K)
    shot = made.render(THINGS, "wooden", "overcast", "cold", rng, k=K)
    heightmap = project(shot.frame, Workspace())
    rows = []
    for title, number, goal in (
        (
            "colour read by tungsten light",
            1,
            Goal(color=made.read_color(lamplight, 1), table=made.bare_table(lamplight)),
        ),
        (
            "cut-out of a picture by tungsten light",
            2,
            Goal(
                picture=np.dstack(
                    [lamplight.frame.color, 255 * (lamplight.number == 2).astype(np.uint8)]
                ),
                table=made.bare_table(lamplight),
            ),
        ),
    ):
        before = goal_mask(heightmap, made.read_color(lamplight, number))
        after = Perception(goal).look(shot.frame).goal
        rows.append((title, shot.frame.color, marked(heightmap, before), marked(heightmap, after)))
    return rows


def objects() -> list[tuple[str, Picture, Picture, Picture]]:
    """Rows of pictures: touching things of one colour, and a tote."""
    blocks = [
        thing("box", -0.47, 0.0, "beige", half=0.04, yaw=0.0),
        thing("box", -0.465, 0.012, "beige", half=0.02, bottom=0.08),
        thing("ball", -0.536, -0.018, "beige", half=0.026),
        thing("cylinder", -0.533, 0.031, "beige", half=0.022),
        thing("box", -0.49, -0.068, "beige", half=0.026, yaw=0.1),
        thing("box", -0.56, 0.11, "navy"),
    ]
    shot = made.render(blocks, "dark", "daylight", "right", np.random.default_rng(0), k=K)
    heightmap = project(shot.frame, Workspace())
    split = Perception(None, segmenter="depth").look(shot.frame).labels
    before = label_objects(heightmap, objects=object_mask(heightmap))
    touching = (
        "touching things of one colour, --segmenter depth",
        shot.frame.color,
        numbered(heightmap, before),
        numbered(heightmap, split),
    )
    scene = build_scene(SceneConfig("random", 7, seed=4, tote=Tote((0.36, 0.30), 0.08)))
    frame = scene.make_cameras()[0].capture()
    heightmap = project(frame, Workspace())
    before = label_objects(heightmap, objects=object_mask(heightmap))
    seen = Perception(scene.goal_rgb).look(frame)
    tote = (
        "a tote's walls are no objects",
        frame.color,
        numbered(heightmap, before),
        numbered(heightmap, seen.labels),
    )
    return [touching, tote]


def main(out: Path = Path("docs/images/perception.png")) -> None:
    """Draw the figure.

    Args:
        out: PNG file.
    """
    rows = [*goals(), *objects()]
    figure, axes = plt.subplots(
        len(rows), 3, figsize=(9, 2.75 * len(rows)), layout="constrained",
        gridspec_kw={"width_ratios": (4, 3, 3)},
    )  # fmt: skip
    for line, (title, *images) in zip(axes, rows, strict=True):
        for axis, image, name in zip(line, images, (title, "before", "now"), strict=True):
            axis.imshow(image)
            axis.set_title(name, fontsize=9)
            axis.axis("off")
    figure.savefig(out, dpi=90)


if __name__ == "__main__":
    tyro.cli(main)
