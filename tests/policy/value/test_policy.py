"""The policy: the highest value, no failure again, and its base if in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import PILE, draw

from pushgrasp.interfaces import Action
from pushgrasp.perception.observation import Observation
from pushgrasp.policy.base import Decision, Memory
from pushgrasp.policy.geometric.planner import Geometric
from pushgrasp.policy.value.network import ValueNetwork
from pushgrasp.policy.value.policy import ValuePolicy, repeats
from pushgrasp.policy.value.proposals import PRIMITIVE, Candidates, propose
from pushgrasp.workspace import Workspace


class Judged(ValuePolicy):
    """Values as a test wants them, by primitive and rotation."""

    def __init__(self, base: Geometric | None = None, margin: float = 0.0) -> None:
        super().__init__([ValueNetwork()], base=base, margin=margin)
        self.longest = False

    def values(self, observation: Observation, candidates: Candidates) -> np.ndarray:
        if self.longest:
            return candidates["length"]
        score = np.nan_to_num(candidates["score"], nan=0.5)
        return np.where(candidates["primitive"] == 0, 0.5 + 0.1 * score, 0.1).astype(np.float32)


class Unsure(Geometric):
    """Plans as ever, and gives little for it."""

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        decision = super().decide(observation, memory, refused=refused)
        action = decision.action and replace(decision.action, q=0.4)
        return replace(decision, action=action)


def _decide(policy: ValuePolicy, refused: Sequence[Action] = ()) -> Decision:
    return policy.decide(draw(PILE), Memory(), refused=refused)


def test_it_takes_the_highest_value() -> None:
    seen, policy = draw(PILE), Judged()
    action = policy.decide(seen).action
    found = propose(seen, policy.gripper, focus=True)
    assert action is not None
    assert action.q == policy.values(seen, found).max()


def test_a_push_is_as_long_as_its_candidate() -> None:
    policy = Judged()
    policy.longest = True
    decision = _decide(policy)
    assert decision.action is not None
    assert decision.action.primitive == "push"
    assert decision.primitive is not None
    assert decision.primitive.push_length == 0.2
    assert policy.primitive == PRIMITIVE


def test_what_was_refused_is_not_offered_again() -> None:
    refused: list[Action] = []
    for _ in range(4):
        action = _decide(Judged(), refused).action
        assert action is not None
        own = np.array([(0, *action.pixel, action.rotation, 0, 0, 0, 0)], propose_dtype())
        assert not repeats(own, refused, Workspace()).any()
        refused.append(action)


def propose_dtype() -> np.dtype:
    return propose(draw(()), ValuePolicy([]).gripper).dtype


def test_opposite_grasps_are_the_same_but_opposite_pushes_are_not() -> None:
    seen = draw(PILE)
    own = np.array([(0, 100, 100, 9, 0, 0, 0, 0), (1, 100, 100, 9, 0.1, 0, 0, 0)], propose_dtype())
    grasp = seen.action("grasp", 1, 101, 100)
    push = seen.action("push", 1, 101, 100)
    assert repeats(own, [grasp], Workspace()).tolist() == [True, False]
    assert repeats(own, [push], Workspace()).tolist() == [False, False]


@pytest.mark.parametrize("margin", [0.0, 0.2])
def test_it_leaves_its_base_only_by_the_margin(margin: float) -> None:
    base = Unsure()
    usual = base.decide(draw(PILE)).action
    decision = _decide(Judged(base, margin))
    assert usual is not None
    assert decision.action is not None
    same = (decision.action.pixel, decision.action.rotation) == (usual.pixel, usual.rotation)
    assert same == (margin > 0.1)


@pytest.mark.parametrize("failures", [1, 2])
def test_after_failed_grasps_in_a_row_it_takes_what_its_base_takes(failures: int) -> None:
    base, seen = Unsure(), draw(PILE)
    usual = base.decide(seen).action
    decision = Judged(base).decide(seen, Memory(failures_in_a_row=failures))
    assert usual is not None
    assert decision.action is not None
    same = (decision.action.pixel, decision.action.rotation) == (usual.pixel, usual.rotation)
    assert same == (failures == 2)


def test_a_grasp_of_the_goal_of_which_the_base_is_sure_is_taken() -> None:
    class Sure(Geometric):
        def decide(self, observation: Observation, memory: Memory | None = None, **_: object):
            target = replace(super().decide(observation).target, is_goal=True)
            action = observation.action("grasp", 1, 101, 100, q=q)
            return Decision(action, target, q, np.nan, None, None, "sure")

    for q in (0.4, 0.6):
        action = _decide(Judged(Sure())).action
        assert action is not None
        assert (action.pixel == (101, 100)) == (q == 0.6)


def test_after_pushes_in_a_row_only_its_base_pushes_on() -> None:
    policy = Judged()
    policy.longest = True  # pushes have the highest values
    seen = draw(PILE)
    for pushes, primitive in ((1, "push"), (2, "grasp")):
        action = policy.decide(seen, Memory(pushes_in_a_row=pushes)).action
        assert action is not None
        assert action.primitive == primitive


def test_values_are_probabilities_whatever_is_seen() -> None:
    for seen in (draw(PILE), draw(PILE, unseen=True)):
        policy = ValuePolicy([ValueNetwork(), ValueNetwork()])
        values = policy.values(seen, propose(seen, policy.gripper))
        assert ((values >= 0) & (values <= 1)).all()


def test_an_empty_table_leaves_nothing_to_do() -> None:
    assert ValuePolicy([ValueNetwork()]).decide(draw(())).action is None


def test_it_counts_the_grasps_at_the_goal_that_were_in_vain() -> None:
    class Watched(ValuePolicy):
        def values(self, observation: Observation, candidates: Candidates) -> np.ndarray:
            counts.append(self._tries)
            return observation.goal[candidates["row"], candidates["column"]] * (
                1.0 - candidates["primitive"]
            )

    counts: list[int] = []
    policy, seen = Watched([]), draw(PILE)
    action = policy.decide(seen).action
    assert action is not None
    policy.decide(seen)  # it was carried out
    again = policy.decide(seen).action
    assert again is not None
    policy.decide(seen, refused=[again])  # it was not
    policy.reset()
    policy.decide(seen)
    assert counts == [0, 1, 2, 2, 0]
