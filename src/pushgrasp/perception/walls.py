"""Walls of a tote or bin round the workspace: surroundings, never a target."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ..workspace import Workspace
from .heightmap import Heightmap

MIN_HEIGHT = 0.030  # m; a lower rim does not stop a push
MIN_LENGTH = 0.20  # m; the longest thing of the shipped scenes is shorter
MAX_THICKNESS = 0.018  # m; a row of blocks is thicker
RIM_SPREAD = 0.012  # m between the 10th and 90th percentile of a rim's heights
OUTSIDE = 0.03  # share of the raised cells that may lie beyond a wall
FILLED = 0.55  # share of a line's length that must be rim
BARE = 0.08  # share of it that may be bare table: a wall has gaps only where it is not seen
MAX_WALLS = 8
LIKE_GOAL = 0.5  # share of a wall's cells that must look like the goal for it to be claimed
MIN_PIECE_PX = 30  # 1.2 cm2; smaller pieces are not asked about


def find_walls(heightmap: Heightmap, objects: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Find straight, thin, high ridges of one height with everything else on one side.

    Args:
        heightmap: the scene.
        objects: (H, W) bool, raised cells.
    Returns:
        (H, W) bool, the walls' cells; none in an ordinary scene.
    """
    resolution = heightmap.workspace.resolution
    walls = np.zeros(objects.shape, bool)
    with np.errstate(invalid="ignore"):
        high = objects & (heightmap.height > MIN_HEIGHT)
    width = 2 * int(MAX_THICKNESS / resolution / 2) + 1
    thin = high & ~_open(high, width)
    length = MIN_LENGTH / resolution
    # a line of that length lies in one piece, but for gaps
    joined = cv2.dilate(thin.view(np.uint8), np.ones((5, 5), np.uint8))
    stats = cv2.connectedComponentsWithStats(joined, connectivity=8)[2][1:]
    long = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) >= length
    if not long.any():
        return walls
    lines = cv2.HoughLinesP(
        thin.view(np.uint8) * 255, 1, np.pi / 360, int(0.6 * length),
        minLineLength=0.6 * length, maxLineGap=0.25 * length,
    )  # fmt: skip
    if lines is None:
        return walls
    rows, columns = np.nonzero(high)
    centre = np.array([objects.shape[1], objects.shape[0]]) / 2
    found = 0
    for x0, y0, x1, y1 in np.asarray(lines).reshape(-1, 4)[:200]:
        band = _band(np.array([x0, y0], float), np.array([x1, y1], float), rows, columns, centre)
        on = _wall_on(band, heightmap.height[rows, columns], length, width)
        if on is None or _bare(rows[on], columns[on], heightmap.height, width) > BARE:
            continue
        fresh = ~walls[rows[on], columns[on]]
        if fresh.mean() > 0.3:
            found += 1
        walls[rows[on], columns[on]] = True
        if found >= MAX_WALLS:
            break
    return walls


def spare_goal(
    walls: npt.NDArray[np.bool_], goal: npt.NDArray[np.bool_], workspace: Workspace, *, shown: bool
) -> tuple[npt.NDArray[np.bool_], str]:
    """Take the goal out of the walls: a long thin upright thing looks like one.

    One straight piece of the goal's colour is the goal. Several, or a corner, are a tote of the
    goal's colour, unless the goal was shown there.

    Args:
        walls: (H, W) as `find_walls` gives them.
        goal: (H, W) cells that look like the goal, or where it was shown.
        workspace: for the places that are named.
        shown: the goal was shown there by a mask or box.
    Returns:
        The walls that are left, and a sentence if both were claimed; else "".
    """
    _, parts, stats, centers = cv2.connectedComponentsWithStats(
        walls.view(np.uint8), connectivity=8
    )
    parts = np.asarray(parts, np.intp)
    alike = np.bincount(parts[goal], minlength=len(stats)) > LIKE_GOAL * stats[:, cv2.CC_STAT_AREA]
    alike &= stats[:, cv2.CC_STAT_AREA] >= MIN_PIECE_PX
    alike[0] = False
    claimed = np.flatnonzero(alike)
    if not len(claimed):
        return walls, ""
    if shown or (len(claimed) == 1 and _is_straight(parts == claimed[0], workspace.resolution)):
        column, row = centers[claimed[0]]
        x, y = workspace.to_xy(row, column)
        return walls & ~alike[parts], (
            f"the thing at ({x:.3f}, {y:.3f}) m looks like a wall of a tote, but also like the "
            "goal: it is taken for the goal"
        )
    return walls, (
        "the walls of the tote have the goal's colour; they are not taken for the goal. If one of "
        "them is, show it by a mask in the first frame"
    )


