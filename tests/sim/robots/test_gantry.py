"""The gantry as a robot: where it goes, how fast, how hard, and what it says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from simulated import FLAT, UPRIGHT, cube_and_gantry, world_of

from pushgrasp.errors import SimulatorFault
from pushgrasp.interfaces import MoveJaw, MoveTo, Report
from pushgrasp.sim import cell
from pushgrasp.sim.cell import HOME
from pushgrasp.sim.robots.gantry import AXIS_FORCE, Gantry
from pushgrasp.sim.robots.motion import ACCELERATION
from pushgrasp.sim.world import World

GUARD = 20.0  # N
CUBE = (-0.5, 0.0)


def watch(world: World, read: Callable[[], object]) -> list:
    """Collect a reading at every tick from now on."""
    readings: list = []
    world.frame_period = 0.0
    world.frame_callback = lambda: readings.append(read())
    return readings


def speeds(robot: Gantry, command: MoveTo) -> np.ndarray:
    """The tool's speed, m/s, at every tick of a motion."""
    positions = watch(robot.world, lambda: (robot.world.data.time, *robot.state().position))
    robot.execute(command)
    robot.world.frame_callback = None
    t, *xyz = np.array(positions).T
    return np.linalg.norm(np.diff(xyz, axis=1), axis=0) / np.diff(t)


def axis_forces(robot: Gantry) -> np.ndarray:
    """N, what the drives of x, y and z push with."""
    return np.array([robot.world.data.actuator(a).force[0] for a in "xyz"])


def finger_forces(robot: Gantry) -> np.ndarray:
    """N, inward, what the drives of the fingers push with."""
    return -np.array([robot.world.data.actuator(f"finger_{s}").force[0] for s in ("left", "right")])


def over_the_cube(x: float = CUBE[0], z: float = 0.25) -> tuple[World, Gantry]:
    """A cube on the table and the open jaw above it."""
    world, robot = cube_and_gantry()
    robot.execute(MoveTo((x, CUBE[1], z), 0.0, speed=1.0))
    return world, robot


# --- motion --------------------------------------------------------------------------------


def test_it_starts_at_home_with_an_open_jaw() -> None:
    _, robot = cube_and_gantry()
    state = robot.state()
    assert np.allclose(state.position, HOME, atol=1e-4)
    assert (state.yaw, state.width) == pytest.approx((0.0, robot.gripper.max_width), abs=1e-6)


@pytest.mark.parametrize("speed", [0.1, 0.5, 1.0])
def test_it_gets_where_it_is_sent(speed: float) -> None:
    _, robot = cube_and_gantry()
    for target in ((-0.4, 0.15, 0.2), (-0.41, 0.15, 0.19), (-0.7, -0.2, 0.08), (-0.7, -0.2, 0.3)):
        report = robot.execute(MoveTo(target, 0.3, speed))
        assert report.reached
        assert not report.stopped_by_contact
        assert report.reason == ""
        assert np.abs(np.subtract(report.position, target)).max() < 1e-3
        assert report == robot.state()


def test_it_turns_by_the_shorter_way_of_a_symmetric_jaw() -> None:
    _, robot = cube_and_gantry()
    last = 0.0
    for yaw in (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, -0.1):
        turned = robot.execute(MoveTo((-0.5, 0.0, 0.25), yaw)).yaw
        assert abs(turned - last) < np.pi / 2 + 0.02
        assert abs(np.sin(turned - yaw)) < 0.02  # the same, modulo half a turn
        last = turned


@pytest.mark.parametrize("speed", [0.15, 0.5, 1.0])
def test_speed_is_limited(speed: float) -> None:
    _, robot = cube_and_gantry()
    v = speeds(robot, MoveTo((-0.5, 0.0, 0.1), 0.0, speed))
    assert 0.98 * speed < v.max() < speed + 0.03  # the servo overshoots for some 30 ms
    assert np.quantile(v, 0.9) < 1.05 * speed


@pytest.mark.parametrize("way", [0.002, 0.02, 0.1])
def test_short_ways_do_not_jerk(way: float) -> None:
    _, robot = cube_and_gantry()
    v = speeds(robot, MoveTo((HOME[0] + way, HOME[1], HOME[2]), 0.0, speed=1.0))
    assert v.max() < 1.1 * np.sqrt(way * ACCELERATION)


# --- contact -------------------------------------------------------------------------------


def test_a_guarded_descent_stops_on_a_block() -> None:
    world, robot = over_the_cube()
    robot.execute(MoveJaw(0.0))
    forces = watch(world, robot.contact_force)
    before = world.pose("object_00")[0]
    report = robot.execute(MoveTo((*CUBE, 0.01), 0.0, 0.15, guard_force=GUARD))
    assert report.stopped_by_contact
    assert not report.reached
    assert report.reason == "contact"
    assert report.position[2] == pytest.approx(0.05, abs=1.5e-3)
    assert max(forces) < 2 * GUARD  # the mass of the hand is stopped, too
    forces.clear()
    world.step(200)
    assert max(forces) < GUARD  # it does not go on pressing
    assert world.peak_penetration < 3e-3
    assert np.abs(world.pose("object_00")[0] - before).max() < 2e-3


