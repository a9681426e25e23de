"""A rehearsed arm keeps to its speed, and brakes on its line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgrasp.hardware.rehearsal.tool_line import TURN_SPEED, ToolLine
from pushgrasp.sim.robots.motion import JointPath

DT = 0.002
FAST = np.full(1, 1e3)


def line(length: float, angle: float, speed: float, limit: np.ndarray = FAST) -> ToolLine:
    """A line whose one joint moves as the tool does, in metres."""
    path = JointPath(np.array([[0.0], [max(length, angle)]]), np.array([0.0, 1.0]), length)
    return ToolLine(path, angle, speed, 0.5, limit)


def run(moving: ToolLine, brake_at: float = np.inf) -> np.ndarray:
    places = [0.0]
    while not moving.is_over and len(places) < 100_000:
        if len(places) * DT > brake_at:
            moving.brake(5.0)
        places.append(float(moving.advance(DT)[0]))
    return np.array(places)


@given(st.floats(0.001, 0.8), st.floats(0.005, 0.5))
def test_it_arrives_and_is_never_faster_than_asked(length: float, speed: float) -> None:
    places = run(line(length, 0.0, speed))
    assert places[-1] == pytest.approx(length)
    assert np.diff(places).max() <= speed * DT + 1e-5
    assert (np.diff(places) >= 0).all()


@given(st.floats(0.1, 3.0))
def test_a_turn_on_the_spot_keeps_to_the_turning_speed(angle: float) -> None:
    places = run(line(0.0, angle, 0.3))
    assert places[-1] == pytest.approx(angle)
    assert np.diff(places).max() <= TURN_SPEED * DT + 1e-4


@given(st.floats(0.02, 0.5), st.floats(0.0, 1.5))
def test_it_brakes_as_hard_as_told(speed: float, at: float) -> None:
    places = run(line(5.0, 0.0, speed), brake_at=at)
    told = int(at / DT)
    rest = places[-1] - places[min(told, len(places) - 1)]
    assert rest <= speed**2 / (2 * 5.0) + 3 * speed * DT
    assert places[-1] < 5.0


def test_no_joint_is_faster_than_its_limit() -> None:
    places = run(line(0.5, 0.0, 0.5, np.full(1, 0.1)))
    assert np.diff(places).max() <= 0.1 * DT + 1e-5
