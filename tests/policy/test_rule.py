"""Targets on hand-made maps, and the rule case by case with given values."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from drawn_scenes import PILE, Block, draw
from fixed_scores import FixedScores, HashedScores, label_of
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.perception.heightmap import Heightmap
from pushgrasp.perception.observation import Observation
from pushgrasp.policy.base import Decision, Mask, Memory, QMap
from pushgrasp.policy.config import DecisionConfig
from pushgrasp.policy.rule import RULE_VERSION, best_push, choose_target, decide, version_for
from pushgrasp.workspace import Workspace

SHAPE = (224, 224)
Box = tuple[slice, slice]
A: Box = np.s_[100:125, 100:125]
B: Box = np.s_[40:60, 40:60]
NONE = math.nan
RULE = DecisionConfig(grasp_threshold=0.5, blocker_threshold=0.6, clear_blockers=True)
SEEN = draw((*PILE, Block(0.15, 0.15)))  # the goal is 1; 2 to 5 are around it, 6 is far away
AROUND, FAR = (2, 3, 4, 5), 6


# --- the target ----------------------------------------------------------------------------


def look(
    goal: npt.NDArray[np.bool_],
    *boxes: tuple[Box, float],
    spots: tuple[tuple[Box, float], ...] = (),
) -> Observation:
    """Boxes of some heights; the first is region 1, and so on."""
    height, labels = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.int32)
    for i, (box, h) in enumerate(boxes, start=1):
        height[box], labels[box] = h, i
    for box, h in spots:
        height[box] = h
    heightmap = Heightmap(np.zeros((*SHAPE, 3), np.uint8), height, Workspace())
    return Observation(heightmap, labels, labels > 0, goal)


def mask_of(*boxes: Box) -> npt.NDArray[np.bool_]:
    mask = np.zeros(SHAPE, bool)
    for box in boxes:
        mask[box] = True
    return mask


def test_a_visible_goal_is_the_target() -> None:
    target = choose_target(look(mask_of(A), (A, 0.03), (B, 0.1)), RULE)
    assert target.is_goal
    assert target.visible_px == 625
    assert (target.mask == mask_of(A)).all()
    assert target.occupancy == 0
    assert target.why == "the goal is visible (625 px)"


@pytest.mark.parametrize(
    ("n_px", "why"),
    [
        (0, "the goal is hidden; removing the highest object (100 mm)"),
        (5, "the goal is hidden (5 px seen, 6 needed); removing the highest object (100 mm)"),
    ],
)
def test_a_hidden_goal_gives_way_to_the_highest_object(n_px: int, why: str) -> None:
    target = choose_target(look(mask_of(np.s_[200:201, :n_px]), (A, 0.03), (B, 0.1)), RULE)
    assert not target.is_goal
    assert target.visible_px == n_px
    assert (target.mask == mask_of(B)).all()
    assert target.why == why
    assert choose_target(look(mask_of(np.s_[0:1, 0:6]), (A, 0.03), (B, 0.1)), RULE).is_goal


def test_one_noisy_pixel_or_a_sliver_is_not_the_highest_object() -> None:
    sliver: Box = np.s_[10:12, 10:20]
    noise = (np.s_[110:111, 110:111], 0.3), (np.s_[111:112, 111:112], np.nan)
    seen = look(mask_of(), (A, 0.03), (B, 0.05), (sliver, 0.2), spots=noise)
    assert (choose_target(seen, RULE).mask == mask_of(B)).all()


def test_switching_off_keeps_the_goal_however_small() -> None:
    off = replace(RULE, switching=False)
    for goal in (mask_of(), mask_of(np.s_[0:1, 0:2])):
        target = choose_target(look(goal, (A, 0.03)), off)
        assert target.is_goal
        assert (target.mask == goal).all()
        assert target.why == f"switching is off, {goal.sum()} px of the goal are seen"


def test_a_goal_under_a_high_threshold_is_no_other_object() -> None:
    rule = replace(RULE, switch_px=1000)
    target = choose_target(look(mask_of(A), (A, 0.1), (B, 0.03)), rule)
    assert (target.mask == mask_of(B)).all()
    alone = choose_target(look(mask_of(A), (A, 0.1)), rule)
    assert alone.is_goal
    assert alone.mask.any()


def test_an_empty_table_has_an_empty_target() -> None:
    target = choose_target(look(mask_of()), RULE)
    assert not target.mask.any()
    assert target.visible_px == 0
    assert target.occupancy == 1
    assert target.why == "the goal is hidden; no other object is seen"


# --- the rule ------------------------------------------------------------------------------


def ask(
    goal: float, around: float = NONE, far: float = NONE, push: float | None = NONE,
    memory: Memory | None = None, **rule: Any,
) -> tuple[Decision, list[int | str]]:  # fmt: skip
    """The decision for given values, and what was scored for it, in that order."""
    scores = FixedScores({1: goal, **dict.fromkeys(AROUND, around), FAR: far}, push)
    return decide(scores, SEEN, memory or Memory(), replace(RULE, **rule)), scores.asked


def chosen(decision: Decision) -> str:
    """What it does, in a word."""
    if decision.action is None:
        return "nothing"
    if decision.action.primitive == "push":
        return "push"
    label = label_of(SEEN, decision.target.mask)
    assert SEEN.labels[decision.action.pixel] == label
    return {1: "goal", FAR: "far"}.get(label, "around")


@given(st.floats(-2, 3), st.floats(0, 1), st.floats(-2, 3))
@settings(max_examples=30)
def test_the_papers_rule(q_grasp: float, limit: float, q_push: float) -> None:
    """Grasp if max Q_g exceeds Q_g* and the clutter is below a share, else push."""
    rule = {"clear_blockers": False, "grasp_threshold": 1.78, "occupancy_limit": limit}
    decision, _ = ask(q_grasp, push=q_push, **rule)
    occupancy = decision.target.occupancy
    assert 0.2 < occupancy < 0.8
    grasps = np.float32(q_grasp) > 1.78 and occupancy <= limit
    assert chosen(decision) == ("goal" if grasps else "push")
    assert decision.why


CASES: list[tuple[tuple[float, float, float, float | None], int, dict[str, Any], str]] = [
    # goal, around, far, push; pushes in a row; changes of the rule; what is done
    ((0.7, NONE, NONE, NONE), 0, {}, "goal"),
    ((0.7, 0.9, 0.9, 0.9), 0, {}, "goal"),
    ((0.7, 0.9, 0.9, 0.9), 0, {"occupancy_limit": 0.1}, "around"),
    ((0.3, 0.7, NONE, NONE), 0, {}, "around"),
    ((0.3, 0.55, NONE, 0.2), 0, {}, "push"),
    ((0.3, 0.9, NONE, 0.2), 0, {"clear_blockers": False}, "push"),
    ((NONE, 0.55, NONE, NONE), 0, {}, "around"),
    ((0.3, 0.2, NONE, NONE), 0, {}, "goal"),
    ((0.3, NONE, NONE, 0.2), 2, {"max_pushes": 2}, "goal"),
    ((0.3, 0.4, NONE, 0.2), 2, {"max_pushes": 2}, "around"),
    ((0.3, NONE, NONE, 0.2), 1, {"max_pushes": 2}, "push"),
    ((NONE, NONE, NONE, 0.2), 9, {"max_pushes": 2}, "push"),  # there is nothing else
    ((0.3, NONE, NONE, NONE), 0, {}, "goal"),
    ((0.3, NONE, NONE, None), 0, {}, "goal"),
    ((NONE, NONE, NONE, NONE), 0, {}, "nothing"),
    # any object that is sure, once pushing has led nowhere or is impossible
    ((0.3, 0.55, 0.7, 0.2), 0, {"max_pushes": 2}, "push"),
    ((0.3, 0.55, 0.7, 0.2), 2, {"max_pushes": 2}, "far"),
    ((0.3, 0.55, 0.7, NONE), 0, {}, "far"),
    ((0.3, 0.55, 0.5, NONE), 0, {}, "around"),
    ((0.3, 0.55, 0.7, 0.2), 2, {"max_pushes": 2, "clear_blockers": False}, "goal"),
]


@pytest.mark.parametrize(("q", "pushes", "change", "expected"), CASES)
def test_the_rule_case_by_case(
    q: tuple[float, float, float, float | None], pushes: int, change: dict[str, Any], expected: str
) -> None:
    decision, _ = ask(*q, memory=Memory(pushes_in_a_row=pushes), **change)
    assert chosen(decision) == expected
    assert "nan" not in decision.why
    if decision.action is not None:
        assert decision.action.why == decision.why


@pytest.mark.parametrize(
    ("q", "asked"),
    [
        ((0.7, 0.9, 0.9, 0.9), [1]),
        ((0.3, 0.9, 0.9, 0.9), [1, "around"]),
        ((0.3, 0.3, 0.9, 0.9), [1, "around", "push"]),
        ((0.3, 0.3, 0.9, NONE), [1, "around", "push", "others"]),
    ],
)
def test_only_what_is_needed_is_scored(
    q: tuple[float, float, float, float], asked: list[int | str]
) -> None:
    _, order = ask(*q)
    n_around = sum(label in AROUND for label in order[1:4])
    expected: list[int | str] = [1]
    expected += order[1 : 1 + n_around] if "around" in asked else []
    expected += ["push"] if "push" in asked else []
    assert order[: len(expected)] == expected
    rest = order[len(expected) :]
    assert rest == ([] if "others" not in asked else rest)
    assert (FAR in order) == ("others" in asked)


def test_values_are_kept_whatever_is_chosen() -> None:
    decision, _ = ask(0.3, 0.55, NONE, 0.2)
    assert (decision.q_grasp, decision.q_push) == pytest.approx((0.3, 0.2))
    assert decision.grasp_map is not None
    assert decision.grasp_map[:, SEEN.goal].max() == pytest.approx(0.3)
    assert decision.push_map is not None
    cleared, _ = ask(0.3, 0.7)
    assert cleared.q_grasp == pytest.approx(0.3)
    assert cleared.grasp_map is not None  # of what is grasped
    assert cleared.grasp_map[:, SEEN.goal].max() == -np.inf
    assert math.isnan(cleared.q_push)


def test_the_value_of_a_push_is_unweighted() -> None:
    """The weights rank pushes; what is compared and recorded is the network's own value."""

    class OnlyTwo(FixedScores):
        def push_map(self, observation: Observation, target: Mask) -> QMap | None:
            q_map = super().push_map(observation, target)
            assert q_map is not None
            q_map[:, observation.labels != 2] = -np.inf
            return q_map

    decision = decide(OnlyTwo({}, 0.2), SEEN, Memory(), replace(RULE, clear_blockers=False))
    assert decision.action is not None
    assert decision.push_map is not None
    assert decision.push_map.max() == pytest.approx(0.95 * 0.2)
    assert decision.q_push == decision.action.q == pytest.approx(0.2)


