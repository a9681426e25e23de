"""Rewards against the paper's equations, row by row."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgrasp.training.rewards import (
    alternating_grasp_reward,
    bootstraps,
    grasp_reward,
    push_reward,
    target,
    wang_grasp_reward,
    wang_push_reward,
)


def test_grasp_reward_is_equation_2():
    assert grasp_reward(True) == 1.0
    assert grasp_reward(False) == 0.0


@pytest.mark.parametrize(
    ("q_gain", "occupancy_drop", "reward"),
    [
        (0.2, 0.0, 0.5),  # Q_g rose
        (0.2, 0.5, 0.5),
        (0.2, -0.5, 0.5),  # rose although the ring filled
        (0.1, 0.0, -0.5),  # "more than 0.1" is strict
        (0.0, 0.0, -0.5),  # nothing happened
        (-0.4, 0.09, -0.5),
        (0.0, 0.1, 0.0),  # not easier yet, but less crowded
        (-0.4, 0.6, 0.0),
    ],
)
def test_push_reward_is_equation_3(q_gain: float, occupancy_drop: float, reward: float):
    assert push_reward(q_gain, occupancy_drop) == reward


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_push_reward_refuses_what_is_not_a_number(bad: float):
    with pytest.raises(ValueError, match="finite"):
        push_reward(bad, 0.0)
    with pytest.raises(ValueError, match="finite"):
        push_reward(0.0, bad)


@pytest.mark.parametrize(
    ("success", "changed", "reward"),
    [(True, True, 1.0), (True, False, 1.0), (False, False, -1.0), (False, True, 0.0)],
)
def test_alternating_grasp_reward_is_equation_4(success: bool, changed: bool, reward: float):
    assert alternating_grasp_reward(success, changed) == reward


@pytest.mark.parametrize(
    ("q_gain", "occupancy_drop", "changed", "reward"),
    [
        (0.2, 0.2, True, 0.5),
        (0.2, 0.2, False, -0.5),  # nothing changed
        (0.2, 0.1, True, -0.5),  # not freed: "more than 0.1" is strict
        (0.1, 0.2, True, 0.0),  # freed, but Q_g did not rise
        (-0.5, 0.0, True, -0.5),
    ],
)
def test_the_baseline_rewards_pushes_that_free_the_target(
    q_gain: float, occupancy_drop: float, changed: bool, reward: float
):
    assert wang_push_reward(q_gain, occupancy_drop, changed) == reward


def test_the_baseline_rewards_grasps_higher():
    assert [wang_grasp_reward(s, a) for s in (True, False) for a in (True, False)] == [
        1.5, 1.5, -1.0, 0.0,
    ]  # fmt: skip


def test_only_actions_that_did_something_bootstrap():
    assert bootstraps(True, False)
    assert bootstraps(False, True)
    assert not bootstraps(False, False)


numbers = st.floats(-2, 2, allow_nan=False)


@given(q_gain=numbers, drop=numbers, more=st.floats(0, 1))
def test_push_reward_never_falls_with_a_larger_gain_or_a_freer_target(
    q_gain: float, drop: float, more: float
):
    assert push_reward(q_gain + more, drop) >= push_reward(q_gain, drop)
    assert push_reward(q_gain, drop + more) >= push_reward(q_gain, drop)


@given(reward=numbers, next_q=numbers, discount=st.floats(0, 0.99))
def test_target_of_a_value_is_the_bellman_backup(reward: float, next_q: float, discount: float):
    assert target(reward, next_q, discount, "value") == pytest.approx(reward + discount * next_q)
    assert target(reward, next_q, discount, "probability") == float(reward > 0)


def test_target_ignores_the_next_state_without_a_discount():
    assert target(0.5, math.nan, 0.0, "value") == 0.5
