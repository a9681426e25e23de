"""Draw the pairs of docs/perception.md: what was recognised before, and what is now.

"Before" is one angle of 2.7 degrees for each pixel, connected regions of one colour as objects, no
walls, and no fit of the table.

    python bench/perception_pictures.py --out docs/images
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import perception as made
import tyro

from pushgrasp.interfaces import Intrinsics
from pushgrasp.perception.depth_split import split_by_depth
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
Mask = npt.NDArray[np.bool_]
K = Intrinsics()
SCALE = 4  # px of a drawn map per cell
MARGIN = 14  # cells around the things that are drawn
WHITE, YELLOW = (255, 255, 255), (255, 214, 0)


@dataclass(frozen=True)
class Row:
    """A photo, and two maps with a line under each."""

    title: str
    photo: Picture
    before: Picture
    said_before: str
    now: Picture
    said_now: str


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
    thing("box", -0.44, -0.07, "orange", finish="printed"),
    thing("cylinder", -0.57, 0.09, "green"),
    thing("box", -0.59, -0.07, "purple", finish="textured"),
]


def dimmed(heightmap: Heightmap) -> Picture:
    """The map in pale grey; unseen cells darker."""
    grey = cv2.cvtColor(heightmap.color, cv2.COLOR_RGB2GRAY).astype(float)
    grey = np.where(heightmap.seen, 110 + 0.45 * grey, 70)
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def drawn(heightmap: Heightmap, image: Picture, masks: list[tuple[Mask, Any]]) -> Picture:
    """Draw a map as the camera's picture lies, enlarged, with the outlines of masks."""

    def turned(values: npt.NDArray[Any]) -> npt.NDArray[Any]:  # up is away from the camera
        return np.ascontiguousarray(np.swapaxes(values, 0, 1)[::-1, ::-1])

    large = cv2.resize(turned(image), None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_NEAREST)
    image = np.asarray(large, np.uint8)
    for mask, color in masks:
        large = cv2.resize(
            turned(mask.view(np.uint8)), None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_NEAREST
        )
        lines, _ = cv2.findContours(large, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, lines, -1, color, 4)
    rows, columns = np.nonzero(turned(object_mask(heightmap)))
    top, left = max(rows.min() - MARGIN, 0), max(columns.min() - MARGIN, 0)
    bottom, right = rows.max() + MARGIN, columns.max() + MARGIN
    return image[top * SCALE : bottom * SCALE, left * SCALE : right * SCALE]


def marked(heightmap: Heightmap, goal: Mask, *others: Mask) -> Picture:
    """Draw the goal in its colours, outlined; others outlined in yellow."""
    image = dimmed(heightmap)
    shown = np.logical_or.reduce([goal, *others])
    image[shown] = heightmap.color[shown]
    masks = [(goal, WHITE)] if not others else [(m, YELLOW) for m in (goal, *others)]
    return drawn(heightmap, image, masks)


def numbered(heightmap: Heightmap, labels: npt.NDArray[np.int32]) -> Picture:
    """Draw regions in colours of their own, by number."""
    colors = (255 * plt.get_cmap("tab10")(np.arange(10))[:, :3]).astype(np.uint8)
    image = dimmed(heightmap)
    image[labels > 0] = colors[(labels[labels > 0] - 1) % 10]
    return drawn(
        heightmap, image.astype(np.uint8), [(labels == n, WHITE) for n in np.unique(labels) if n]
    )


def cropped(shot: made.Shot) -> Picture:
    """The part of a photo that shows the things."""
    return around(shot.frame.color, shot.number > 0)


def around(image: Picture, mask: Mask) -> Picture:
    """Cut a picture to a mask and some more."""
    rows, columns = np.nonzero(mask)
    top, left = max(rows.min() - 40, 0), max(columns.min() - 40, 0)
    return image[top : rows.max() + 40, left : columns.max() + 40]


def share(found: Mask, shot: made.Shot, number: int) -> str:
    """How much of a thing's cells a mask has, and how much else, in words."""
    truth = _truth(shot) == number
    kept = 100 * (found & truth).sum() / truth.sum()
    beside = (found & ~truth).sum()
    return f"{kept:.0f} % of the goal" + (f", {beside} cells of others" if beside > 20 else "")


def _truth(shot: made.Shot) -> npt.NDArray[np.int64]:
    heightmap, pixel = made.project_pixels(shot.frame, Workspace())
    number = np.where(pixel >= 0, shot.number.reshape(-1)[np.maximum(pixel, 0)], 0)
    return np.where(object_mask(heightmap), number, 0)


