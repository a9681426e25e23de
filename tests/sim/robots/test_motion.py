"""Lines through the joints: where they lead, and how fast."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.sim.robots.motion import ACCELERATION, JointPath, Timing, half_turn, time_path

LIMITS = np.array([2.0, 3.5, 1.0])  # rad/s
ACCELERATIONS = np.full(len(LIMITS), np.inf)


def joints_of(seed: int, n: int) -> np.ndarray:
    """(n, 3) joint positions along a smooth way, as inverse kinematics finds them."""
    rng = np.random.default_rng(seed)
    share = np.linspace(0, 1, n)[:, None]
    start, slope, swing, phase = rng.normal(0.0, 0.7, (4, 3))
    return start + slope * share + swing * np.sin(3 * share + phase)


def path_of(seed: int, n: int, length: float) -> JointPath:
    return JointPath(joints_of(seed, n), np.linspace(0, 1, n), length)


paths = st.builds(path_of, st.integers(0, 10_000), st.integers(2, 30), st.floats(0.0, 1.0))


def course(
    path: JointPath, timing: Timing, n: int = 400
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times in s, shares of the line and joint positions while it is travelled."""
    t = np.linspace(0, timing.duration, n)
    shares = np.array([timing.progress(x) for x in t])
    return t, shares, np.array([path.at(s) for s in shares])


# --- the way -------------------------------------------------------------------------------


@settings(max_examples=40)
@given(paths)
def test_a_path_goes_through_its_points(path: JointPath) -> None:
    for share, joints in zip(path.shares, path.joints, strict=True):
        assert np.allclose(path.at(float(share)), joints, atol=1e-9)


def test_two_points_are_a_straight_line() -> None:
    path = JointPath(np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([0.0, 1.0]), 0.3)
    assert np.allclose(path.at(0.25), (0.5, 0.75))
    assert np.allclose(path.steepest()[0], (2.0, 1.0))


def test_between_the_points_of_a_curve_it_does_not_cut_corners() -> None:
    share = np.linspace(0, 1, 12)
    path = JointPath(np.sin(2 * share)[:, None], share, 0.3)
    fine = np.linspace(0.2, 0.8, 200)
    miss = [abs(float(path.at(s)[0]) - np.sin(2 * s)) for s in fine]
    assert max(miss) < 2e-4  # a polygon misses by 4e-3
    assert path.steepest()[0][0] == pytest.approx(2.0, rel=0.02)


@settings(max_examples=40)
@given(paths)
def test_no_joint_is_steeper_than_the_steepest(path: JointPath) -> None:
    fine = np.linspace(0, 1, 1000)
    slopes = np.abs(np.diff([path.at(s) for s in fine], axis=0)).max(0) * 999
    assert (slopes <= 1.02 * path.steepest()[0] + 1e-9).all()
    assert (path.steepest()[0] <= 1.02 * slopes + 1e-2).all()


# --- the timing ----------------------------------------------------------------------------


@settings(max_examples=60)
@given(paths, st.floats(0.05, 1.5))
def test_neither_the_tool_nor_a_joint_is_faster_than_allowed(path: JointPath, speed: float) -> None:
    timing = time_path(path, speed, LIMITS, ACCELERATIONS)
    t, shares, joints = course(path, timing)
    step = t[1] - t[0]
    assert path.length * np.diff(shares).max() / step <= speed * (1 + 1e-6)
    assert (np.abs(np.diff(joints, axis=0)).max(0) / step <= 1.02 * LIMITS).all()
    assert np.allclose(joints[0], path.joints[0])
    assert np.allclose(joints[-1], path.joints[-1], atol=1e-6)


@settings(max_examples=60)
@given(paths, st.floats(0.05, 1.5))
def test_the_tool_speeds_up_and_brakes_gently(path: JointPath, speed: float) -> None:
    timing = time_path(path, speed, LIMITS, ACCELERATIONS)
    cruise = path.length / (timing.duration - timing.ramp)
    assert cruise <= ACCELERATION * timing.ramp * (1 + 1e-9)
    assert timing.duration >= 2 * timing.ramp * (1 - 1e-9)  # it stops speeding up before it brakes


@pytest.mark.parametrize(
    ("length", "turn", "speed", "cruising"),
    [
        (0.5, 0.1, 0.5, 1.0),  # s: the tool's speed decides
        (0.5, 3.0, 0.5, 3.0),  # the third joint, at 1 rad/s
        (0.0, 0.5, 1.0, 0.5),  # it turns on the spot
        (0.05, 0.0, 10.0, 0.1),  # too short to get fast: sqrt(0.05 / 5)
    ],
)
def test_the_slowest_decides(length: float, turn: float, speed: float, cruising: float) -> None:
    joints = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, turn]])
    timing = time_path(
        JointPath(joints, np.array([0.0, 1.0]), length), speed, LIMITS, ACCELERATIONS
    )
    assert timing.duration - timing.ramp == pytest.approx(cruising)
    assert timing.ramp == pytest.approx(min(speed / ACCELERATION, cruising))


def test_no_way_takes_no_time() -> None:
    timing = time_path(
        JointPath(np.zeros((2, 3)), np.array([0.0, 1.0]), 0.0), 0.5, LIMITS, ACCELERATIONS
    )
    assert 0 < timing.duration < 1e-3
    assert timing.progress(timing.duration) == pytest.approx(1)


@settings(max_examples=50)
@given(st.floats(0.01, 5.0), st.floats(0.001, 1.0))
def test_progress_runs_from_0_to_1_and_cruises_evenly(slowest: float, share: float) -> None:
    ramp = slowest * share
    duration = slowest + ramp
    t = np.linspace(0, duration, 200)
    way = np.array([Timing(duration, ramp).progress(x) for x in t])
    assert way[0] == 0
    assert way[-1] == pytest.approx(1)
    v = np.diff(way) / np.diff(t)
    assert (v >= 0).all()
    assert v.max() <= (1 + 1e-6) / slowest
    assert np.allclose(way + way[::-1], 1)  # braking mirrors speeding up
    assert np.abs(np.diff(v) / np.diff(t)[0]).max() <= (1 + 1e-6) / (slowest * ramp)


@settings(max_examples=50)
@given(st.floats(-50, 50))
def test_half_turns_are_small_and_equivalent(angle: float) -> None:
    turn = half_turn(angle)
    assert -np.pi / 2 <= turn <= np.pi / 2
    assert abs(np.sin(turn - angle)) < 1e-9


@given(st.integers(0, 10_000), st.floats(0.05, 1.0))
def test_no_joint_accelerates_faster_than_it_may(seed: int, speed: float) -> None:
    rng = np.random.default_rng(seed)
    shares = np.linspace(0, 1, 9)
    path = JointPath(np.cumsum(rng.normal(0, 0.1, (9, 3)), axis=0), shares, 0.2)
    most = np.array([5.0, 10.0, 15.0])
    timing = time_path(path, speed, np.full(3, 2.0), most)
    t = np.linspace(0, timing.duration, 4001)
    way = np.array([path.at(timing.progress(x)) for x in t])
    felt = np.abs(np.diff(way, 2, axis=0)).max(0) / (t[1] - t[0]) ** 2
    assert (felt < 1.1 * most).all()
