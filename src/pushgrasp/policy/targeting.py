"""What to act on: the goal while it can be seen, else the highest object.

Everything here is read off heightmaps, as on a real robot.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
_SQUARE = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Target:
    """The current target, and why it is that."""

    mask: Mask  # (H, W) its pixels; none on an empty table
    is_goal: bool  # False: switched to another object
    visible_px: int  # pixels of the goal that are seen
    occupancy: float  # 0 (free) to 1 (hemmed in)
    why: str  # in words


def occupancy(
    target_mask: Mask,
    height: npt.NDArray[np.float32],
    *,
    ring_px: int = 10,
    low: float = 0.02,
    high: float = 0.3,
) -> float:
    """Share of the ring around the target that is covered by other things.

    Unseen cells are neither free nor covered: the share is taken over the seen part of the
    ring. Every isolated tall object has a shadow behind it, and would look hemmed in if
    shadows counted as covered, and freer than it is if they counted as empty.

    Args:
        target_mask: (H, W) bool, the current target's pixels.
        height: (H, W) m above the table; NaN where unseen.
        ring_px: width of the ring in pixels.
        low, high: m, heights between which a ring pixel is covered.
    Returns:
        0 (free) to 1 (hemmed in); 1.0 for an empty target or one of whose ring nothing is
        seen, for neither can be known to be free.
    Source: paper, section III-B; ring and height band from the authors' code.
    """
    if not target_mask.any():
        return 1.0
    ring = _dilate(target_mask, ring_px) & ~target_mask & np.isfinite(height)
    around = height[ring]
    return float(np.mean((around > low) & (around < high))) if around.size else 1.0


def choose_target(
    goal_mask: Mask,
    labels: npt.NDArray[np.int32],
    height: npt.NDArray[np.float32],
    *,
    switch_px: int,
    switching: bool = True,
    min_object_px: int = 30,
) -> Target:
    """Take the goal, or while it is hidden the highest object.

    Args:
        goal_mask: (H, W) bool, where the goal is seen.
        labels: (H, W) int, objects told apart; 0 is background.
        height: (H, W) m above the table; NaN where unseen.
        switch_px: the goal counts as hidden with this many pixels or fewer.
        switching: False: always the goal, however little of it is seen.
        min_object_px: smaller regions are not taken for objects.
    Returns:
        The target. With the goal hidden and nothing else there, it is what is seen of the
        goal, which may be nothing. The highest object is that with the highest 95th
        percentile of its heights, so that a single noisy pixel decides nothing.
    Source: paper, section III-B; the authors' code asks the simulator for the heights.
    """
    visible = int(goal_mask.sum())
    seen = f"the goal shows {visible} px"
    if visible > switch_px or not switching:
        why = f"{seen}, over {switch_px}" if switching else f"{seen}; switching is off"
        return Target(goal_mask, True, visible, occupancy(goal_mask, height), why)

    best = _highest(labels, height, min_object_px, goal_mask)
    if best is None:
        why = f"{seen} and there is no other object"
        return Target(goal_mask, True, visible, occupancy(goal_mask, height), why)
    label, top = best
    mask = labels == label
    why = f"{seen}, not over {switch_px}: the highest object, {1e3 * top:.0f} mm, instead"
    return Target(mask, False, visible, occupancy(mask, height), why)


def _highest(
    labels: npt.NDArray[np.int32],
    height: npt.NDArray[np.float32],
    min_px: int,
    goal_mask: Mask,
) -> tuple[int, float] | None:
    """The label of the highest object that is not the goal, and its height in m."""
    tops: list[tuple[float, int]] = []
    sizes = np.bincount(labels.reshape(-1))
    goal_px = np.bincount(labels[goal_mask], minlength=len(sizes))
    for label in np.flatnonzero(sizes >= min_px):
        if label == 0 or 2 * goal_px[label] > sizes[label]:
            continue
        mask = labels == label
        heights = height[mask]
        heights = heights[np.isfinite(heights)]
        if heights.size:
            tops.append((float(np.percentile(heights, 95)), -int(label)))
    if not tops:
        return None
    top, negative = max(tops)  # of equals the lowest label, that is the largest region
    return -negative, top


def _dilate(mask: Mask, pixels: int) -> Mask:
    """Widen a mask by so many pixels, diagonals included."""
    return cv2.dilate(mask.view(np.uint8), _SQUARE, iterations=pixels) > 0
