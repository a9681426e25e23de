"""`geometric`: a hand-written planner, what one would try before learning.

It grasps the goal where a jaw fits and would hold it (`antipodal`); else it takes away what lies
beside the goal, or whatever else can be had; else it pushes the goal into free space (`shove`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...interfaces import Action, GripperSpec, Primitive
from ...perception.observation import Observation
from ...primitives import PrimitiveConfig
from ..base import Decision, QMap
from ..config import DecisionConfig
from ..selection import Memory, best, by_distance, neighbours, suppress
from ..targeting import Target, choose_target, occupancy
from .antipodal import grasp_map
from .pushes import push_map

RULE = DecisionConfig()  # when the goal is hidden, and what counts as the same action
SURE = 0.15  # score from which a grasp is taken: 80 % held that scored so (measured, `antipodal`)
MAX_PUSHES = 2  # in a row; then the best grasp there is
DISTRUST = 0.7  # factor on the target's score for each grasp that has failed in a row

VERSION = 1
"""Part of the policy's hash: raise it whenever the same observation leads to another decision."""


@dataclass(frozen=True)
class _Candidate:
    """The best action of a map."""

    target: Target
    q_map: QMap
    place: tuple[int, int, int] | None  # rotation, row, column
    q: float  # 0 where there is none


class Geometric:
    """Decides by geometry alone: the same observation and memory, the same action.

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
        """Choose the next action; see `Policy.decide`."""
        memory = memory or Memory()
        avoid = (*refused, *memory.failed)
        workspace = observation.heightmap.workspace
        goal = choose_target(
            observation.goal,
            observation.labels,
            observation.heightmap.height,
            switch_px=RULE.switch_px,
        )
        scores = grasp_map(observation, self.gripper, self.primitive)
        scores = suppress(scores, avoid, "grasp", workspace, RULE)
        on_goal = _grasp(scores, goal)
        push = _Candidate(goal, np.full_like(scores, -np.inf), None, 0.0)
        trusted = on_goal.q * DISTRUST**memory.failures_in_a_row
        grasp, why = on_goal, f"it fits and holds with {trusted:.2f}"
        if trusted < SURE:
            doubt = f"the target's best grasp counts {trusted:.2f}"
            doubt = doubt if on_goal.place else "the target offers no grasp"
            grasp, why = _way_clearing(observation, scores, goal, doubt) or (None, doubt)
        if grasp is None:
            pushes = push_map(observation, goal.mask, self.gripper, self.primitive)
            push = _candidate(goal, suppress(pushes, avoid, "push", workspace, RULE))
        if grasp is None and (push.place is None or memory.pushes_in_a_row >= MAX_PUSHES):
            anything = [on_goal, *_others(observation, scores, goal)]
            grasp = max((c for c in anything if c.place), key=lambda c: c.q, default=None)
            why = f"{why}: the best grasp there is"
        chosen, primitive = (grasp, "grasp") if grasp else (push, "push")
        return _decision(observation, chosen, primitive, on_goal, push, why)


def _way_clearing(
    observation: Observation, scores: QMap, goal: Target, doubt: str
) -> tuple[_Candidate, str] | None:
    """A sure grasp of something else: the best beside the target, or else the nearest."""
    what = "the goal" if goal.is_goal else "the target"
    beside = [
        _grasp(scores, _stand_in(observation, goal, mask, f"clears the way: beside {what}"))
        for mask in neighbours(observation.labels, goal.mask)
    ]
    best_beside = max(beside, key=lambda c: c.q, default=None)
    if best_beside is not None and best_beside.q >= SURE:
        return best_beside, f"{doubt}; that of its neighbour {best_beside.q:.2f}"
    for other in _others(observation, scores, goal):
        if other.q >= SURE:
            return other, f"{doubt}; elsewhere there is one of {other.q:.2f}"
    return None


def _others(observation: Observation, scores: QMap, goal: Target) -> Iterator[_Candidate]:
    """The best grasp of each other object, the nearest to the target first."""
    why = "clears the table: nothing nearer can be grasped"
    for label in by_distance(observation.labels, goal.mask):
        yield _grasp(scores, _stand_in(observation, goal, observation.labels == label, why))


def _stand_in(
    observation: Observation, goal: Target, mask: npt.NDArray[np.bool_], why: str
) -> Target:
    around = occupancy(mask, observation.heightmap.height)
    return Target(mask, False, goal.visible_px, around, why)


def _grasp(scores: QMap, target: Target) -> _Candidate:
    return _candidate(target, np.where(target.mask, scores, np.float32(-np.inf)))


def _candidate(target: Target, q_map: QMap) -> _Candidate:
    place = best(q_map)
    if place is None or q_map[place] <= 0:
        return _Candidate(target, q_map, None, 0.0)
    return _Candidate(target, q_map, place, float(q_map[place]))


def _decision(
    observation: Observation,
    chosen: _Candidate,
    primitive: Primitive,
    on_goal: _Candidate,
    push: _Candidate,
    why: str,
) -> Decision:
    action = None
    if chosen.place is None:
        why = "no finger fits beside anything, and no push has room"
    else:
        why = f"{why}; pushes it to where there is room" if primitive == "push" else why
        action = observation.action(primitive, *chosen.place, q=chosen.q, why=why)
    asked = bool(np.isfinite(push.q_map).any())
    return Decision(
        action=action,
        target=chosen.target,
        q_grasp=on_goal.q if on_goal.place else np.nan,
        q_push=push.q if push.place else np.nan,
        grasp_map=on_goal.q_map if chosen is push else chosen.q_map,
        push_map=push.q_map if asked else None,
        why=why,
    )
