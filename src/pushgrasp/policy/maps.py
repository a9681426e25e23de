"""Pure functions on Q maps, masks and heightmaps that policies are built from.

A Q map is (16, H, W) float32, one image per rotation, and -inf where an action is not considered.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from ..interfaces import Action, Primitive
from ..workspace import N_ROTATIONS, Workspace
from .base import Mask, Place, QMap
from .config import DecisionConfig

Labels = npt.NDArray[np.integer]
_SQUARE = np.ones((3, 3), np.uint8)


def best(q_map: QMap) -> Place | None:
    """Find the place of the highest value; the first of equals, None if all are -inf."""
    rotation, row, column = (int(i) for i in np.unravel_index(q_map.argmax(), q_map.shape))
    return (rotation, row, column) if np.isfinite(q_map[rotation, row, column]) else None


def highest(q_map: QMap) -> float:
    """Return the highest value of a Q map; 0, the value of a failure, if all are -inf."""
    value = float(q_map.max())
    return value if np.isfinite(value) else 0.0


def smooth(q_map: QMap, radius_px: int) -> QMap:
    """Average Q over neighbouring pixels and rotations: the value under execution error.

    The maximum of many noisy values is too high; the maximum of local means is less so.

    Args:
        q_map: (16, H, W); pixels at -inf stay so and do not count in the means of others.
        radius_px: half the side of the square averaged over, in pixels; the two neighbouring
            rotations count half each. 0 leaves the map as it is.
    """
    if not radius_px:
        return q_map
    allowed = np.isfinite(q_map)
    rows, columns = np.flatnonzero(allowed.any((0, 2))), np.flatnonzero(allowed.any((0, 1)))
    if not len(rows):
        return q_map
    cut = np.s_[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    total = np.where(allowed[cut], q_map[cut], np.float32(0.0))
    count = allowed[cut].astype(np.float32)
    for images in (total, count):
        images += 0.5 * (np.roll(images, 1, axis=0) + np.roll(images, -1, axis=0))
        for image in images:
            image[:] = cv2.blur(image, (2 * radius_px + 1,) * 2, borderType=cv2.BORDER_CONSTANT)
    smoothed = np.full_like(q_map, -np.inf)
    smoothed[cut] = np.where(allowed[cut], total / np.maximum(count, 1e-6), -np.inf)
    return smoothed


def weight_push(q_push: QMap, objects: Mask, target_mask: Mask, config: DecisionConfig) -> QMap:
    """Weight a push map by the masks, so that pushes of the target count a little more.

    The paper multiplies. That ranks correctly while Q is positive; a negative Q would gain from a
    low weight. So weights scale the height above the lowest Q if that is below 0, and above 0
    otherwise, which is the paper's product.

    Args:
        q_push: (16, H, W), -inf where not scored.
        objects: (H, W) bool, all objects.
        target_mask: (H, W) bool, the current target.
        config: the two weights.
    Returns:
        (16, H, W); -inf where the weight is 0.
    Source: paper, section III-B; weights from the authors' code.
    """
    weight = config.push_all_weight * objects.astype(np.float32)
    weight = weight + np.float32(config.push_target_weight) * target_mask
    scored = np.isfinite(q_push) & (weight > 0)
    if not scored.any():
        return np.full_like(q_push, -np.inf)
    lowest = min(np.float32(0), q_push[scored].min())
    weighted = np.where(scored, q_push - lowest, 0) * weight + lowest
    return np.where(scored, weighted, -np.inf).astype(np.float32)


def suppress(
    q_map: QMap,
    actions: Iterable[Action],
    primitive: Primitive,
    workspace: Workspace,
    config: DecisionConfig,
) -> QMap:
    """Rule out actions that are nearly the same as given ones.

    Args:
        q_map: (16, H, W) of the primitive.
        actions: to be ruled out; those of the other primitive do not matter.
        primitive: grasps are the same after half a rotation, pushes are not.
        workspace: gives the metres per pixel.
        config: the distances and angles within which actions count as the same.
    Returns:
        (16, H, W), a copy if anything changes.
    """
    avoided = [a for a in actions if a.primitive == primitive]
    if not avoided:
        return q_map
    grasp = primitive == "grasp"
    period = 180 if grasp else 360
    radius = config.grasp_repeat_m if grasp else config.push_repeat_m
    angle = config.grasp_repeat_deg if grasp else config.push_repeat_deg
    q_map = q_map.copy()
    rows, columns = np.ogrid[: q_map.shape[1], : q_map.shape[2]]
    for action in avoided:
        distance = np.hypot(rows - action.pixel[0], columns - action.pixel[1])
        near = distance * workspace.resolution <= radius
        offset = (np.arange(N_ROTATIONS) - action.rotation) * (360 / N_ROTATIONS) % period
        for rotation in np.flatnonzero(np.minimum(offset, period - offset) <= angle):
            q_map[rotation][near] = -np.inf
    return q_map


def occupancy(
    target_mask: Mask,
    height: npt.NDArray[np.float32],
    *,
    ring_px: int = 10,
    low: float = 0.02,
    high: float = 0.3,
) -> float:
    """Measure the share of the ring around the target that other objects cover.

    Unseen cells are neither free nor covered: the share is taken over the seen part of the ring.
    Every isolated tall object casts a shadow; it would look surrounded if shadows counted as
    covered, and freer than it is if they counted as empty.

    Args:
        target_mask: (H, W) bool, the current target's pixels.
        height: (H, W) m above the table; NaN where unseen.
        ring_px: width of the ring in pixels.
        low, high: m, heights between which a ring pixel is covered.
    Returns:
        0 (free) to 1 (surrounded); 1.0 for an empty target, or if no part of its ring is seen:
        neither can be known to be free.
    Source: paper, section III-B; ring and height band from the authors' code.
    """
    if not target_mask.any():
        return 1.0
    wide = cv2.dilate(target_mask.view(np.uint8), _SQUARE, iterations=ring_px) > 0
    around = height[wide & ~target_mask & np.isfinite(height)]
    return float(np.mean((around > low) & (around < high))) if around.size else 1.0


def neighbours(
    labels: Labels,
    target_mask: Mask,
    *,
    ring_px: int = 10,
    min_object_px: int = 30,
    limit: int = 3,
) -> list[Mask]:
    """Find the objects beside the target, sorted by the length of their common border.

    Args:
        labels: (H, W) 0 background, 1..n objects.
        target_mask: (H, W) bool; an empty one has no neighbours.
        ring_px: width of the ring around the target that is searched, as for the occupancy.
        min_object_px: smaller regions are no objects.
        limit: the largest number of neighbours.
    Returns:
        Masks (H, W) bool, disjoint from the target.
    """
    if not target_mask.any():
        return []
    kernel = np.ones((2 * ring_px + 1, 2 * ring_px + 1), np.uint8)
    ring = (cv2.dilate(target_mask.astype(np.uint8), kernel) > 0) & ~target_mask
    sizes = np.bincount(labels[~target_mask], minlength=labels.max() + 1)
    covered = np.bincount(labels[ring], minlength=len(sizes))
    covered[0] = 0
    covered[sizes < min_object_px] = 0
    order = np.argsort(-covered, kind="stable")[:limit]
    return [(labels == label) & ~target_mask for label in order if covered[label]]


def by_distance(labels: Labels, target_mask: Mask) -> list[int]:
    """List the labels of the objects other than the target, nearest first.

    Args:
        labels: (H, W), 0 background.
        target_mask: (H, W) bool; if empty, the order is by label.
    """
    others = np.unique(labels[(labels > 0) & ~target_mask])
    if not target_mask.any():
        return [int(label) for label in others]
    center = np.argwhere(target_mask).mean(axis=0)
    distance = [np.linalg.norm(np.argwhere(labels == n).mean(axis=0) - center) for n in others]
    return [int(n) for n in others[np.argsort(distance, kind="stable")]]
