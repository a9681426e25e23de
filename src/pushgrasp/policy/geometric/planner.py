"""`geometric`: a hand-written planner, what one would try before learning.

It grasps the goal where a jaw fits and would hold it (`antipodal`); else it removes a neighbour, or
any other object that can be grasped; else it pushes the goal into free space (`pushes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...interfaces import Action, GripperSpec, Primitive
from ...perception.observation import Observation
from ...primitives import PrimitiveConfig
from ..base import Candidate, Decision, Memory, QMap, Target, make_decision
from ..config import DecisionConfig
from ..maps import best, suppress
from ..rule import blockers, choose_target, other_objects
from .antipodal import grasp_map
from .pushes import push_map

RULE = DecisionConfig()  # when the goal is hidden, and which actions count as the same
SURE = 0.15  # score from which a grasp is taken: 80 % held that scored so (measured, `antipodal`)
MAX_PUSHES = 2  # in a row; then the best grasp there is
DISTRUST = 0.7  # factor on the target's score per grasp that has failed in a row

VERSION = 1
"""Part of the policy's hash: raise it whenever the same observation leads to another decision."""


class Geometric:
    """Decides by geometry alone: the same observation and memory lead to the same action.

    Args:
        gripper: the robot's jaw; None: an RG2's.
    """

    primitive = PrimitiveConfig(grasp_depth=0.03)

    def __init__(self, gripper: GripperSpec | None = None) -> None:
        self.gripper = gripper or GripperSpec()

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        """Choose the next action; see `Decides.decide`."""
        memory = memory or Memory()
        search = _Search(observation, self.gripper, self.primitive, (*refused, *memory.failed))
        target = choose_target(observation, RULE)
        scores = search.grasp_scores()
        grasp = search.best("grasp", target, _on(scores, target))
        chosen, push, why = _choose(search, scores, target, grasp, memory)
        if chosen.place is None:
            why = "no finger fits beside anything, and no push has room"
        if push is not None and push.q_map is not None and not np.isfinite(push.q_map).any():
            push = None  # there was nothing to score
        return make_decision(observation, chosen, why, grasp=grasp, push=push)


def _choose(
    search: _Search, scores: QMap, target: Target, grasp: Candidate, memory: Memory
) -> tuple[Candidate, Candidate | None, str]:
    """Try the options in order of preference.

    Returns:
        The chosen candidate, the best push (None: not scored), and why, in words.
    """
    # 1. Grasp the target, if the jaw fits and holds.
    trusted = (grasp.q if grasp.place else 0.0) * DISTRUST**memory.failures_in_a_row
    if trusted >= SURE:
        return grasp, None, f"the jaw fits and holds with a score of {trusted:.2f}"
    doubt = "the target offers no grasp"
    if grasp.place:
        doubt = f"the target's best grasp scores {trusted:.2f}, below {SURE}"

    # 2. Remove a neighbour, or else the nearest object that can be grasped.
    observation = search.observation
    beside = [search.best("grasp", t, _on(scores, t)) for t in blockers(observation, target)]
    neighbour = max((c for c in beside if c.place), key=lambda c: c.q, default=grasp)
    if neighbour is not grasp and neighbour.q >= SURE:
        return neighbour, None, f"{doubt}; a neighbour's scores {neighbour.q:.2f}"
    others = []
    for other in other_objects(observation, target):
        candidate = search.best("grasp", other, _on(scores, other))
        if candidate.q >= SURE:
            return candidate, None, f"{doubt}; another object's scores {candidate.q:.2f}"
        others.append(candidate)

    # 3. Push the target, but not for ever.
    push = search.best("push", target, search.push_scores(target))
    if push.place is not None and memory.pushes_in_a_row < MAX_PUSHES:
        return push, push, f"{doubt}; pushing it to where there is room"

    # 4. The best grasp left; without any, another push.
    left = [c for c in (grasp, *others) if c.place]
    if left:
        return max(left, key=lambda c: c.q), push, f"{doubt}; the best grasp left"
    return push, push, f"{doubt}; pushing it to where there is room"


@dataclass(frozen=True)
class _Search:
    """Finds the best allowed action, in one look at the table."""

    observation: Observation
    gripper: GripperSpec
    primitive: PrimitiveConfig
    avoid: Sequence[Action]

    def grasp_scores(self) -> QMap:
        """Score the grasps of all objects."""
        scores = grasp_map(self.observation, self.gripper, self.primitive)
        return self._suppress(scores, "grasp")

    def push_scores(self, target: Target) -> QMap:
        """Score the pushes of a target."""
        scores = push_map(self.observation, target.mask, self.gripper, self.primitive)
        return self._suppress(scores, "push")

    def best(self, primitive: Primitive, target: Target, q_map: QMap) -> Candidate:
        """Find the highest score; a score of 0 is no action."""
        place = best(q_map)
        if place is None or q_map[place] <= 0:
            return Candidate(primitive, target, q_map)
        return Candidate(primitive, target, q_map, place, float(q_map[place]))

    def _suppress(self, scores: QMap, primitive: Primitive) -> QMap:
        workspace = self.observation.heightmap.workspace
        return suppress(scores, self.avoid, primitive, workspace, RULE)


def _on(scores: QMap, target: Target) -> QMap:
    return np.where(target.mask, scores, np.float32(-np.inf))
