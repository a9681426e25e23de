"""Sentences about what is taken for the goal, or is not, and why that is in doubt."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..workspace import Workspace
from .likeness import Likeness, Mask, Regions
from .rivals import MIN_PART_PX, NEARLY, describe_region


def name_nearest(
    regions: Regions, likeness: Likeness, tolerance: float, workspace: Workspace
) -> list[str]:
    """Say of a thing of nearly the goal's colour that it is not taken for the goal."""
    large = regions.size >= MIN_PART_PX
    hue = np.where(large, likeness.hue, np.inf)
    distance = np.where(large, likeness.distance, np.inf)
    nearest = int(distance.argmin())
    if likeness.distance[nearest] >= NEARLY * tolerance:
        nearest = int(hue.argmin())  # of its hue, but far brighter or darker
    off = float(hue[nearest])
    if off >= NEARLY * tolerance:
        return []
    what = describe_region(regions.labels == nearest, regions, workspace)
    brightness = ""
    if likeness.beyond[nearest] > 0:
        brightness = f", and {_times(likeness.ratio[nearest])} as bright as expected"
    return [
        f"the goal is not seen; {what}, has nearly its colour ({np.degrees(off):.1f} degrees off, "
        f"{np.degrees(tolerance):.1f} allowed{brightness}) and is not taken for it"
    ]


def name_doubtful(
    taken: Mask, regions: Regions, likeness: Likeness, doubted: float, workspace: Workspace
) -> list[str]:
    """Say how far hue and brightness of what is taken for the goal are off, if by much.

    Args:
        taken: (H, W) the cells that are taken for the goal.
        regions, likeness: of the scene.
        doubted: rad, from which on an angle is told.
        workspace: for the places that are named.
    """
    counts = np.bincount(regions.labels[taken], minlength=len(regions.size))
    counts[0] = 0
    label = int(counts.argmax())
    if not counts[label]:
        return []
    reasons: list[str] = []
    if np.isfinite(likeness.hue[label]) and likeness.hue[label] > doubted:
        reasons.append(f"its colour is {np.degrees(likeness.hue[label]):.1f} degrees off")
    if likeness.beyond[label] > 0:
        reasons.append(f"it is {_times(likeness.ratio[label])} as bright as expected")
    if not reasons:
        return []
    what = describe_region(taken, regions, workspace)
    return [f"{what}, is taken for the goal though {' and '.join(reasons)}"]


def name_patch(mask: Mask, workspace: Workspace) -> list[str]:
    """Say that so little of the goal is seen that it may be another thing's edge or shade."""
    rows, columns = np.nonzero(mask)
    x, y = workspace.to_xy(float(np.median(rows)), float(np.median(columns)))
    area = len(rows) * (100 * workspace.resolution) ** 2
    return [
        f"of the goal only {area:.1f} cm2 are seen, near ({x:.3f}, {y:.3f}) m; they are taken for "
        "the goal though they may be the edge or shade of another thing"
    ]


def _times(ratio: npt.ArrayLike) -> str:
    return f"{float(np.asarray(ratio)):.1f} times"