def test_failures_cost_trust() -> None:
    """A network that was wrong about a heap may be wrong again."""
    rule = {"distrust": 0.6, "clear_blockers": False}
    assert chosen(ask(0.83, push=0.1, **rule)[0]) == "goal"
    failed, _ = ask(0.83, push=0.1, memory=Memory(failures_in_a_row=1), **rule)
    assert chosen(failed) == "push"
    assert failed.q_grasp == pytest.approx(0.83)  # what the network says
    assert "Q_g 0.83 counts 60 % after 1 failed grasp in a row" in failed.why
    assert "0.498 is not over 0.500" in failed.why  # the numbers that were compared
    twice, _ = ask(0.99, push=0.1, memory=Memory(failures_in_a_row=2), **rule)
    assert chosen(twice) == "push"
    assert "counts 36 % after 2 failed grasps in a row; 0.36 is not over 0.50" in twice.why


def test_failures_cost_a_negative_value_trust_too() -> None:
    rule = {"distrust": 0.6, "grasp_threshold": -0.45, "clear_blockers": False}
    assert chosen(ask(-0.4, push=0.1, **rule)[0]) == "goal"
    failed, _ = ask(-0.4, push=0.1, memory=Memory(failures_in_a_row=1), **rule)
    assert chosen(failed) == "push"
    assert "-0.56 is not over -0.45" in failed.why


