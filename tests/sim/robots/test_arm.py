"""Whole arms as robots: where they go and how exactly, what they refuse, and their limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import mujoco
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulated import UPRIGHT, world_of

from pushgrasp.errors import RobotError
from pushgrasp.interfaces import Action, MoveJaw, MoveTo
from pushgrasp.primitives import TRAVEL_HEIGHT, PrimitiveConfig, moves
from pushgrasp.sim.cell import HOME, Cell
from pushgrasp.sim.robots import arm as arm_module
from pushgrasp.sim.robots.arm import ArmKinematics
from pushgrasp.sim.robots.arms import ARMS
from pushgrasp.sim.robots.hand import FRANKA_HAND, RG2
from pushgrasp.sim.robots.registry import make_robot
from pushgrasp.sim.robots.robot import RefusedError, SimRobot
from pushgrasp.sim.world import World
from pushgrasp.workspace import Workspace

HANDS = {"ur5e": RG2, "panda": FRANKA_HAND}
CUBE = (-0.5, 0.0)
GUARD = 20.0  # N
PATIENT = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])

both = pytest.mark.parametrize("name", HANDS)


@pytest.fixture(scope="module")
def kinematics() -> dict[str, ArmKinematics]:
    return {name: ArmKinematics(name, hand, Cell()) for name, hand in HANDS.items()}


def robot_at(name: str, *, cube: bool = False) -> SimRobot:
    """A robot at home, beside an empty table or a cube in its middle."""
    world = world_of("cube", robot=name)
    robot = make_robot(name, world)
    if cube:
        world.place("object_00", (*CUBE, 0.0251), UPRIGHT)
        world.settle()
        world.peak_penetration = world.peak_speed = 0.0
    return robot


def model_pose(world: World, names: tuple[str, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """Says where the simulated model, not the planner's, has its tool: (4, 4) for joints (n,)."""
    data = mujoco.MjData(world.model)
    q = [world.model.joint(name).qposadr[0] for name in names]

    def pose(joints: np.ndarray) -> np.ndarray:
        data.qpos[q] = joints
        mujoco.mj_kinematics(world.model, data)
        pose = np.eye(4)
        pose[:3, 3], pose[:3, :3] = data.body("tool").xpos, data.body("tool").xmat.reshape(3, 3)
        return pose

    return pose


def turn_between(a: np.ndarray, b: np.ndarray) -> float:
    """rad between two rotations (3, 3)."""
    return float(np.arccos(np.clip((np.trace(a.T @ b) - 1) / 2, -1, 1)))


def upright(yaw: float) -> np.ndarray:
    return np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])


