"""An action is drawn where and as long as the robot executes it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_steps import WORKSPACE, make_step

from pushgrasp.interfaces import Action, GripperSpec, Outcome, Report
from pushgrasp.primitives import executed_push, push_path
from pushgrasp.retrieve import Step
from pushgrasp.view.draw.actions import (
    ActionGeometry,
    draw_action,
    jaw_ends,
)
from pushgrasp.view.draw.panels import Crop
from pushgrasp.workspace import rotation_angle

WHOLE = Crop(0, 0, WORKSPACE.n_pixels, 3 * WORKSPACE.n_pixels)
PAPER = 90  # grey level of the empty panel


def make_action(primitive: str, row: int, column: int, rotation: int) -> Action:
    x, y = WORKSPACE.to_xy(row, column)
    yaw = float(rotation_angle(rotation))
    return Action(primitive, (row, column), rotation, (float(x), float(y), 0.03), yaw, 0.9)  # type: ignore[arg-type]


def step_of(action: Action, reports: tuple[Report, ...] = ()) -> Step:
    step = make_step("grasp")
    decision = dataclasses.replace(step.decision, action=action)
    return dataclasses.replace(step, decision=decision, outcome=Outcome(reports=reports))


def drawn(action: Action, geometry: ActionGeometry, reports: tuple[Report, ...] = ()) -> np.ndarray:
    """(N, 2) m, world frame: the panel's pixels that the drawing has changed."""
    panel = np.full((WHOLE.side, WHOLE.side, 3), PAPER, np.uint8)
    draw_action(panel, step_of(action, reports), geometry, WHOLE)
    v, u = np.nonzero((panel != PAPER).any(-1))
    px = WORKSPACE.resolution / WHOLE.scale
    x = WORKSPACE.x_min + (u + 0.5) * px
    y = WORKSPACE.y_min + (WHOLE.side - v - 0.5) * px
    return np.stack([x, y], axis=1)


@given(row=st.integers(0, 223), column=st.integers(0, 223), rotation=st.integers(0, 15))
def test_a_push_is_drawn_along_the_path_that_is_executed(
    row: int, column: int, rotation: int
) -> None:
    action, geometry = make_action("push", row, column, rotation), ActionGeometry()
    start, end = (np.array(xy) for xy in push_path(action, geometry.primitive, WORKSPACE))
    along = np.array([np.cos(action.yaw), np.sin(action.yaw)])
    reached = (drawn(action, geometry) - start) @ along
    margin = 0.008  # m: line width, and the disc on the chosen point
    assert reached.min() > -margin
    assert reached.max() < (end - start) @ along + margin


def test_a_push_near_the_edge_is_drawn_as_short_as_it_is_executed() -> None:
    at_the_edge = drawn(make_action("push", 112, 214, 0), ActionGeometry())
    inside = drawn(make_action("push", 112, 112, 0), ActionGeometry())
    assert np.ptp(inside[:, 0]) == pytest.approx(0.10, abs=0.006)
    assert np.ptp(at_the_edge[:, 0]) == pytest.approx(0.069, abs=0.006)


def test_a_push_that_contact_stopped_is_drawn_as_far_as_it_went() -> None:
    action = make_action("push", 112, 112, 0)
    x, y, _ = action.position
    places = [(x - 0.05, 0.25), (x - 0.05, 0.25), (x - 0.05, 0.06), (x - 0.05, 0.01), (x, 0.01)]
    reports = tuple(Report((x, y, z), 0.0, 0.0) for x, z in (*places, (x, 0.25)))
    assert executed_push(action, reports) == ((x - 0.05, y), (x, y))
    assert np.ptp(drawn(action, ActionGeometry(), reports)[:, 0]) == pytest.approx(0.05, abs=0.008)
    assert executed_push(make_action("grasp", 112, 112, 0), reports) is None
    assert executed_push(action, reports[:1]) is None, "it did not get there"


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("yaw", [0.0, 0.4, -2.5])
def test_a_turned_panel_turns_directions_with_positions(quarters: int, yaw: float) -> None:
    crop = Crop(0, 0, WORKSPACE.n_pixels, 448, quarters)
    start = np.array(WORKSPACE.center)
    end = start + 0.1 * np.array([np.cos(yaw), np.sin(yaw)])
    moved = crop.at_xy(end, WORKSPACE) - crop.at_xy(start, WORKSPACE)
    np.testing.assert_allclose(moved / np.linalg.norm(moved), crop.along(yaw), atol=1e-9)


@pytest.mark.parametrize("width", [0.080, 0.110])
def test_a_grasp_is_drawn_as_wide_as_the_jaw_of_the_robot(width: float) -> None:
    geometry = ActionGeometry(gripper=GripperSpec(max_width=width))
    action = make_action("grasp", 112, 112, 0)
    np.testing.assert_allclose(
        jaw_ends(action, geometry.gripper) - action.position[:2],
        [(-width / 2, 0), (width / 2, 0)], atol=1e-9,
    )  # fmt: skip
    outer = width + 2 * geometry.gripper.finger_thickness
    assert np.ptp(drawn(action, geometry)[:, 0]) == pytest.approx(outer, abs=0.005)