@given(st.floats(-1, 1), st.integers(0, 6), st.floats(0, 1))
@settings(max_examples=30)
def test_trust_never_rises_with_failures(q: float, failures: int, distrust: float) -> None:
    """If the rule pushes before another failure, it does so after it."""

    def grasps(n: int) -> bool:
        rule = {"distrust": distrust, "grasp_threshold": 0.1, "clear_blockers": False}
        return chosen(ask(q, push=0.1, memory=Memory(failures_in_a_row=n), **rule)[0]) == "goal"

    assert grasps(failures) >= grasps(failures + 1)


def test_every_reason_names_the_numbers_compared() -> None:
    limit = {"occupancy_limit": 0.1, "clear_blockers": False}
    share = f"{100 * ask(0.9)[0].target.occupancy:.0f} %"
    pushed = Memory(pushes_in_a_row=2)
    expected = [
        (ask(0.9), "Q_g 0.90 is over 0.50"),
        (ask(0.3, push=0.1, clear_blockers=False), "Q_g 0.30 is not over 0.50"),
        (
            ask(0.9, push=0.1, **limit),
            f"{share} of the ring around the target is occupied",
        ),
        (ask(0.3, 0.7), "Q_g 0.30 is not over 0.50; Q_g 0.70, over 0.60, beside it"),
        (ask(NONE, push=0.1), "the target offers no grasp"),
        (ask(0.3, NONE, 0.7), "no push is possible; Q_g 0.70, over 0.60, elsewhere"),
        (ask(0.3, push=0.1, memory=pushed, max_pushes=2), "pushes in a row: 2, the limit is 2"),
        (ask(0.3), "the best grasp left"),
        (ask(NONE), "no grasp and no push is left to try"),
    ]
    for (decision, _), words in expected:
        assert words in decision.why