def _is_straight(piece: npt.NDArray[np.bool_], resolution: float) -> bool:
    across = cv2.minAreaRect(np.argwhere(piece).astype(np.float32))[1]
    return min(across) * resolution < 2 * MAX_THICKNESS


def _band(
    start: npt.NDArray[np.float64],
    end: npt.NDArray[np.float64],
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    centre: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Raised cells' place along a line and their distance from it, outwards positive, in px."""
    along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-9)
    out = np.array([-along[1], along[0]])
    if (centre - start) @ out > 0:
        out = -out
    offset = np.stack([columns, rows], 1) - start
    return offset @ along, offset @ out


def _wall_on(
    band: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    height: npt.NDArray[np.float32],
    length: float,
    width: int,
) -> npt.NDArray[np.bool_] | None:
    """Select the raised cells of the wall along a line; None if no wall stands there."""
    place, out = band
    if (out > width).mean() > OUTSIDE:
        return None  # things stand on both sides of it
    near = np.abs(out) <= width / 2
    if not near.any():
        return None
    bins = np.floor(place[near]).astype(int)
    bins -= bins.min()
    reach = np.bincount(bins, minlength=1) > 0
    span = len(reach)
    if span < length or reach.mean() < FILLED:
        return None
    # the rim: the highest cell at each place along the line
    top = np.zeros(span, np.float32)
    np.maximum.at(top, bins, height[near])
    top = top[reach]
    middle = float(np.median(top))
    level = np.abs(top - middle) < RIM_SPREAD / 2
    if level.mean() < 0.6:
        return None
    # thin: at most places along it few cells are raised within twice the width
    wide = np.abs(out) <= 1.5 * width
    all_bins = np.floor(place[wide]).astype(int)
    all_bins -= all_bins.min()
    thick = np.bincount(all_bins)
    thick = thick[thick > 0]
    if (thick <= width).mean() < 0.5:
        return None
    return near & (np.abs(out) <= width / 2) & (height < middle + RIM_SPREAD)


def _bare(
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    height: npt.NDArray[np.float32],
    width: int,
) -> float:
    """Share of the line through some cells beside which only cells under MIN_HEIGHT are seen."""
    centre = np.array([columns.mean(), rows.mean()])
    offset = np.stack([columns, rows], 1) - centre
    along = np.linalg.svd(offset.T @ offset)[0][:, 0]
    place = offset @ along
    steps = np.arange(place.min(), place.max() + 1)
    side = np.array([-along[1], along[0]]) * np.arange(-(width // 2), width // 2 + 1)[:, None]
    at = centre + steps[:, None, None] * along + side
    column, row = np.clip(np.rint(at), 0, len(height) - 1).astype(int).transpose(2, 0, 1)
    near = height[row, column]  # (steps, width + 1)
    with np.errstate(invalid="ignore"):
        low = (near < MIN_HEIGHT).any(1) & ~(near >= MIN_HEIGHT).any(1)
    return float(low.mean())


def _open(mask: npt.NDArray[np.bool_], width: int) -> npt.NDArray[np.bool_]:
    square = np.ones((width, width), np.uint8)
    return cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, square) > 0
