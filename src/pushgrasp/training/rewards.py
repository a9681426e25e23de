"""Rewards of the paper (equations 2 to 4) and of its baseline, and learning targets."""

from __future__ import annotations

import math
from typing import Literal

MIN_GAIN = 0.1
"""A push helps when Q_g rises by more than this (equation 3)."""
MIN_OCCUPANCY_DROP = 0.1
"""A push that frees a smaller share of the ring around the target has no effect (equation 3)."""
WANG_SUCCESS = 1.5
"""The baseline's reward for grasping the goal, once pushing is learned (its code)."""


def grasp_reward(success: bool) -> float:
    """Return 1 for a grasp that succeeded, else 0 (equation 2).

    Args:
        success: the goal was grasped; in goal-agnostic grasping, any object.
    """
    return 1.0 if success else 0.0


def push_reward(q_gain: float, occupancy_drop: float) -> float:
    """Reward a push by how much easier it made the grasp (equation 3).

    Args:
        q_gain: best Q_g over the target after the push minus before, each in its own image. The
            authors' code scores the old image twice, so that no push can gain.
        occupancy_drop: occupancy around the target before the push minus after.
    Returns:
        0.5 (Q_g rose by more than 0.1), -0.5 (it did not, and the ring did not empty), else 0.
    Raises:
        ValueError: an argument is not a finite number.
    """
    if not (math.isfinite(q_gain) and math.isfinite(occupancy_drop)):
        raise ValueError(f"gain {q_gain} and occupancy drop {occupancy_drop} must be finite")
    if q_gain > MIN_GAIN:
        return 0.5
    return -0.5 if occupancy_drop < MIN_OCCUPANCY_DROP else 0.0


def alternating_grasp_reward(success: bool, changed: bool) -> float:
    """Reward a grasp in alternating training (equation 4).

    Args:
        success: the goal was grasped.
        changed: the camera detected a change.
    Returns:
        1 for success, -1 for a failure that changed nothing, 0 for one that changed something.
    """
    if success:
        return 1.0
    return 0.0 if changed else -1.0


def wang_push_reward(q_gain: float, occupancy_drop: float, changed: bool) -> float:
    """Reward a push as the baseline does: the ring must empty as well.

    Args:
        q_gain, occupancy_drop: as for `push_reward`.
        changed: the surface around the target sank.
    Returns:
        0.5 (Q_g rose, something changed, and the ring emptied), -0.5 (nothing changed or the
        ring did not empty), else 0.
    Source: Wang et al. 2024, from its public code; the gain from the new image, as above.
    """
    if not changed or occupancy_drop <= MIN_OCCUPANCY_DROP:
        return -0.5
    return 0.5 if q_gain > MIN_GAIN else 0.0


def wang_grasp_reward(success: bool, alternating: bool) -> float:
    """Reward a grasp as the baseline does once pushing is learned.

    Returns:
        1.5 for success, -1 for a failure in alternation, else 0.
    Source: Wang et al. 2024, from its public code.
    """
    if success:
        return WANG_SUCCESS
    return -1.0 if alternating else 0.0


def reward_in_alternation(
    kind: Literal["paper", "wang2024"], success: bool, changed: bool
) -> float:
    """Reward a grasp in alternation by a recipe's kind of rewards."""
    if kind == "wang2024":
        return wang_grasp_reward(success, alternating=True)
    return alternating_grasp_reward(success, changed)


def bootstraps(success: bool, changed: bool) -> bool:
    """Tell if the next state's value counts towards an action's target.

    Otherwise a failure that changed nothing would inherit the value of the same state (ancestors'
    code).
    """
    return success or changed


def target(
    reward: float, next_q: float, discount: float, output: Literal["probability", "value"]
) -> float:
    """Compute the learning target of one action.

    Args:
        reward: of the action.
        next_q: best value in the next state; not used when the discount is 0.
        discount: gamma.
        output: value: reward + gamma next_q. probability: 1 if the action helped, else 0.
    """
    if output == "probability":
        return 1.0 if reward > 0 else 0.0
    return reward + discount * next_q if discount > 0 else reward
