"""Change detection between two heightmaps of the same table."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from .heightmap import Heightmap

_SQUARE = np.ones((3, 3), np.uint8)


def changed(
    before: Heightmap,
    after: Heightmap,
    mask: npt.NDArray[np.bool_],
    *,
    low: float = 0.01,
    high: float = 0.3,
    dilations: int = 5,
    min_px: int = 100,
) -> bool:
    """Detect that the surface round the target sank, because something there was moved.

    A cell that showed an object and is no longer seen counts as sunk: what was there has
    gone or is covered. A cell that was unseen before says nothing.

    Args:
        before, after: the scene before and after an action.
        mask: (H, W) bool, the target before; for an empty one the answer is False.
        low, high: m by which a cell must have sunk.
        dilations: pixels by which the mask's convex hull is widened.
        min_px: more cells than this must have sunk.
    Source: heights, dilation and pixel count from the authors' code.
    """
    if not mask.any():
        return False
    points = np.argwhere(mask)[:, ::-1].astype(np.int32)  # OpenCV wants column, row
    hull = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(points.reshape(-1, 1, 2)), 1)
    sunk = before.height - after.height
    with np.errstate(invalid="ignore"):
        lost = (before.height > low) & ~after.seen
        down = ((sunk > low) & (sunk < high)) | lost
    return int((down & (cv2.dilate(hull, _SQUARE, iterations=dilations) > 0)).sum()) > min_px


def moved(
    before: Heightmap,
    after: Heightmap,
    *,
    low: float = 0.01,
    min_px: int = 40,
) -> bool:
    """Detect any change on the table.

    Lines one cell wide and small patches are left out, however many: with the noise of a stereo
    camera outlines flicker, all round every object, in patches of up to 40 cells.

    Args:
        before, after: the scene before and after an action.
        low: m by which a cell must have sunk or risen.
        min_px: more cells than this must have in one piece; 50 is one side of a block moved by
            4 mm.
    """
    with np.errstate(invalid="ignore"):
        differs = np.abs(after.height - before.height) > low
        gone = (before.height > low) & ~after.seen
        come = (after.height > low) & ~before.seen
    cells = (differs | gone | come).astype(np.uint8)
    solid = cv2.morphologyEx(cells, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    stats = cv2.connectedComponentsWithStats(solid, connectivity=4)[2]
    return int(stats[1:, cv2.CC_STAT_AREA].max(initial=0)) > min_px