def goals() -> list[Row]:
    """The goal in another light than the one in which it was shown."""
    rng = np.random.default_rng(4)
    lamplight = made.render(THINGS, "wooden", "tungsten", "right", rng, k=K)
    balanced = made.render(THINGS, "bright", "daylight", "right", rng, k=K)
    overcast = made.render(THINGS, "wooden", "overcast", "cold", rng, k=K)
    warm = made.render(THINGS, "bright", "fluorescent", "warm", rng, k=K)
    cut_out = np.dstack([lamplight.frame.color, 255 * (lamplight.number == 2).astype(np.uint8)])
    cases = (
        (
            "read by tungsten light, seen on an overcast day", overcast, 1,
            lamplight, Goal(color=made.read_color(lamplight, 1), table=made.bare_table(lamplight)),
        ),
        (
            "printed: a cut-out from tungsten light", overcast, 2,
            lamplight, Goal(picture=cut_out, table=made.bare_table(lamplight)),
        ),
        (
            "read by day; fluorescent light, white balance off", warm, 4,
            balanced, Goal(color=made.read_color(balanced, 4), table=made.bare_table(balanced)),
        ),
    )  # fmt: skip
    rows = []
    for title, shot, number, reference, goal in cases:
        heightmap = project(shot.frame, Workspace())
        before = goal_mask(heightmap, made.read_color(reference, number))
        now = Perception(goal).look(shot.frame).goal
        rows.append(
            Row(
                title, cropped(shot),
                marked(heightmap, before), share(before, shot, number),
                marked(heightmap, now), share(now, shot, number),
            )
        )  # fmt: skip
    return rows


def touching() -> Row:
    """Touching things of one colour."""
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
    before = label_objects(heightmap, objects=object_mask(heightmap))
    now = Perception(None, segmenter="depth").look(shot.frame).labels
    return Row(
        "five of one colour, touching: --segmenter depth", cropped(shot),
        numbered(heightmap, before), f"{before.max()} regions",
        numbered(heightmap, now), f"{now.max()} regions",
    )  # fmt: skip


def twins() -> Row:
    """Two things of the goal's colour that touch."""
    balls = [
        thing("ball", -0.50, 0.03, "red", half=0.03),
        thing("ball", -0.50, -0.03, "red", half=0.03),
        thing("box", -0.58, 0.10, "teal", half=0.025),
    ]
    shot = made.render(balls, "dark", "daylight", "right", np.random.default_rng(1), k=K)
    heightmap = project(shot.frame, Workspace())
    color = made.read_color(shot, 1)
    before = goal_mask(heightmap, color)
    seen = Perception(color, segmenter="depth").look(shot.frame)
    assert seen.ambiguous
    shapes = split_by_depth(seen.goal.astype(np.int32), heightmap.height)
    return Row(
        "two of the goal's colour: --segmenter depth", cropped(shot),
        marked(heightmap, before), "one goal",
        marked(heightmap, shapes == 1, shapes == 2), "refused: both are named",
    )  # fmt: skip


def tote() -> Row:
    """A tote's walls."""
    scene = build_scene(SceneConfig("random", 7, seed=4, tote=Tote((0.36, 0.30), 0.08)))
    frame = scene.make_cameras()[0].capture()
    heightmap = project(frame, Workspace())
    before = label_objects(heightmap, objects=object_mask(heightmap))
    seen = Perception(scene.goal_rgb).look(frame)
    assert seen.walls is not None
    return Row(
        "a tote", frame.color,
        numbered(heightmap, before), "the walls are an object",
        numbered(heightmap, seen.labels), "the walls are surroundings",
    )  # fmt: skip


def table() -> Row:
    """A table 12 mm high and tilted by 2 degrees."""
    shot = made.render(THINGS, "wooden", "daylight", "right", np.random.default_rng(2), k=K)
    frame = replace(shot.frame, T_world_camera=leaning() @ shot.frame.T_world_camera)
    heightmap = project(frame, Workspace())
    before = label_objects(heightmap, objects=object_mask(heightmap))
    seen = Perception(None).look(frame)
    raised = [100 * o.sum() / o.size for o in (object_mask(heightmap), seen.objects)]
    return Row(
        "a table 12 mm too high, tilted by 2 degrees", shot.frame.color,
        numbered(heightmap, before), f"{raised[0]:.0f} % of the map is objects",
        numbered(seen.heightmap, seen.labels), f"corrected: {raised[1]:.0f} %",
    )  # fmt: skip


def leaning() -> npt.NDArray[np.float64]:
    """A wrong calibration: 12 mm up, and 2 degrees about the x axis."""
    c, s = np.cos(np.radians(2)), np.sin(np.radians(2))
    return np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0.012], [0, 0, 0, 1]])


def draw(rows: list[Row], out: Path) -> None:
    """Draw rows of a photo and two maps."""
    figure, axes = plt.subplots(
        len(rows), 3, figsize=(9, 2.7 * len(rows)), layout="constrained", squeeze=False,
        gridspec_kw={"width_ratios": (4, 3, 3)},
    )  # fmt: skip
    for line, row in zip(axes, rows, strict=True):
        images = (row.photo, row.before, row.now)
        lines = (row.title, f"before: {row.said_before}", f"now: {row.said_now}")
        for axis, image, words in zip(line, images, lines, strict=True):
            axis.imshow(image)
            axis.set_title(words, fontsize=9, wrap=True)
            axis.axis("off")
    figure.savefig(out, dpi=100)
    plt.close(figure)


def main(out: Path = Path("docs/images")) -> None:
    """Draw both figures.

    Args:
        out: folder of the PNG files.
    """
    draw(goals(), out / "perception-goal.png")
    draw([touching(), twins(), tote(), table()], out / "perception-objects.png")


if __name__ == "__main__":
    tyro.cli(main)
