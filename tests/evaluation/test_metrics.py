"""The protocol's rates, on trials made by hand and by hypothesis."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trial_players import trial

from pushgrasp.evaluation.intervals import wilson
from pushgrasp.evaluation.metrics import Cause, band, cause, compare, score
from pushgrasp.retrieve import End


def test_rates_by_hand() -> None:
    group = score(
        "random-10",
        [
            trial(0, pushes=2, grasps=2, good_grasps=1),
            trial(1, pushes=0, grasps=3, good_grasps=3),
            trial(2, success=False, pushes=7, grasps=5, good_grasps=0),
            trial(3, success=False, pushes=5, grasps=0, end=End.NO_CHANGE),
        ],
        wanted=500,
    )
    assert (group.policy, group.name) == ("default", "random-10")
    assert (group.trials, group.wanted, group.completed) == (4, 500, 2)
    assert group.tcr == 0.5
    assert group.tcr_ci95 == wilson(2, 4)
    assert group.gsr == 4 / 5  # the failed trials' grasps do not count
    assert group.mn == (4 + 3) / 2  # grasps and pushes of completed trials
    assert (group.gsr_ci95, group.mn_ci95) == (None, None)  # two are too few
    assert group.causes == {"failed_grasps": 1, "no_change": 1}


def test_intervals_are_of_completed_trials_alone() -> None:
    trials = [trial(i, pushes=2, grasps=2, good_grasps=1) for i in range(10)]
    trials += [trial(10 + i, grasps=3, good_grasps=3) for i in range(10)]
    trials += [trial(20 + i, success=False, pushes=50, grasps=9) for i in range(20)]
    group = score("g", trials)
    assert group.gsr_ci95 is not None
    assert group.mn_ci95 is not None
    assert 0.6 < group.gsr_ci95[0] < 0.8 < group.gsr_ci95[1] < 1.0
    assert 3.0 < group.mn_ci95[0] < 3.5 < group.mn_ci95[1] < 4.0


def test_nothing_completed_has_no_gsr_nor_mn() -> None:
    group = score("g", [trial(i, success=False, good_grasps=1) for i in range(3)])
    assert (group.tcr, group.gsr, group.mn) == (0.0, None, None)
    assert (group.gsr_ci95, group.mn_ci95) == (None, None)


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


def test_times_are_medians() -> None:
    times = [(0.1, 3.0, 20.0), (0.3, 9.0, 60.0), (None, 5.0, 40.0), (0.2, 4.0, 30.0)]
    trials = [trial(i, decision_s=d, wall_s=w, robot_s=r) for i, (d, w, r) in enumerate(times)]
    group = score("g", trials)
    assert (group.decision_s, group.trial_s, group.robot_s) == (0.2, 4.5, 35.0)


@pytest.mark.parametrize("end", [end for end in End if end is not End.GOAL_IN_HAND])
def test_a_trial_fails_by_how_it_ended_or_by_a_wrong_claim(end: End) -> None:
    assert cause(trial(success=False, end=end)).value == end.value
    assert cause(trial(success=False, end=end, claimed_success=True)) is Cause.WRONG_CLAIM
    for odd in (None, End.GOAL_IN_HAND):  # of an old record; of one that contradicts itself
        unknown = trial(success=False, end=odd, claimed_success=False)
        assert cause(unknown) is Cause.OTHER


def test_the_words_of_a_reason_decide_nothing() -> None:
    for words in (
        "nothing to do: the goal left the workspace, I think",
        "3 grasps in a row failed",
    ):
        assert cause(trial(success=False, end=End.NO_CHANGE, reason=words)) is Cause.NO_CHANGE


def test_bands() -> None:
    assert [band(f) for f in (0.0, 0.0001, 0.2999, 0.3, 0.6, 0.6001, 1.0)] == [
        "hidden", "under 0.3", "under 0.3", "0.3 to 0.6", "0.3 to 0.6", "over 0.6", "over 0.6",
    ]  # fmt: skip
    fractions = [0.0, 0.0, 0.7, 0.7, 0.7]
    good = [True, False, True, True, False]
    trials = [
        trial(i, success=s, visible_fraction=f)
        for i, (f, s) in enumerate(zip(fractions, good, strict=True))
    ]
    found = [(b.band, b.trials, b.completed, b.tcr, b.tcr_ci95) for b in score("g", trials).bands]
    assert found == [
        ("hidden", 2, 1, 0.5, wilson(1, 2)), ("over 0.6", 3, 2, 2 / 3, wilson(2, 3)),
    ]  # fmt: skip


def test_trials_that_cannot_be_one_group_are_refused() -> None:
    with pytest.raises(ValueError, match="no trial"):
        score("g", [])
    with pytest.raises(ValueError, match="twice"):
        score("g", [trial(3), trial(3)])
    with pytest.raises(ValueError, match="several policies"):
        score("g", [trial(3), trial(3, policy="paper")])


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
    assert group.tcr_ci95 is not None
    assert 0 <= group.tcr_ci95[0] <= group.tcr <= group.tcr_ci95[1] <= 1
    assert group.completed + sum(group.causes.values()) == group.trials
    assert sum(b.trials for b in group.bands) == group.trials
    assert (group.gsr is None) == (group.completed == 0)
    for value, interval in ((group.gsr, group.gsr_ci95), (group.mn, group.mn_ci95)):
        assert interval is None or value is not None
        if value is not None and interval is not None:
            assert interval[0] - 1e-9 <= value <= interval[1] + 1e-9
    random.shuffle(trials)
    assert score("g", trials) == group


# --- two policies -----------------------------------------------------------------------


def test_policies_are_compared_scene_by_scene() -> None:
    a = [
        trial(0, policy="a", grasps=5),
        trial(1, policy="a", grasps=2),
        trial(2, policy="a"),
        trial(3, policy="a", success=False),
        trial(4, policy="a", seed=99),  # a fault gave it another scene
    ]
    b = [
        trial(0, policy="b", grasps=2),
        trial(1, policy="b", grasps=1),
        trial(2, policy="b", success=False),
        trial(3, policy="b", success=False),
        trial(4, policy="b", success=False),
        trial(5, policy="b"),
    ]
    found = compare("random-10", a, list(reversed(b)))
    assert found is not None
    assert (found.group, found.a, found.b) == ("random-10", "a", "b")
    assert (found.pairs, found.only_a, found.only_b, found.p) == (4, 1, 0, 1.0)
    assert (found.mn_pairs, found.mn_difference, found.mn_ci95) == (2, 2.0, None)
    turned = compare("random-10", b, a)
    assert turned is not None
    assert (turned.only_a, turned.only_b, turned.mn_difference) == (0, 1, -2.0)


def test_a_difference_is_of_pairs() -> None:
    hard = [0, 10] * 10  # one more grasp in each scene, or three, however many there were
    a = [trial(i, policy="a", grasps=4 + n + 2 * (i % 3 == 0)) for i, n in enumerate(hard)]
    b = [trial(i, policy="b", grasps=3 + n) for i, n in enumerate(hard)]
    found = compare("g", a, b)
    assert found is not None
    assert found.mn_difference == 1.7
    assert found.mn_ci95 is not None
    assert 1.0 <= found.mn_ci95[0] < 1.7 < found.mn_ci95[1] < 2.5


def test_over_all_trials_a_failure_counts_as_the_action_limit() -> None:
    a = [trial(i, policy="a", grasps=2, action_limit=30) for i in range(4)]
    b = [trial(i, policy="b", grasps=1, action_limit=30, success=i > 0) for i in range(4)]
    assert score("g", a).mn_all == 2.0
    assert score("g", b).mn_all == (30 + 3 * 1) / 4
    found = compare("g", a, b)
    assert found is not None
    assert found.mn_difference == 1.0
    assert found.mn_all_difference == 2.0 - 33 / 4
    unknown = [dataclasses.replace(b[0], action_limit=None), *b[1:]]
    assert score("g", unknown).mn_all is None
    found = compare("g", a, unknown)
    assert found is not None
    assert (found.mn_all_difference, found.mn_all_ci95) == (None, None)


def test_without_a_common_scene_there_is_no_comparison() -> None:
    a, b = trial(0, policy="a"), trial(0, policy="b", seed=7)
    assert compare("g", [a], [b]) is None
    found = compare("g", [a], [dataclasses.replace(b, seed=0, success=False)])
    assert found is not None
    assert (found.mn_pairs, found.mn_difference, found.mn_ci95) == (0, None, None)
