"""A real robot obeys fence and caps, keeps its grip, and speaks in sentences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeArm, FakeJaw
from hypothesis import given
from hypothesis import strategies as st

from pushgrasp.errors import RobotError
from pushgrasp.hardware.fence import Fence
from pushgrasp.hardware.robot import Caps, Poses, StationRobot, upright
from pushgrasp.interfaces import Command, MoveJaw, MoveTo

FENCE = Fence((-0.8, -0.3, 0.001), (-0.2, 0.6, 0.4))
CAPS = Caps()
POSES = Poses(home=(-0.5, 0.46, 0.25), home_yaw=0.0, travel_height=0.25)
T_WORLD_BASE = upright((0.02, 0.0, 0.02), np.pi)


def make(
    thing: float = 0.0, reach=None, poses: Poses = POSES
) -> tuple[StationRobot, FakeArm, FakeJaw]:
    start = np.linalg.inv(T_WORLD_BASE) @ upright((-0.5, 0.0, 0.2), 0.0)
    arm, jaw = FakeArm(start), FakeJaw(thing)
    robot = StationRobot(
        arm, jaw, fence=FENCE, caps=CAPS, poses=poses, T_world_base=T_WORLD_BASE, reach=reach
    )
    return robot, arm, jaw


inside_or_near = st.tuples(st.floats(-0.85, -0.15), st.floats(-0.35, 0.65), st.floats(-0.02, 0.45))
moves = st.builds(
    MoveTo,
    inside_or_near | st.tuples(*[st.floats(-1, 1)] * 3),
    st.floats(-10, 10),
    speed=st.floats(0.001, 5),
    guard_force=st.none() | st.floats(1, 500),
)
jaws = st.builds(MoveJaw, st.floats(-0.1, 0.3), st.floats(0, 500))


@given(st.lists(moves | jaws, max_size=12))
def test_no_sequence_of_commands_leaves_the_fence_or_exceeds_a_cap(commands: list[Command]) -> None:
    robot, arm, jaw = make(thing=0.03)
    for command in commands:
        robot.execute(command)
    for T in arm.targets:
        assert not FENCE.refuses((T_WORLD_BASE @ T)[:3, 3] + 0.0)
        assert (T_WORLD_BASE @ T)[2, 2] == pytest.approx(1)  # upright
    assert max(arm.speeds, default=0) <= CAPS.speed
    assert all(g == CAPS.free_guard or g <= CAPS.max_guard for g in arm.guards)
    assert max(jaw.forces, default=0) <= CAPS.grip_force


def test_every_motion_is_guarded_and_expected_contact_is_slow() -> None:
    robot, arm, _ = make()
    robot.execute(MoveTo((-0.5, 0.1, 0.2), 0.0, speed=1.0))
    robot.execute(MoveTo((-0.5, 0.1, 0.05), 0.0, speed=1.0, guard_force=20.0))
    assert arm.guards == [CAPS.free_guard, 20.0]
    assert arm.speeds == [CAPS.speed, CAPS.guarded_speed]


def test_a_refused_motion_moves_nothing_and_says_why() -> None:
    robot, arm, _ = make()
    report = robot.execute(MoveTo((-0.5, 0.0, -0.02), 0.0))
    assert not report.reached
    assert report.reason.startswith("refused: ")
    assert "z is 21 mm below" in report.reason
    assert arm.targets == []


def test_contact_is_reported_where_it_happened() -> None:
    robot, arm, _ = make()
    arm.floor = 0.08  # base frame: 0.10 in the world
    report = robot.execute(MoveTo((-0.5, 0.0, 0.02), 0.0, guard_force=20.0))
    assert report.stopped_by_contact
    assert not report.reached
    assert report.position[2] == pytest.approx(0.10)


def test_the_jaw_turns_the_shorter_way() -> None:
    robot, arm, _ = make()
    robot.execute(MoveTo((-0.5, 0.0, 0.2), np.radians(170)))
    T = T_WORLD_BASE @ arm.targets[-1]
    assert np.degrees(np.arctan2(T[1, 0], T[0, 0])) == pytest.approx(-10)


@given(st.lists(st.floats(-7, 7), min_size=1, max_size=30), st.sampled_from([0.0, 0.7, 3.0]))
def test_the_last_joint_never_winds_up(yaws: list[float], home_yaw: float) -> None:
    """A jaw is symmetric: half a turn here and there would add up over an episode."""
    robot, arm, _ = make(poses=replace(POSES, home_yaw=home_yaw))
    arm.T = np.linalg.inv(T_WORLD_BASE) @ upright((-0.5, 0.0, 0.2), home_yaw)
    turned = 0.0  # rad of the last joint since home
    for yaw in yaws:
        before = arm.T.copy()
        robot.execute(MoveTo((-0.5, 0.0, 0.2), yaw))
        turn = (before[:3, :3].T @ arm.T[:3, :3])[:2, 0]
        turned += float(np.arctan2(turn[1], turn[0]))  # a controller turns the shorter way
        T = T_WORLD_BASE @ arm.T
        assert np.sin(np.arctan2(T[1, 0], T[0, 0]) - yaw) == pytest.approx(0, abs=1e-6)
        assert abs(turned) <= np.radians(100.1)


def test_home_lets_go_over_the_bin_only() -> None:
    robot, arm, jaw = make(thing=0.04)
    robot.execute(MoveJaw(0.0, 15.0))
    report = robot.home()
    assert report.width == pytest.approx(0.04)  # as it was before letting go
    assert jaw.openings == [jaw.gripper.max_width]
    assert np.allclose((T_WORLD_BASE @ arm.targets[-1])[:3, 3], POSES.home)


def test_a_robot_that_cannot_get_home_keeps_what_it_holds() -> None:
    robot, arm, jaw = make(thing=0.04)
    robot.execute(MoveJaw(0.0, 15.0))
    arm.floor = 0.5  # everything is in its way
    with pytest.raises(RobotError, match="clear its way"):
        robot.home()
    assert jaw.openings == []


@pytest.mark.parametrize("yaw", [0.0, 1.0])
def test_the_first_motion_goes_straight_up_and_slowly(yaw: float) -> None:
    robot, arm, _ = make()
    arm.T = np.linalg.inv(T_WORLD_BASE) @ upright((-0.4, 0.1, 0.03), yaw)
    robot.begin()
    (T,) = arm.targets
    assert np.allclose((T_WORLD_BASE @ T)[:3, 3], (-0.4, 0.1, 0.25))
    assert arm.speeds[0] <= 0.03


def test_a_tool_outside_the_fence_or_tilted_waits_for_a_person() -> None:
    robot, arm, _ = make()
    arm.T = np.linalg.inv(T_WORLD_BASE) @ upright((0.5, 0.1, 0.03), 0.0)
    with pytest.raises(RobotError, match=r"outside its fence.*guide it by hand"):
        robot.begin()
    tilted = np.eye(4)
    tilted[:3, :3] = ((1, 0, 0), (0, 0, -1), (0, 1, 0))
    arm.T = tilted
    with pytest.raises(RobotError, match="tilted by 90 degrees"):
        robot.begin()
    assert arm.targets == []


def test_a_tilted_pose_outside_the_fence_or_tilted_too_far_is_refused() -> None:
    robot, arm, _ = make()
    report = robot.move_pose(upright((-0.5, 0.0, 0.5), 0.0), 1.0)
    assert "outside the fence" in report.reason
    tilted = upright((-0.5, 0.0, 0.2), 0.0)
    c, s = np.cos(1.0), np.sin(1.0)
    tilted[:3, :3] = ((1, 0, 0), (0, c, -s), (0, s, c))
    assert "tilt by more than 45 degrees" in robot.move_pose(tilted, 1.0).reason
    assert arm.targets == []
    assert robot.move_pose(upright((-0.5, 0.0, 0.3), 0.0), 1.0).reached
    assert arm.speeds == [CAPS.speed]
    assert arm.guards == [CAPS.free_guard]


def test_what_the_fence_or_the_kinematics_forbid_is_refused_beforehand() -> None:
    robot, _, _ = make(reach=lambda joints, lines: f"asked {len(lines)} lines")
    assert robot.refuses([MoveTo((-0.5, 0.0, 0.1), 0.0)]) == "asked 2 lines"  # and home
    assert "outside the fence" in robot.refuses([MoveTo((-0.5, 0.0, 0.9), 0.0)])


def test_closing_stops_first_and_never_opens_the_jaw() -> None:
    robot, arm, jaw = make(thing=0.04)
    robot.execute(MoveJaw(0.0, 15.0))
    robot.close()
    assert arm.stops == 1
    assert arm.is_closed
    assert jaw.is_closed
    assert jaw.openings == []