def test_a_guarded_descent_stops_on_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell, "GANTRY_RANGE", ((-1, 0), (-1, 1), (-1, 1)))
    _, robot = over_the_cube(x=-0.3)
    report = robot.execute(MoveTo((-0.3, 0.0, -0.05), 0.0, 0.15, guard_force=GUARD))
    assert report.stopped_by_contact
    assert report.position[2] == pytest.approx(0.0, abs=1e-3)


def test_a_guarded_push_stops_when_stuck() -> None:
    world, robot = over_the_cube(x=-0.3)
    world.place("object_00", (-0.5, 0.0, 0.0251), UPRIGHT)
    robot.execute(MoveJaw(0.0))
    robot.execute(MoveTo((-0.57, 0.0, 0.02), 0.0, 0.5))
    free = robot.execute(MoveTo((-0.50, 0.0, 0.02), 0.0, 0.15, guard_force=35.0))
    assert free.reached
    assert world.pose("object_00")[0][0] > -0.48  # one block is no hindrance
    world.model.geom_friction[world.model.geom_bodyid == world.body_ids[0], 0] = 100.0
    stuck = robot.execute(MoveTo((-0.30, 0.0, 0.02), 0.0, 0.15, guard_force=35.0))
    assert stuck.stopped_by_contact
    assert stuck.position[0] < -0.31


def test_an_unguarded_motion_says_that_it_fell_short_and_pushes_within_its_limits() -> None:
    world, robot = over_the_cube()
    robot.execute(MoveJaw(0.0))
    forces = watch(world, lambda: axis_forces(robot))
    report = robot.execute(MoveTo((*CUBE, 0.01), 0.0, 0.3))
    assert not report.reached
    assert not report.stopped_by_contact
    assert report.reason.endswith("mm short")
    assert (np.abs(forces).max(0) <= np.array(AXIS_FORCE) + 1e-6).all()
    assert world.peak_penetration < 3e-3
    assert robot.execute(MoveTo((*CUBE, 0.2), 0.0)).reached


# --- the jaw -------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, 0.015, -0.02])
def test_the_jaw_closes_on_a_cube_and_tells_its_width(offset: float) -> None:
    world, robot = over_the_cube(x=CUBE[0] + offset)
    robot.execute(MoveTo((CUBE[0] + offset, CUBE[1], 0.01), 0.0, 0.3))
    report = robot.execute(MoveJaw(0.0, force=15.0))
    assert report.stopped_by_contact
    assert report.width == pytest.approx(0.05, abs=3e-3)
    assert world.peak_penetration < 3e-3
    lifted = robot.execute(MoveTo((CUBE[0] + offset, CUBE[1], 0.2), 0.0, 0.5))
    assert lifted.width == pytest.approx(0.05, abs=3e-3)
    assert world.pose("object_00")[0][2] == pytest.approx(0.2 + 0.015, abs=3e-3)  # no slip


def test_the_jaw_goes_on_pressing_when_the_object_is_gone() -> None:
    world, robot = over_the_cube(z=0.01)
    robot.execute(MoveJaw(0.0))
    world.remove("object_00")
    report = robot.execute(MoveTo((*CUBE, 0.25), 0.0, 0.5))
    assert report.width < 1e-3


def test_the_jaw_follows_a_smaller_object() -> None:
    world = world_of("cube", "tile")
    robot = Gantry(world)
    world.place("object_00", (*CUBE, 0.0251), UPRIGHT)
    world.settle()
    robot.execute(MoveTo((*CUBE, 0.25), 0.0))
    robot.execute(MoveTo((*CUBE, 0.01), 0.0))
    robot.execute(MoveJaw(0.0))
    world.remove("object_00")
    world.place("object_01", (*CUBE, 0.0255), UPRIGHT)  # 25 mm thick along x
    report = robot.execute(MoveTo((*CUBE, 0.15), 0.0, 0.3))
    assert report.width == pytest.approx(0.025, abs=3e-3)
    assert world.held() == ["object_01"]


@pytest.mark.parametrize(("asked", "given"), [(5.0, 5.0), (15.0, 15.0), (1000.0, 40.0)])
def test_grip_force_is_what_was_asked_and_never_above_the_grippers(
    asked: float, given: float
) -> None:
    world, robot = over_the_cube(z=0.01)
    forces = watch(world, lambda: finger_forces(robot))
    robot.execute(MoveJaw(0.0, force=asked))
    assert np.allclose(finger_forces(robot), given, rtol=0.05)
    assert np.max(forces) <= 1.25 * given + 1e-6
    assert np.max(forces) <= robot.gripper.max_force + 1e-6


