"""The protocol's rates, on trials made by hand and by hypothesis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgrasp.evaluation.metrics import score, score_groups, wilson
from pushgrasp.evaluation.records import TrialRecord


def trial(
    index: int = 0, *, success: bool = True, group: str = "random-10", **values
) -> TrialRecord:
    given = {
        "seed": index,
        "goal": "object_00",
        "visible_fraction": 0.5,
        "claimed_success": success,
        "reason": "the goal is in the hand" if success else "five failed grasps",
        "pushes": 0,
        "grasps": 1,
        "good_grasps": int(success),
    }
    return TrialRecord(group=group, index=index, success=success, **(given | values))


def test_rates_by_hand() -> None:
    group = score(
        "random-10",
        [
            trial(0, pushes=2, grasps=2, good_grasps=1),
            trial(1, pushes=0, grasps=3, good_grasps=3),
            trial(2, success=False, pushes=7, grasps=5, good_grasps=0),
            trial(3, success=False, pushes=0, grasps=0, good_grasps=0, reason="unchanged"),
        ],
    )
    assert (group.trials, group.completed) == (4, 2)
    assert group.tcr == 0.5
    assert group.gsr == 4 / 5  # the failed trials' grasps do not count
    assert group.mn == (4 + 3) / 2  # grasps and pushes of completed trials
    assert group.reasons == {"five failed grasps": 1, "unchanged": 1}


def test_nothing_completed_has_no_gsr_nor_mn() -> None:
    group = score("g", [trial(i, success=False, good_grasps=1) for i in range(3)])
    assert (group.tcr, group.gsr, group.mn) == (0.0, None, None)


def test_faults_are_counted_and_not_scored() -> None:
    group = score("g", [trial(0, faults=("NaN", "thrown")), trial(1, success=False)])
    assert (group.trials, group.completed, group.faults) == (2, 1, 2)


def test_claims() -> None:
    group = score(
        "g",
        [
            trial(0),
            trial(1, claimed_success=False),
            trial(2, success=False, claimed_success=True),
            trial(3, success=False),
        ],
    )
    assert (group.completed, group.wrong_claims, group.missed_claims) == (2, 1, 1)


def test_groups_keep_their_order() -> None:
    groups = score_groups([trial(0, group="b"), trial(0, group="a"), trial(1, group="b")])
    assert [(g.name, g.trials) for g in groups] == [("b", 2), ("a", 1)]


def test_empty_and_repeated_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="no trial"):
        score("g", [])
    with pytest.raises(ValueError, match="twice"):
        score("g", [trial(3), trial(3)])


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 9), st.integers(1, 9), st.booleans()),
        min_size=1,
        max_size=30,
    ),
    st.randoms(),
)
def test_rates_stay_in_range_and_ignore_order(outcomes, random) -> None:
    trials = [
        trial(
            i,
            success=success,
            pushes=pushes,
            grasps=grasps,
            good_grasps=random.randint(0, grasps),
            claimed_success=claimed,
        )
        for i, (success, pushes, grasps, claimed) in enumerate(outcomes)
    ]
    group = score("g", trials)
    assert 0 <= group.tcr_low <= group.tcr <= group.tcr_high <= 1
    assert group.completed + sum(group.reasons.values()) == group.trials
    assert (group.gsr is None) == (group.completed == 0)
    if group.gsr is not None and group.mn is not None:
        assert 0 <= group.gsr <= 1
        assert 1 <= group.mn <= 18
    random.shuffle(trials)
    assert score("g", trials) == group


def test_wilson_known_values() -> None:
    assert wilson(95, 100) == pytest.approx((0.8882, 0.9785), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 successes of 2"):
        wilson(3, 2)


@given(st.integers(1, 500), st.data())
def test_wilson_holds_the_rate_and_is_symmetric(n: int, data) -> None:
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)
    assert low <= k / n <= high
    assert wilson(n - k, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)
