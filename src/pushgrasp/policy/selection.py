"""From Q maps to one action: masks, weights, the decision rule, and what not to repeat.

Pure functions on arrays. A Q map is (16, H, W) float32, one image for each rotation, and
-inf where an action is not to be considered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from ..interfaces import Action, Outcome, Primitive
from ..workspace import N_ROTATIONS, Workspace
from .config import DecisionConfig

Mask = npt.NDArray[np.bool_]
QMap = npt.NDArray[np.float32]
Place = tuple[int, int, int]  # rotation, row, column

FORGET_RADIUS = 0.10
"""m round an action that changed the scene within which earlier failures no longer count: the
length of a push."""


@dataclass(frozen=True)
class Memory:
    """What a decision must know of the actions before it."""

    failed: tuple[Action, ...] = ()
    """Grasps that failed and pushes that changed nothing, where the scene is still the same."""
    pushes_in_a_row: int = 0
    failures_in_a_row: int = 0
    """Grasps that came up empty since the last that did not."""

    def after(self, action: Action, outcome: Outcome) -> Memory:
        """The memory once an action has been carried out, or refused."""
        pushes, failures = 0, 0
        if action.primitive == "push":
            pushes, failures = self.pushes_in_a_row + 1, self.failures_in_a_row
        elif not outcome.holding:
            failures = self.failures_in_a_row + 1
        if outcome.holding or outcome.changed:
            here = np.array(action.position[:2])
            far = [np.hypot(*(here - a.position[:2])) > FORGET_RADIUS for a in self.failed]
            kept = tuple(a for a, is_far in zip(self.failed, far, strict=True) if is_far)
            return Memory(kept, pushes, failures)
        return Memory((*self.failed, action), pushes, failures)


def weight_push(q_push: QMap, objects: Mask, target_mask: Mask, config: DecisionConfig) -> QMap:
    """Weight a push map by the masks: pushes of the target count a little more.

    The paper multiplies. That ranks as it should while Q is positive; a negative Q would
    gain from a low weight. So weights scale the height above the lowest Q if that is below
    0, and above 0 otherwise, which is the paper's product.

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
    """Rule out what is much the same as some actions.

    Args:
        q_map: (16, H, W) of the primitive.
        actions: what not to do again; those of the other primitive do not matter.
        primitive: grasps are the same after half a turn, pushes are not.
        workspace: gives the metres a pixel.
        config: how near and how alike counts as the same.
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
        turn = (np.arange(N_ROTATIONS) - action.rotation) * (360 / N_ROTATIONS) % period
        for rotation in np.flatnonzero(np.minimum(turn, period - turn) <= angle):
            q_map[rotation][near] = -np.inf
    return q_map


def smooth(q_map: QMap, radius_px: int) -> QMap:
    """Values averaged over like actions: what a hand a little off its mark can expect.

    The highest of many noisy values is too high; an average over neighbours is less so.

    Args:
        q_map: (16, H, W), -inf where an action is not considered; such pixels count neither
            for themselves nor for their neighbours.
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


def best(q_map: QMap) -> Place | None:
    """Rotation, row and column of the highest value; the first of equals, None if all are -inf."""
    rotation, row, column = (int(i) for i in np.unravel_index(q_map.argmax(), q_map.shape))
    return (rotation, row, column) if np.isfinite(q_map[rotation, row, column]) else None


def neighbours(
    labels: npt.NDArray[np.integer],
    target_mask: Mask,
    *,
    ring_px: int = 10,
    min_object_px: int = 30,
    limit: int = 3,
) -> list[Mask]:
    """The objects beside the target, that with the longest common border first.

    Args:
        labels: (H, W) 0 background, 1..n objects.
        target_mask: (H, W) bool; an empty one has no neighbours.
        ring_px: how far round the target to look, as for the occupancy.
        min_object_px: smaller regions are not taken for objects.
        limit: no more than so many.
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


def by_distance(labels: npt.NDArray[np.int32], target_mask: Mask) -> list[int]:
    """The objects that are not the target, the nearest to it first.

    Args:
        labels: (H, W), 0 background.
        target_mask: (H, W) bool; if empty, the order is by label.
    Returns:
        Labels.
    """
    others = np.unique(labels[(labels > 0) & ~target_mask])
    if not target_mask.any():
        return [int(label) for label in others]
    center = np.argwhere(target_mask).mean(axis=0)
    distance = [np.linalg.norm(np.argwhere(labels == n).mean(axis=0) - center) for n in others]
    return [int(n) for n in others[np.argsort(distance, kind="stable")]]


def choose(
    q_grasp: float,
    q_blocker: float,
    q_push: float,
    occupancy: float,
    pushes_in_a_row: int,
    config: DecisionConfig,
) -> tuple[Literal["target", "blocker", "push"] | None, str]:
    """The decision rule. NaN stands for a value that there is none of, or not needed.

    Args:
        q_grasp: best Q_g over the target.
        q_blocker: best Q_g over the objects beside it.
        q_push: Q_p of the best push.
        occupancy: share of the ring round the target that is covered.
        pushes_in_a_row: just before this decision.
        config: the numbers of the rule.
    Returns:
        What to do (grasp the target, grasp a blocker, push, or None: there is nothing), and
        why, in words.
    Source: paper, section III-B; blockers and the limits on pushes are ours.
    """
    doubt = grasp_doubt(q_grasp, occupancy, config)
    if not doubt:
        return "target", f"Q_g {q_grasp:.2f} is over {config.grasp_threshold:.3g}"
    if q_blocker > config.blocker_threshold:
        return "blocker", f"{doubt}; Q_g {q_blocker:.2f} beside it"
    can_push, can_grasp = np.isfinite(q_push), np.isfinite([q_grasp, q_blocker]).any()
    against = push_doubt(q_push, pushes_in_a_row, config)
    if can_push and can_grasp and against:
        doubt, can_push = f"{doubt}; {against}", False
    if can_push:
        return "push", doubt
    if can_grasp:
        at_target = not q_blocker > q_grasp and np.isfinite(q_grasp)
        return "target" if at_target else "blocker", f"{doubt}: the best grasp there is"
    return None, "no grasp and no push is left to try"


def push_doubt(q_push: float, pushes_in_a_row: int, config: DecisionConfig) -> str:
    """What speaks against pushing, in words; nothing if the rule allows it."""
    if not np.isfinite(q_push):
        return "there is no push"
    if config.max_pushes is not None and pushes_in_a_row >= config.max_pushes:
        return f"{pushes_in_a_row} pushes in a row are enough"
    return ""


def grasp_doubt(q_grasp: float, occupancy: float, config: DecisionConfig) -> str:
    """What speaks against grasping the target, in words; nothing if the paper's rule allows it."""
    if not np.isfinite(q_grasp):
        return "the target offers no grasp"
    if q_grasp <= config.grasp_threshold:
        return f"Q_g {q_grasp:.2f} is not over {config.grasp_threshold:.3g}"
    if occupancy > config.occupancy_limit:
        return f"the target is {occupancy:.0%} hemmed in, over {config.occupancy_limit:.0%}"
    return ""