def test_the_jaw_opens_as_far_as_asked_and_no_further_than_it_can() -> None:
    _, robot = cube_and_gantry()
    assert robot.execute(MoveJaw(0.0)).width == pytest.approx(0.0, abs=1.5e-3)
    assert robot.execute(MoveJaw(0.06)).width == pytest.approx(0.06, abs=2.5e-3)
    assert robot.execute(MoveJaw(0.03)).width == pytest.approx(0.03, abs=1.5e-3)
    wide = robot.execute(MoveJaw(0.5))
    assert wide.reached
    assert wide.width == pytest.approx(0.11, abs=2.5e-3)


def test_the_jaw_closes_at_limited_speed() -> None:
    world, robot = cube_and_gantry()
    widths = watch(world, lambda: (world.data.time, robot.state().width))
    robot.execute(MoveJaw(0.0))
    t, width = np.array(widths).T
    assert (np.diff(width) / np.diff(t)).min() > -0.18  # m/s, an RG2's


def jam_the_fingers(world: World, force: float) -> None:
    """Let the drives push with this force (N, inward) whatever they are told."""
    for side in ("left", "right"):
        drive = world.model.actuator(f"finger_{side}").id
        world.model.actuator_forcerange[drive] = (-force - 1e-9, -force)


def test_a_jaw_that_something_keeps_shut_says_so() -> None:
    world, robot = over_the_cube(z=0.01)
    closed = robot.execute(MoveJaw(0.0))
    robot.execute(MoveTo((*CUBE, 0.1), 0.0))
    jam_the_fingers(world, 15.0)
    report = robot.execute(MoveJaw(0.11))
    assert not report.reached
    assert report.reason == "something keeps the jaw from opening"
    assert report.width == pytest.approx(closed.width, abs=5e-3)


def test_a_jaw_that_does_not_open_for_no_reason_is_a_fault() -> None:
    world, robot = cube_and_gantry()
    robot.execute(MoveJaw(0.0))
    jam_the_fingers(world, 0.0)
    with pytest.raises(SimulatorFault, match="did not open"):
        robot.execute(MoveJaw(0.11))


# --- home and stop -------------------------------------------------------------------------


def test_home_puts_what_it_carries_into_the_bin() -> None:
    world = world_of("cube", "cube")
    robot = Gantry(world)
    world.place("object_00", (*CUBE, 0.0251), UPRIGHT)
    world.place("object_01", (-0.35, 0.15, 0.0251), UPRIGHT)
    world.settle()
    robot.execute(MoveTo((*CUBE, 0.25), 0.0))
    robot.execute(MoveTo((*CUBE, 0.01), 0.0))
    robot.execute(MoveJaw(0.0))
    report = robot.home()
    assert np.allclose(report.position, HOME, atol=2e-3)
    assert report.width == pytest.approx(0.05, abs=2.5e-3)  # what it brought
    assert robot.state().width == pytest.approx(0.11, abs=2.5e-3)
    assert world.in_scene() == ["object_01"]
    assert np.allclose(world.pose("object_01")[0], (-0.35, 0.15, 0.025), atol=1e-3)
    assert robot.home().reached  # again, from there


def test_home_goes_up_before_it_goes_across() -> None:
    world = world_of("cube")
    robot = Gantry(world)
    world.place("object_00", (CUBE[0], 0.08, 0.0251), FLAT)  # on the way
    world.settle()
    robot.execute(MoveTo((*CUBE, 0.25), 0.0))
    robot.execute(MoveTo((*CUBE, 0.01), 0.0))
    before = world.pose("object_00")[0]
    path = watch(world, lambda: robot.state().position)
    robot.home()
    x, y, z = np.array(path).T
    assert (z[np.hypot(x - CUBE[0], y - CUBE[1]) > 5e-3] > HOME[2] - 5e-3).all()
    assert np.abs(world.pose("object_00")[0] - before).max() < 1e-4


def test_reports_are_of_the_tool_and_say_no_more_than_a_robot_knows() -> None:
    _, robot = cube_and_gantry()
    report = robot.execute(MoveTo((-0.45, 0.1, 0.2), 0.5))
    assert isinstance(report, Report)
    assert all(type(v) is float for v in (*report.position, report.yaw, report.width))
    pads = [robot.world.data.geom(f"pad_{side}").xpos for side in ("left", "right")]
    assert np.allclose(np.mean(pads, axis=0) - (0, 0, 0.06), report.position, atol=1e-3)
    closing = pads[0] - pads[1]
    assert np.arctan2(closing[1], closing[0]) == pytest.approx(0.5, abs=0.01)
