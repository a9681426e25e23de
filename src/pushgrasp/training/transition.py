"""One action of a training scene: its state, its label, its reward, its record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..interfaces import Action
from ..perception.change import changed, moved
from ..perception.observation import Observation
from ..perception.segmentation import goal_mask
from ..policy.base import Mask
from ..policy.maps import occupancy
from .messages import SceneJob
from .recipes import StageConfig
from .replay_buffer import ACTION, NO_ACTION, PRIMITIVES
from .rewards import (
    bootstraps,
    grasp_reward,
    push_reward,
    reward_in_alternation,
    wang_grasp_reward,
    wang_push_reward,
)
from .task import RGB

WANG_CHANGED_PX = 50
"""Pixels that must have sunk for the baseline to detect a change (its code)."""

Rewards = Literal["paper", "wang2024"]
"""See `Recipe.rewards`."""


@dataclass
class Transition:
    """An action, the state in which it was chosen, and its outcome."""

    observation: Observation
    target: Mask  # (H, W) input of the network
    follows: bool  # True if the scene's previous action led to this state
    action: Action | None = None  # None: the scene stops in this state
    explored: bool = False
    success: bool = False
    reward: float = 0.0
    bootstraps: bool = False
    target_changed: bool = False  # the surface around the target sank


def reward_grasp(
    transition: Transition, after: Observation, stage: StageConfig, rewards: Rewards
) -> float:
    """Reward a grasp in scenes with pushes (equation 2; in alternation equation 4)."""
    if stage.alternates:
        return reward_in_alternation(rewards, transition.success, target_changed(transition, after))
    if rewards == "wang2024":
        return wang_grasp_reward(transition.success, alternating=False)
    return grasp_reward(transition.success)


def reward_push(
    transition: Transition, after: Observation, target: Mask, q_gain: float, rewards: Rewards
) -> float:
    """Reward a push (equation 3).

    Args:
        transition: the push.
        after: the next state.
        target: (H, W) the goal there.
        q_gain: see `rewards.push_reward`.
        rewards: the kind.
    """
    before = transition.observation.heightmap
    drop = occupancy(transition.target, before.height)
    drop -= occupancy(target, after.heightmap.height)
    if rewards == "wang2024":
        sank = changed(before, after.heightmap, transition.target, min_px=WANG_CHANGED_PX)
        return wang_push_reward(q_gain, drop, sank)
    return push_reward(q_gain, drop)


def note_changes(transition: Transition, after: Observation) -> Transition:
    """Note if the next state's value counts; for a grasp, if the target changed (equation 4)."""
    assert transition.action is not None
    something_moved = moved(transition.observation.heightmap, after.heightmap)
    transition.bootstraps = bootstraps(transition.success, something_moved)
    if transition.action.primitive == "grasp":
        transition.target_changed = target_changed(transition, after)
    return transition


def target_changed(transition: Transition, after: Observation) -> bool:
    """Detect that the surface around the target sank (the change in equation 4)."""
    return changed(transition.observation.heightmap, after.heightmap, transition.target)


def relabel(transition: Transition, taken_rgb: RGB | None) -> None:
    """Relabel a goal-agnostic grasp in hindsight: its goal becomes the grasped object.

    On failure the goal becomes the object under the pixel. A grasped object that was not visible
    could not have been the goal, so that grasp counts as a failure, too.

    Args:
        transition: changed in place.
        taken_rgb: colour of the object that was grasped, or None.
    Source: section III-C.1.
    """
    assert transition.action is not None
    if taken_rgb is not None:
        mask = goal_mask(transition.observation.heightmap, taken_rgb)
        if mask.any():
            transition.target = mask
            return
    transition.success = False
    label = transition.observation.labels[transition.action.pixel]
    if label > 0:
        transition.target = transition.observation.labels == label


def action_record(transition: Transition, job: SceneJob) -> npt.NDArray[np.void]:
    """Return the replay's record of the action, of shape () and dtype `replay_buffer.ACTION`."""
    record, action = np.zeros((), ACTION), transition.action
    record["stage"], record["scene"] = job.stage, job.scene
    record["explored"], record["reward"] = transition.explored, transition.reward
    record["bootstraps"] = transition.bootstraps
    record["target_changed"] = transition.target_changed
    if action is None:
        record["primitive"], record["q"] = NO_ACTION, np.nan
    else:
        record["primitive"] = PRIMITIVES.index(action.primitive)
        record["row"], record["column"] = action.pixel
        record["rotation"], record["q"] = action.rotation, action.q
    return record