def test_the_best_push_is_the_one_that_the_rule_would_weigh() -> None:
    doubtful = replace(RULE, grasp_threshold=2.0, clear_blockers=False)
    for seed in range(8):
        scores = HashedScores(seed)
        shown, decision = best_push(scores, SEEN, RULE), decide(scores, SEEN, Memory(), doubtful)
        assert shown.q_map is not None
        assert decision.push_map is not None
        np.testing.assert_array_equal(shown.q_map, decision.push_map)


def test_failed_actions_are_avoided_only_if_the_rule_says_so() -> None:
    scores = HashedScores(3)
    first = decide(scores, SEEN, Memory(), RULE).action
    assert first is not None
    memory = Memory((first,))
    for avoid in (True, False):
        again = decide(scores, SEEN, memory, replace(RULE, avoid_repeats=avoid)).action
        assert (again == first) is not avoid
    assert decide(scores, SEEN, Memory(), RULE, refused=[first]).action != first


def test_a_new_version_leaves_the_hash_of_policies_that_decide_as_before() -> None:
    usual, distrusts = DecisionConfig(), DecisionConfig(distrust=0.6)
    assert version_for(distrusts, "value") == RULE_VERSION == 2
    assert version_for(usual, "value") == version_for(distrusts, "probability") == 1