def off_line(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """m, distances of points (N, 3) from a segment."""
    way = end - start
    share = np.clip((points - start) @ way / max(float(way @ way), 1e-12), 0, 1)
    return np.linalg.norm(points - start - share[:, None] * way, axis=1)


@dataclass
class Diary:
    """What a robot's joints and tool do, step by step of 2 ms."""

    robot: SimRobot
    joints: list[np.ndarray] = field(default_factory=list)
    speeds: list[np.ndarray] = field(default_factory=list)
    torques: list[np.ndarray] = field(default_factory=list)
    tool: list[np.ndarray] = field(default_factory=list)  # (4, 4)
    wanted: list[np.ndarray] = field(default_factory=list)  # (4, 4), once a tick
    behind: list[tuple[float, float]] = field(default_factory=list)  # m and rad, once a tick

    def clear(self) -> None:
        for page in (self.joints, self.speeds, self.torques, self.tool, self.wanted, self.behind):
            page.clear()


@pytest.fixture
def keep_diary(monkeypatch: pytest.MonkeyPatch) -> Callable[[SimRobot], Diary]:
    """Opens the diary of a robot; one for each."""

    def start(robot: SimRobot) -> Diary:
        diary, world, m = Diary(robot), robot.world, robot.world.model
        names = tuple(j.name for j in ARMS[robot.name].joints)
        q = [m.joint(n).qposadr[0] for n in names]
        v = [m.joint(n).dofadr[0] for n in names]
        drives = [m.actuator(n).id for n in names]
        pose, whole = model_pose(world, names), world.step

        def step(n_steps: int = 4, drive: Callable[[float], None] | None = None) -> None:
            for i in range(n_steps):
                if drive is not None:  # one step at a time, but set-points as of the whole tick
                    drive((i + 1) / n_steps)
                whole(1)
                diary.joints.append(world.data.qpos[q].copy())
                diary.speeds.append(world.data.qvel[v].copy())
                diary.torques.append(world.data.actuator_force[drives].copy())
                diary.tool.append(pose(diary.joints[-1]))
            wanted, there = pose(robot.setpoint), diary.tool[-1]
            diary.wanted.append(wanted)
            off = float(np.linalg.norm(wanted[:3, 3] - there[:3, 3]))
            diary.behind.append((off, turn_between(wanted[:3, :3], there[:3, :3])))

        monkeypatch.setattr(world, "step", step)
        return diary

    return start


def check_limits(diary: Diary) -> None:
    """No joint was ever beyond what its maker allows."""
    joints = ARMS[diary.robot.name].joints
    q = np.array(diary.joints)
    assert (q >= [j.low for j in joints]).all()
    assert (q <= [j.high for j in joints]).all()
    assert (np.abs(diary.speeds).max(0) <= [1.02 * j.max_speed for j in joints]).all()
    assert (np.abs(diary.torques).max(0) <= [j.max_torque + 1e-6 for j in joints]).all()


# --- kinematics ----------------------------------------------------------------------------


@both
def test_it_starts_at_home_with_an_open_jaw_and_stays(name: str) -> None:
    robot = robot_at(name)
    start = robot.state()
    assert np.allclose(start.position, HOME, atol=1e-4)
    assert start.width == pytest.approx(HANDS[name].gripper.max_width)
    robot.world.step(250)
    assert np.allclose(robot.state().position, HOME, atol=2e-4)
    assert robot.state().yaw == pytest.approx(start.yaw, abs=1e-3)


@both
def test_forward_and_inverse_kinematics_are_one(
    name: str, kinematics: dict[str, ArmKinematics]
) -> None:
    arm = kinematics[name]
    pose_of = model_pose(world_of(robot=name), arm.joints)

    @PATIENT
    @given(st.floats(-0.7, -0.4), st.floats(-0.2, 0.2), st.floats(0.004, 0.3), st.floats(-9, 9))
    def check(x: float, y: float, z: float, yaw: float) -> None:
        path = arm.path(arm.home, np.array([x, y, z]), yaw)
        assert path.joints[0] == pytest.approx(arm.home)
        assert path.length == pytest.approx(np.linalg.norm(np.subtract((x, y, z), HOME)), abs=1e-3)
        for joints in path.joints[1:]:
            pose = pose_of(joints)
            position, turned = arm.pose(joints)
            assert np.allclose(pose[:3, 3], position, atol=1e-6)
            assert turn_between(pose[:3, :3], upright(turned)) < 1e-3  # straight down
            assert off_line(pose[None, :3, 3], np.array(HOME), np.array([x, y, z]))[0] < 1e-4
        position, turned = arm.pose(path.joints[-1])
        assert np.allclose(position, (x, y, z), atol=1e-4)
        assert abs(np.sin(turned - yaw)) < 1e-3  # the same, modulo half a turn

    check()


@both
def test_between_the_solved_points_the_tool_stays_on_the_line(
    name: str, kinematics: dict[str, ArmKinematics]
) -> None:
    arm = kinematics[name]
    end = np.array([-0.7, -0.2, 0.05])
    path = arm.path(arm.home, end, 1.2)
    points = np.array([arm.pose(path.at(s))[0] for s in np.linspace(0, 1, 300)])
    assert off_line(points, np.array(HOME), end).max() < 3e-4
    way = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert way.max() < 1.05 * way.mean()  # and moves along it evenly


@both
def test_turning_on_and_on_never_runs_into_a_limit(
    name: str, kinematics: dict[str, ArmKinematics]
) -> None:
    arm, last = kinematics[name], ARMS[name].joints[-1]
    joints, yaw = arm.home, 0.0
    for step in (1.2, -1.2):  # 19 rad one way, 19 rad the other
        for _ in range(16):
            yaw += step
            joints = arm.path(joints, np.array(HOME), yaw).joints[-1]
            # it turns the longer way before it gets there
            assert last.low + 0.3 < joints[-1] < last.high - 0.3


def test_what_is_planned_keeps_the_limits_of_the_joints(
    kinematics: dict[str, ArmKinematics],
) -> None:
    """Next to its base a Panda has to fold its elbow as far as that goes."""
    arm, joints = kinematics["panda"], ARMS["panda"].joints
    planned = refused = 0
    for x in np.linspace(-0.32, -0.14, 8):
        for z in (0.05, 0.25):
            try:
                path = arm.path(arm.home, np.array([x, 0.0, z]), 0.5)
            except RefusedError:
                refused += 1
                continue
            planned += 1
            assert (path.joints > [j.low - 1e-6 for j in joints]).all()
            assert (path.joints < [j.high + 1e-6 for j in joints]).all()
    assert planned > 2
    assert refused > 2


@pytest.mark.slow
@both
def test_hardly_any_primitive_is_refused_wherever_the_last_one_ended(
    name: str, kinematics: dict[str, ArmKinematics]
) -> None:
    """A redundant arm comes home in another posture each time; none of them is a dead end."""
    arm, rng = kinematics[name], np.random.default_rng(0)
    joints, refused, n = arm.home, 0, 150
    w = Workspace()
    for i in range(n):
        x, y = np.array((w.x_min, w.y_min)) + rng.uniform(0.05, w.size - 0.05, 2)
        place = (float(x), float(y), float(rng.uniform(0.02, 0.15)))
        yaw = float(rng.uniform(-np.pi, np.pi))
        action = Action("push" if i % 2 else "grasp", (0, 0), 0, place, yaw, 0.0)
        way = [*moves(action, PrimitiveConfig(), w), MoveTo(HOME, arm.pose(arm.home)[1])]
        at = joints
        try:
            for move in way:
                at = arm.path(at, np.array(move.position), move.yaw).joints[-1]
            joints = at
        except RefusedError:
            refused += 1
    assert refused < 0.03 * n


# --- exactness -----------------------------------------------------------------------------


@both
@pytest.mark.parametrize("yaw", [0.0, 1.9])
def test_along_a_grasp_the_tool_is_where_it_should_be(
    name: str, yaw: float, keep_diary: Callable[[SimRobot], Diary]
) -> None:
    robot = robot_at(name, cube=True)
    x, y = CUBE
    commands = (
        MoveTo((x, y, TRAVEL_HEIGHT), yaw, speed=1.0),
        MoveTo((x, y, 0.08), yaw, speed=0.5, guard_force=GUARD),
        MoveTo((x, y, 0.02), yaw, speed=0.15, guard_force=GUARD),
        MoveJaw(0.0),
        MoveTo((x, y, 0.07), yaw, speed=0.2),
        MoveTo((x, y, TRAVEL_HEIGHT), yaw, speed=0.5),
        MoveTo((-0.5, 0.0, 0.25), np.pi / 2, speed=0.5),
    )
    diary = keep_diary(robot)
    for command in commands:
        start = robot.kinematics.pose(robot.setpoint)[0]
        diary.clear()
        report = robot.execute(command)
        check_limits(diary)
        if isinstance(command, MoveJaw):
            continue
        assert report.reached
        assert np.abs(np.subtract(report.position, command.position)).max() < 1e-3
        end = np.array(command.position)
        for poses in (diary.tool, diary.wanted):
            points = np.array([p[:3, 3] for p in poses])
            assert off_line(points, start, end).max() < 2e-3
        tilt = [np.arccos(np.clip(p[2, 2], -1, 1)) for p in diary.tool]
        assert max(tilt) < np.radians(1.0)
        behind, turned = np.array(diary.behind).max(0)
        assert behind < 2e-3
        assert turned < np.radians(1.0)
    assert robot.world.held() == ["object_00"]


@both
def test_random_moves_stay_within_every_limit(
    name: str, keep_diary: Callable[[SimRobot], Diary]
) -> None:
    robot, rng = robot_at(name), np.random.default_rng(3)
    diary = keep_diary(robot)
    for _ in range(12):
        place = rng.uniform((-0.72, -0.22, 0.02), (-0.28, 0.22, 0.3))
        report = robot.execute(MoveTo(tuple(place.tolist()), rng.uniform(-3, 3), speed=2.0))
        assert report.reached, report.reason
    check_limits(diary)
    fastest = np.abs(diary.speeds).max(0) / [j.max_speed for j in ARMS[name].joints]
    assert fastest.max() > 0.8  # at 2 m/s some joint is what limits it


# --- refusals ------------------------------------------------------------------------------


def check_refused(robot: SimRobot, move: MoveTo, *words: str) -> None:
    """It says why, and does not stir."""
    data = robot.world.data
    why = robot.refuses([move])
    assert all(word in why for word in words), why
    before = (data.time, data.qpos.tobytes(), data.ctrl.tobytes())
    report = robot.execute(move)
    assert not report.reached
    assert report.reason == f"refused: {why}"
    assert (data.time, data.qpos.tobytes(), data.ctrl.tobytes()) == before
    assert robot.execute(MoveTo((*CUBE, 0.25), 0.0)).reached  # it is none the worse


@both
@pytest.mark.parametrize("place", [(-1.5, 0.0, 0.3), (-0.5, 0.0, 1.5)])
def test_what_is_out_of_reach_is_refused(name: str, place: tuple[float, float, float]) -> None:
    check_refused(robot_at(name), MoveTo(place, 0.0), "m is out of reach")


def test_going_through_a_singularity_is_refused() -> None:
    move = MoveTo((0.05, 0.0, 0.7), 0.0)  # over the shoulder, where the base would have to whirl
    check_refused(robot_at("ur5e"), move, "the arm would pass a singularity at (-0.0")


@both
def test_going_through_the_table_is_refused(name: str) -> None:
    robot = robot_at(name)
    assert robot.refuses([MoveTo((*CUBE, 0.001), 0.0)]) == ""
    check_refused(robot, MoveTo((*CUBE, -0.01), 0.0), "pad", "would hit the table")


@pytest.mark.parametrize(("name", "part"), [("ur5e", "upper arm"), ("panda", "link")])
def test_an_arm_does_not_hit_itself(name: str, part: str) -> None:
    y = -0.1 if name == "panda" else 0.0
    robot, move = robot_at(name), MoveTo((-0.1, y, 0.3), 0.0)
    if name == "panda":  # whose links have numbers
        assert re.search(r" link\d would hit", robot.refuses([move]))
    check_refused(robot, move, part, "would hit the p")  # palm or pad


@pytest.fixture
def near_post(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[float, float]]:
    """The camera's post, moved into the workspace; where it stands, no arm reaches it."""
    x, y = -0.6, -0.15
    post = property(lambda _: ((x, y, 0.0), (x, y, 0.52)))
    monkeypatch.setattr(Cell, "post", post)
    arm_module._planning_model.cache_clear()
    yield x, y
    arm_module._planning_model.cache_clear()


@both
def test_hitting_the_cameras_post_is_refused(name: str, near_post: tuple[float, float]) -> None:
    robot = robot_at(name)
    check_refused(robot, MoveTo((*near_post, 0.1), 0.0), "would hit the camera post")
    across = [MoveTo((*CUBE, 0.1), 0.0), MoveTo((-0.7, -0.3, 0.1), 0.0)]  # the line, not its end
    assert "camera post" in robot.refuses(across)
    assert robot.refuses([across[0]]) == ""


@both
def test_the_whole_way_home_again_is_asked_about(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot = robot_at(name)
    way = [MoveTo((*CUBE, 0.25), 0.3), MoveTo((*CUBE, 0.05), 0.3)]
    assert robot.refuses(way) == ""
    assert robot.refuses([*way, MoveTo((-1.5, 0.0, 0.25), 0.3)])
    assert robot.refuses([MoveTo((-1.5, 0.0, 0.25), 0.3), *way])
    assert robot.refuses(way) == ""  # a refusal is not remembered
    monkeypatch.setattr(robot, "_homing", MoveTo((-1.5, 0.0, 0.25), 0.0))
    assert "out of reach" in robot.refuses(way)
    assert "out of reach" in robot.refuses([])
    with pytest.raises(RobotError, match=f"{name} cannot get home: refused: .* out of reach"):
        robot.home()


def test_asking_moves_nothing_and_what_follows_is_what_was_planned() -> None:
    def go(ask: bool) -> np.ndarray:
        robot = robot_at("panda")
        way = [MoveTo((*CUBE, 0.25), 0.3), MoveTo((-0.6, 0.1, 0.05), 0.3)]
        if ask:
            before = robot.world.data.qpos.copy()
            assert robot.refuses(way) == ""
            assert (robot.world.data.qpos == before).all()
        for move in way:
            robot.execute(move)
        return robot.world.data.qpos

    assert (go(True) == go(False)).all()


# --- contact -------------------------------------------------------------------------------


@both
def test_a_guarded_descent_stops_on_a_block(
    name: str, keep_diary: Callable[[SimRobot], Diary]
) -> None:
    robot = robot_at(name, cube=True)
    robot.execute(MoveTo((*CUBE, 0.25), 0.0, 1.0))
    robot.execute(MoveJaw(0.0))
    before, diary = robot.world.pose("object_00")[0], keep_diary(robot)
    report = robot.execute(MoveTo((*CUBE, 0.01), 0.0, 0.15, guard_force=GUARD))
    check_limits(diary)
    assert (report.stopped_by_contact, report.reached, report.reason) == (True, False, "contact")
    assert report.position[2] == pytest.approx(0.05, abs=2e-3)
    robot.world.step(200)
    assert robot.contact_force() < GUARD  # it does not go on pressing
    assert robot.world.peak_penetration < 4e-3
    assert np.abs(robot.world.pose("object_00")[0] - before).max() < 2e-3


@both
def test_an_unguarded_motion_says_that_it_fell_short_within_its_torques(
    name: str, keep_diary: Callable[[SimRobot], Diary]
) -> None:
    robot = robot_at(name, cube=True)
    world = robot.world
    world.model.geom_friction[world.model.geom_bodyid == world.body_ids[0], 0] = 100.0
    robot.execute(MoveTo((*CUBE, 0.25), 0.0, 1.0))
    robot.execute(MoveJaw(0.0))
    diary = keep_diary(robot)
    report = robot.execute(MoveTo((*CUBE, 0.01), 0.0, 0.3))
    assert not report.reached
    assert not report.stopped_by_contact
    assert report.reason.endswith("mm short")
    check_limits(diary)
    most = robot.contact_force()
    robot.world.step(100)
    assert robot.contact_force() < 0.8 * most  # it gave in
    assert robot.execute(MoveTo((*CUBE, 0.2), 0.0)).reached


def test_the_franka_hand_opens_80_mm_and_no_more() -> None:
    robot = robot_at("panda", cube=True)
    assert robot.gripper.max_width == 0.08
    robot.execute(MoveJaw(0.0))
    wide = robot.execute(MoveJaw(0.11))
    assert wide.reached
    assert wide.width == pytest.approx(0.08, abs=2e-3)
    pads = [robot.world.data.geom(f"pad_{side}").xpos for side in ("left", "right")]
    between = np.linalg.norm(pads[0] - pads[1]) - robot.gripper.finger_thickness
    assert between == pytest.approx(wide.width, abs=1e-3)
    robot.world.step(500)
    assert robot.state().width < 0.0805


def test_the_franka_hand_presses_with_what_it_was_asked_and_at_most_70_n() -> None:
    robot = robot_at("panda", cube=True)
    robot.execute(MoveTo((*CUBE, 0.25), 0.0, 1.0))
    robot.execute(MoveTo((*CUBE, 0.015), 0.0, 0.3))
    for asked, given_ in ((15.0, 15.0), (1000.0, 70.0)):
        robot.execute(MoveJaw(0.0, force=asked))
        forces = [robot.world.data.actuator(f"finger_{s}").force[0] for s in ("left", "right")]
        assert np.allclose(np.abs(forces), given_, rtol=0.05)
        robot.execute(MoveJaw(0.08))
