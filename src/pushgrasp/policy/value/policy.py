"""`value`: takes the candidate after which the goal is out soonest, whatever it is aimed at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ...interfaces import Action, GripperSpec
from ...perception.observation import Observation
from ...workspace import N_ROTATIONS, Workspace
from ..base import Decides, Decision, Memory, Resets, Target
from ..config import DecisionConfig
from ..networks.compact import Compact
from ..rule import choose_target, surrogate
from .grasp_q import grasp_q
from .network import ValueNetwork, encode
from .proposals import GRASP, PRIMITIVE, PUSH, Candidates, from_action, propose, to_action
from .views import Goals, table

RULE = DecisionConfig()  # which actions count as the same
PATIENCE = 2
"""The values were wrong as often; the episode ends after five."""
SURE = 0.5
"""Q of a grasp of the goal, by the base, over which it is taken: about the success of single grasps
GraspNet knows more."""
MOST_PUSHES = 2
"""Pushes in a row after which only the base may push on."""


class ValuePolicy:
    """Compares candidate grasps and pushes of all objects by their values.

    Args:
        networks: the lowest of their values counts: the highest of many uncertain values would be
            too high.
        gripper: the robot's jaw; None: an RG2's.
        base: a policy whose choice is a candidate, too, and which grasps and pushes as PRIMITIVE.
        margin: by which a candidate's value must be higher than the base's choice to be taken.
        grasp_net: scores the candidate grasps, as when the networks learned; None: not known.
        patience: failed grasps in a row after which the base's choice is taken.
    """

    primitive = PRIMITIVE

    def __init__(
        self,
        networks: Sequence[ValueNetwork],
        gripper: GripperSpec | None = None,
        base: Decides | None = None,
        margin: float = 0.0,
        grasp_net: Compact | None = None,
        patience: int = PATIENCE,
    ) -> None:
        self.networks, self.gripper = [n.eval() for n in networks], gripper or GripperSpec()
        self.base, self.margin = base, margin
        self.grasp_net, self.patience = grasp_net, patience
        self._tries, self._tried = 0, False

    def reset(self) -> None:
        """Forget how often the goal was grasped at in vain."""
        self._tries, self._tried = 0, False
        if isinstance(self.base, Resets):
            self.base.reset()

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        """Choose the next action; see `Decides.decide`."""
        if self._tried and not refused:  # the last choice was carried out
            self._tries += 1
        decision = self._choose(observation, memory or Memory(), refused)
        action = decision.action
        self._tried = (
            action is not None
            and action.primitive == "grasp"
            and bool(observation.goal[action.pixel])
        )
        return decision

    def _choose(
        self, observation: Observation, memory: Memory, refused: Sequence[Action]
    ) -> Decision:
        usual = None
        if self.base is not None:
            usual = self.base.decide(observation, memory, refused=refused)
            if usual.action is not None and (reason := self._trusts(usual, memory)):
                return _because(usual, reason)
        target = choose_target(observation, RULE)
        candidates = propose(observation, self.gripper, focus=True)
        avoid = (*refused, *memory.failed)
        candidates = candidates[~repeats(candidates, avoid, observation.heightmap.workspace)]
        if memory.pushes_in_a_row >= MOST_PUSHES:
            candidates = candidates[candidates["primitive"] == GRASP]
        if usual is not None and usual.action is not None:  # the last candidate
            candidates = np.concatenate([candidates, from_action(usual.action, observation)])
        if not len(candidates):
            return Decision(None, target, np.nan, np.nan, None, None, "no candidate is left")
        if self.grasp_net is not None:
            candidates["q"] = grasp_q(self.grasp_net, observation, candidates)
        values = self.values(observation, candidates)
        i = int(values.argmax())
        if usual is not None and usual.action is not None and values[i] < values[-1] + self.margin:
            return _because(usual, f"value {values[-1]:.2f}, at most {values[i]:.2f}")
        chosen = candidates[i]
        length = float(chosen["length"]) or PRIMITIVE.push_length
        primitive = replace(PRIMITIVE, push_length=round(length, 3))
        why = f"the highest value, {values[i]:.2f}, of {len(candidates)} candidates"
        if usual is not None and usual.action is not None:
            why += f"; the usual choice has {values[-1]:.2f}"
        action = replace(to_action(observation, chosen, why=why), q=float(values[i]))
        aim = _aim(observation, target, action)
        kind = candidates["primitive"]
        return Decision(
            action, aim, q_grasp=_best(values, kind == GRASP), q_push=_best(values, kind == PUSH),
            grasp_map=None, push_map=None, why=why, primitive=primitive,
        )  # fmt: skip

    def _trusts(self, usual: Decision, memory: Memory) -> str:
        """Say why the base's choice is taken whatever the values are; "" if it is not."""
        failures = memory.failures_in_a_row
        if failures >= self.patience:
            return f"after {failures} failed grasps in a row"
        action = usual.action
        assert action is not None
        if action.primitive == "grasp" and usual.target.is_goal and action.q > SURE:
            return "the goal can be grasped"
        return ""

    def values(self, observation: Observation, candidates: Candidates) -> npt.NDArray[np.float32]:
        """Compute the values (N,) of candidates for the observation's goal."""
        tables = table(observation.heightmap.height, observation.labels, observation.goal)[None]
        n = len(candidates)
        goal = np.argwhere(observation.goal)
        center = goal.mean(0) if len(goal) else np.zeros(2)
        goals = Goals(
            owner=np.ones((n, 1), np.uint8),
            visible_px=np.full((n, 1), len(goal)),
            center=np.tile(center, (n, 1, 1)),
            tries=np.full((n, 1), self._tries),
            n_segments=np.full(n, int(observation.labels.max(initial=0))),
        )
        x = encode(tables, np.zeros(n, np.int64), candidates, goals)
        return np.min([network.value(x)[:, 0] for network in self.networks], axis=0)


def repeats(
    candidates: Candidates, actions: Sequence[Action], workspace: Workspace
) -> npt.NDArray[np.bool_]:
    """Find the candidates (N,) that are nearly the same as given actions; see `maps.suppress`."""
    same = np.zeros(len(candidates), bool)
    for action in actions:
        grasp = action.primitive == "grasp"
        period = N_ROTATIONS // 2 if grasp else N_ROTATIONS
        radius = RULE.grasp_repeat_m if grasp else RULE.push_repeat_m
        angle = RULE.grasp_repeat_deg if grasp else RULE.push_repeat_deg
        kind = candidates["primitive"] == (GRASP if grasp else PUSH)
        row, column = (
            candidates[k].astype(float) - p
            for k, p in zip(("row", "column"), action.pixel, strict=True)
        )
        steps = (candidates["rotation"].astype(int) - action.rotation) % period
        turn = np.minimum(steps, period - steps) * (360 / N_ROTATIONS)
        same |= kind & (np.hypot(row, column) * workspace.resolution <= radius) & (turn <= angle)
    return same


def _because(usual: Decision, reason: str) -> Decision:
    """Put a reason before the base's own."""
    assert usual.action is not None
    why = f"{reason}: {usual.why}"
    return replace(usual, action=replace(usual.action, why=why), why=why)


def _best(values: npt.NDArray[np.float32], which: npt.NDArray[np.bool_]) -> float:
    return float(values[which].max()) if which.any() else np.nan


def _aim(observation: Observation, target: Target, action: Action) -> Target:
    """Return what an action is aimed at: the target, or the segment under its pixel."""
    label = observation.labels[action.pixel]
    if target.mask[action.pixel] or not label:
        return target
    return surrogate(observation, observation.labels == label, "its removal helps soonest")
