"""The goal where a mask or box shows it in the first frame, as cells of the map."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import RGBDFrame
from .carry import SAME_HEIGHT
from .goal import Goal
from .heightmap import Heightmap, project_pixels
from .merging import STEP
from .rivals import LARGEST_THING
from .segmentation import label_objects, smooth_color

Mask = npt.NDArray[np.bool_]

MIN_SHOWN_PX = 10  # raised cells that a mask or box must show
MIN_THING_PX = 30  # 1.2 cm2; a smaller part of what is shown is not another thing
MIN_THING_SHARE = 0.2  # likewise, of the largest part
IN_BOX = 0.6  # share of a region that must lie in a box for the box to show it
NEXT_TO = 5  # cells, side of the square by which parts of one thing may be apart


def shown_goal(
    goal: Goal,
    frames: Sequence[RGBDFrame],
    heightmap: Heightmap,
    pixel: npt.NDArray[np.int32],
    raised: Mask,
) -> tuple[Mask, str]:
    """Find the one thing that a mask or box shows in the first camera's picture.

    Of a box, which also shows corners of the things around, only regions count that lie in it for
    the most part.

    Args:
        goal: shown by a mask or box.
        frames: of all cameras; the goal was shown in the first one.
        heightmap, pixel: as `project_pixels` gives them for these frames.
        raised: (H, W) cells above the table.
    Returns:
        (H, W) bool, its cells; and what a person should know, or "".
    Raises:
        UserError: nothing stands there, or several things do that lie apart.
    """
    there = _shown_cells(goal, frames, heightmap, pixel) & raised
    if there.sum() < MIN_SHOWN_PX:
        raise UserError(
            f"nothing stands on the table where {goal.describe()} was shown in the first "
            "frame; draw the mask or box on that frame, over the goal"
        )
    said = ""
    if goal.box is not None:
        there, said = _mostly_inside(there, heightmap, raised)
    parts = _parts(there, heightmap, hidden_between=goal.box is None)
    if len(parts) > 1:
        places = "; ".join(_place(part, heightmap) for part in parts)
        what = "mask" if goal.box is None else "box"
        raise UserError(
            f"the goal's {what} shows {len(parts)} things that lie apart: {places}. Draw it over "
            "one of them"
        )
    return there, f"{said}; all of it is taken for the goal" if said else ""


def _shown_cells(
    goal: Goal,
    frames: Sequence[RGBDFrame],
    heightmap: Heightmap,
    pixel: npt.NDArray[np.int32],
) -> Mask:
    """(H, W) cells of which the first camera sees the surface, in the place that was shown."""
    shown = goal.first_frame_mask(frames[0].depth.shape).reshape(-1)
    if len(frames) == 1:
        return (pixel >= 0) & shown[np.maximum(pixel, 0)]
    own, pixel = project_pixels(frames[0], heightmap.workspace)
    with np.errstate(invalid="ignore"):
        same = np.abs(own.height - heightmap.height) < SAME_HEIGHT
    return same & (pixel >= 0) & shown[np.maximum(pixel, 0)]


def _mostly_inside(there: Mask, heightmap: Heightmap, raised: Mask) -> tuple[Mask, str]:
    """Leave out the regions of which a box shows a part only; keep all if no region is left.

    Returns:
        The cells, and a sentence if they have several colours; else "".
    """
    labels = label_objects(
        heightmap, objects=raised, smoothed=smooth_color(heightmap.color, raised)
    )
    whole = np.bincount(labels.reshape(-1))
    inside = np.bincount(labels[there], minlength=len(whole))
    kept = inside > IN_BOX * whole
    kept[0] = False
    if kept.any():
        there = there & kept[labels]
    inside[~kept] = 0
    large = np.flatnonzero(inside >= max(MIN_THING_PX, MIN_THING_SHARE * inside.max()))
    if len(large) < 2:
        return there, ""
    colors = ", ".join(
        "#{:02x}{:02x}{:02x}".format(*np.median(heightmap.color[labels == n], axis=0).astype(int))
        for n in large
    )
    return there, f"the goal's box shows things of {len(large)} colours ({colors})"


def _parts(there: Mask, heightmap: Heightmap, *, hidden_between: bool) -> list[Mask]:
    """Large parts that lie apart.

    Args:
        there: (H, W) cells.
        heightmap: the scene.
        hidden_between: raised or unseen cells between two near parts may hide the rest of one.
    """
    with np.errstate(invalid="ignore"):
        bare = heightmap.height < STEP
    near = cv2.dilate(there.view(np.uint8), np.ones((NEXT_TO, NEXT_TO), np.uint8)) > 0
    _, joined = cv2.connectedComponents((near & ~bare).view(np.uint8), connectivity=8)
    joined = np.asarray(joined, np.intp)
    sizes = np.bincount(joined[there])
    least = max(MIN_THING_PX, MIN_THING_SHARE * sizes.max())
    parts = [there & (joined == i) for i in np.argsort(-sizes) if sizes[i] >= least]
    if not hidden_between:
        return parts
    islands = np.asarray(
        cv2.connectedComponents((~bare).view(np.uint8), connectivity=8)[1], np.int32
    )
    first = parts[0]
    return [first] + [
        part for part in parts[1:] if not _may_be_one(first, part, islands, heightmap)
    ]


def _may_be_one(a: Mask, b: Mask, islands: npt.NDArray[np.int32], heightmap: Heightmap) -> bool:
    rows, columns = np.nonzero(a | b)
    span = np.hypot(np.ptp(rows), np.ptp(columns)) * heightmap.workspace.resolution
    return span <= LARGEST_THING and bool(np.intersect1d(islands[a], islands[b]).size)


def _place(part: Mask, heightmap: Heightmap) -> str:
    workspace = heightmap.workspace
    rows, columns = np.nonzero(part)
    x, y = workspace.to_xy(rows.mean(), columns.mean())
    area = part.sum() * (100 * workspace.resolution) ** 2
    return f"one of {area:.0f} cm2 at ({x:.3f}, {y:.3f}) m"
