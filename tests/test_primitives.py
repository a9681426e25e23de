"""Grasp and push as commands: a robot that only takes notes, and a few real ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import FLAT, UPRIGHT, cube_and_gantry, world_of

from pushgrasp.interfaces import Action, Command, GripperSpec, MoveJaw, MoveTo, Primitive, Report
from pushgrasp.primitives import (
    DESCENT_GUARD,
    GRIP_FORCE,
    MIN_HELD_WIDTH,
    PUSH_GUARD,
    TRAVEL_HEIGHT,
    PrimitiveConfig,
    holds,
    moves,
    present,
    push_path,
    run,
)
from pushgrasp.sim.robots.gantry import Gantry
from pushgrasp.workspace import N_ROTATIONS, Workspace, rotation_angle

WORKSPACE, CONFIG = Workspace(), PrimitiveConfig()
PRESENT = present(WORKSPACE).position
SAFE = 0.1  # m, above which a motion need not be guarded


class Notes:
    """A robot that obeys at once.

    Args:
        meets: height in m at which a guarded descent meets something; None: never.
        grips: width in m at which a closing jaw is stopped; 0: it meets nothing.
        loses_at: number of the command after which the jaw is empty again.
    """

    name = "notes"
    gripper = GripperSpec()

    def __init__(
        self, meets: float | None = None, grips: float = 0.0, loses_at: int | None = None
    ) -> None:
        self.commands: list[Command] = []
        self._meets, self._grips, self._loses_at = meets, grips, loses_at
        self._at, self._yaw, self._width = (-0.5, 0.46, 0.25), 0.0, 0.11

    def execute(self, command: Command) -> Report:
        self.commands.append(command)
        contact = False
        if len(self.commands) == self._loses_at:
            self._grips = self._width = 0.0
        if isinstance(command, MoveJaw):
            self._width = max(command.width, self._grips)
        else:
            x, y, z = command.position
            guarded = command.guard_force is not None
            contact = guarded and self._meets is not None and z < self._meets
            self._at = (x, y, self._meets if contact and self._meets else z)
            self._yaw = command.yaw
        return Report(self._at, self._yaw, self._width, contact, not contact)

    def refuses(self, moves: Sequence[MoveTo]) -> str:
        return ""

    def home(self) -> Report:
        raise AssertionError("going home is for the loop to decide")

    state = home

    def stop(self) -> None:
        raise AssertionError("nothing to stop")

    @property
    def moves(self) -> list[MoveTo]:
        return [c for c in self.commands if isinstance(c, MoveTo)]


def action(
    primitive: Primitive,
    xy: tuple[float, float] = (-0.5, 0.0),
    surface: float = 0.05,
    yaw: float = 0.0,
) -> Action:
    return Action(primitive, (0, 0), 0, (*xy, surface), yaw, 1.0)


@st.composite
def actions(draw: st.DrawFn, primitive: Primitive) -> Action:
    """Any pixel, any rotation, any height of a heap."""
    pixel = draw(st.tuples(st.integers(0, 223), st.integers(0, 223)))
    rotation = draw(st.integers(0, N_ROTATIONS - 1))
    x, y = WORKSPACE.to_xy(*pixel).tolist()
    position = (x, y, draw(st.floats(0.0, 0.15)))
    return Action(primitive, pixel, rotation, position, float(rotation_angle(rotation)), 0.0)


# --- what a robot is asked about -----------------------------------------------------------


@settings(max_examples=40)
@given(st.one_of(actions("grasp"), actions("push")))
def test_a_robot_is_asked_about_the_way_that_it_will_go(chosen: Action) -> None:
    robot = Notes(grips=0.05)
    run(robot, chosen, CONFIG, WORKSPACE)
    went = [(m.position, m.yaw) for m in robot.moves]
    if chosen.primitive == "grasp":
        assert went.pop(3)[0][:2] == chosen.position[:2]  # a slow start of the way up
    asked = moves(chosen, CONFIG, WORKSPACE)
    assert len(asked) == len(went)
    for move, (position, yaw) in zip(asked, went, strict=True):
        assert move.position == pytest.approx(position)
        assert move.yaw == pytest.approx(yaw)


# --- grasp ---------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(actions("grasp"), st.sampled_from([0.02, 0.03]))
def test_a_grasp_goes_below_the_point_and_never_into_the_table(
    chosen: Action, depth: float
) -> None:
    robot = Notes()
    config = PrimitiveConfig(grasp_depth=depth)
    reports = run(robot, chosen, config, WORKSPACE)
    x, y, surface = chosen.position
    lowest = min(robot.moves, key=lambda m: m.position[2])
    assert lowest.position[2] == pytest.approx(max(surface - depth, config.tip_clearance))
    assert lowest.guard_force == DESCENT_GUARD
    assert lowest.speed <= 0.15
    for move in robot.moves:
        assert move.position[:2] == (x, y)
        assert move.yaw == chosen.yaw
    assert len(reports) == len(robot.commands)


@settings(max_examples=50, deadline=None)
@given(actions("grasp"))
def test_a_grasp_opens_first_and_closes_at_the_bottom(chosen: Action) -> None:
    robot = Notes()
    run(robot, chosen, CONFIG, WORKSPACE)
    (jaw,) = [i for i, c in enumerate(robot.commands) if isinstance(c, MoveJaw)]
    assert robot.commands[jaw] == MoveJaw(0.0, GRIP_FORCE)
    heights = [m.position[2] for m in robot.moves]
    assert heights[0] == heights[-1] == TRAVEL_HEIGHT
    assert heights[jaw - 1] == min(heights)
    assert (np.diff(heights[:jaw]) < 0).all()
    assert (np.diff(heights[jaw:]) >= 0).all()


@pytest.mark.parametrize("primitive", ["grasp", "push"])
@settings(max_examples=50, deadline=None)
@given(surface=st.floats(0.0, 0.15))
def test_everything_that_goes_down_or_across_down_there_is_guarded(
    primitive: Primitive, surface: float
) -> None:
    robot = Notes()
    run(robot, action(primitive, surface=surface), CONFIG, WORKSPACE)
    at = TRAVEL_HEIGHT
    for move in robot.moves:
        z = move.position[2]
        if z < at or z == at < SAFE:
            assert move.guard_force is not None
        at = z


def test_a_grasp_that_meets_something_eases_off_and_closes() -> None:
    robot = Notes(meets=0.043, grips=0.05)
    reports = run(robot, action("grasp"), CONFIG, WORKSPACE)
    jaw = next(i for i, c in enumerate(robot.commands) if isinstance(c, MoveJaw))
    eased = robot.commands[jaw - 1]
    assert isinstance(eased, MoveTo)
    assert 0.043 < eased.position[2] <= 0.048
    assert eased.position[:2] == (-0.5, 0.0)
    assert eased.guard_force is None  # upwards, and in contact still
    assert holds(reports[-1])


def test_only_a_full_hand_is_shown() -> None:
    full, empty, lost = Notes(grips=0.05), Notes(), Notes(grips=0.05, loses_at=6)
    for robot in (full, empty, lost):
        reports = run(robot, action("grasp", (-0.6, 0.1), yaw=0.7), CONFIG, WORKSPACE)
        shown = [m for m in robot.moves if m.position == PRESENT]
        assert len(shown) == (robot is full)
        assert holds(reports[-1]) == (robot is full)
    assert full.moves[-1].position == PRESENT
    assert full.moves[-2].position == (-0.6, 0.1, TRAVEL_HEIGHT)  # straight up first


@pytest.mark.parametrize("primitive", ["grasp", "push"])
def test_a_raised_or_moved_table_moves_the_whole_primitive(primitive: Primitive) -> None:
    shift = np.array((0.9, -0.3, 0.25))
    there = Workspace(WORKSPACE.x_min + 0.9, WORKSPACE.y_min - 0.3, table_z=0.25)
    chosen = action(primitive, (-0.6, 0.1), yaw=0.7)
    x, y, z = (np.array(chosen.position) + shift).tolist()
    moved = dataclasses.replace(chosen, position=(x, y, z))
    for here, other in zip(
        moves(chosen, CONFIG, WORKSPACE), moves(moved, CONFIG, there), strict=True
    ):
        assert np.allclose(np.array(here.position) + shift, other.position, atol=1e-12)
        assert (here.yaw, here.speed, here.guard_force) == (
            other.yaw, other.speed, other.guard_force,
        )  # fmt: skip
    robot, shifted = Notes(grips=0.05), Notes(grips=0.05)
    run(robot, chosen, CONFIG, WORKSPACE)
    run(shifted, moved, CONFIG, there)
    for here, other in zip(robot.moves, shifted.moves, strict=True):
        assert np.allclose(np.array(here.position) + shift, other.position, atol=1e-12)


def test_a_grasp_stays_above_a_raised_table() -> None:
    there = Workspace(table_z=0.16)
    flat = action("grasp", surface=0.165)
    assert min(m.position[2] for m in moves(flat, CONFIG, there)) == 0.16 + CONFIG.tip_clearance


@pytest.mark.parametrize(
    ("width", "held"), [(0.0, False), (MIN_HELD_WIDTH, False), (0.007, True), (0.025, True)]
)
def test_a_jaw_that_closed_all_the_way_holds_nothing(width: float, held: bool) -> None:
    assert holds(Report((0.0, 0.0, 0.2), 0.0, width)) is held


# --- push ----------------------------------------------------------------------------------


def test_a_push_starts_5_cm_behind_and_travels_10() -> None:
    for rotation in range(N_ROTATIONS):
        yaw = float(rotation_angle(rotation))
        start, end = push_path(action("push", yaw=yaw), CONFIG, WORKSPACE)
        ahead = np.array([np.cos(yaw), np.sin(yaw)])
        assert np.allclose(start, (-0.5, 0.0) - 0.05 * ahead)
        assert np.allclose(end, (-0.5, 0.0) + 0.05 * ahead)


@settings(max_examples=50, deadline=None)
@given(actions("push"))
def test_a_push_stays_in_the_workspace_and_goes_through_its_point(chosen: Action) -> None:
    path = np.array(push_path(chosen, CONFIG, WORKSPACE))
    assert WORKSPACE.contains(path, margin=1e-9).all()
    ahead = np.array([np.cos(chosen.yaw), np.sin(chosen.yaw)])
    offset = path - chosen.position[:2]
    across = offset @ (-ahead[1], ahead[0])
    along = offset @ ahead
    assert np.allclose(across, 0)
    assert -0.05 - 1e-9 <= along[0] <= 1e-9
    assert -1e-9 <= along[1] <= 0.1 + 1e-9
    assert along[1] - along[0] <= 0.1 + 1e-9
    for end, way in ((path[0], 0.05 + along[0]), (path[1], 0.1 - (along[1] - along[0]))):
        if way > 1e-6:  # shortened: then by the edge
            low = (WORKSPACE.x_min, WORKSPACE.y_min)
            edges = np.concatenate([end - low, low + np.full(2, WORKSPACE.size) - end])
            assert np.isclose(edges, 0, atol=1e-9).any()


@settings(max_examples=50, deadline=None)
@given(actions("push"))
def test_a_push_closes_goes_down_behind_and_up_at_the_end(chosen: Action) -> None:
    robot = Notes()
    reports = run(robot, chosen, CONFIG, WORKSPACE)
    assert robot.commands[1] == MoveJaw(0.0)
    (start, end), surface = push_path(chosen, CONFIG, WORKSPACE), chosen.position[2]
    depth = max(surface - CONFIG.push_depth, CONFIG.tip_clearance)
    over, above, down, across, up = robot.moves
    assert over.position == (*start, TRAVEL_HEIGHT)
    assert above.position[:2] == start
    assert down.position == pytest.approx((*start, depth))
    assert across.position == pytest.approx((*end, depth))
    assert (down.guard_force, across.guard_force) == (DESCENT_GUARD, PUSH_GUARD)
    assert up.position == pytest.approx((*end, TRAVEL_HEIGHT))
    assert all(move.yaw == chosen.yaw for move in robot.moves)
    assert len(reports) == len(robot.commands)
    assert not any(holds(report) for report in reports[1:])


def test_a_push_goes_over_what_lies_where_it_starts() -> None:
    robot = Notes(meets=0.06)
    run(robot, action("push"), CONFIG, WORKSPACE)
    across = robot.moves[-2]
    assert across.position[0] == pytest.approx(-0.45)
    assert 0.06 < across.position[2] <= 0.07


def test_a_stopped_push_is_lifted_from_where_it_is() -> None:
    class Stuck(Notes):
        def execute(self, command: Command) -> Report:
            report = super().execute(command)
            if isinstance(command, MoveTo) and command.guard_force == PUSH_GUARD:
                self._at = (-0.52, 0.0, report.position[2])
                return Report(self._at, 0.0, 0.0, stopped_by_contact=True, reached=False)
            return report

    robot = Stuck()
    run(robot, action("push"), CONFIG, WORKSPACE)
    assert robot.moves[-1].position == (-0.52, 0.0, TRAVEL_HEIGHT)


# --- with a real robot ---------------------------------------------------------------------


def test_a_cube_is_lifted_and_shown() -> None:
    world, robot = cube_and_gantry(-0.55, 0.05)
    reports = run(robot, action("grasp", (-0.55, 0.05)), CONFIG, WORKSPACE)
    assert holds(reports[-1])
    assert np.allclose(reports[-1].position, PRESENT, atol=2e-3)
    assert world.held() == ["object_00"]
    assert world.pose("object_00")[0] == pytest.approx((*PRESENT[:2], 0.245), abs=0.005)


def test_a_cube_is_pushed_along() -> None:
    for yaw in (0.0, np.pi / 2, -3 * np.pi / 4):
        world, robot = cube_and_gantry()
        run(robot, action("push", yaw=float(yaw)), CONFIG, WORKSPACE)
        moved = world.pose("object_00")[0][:2] - (-0.5, 0.0)
        ahead = np.array([np.cos(yaw), np.sin(yaw)])
        assert 0.06 < moved @ ahead < 0.1
        assert abs(moved @ (-ahead[1], ahead[0])) < 0.01


@pytest.mark.parametrize("primitive", ["grasp", "push"])
def test_a_taller_neighbour_is_met_gently(primitive: Primitive) -> None:
    """A finger comes down on a block that towers over the chosen point."""
    world = world_of("tile", "long")
    robot = Gantry(world)
    world.place("object_00", (-0.5, 0.0, 0.0126), FLAT)
    world.place("object_01", (-0.439, 0.0, 0.0501), UPRIGHT)
    world.settle()
    world.peak_penetration = 0.0
    before = world.pose("object_01")[0]
    forces: list[float] = []
    world.frame_period = 0.0
    world.frame_callback = lambda: forces.append(robot.contact_force())
    x = -0.5 if primitive == "grasp" else -0.389  # a push starts on top of it
    reports = run(robot, action(primitive, (x, 0.0), surface=0.025), CONFIG, WORKSPACE)
    assert any(report.stopped_by_contact for report in reports)
    assert not any("short" in report.reason for report in reports)  # it did not insist
    assert sum(force > 25.0 for force in forces) <= 5  # ticks of 8 ms: the blows themselves
    assert world.peak_penetration < 2e-3
    assert np.abs(world.pose("object_01")[0] - before).max() < 2e-3
