"""The robots by name, and that one code serves them all."""

from __future__ import annotations

import gc
import weakref

import mujoco
import numpy as np
import pytest
from simulated import UPRIGHT, world_of

from pushgrasp.errors import RobotError, UserError
from pushgrasp.interfaces import Action, MoveJaw, MoveTo, Report
from pushgrasp.primitives import PrimitiveConfig, holds, moves, present, run
from pushgrasp.sim.cell import HOME, Cell
from pushgrasp.sim.robots.meshes import find_meshes
from pushgrasp.sim.robots.registry import ROBOTS, make_robot, robot_model
from pushgrasp.sim.robots.robot import HAND_BODIES
from pushgrasp.sim.world import World
from pushgrasp.workspace import Workspace

CUBE = (-0.5, 0.05)
every = pytest.mark.parametrize("name", ROBOTS)


def act(name: str, action: Action) -> tuple[World, tuple[Report, ...], Report]:
    """Carry out one primitive on a cube and go home; the reports of both."""
    world = world_of("cube", robot=name)
    robot = make_robot(name, world)
    world.place("object_00", (*CUBE, 0.0251), UPRIGHT)
    world.settle()
    world.peak_penetration = world.peak_speed = 0.0
    config, workspace = PrimitiveConfig(), Workspace()
    assert robot.refuses(moves(action, config, workspace)) == ""
    reports = run(robot, action, config, workspace)
    lifted = world.held()
    home = robot.home()
    assert lifted == (["object_00"] if action.primitive == "grasp" else [])
    return world, reports, home


def test_there_are_five() -> None:
    assert ROBOTS == ("gantry", "ur5e", "panda", "fr3", "gantry-franka")


@every
def test_a_robot_knows_its_name_and_starts_at_home(name: str) -> None:
    robot = make_robot(name, world_of(robot=name))
    assert robot.name == name
    assert np.allclose(robot.state().position, HOME, atol=1e-4)
    assert robot.state().width == pytest.approx(robot.gripper.max_width, abs=1e-6)
    assert robot.gripper.max_width == (0.08 if name in ("panda", "fr3", "gantry-franka") else 0.11)


@pytest.mark.parametrize("name", ["", "kuka", "UR5e"])
def test_an_unknown_robot_is_answered_with_the_known_ones(name: str) -> None:
    words = f"no robot {name!r}; there are: gantry, ur5e, panda"
    with pytest.raises(UserError, match=words):
        robot_model(name)
    with pytest.raises(UserError, match=words):
        make_robot(name, world_of())


@every
@pytest.mark.parametrize("yaw", [0.0, np.pi / 2])
def test_it_takes_a_cube_off_the_table_and_into_the_bin(name: str, yaw: float) -> None:
    world, reports, home = act(name, Action("grasp", (0, 0), 0, (*CUBE, 0.05), yaw, 1.0))
    assert all(r.reached or r.stopped_by_contact for r in reports)
    assert np.allclose(reports[-1].position, present(Workspace()).position, atol=2e-3)
    assert np.allclose(home.position, HOME, atol=2e-3)
    for report in (reports[-1], home):
        assert holds(report)
        assert report.width == pytest.approx(0.05, abs=9e-3)
    assert world.is_parked("object_00")
    assert world.peak_penetration < 6e-3


@every
def test_it_pushes_a_cube_along(name: str) -> None:
    before = np.array(CUBE)
    world, reports, home = act(name, Action("push", (0, 0), 0, (*CUBE, 0.05), 0.0, 1.0))
    assert all(r.reached for r in reports)
    assert not holds(home)
    moved = world.pose("object_00")[0][:2] - before
    assert 0.05 < moved[0] < 0.1
    assert abs(moved[1]) < 0.01


@every
def test_its_hand_is_of_the_bodies_that_feel(name: str) -> None:
    model = world_of(robot=name).model
    for body in HAND_BODIES:
        assert model.body(body).id > 0
    touchable = [g for g in range(model.ngeom) if model.geom_contype[g]]
    fingers = {model.geom(g).name for g in touchable if model.geom(g).name.startswith("pad")}
    assert fingers == {"pad_left", "pad_right"}


def test_makers_meshes_are_for_people_only() -> None:
    """Dressed or not, the physics is the same."""
    if find_meshes("ur5e") is None:
        pytest.skip("no mesh files of the UR5e are installed")
    models = []
    for visual_meshes in (False, True):
        spec = mujoco.MjSpec()
        robot_model("ur5e", visual_meshes=visual_meshes).add_to(spec, Cell())
        models.append(spec.compile())
    plain, shown = models
    assert shown.ngeom > plain.ngeom
    assert np.allclose(shown.body_mass, plain.body_mass)
    assert (shown.geom_contype > 0).sum() == (plain.geom_contype > 0).sum()


@pytest.mark.parametrize("name", ROBOTS)
def test_a_robot_that_cannot_get_home_holds_on(name: str) -> None:
    world = world_of("cube", robot=name)
    robot = make_robot(name, world)
    world.place("object_00", (-0.5, 0.0, 0.0251), UPRIGHT)
    world.settle()
    for move in ((-0.5, 0.0, 0.25), (-0.5, 0.0, 0.01)):
        robot.execute(MoveTo(move, 0.0, 0.5))
    robot.execute(MoveJaw(0.0))
    for drive in robot._drives:  # they fail
        world.model.actuator_gainprm[drive] = world.model.actuator_biasprm[drive] = 0.0
    width = robot.state().width
    with pytest.raises(RobotError, match="cannot get home"):
        robot.home()
    assert robot.state().width < width + 5e-3  # nothing was let go


def test_a_world_is_freed_with_its_robot() -> None:
    world = world_of("cube")
    robot = make_robot("gantry", world)
    robot.execute(MoveTo((-0.5, 0.0, 0.25), 0.0))
    gone = weakref.ref(world)
    gc.disable()
    try:
        del world, robot
        assert gone() is None  # MuJoCo's memory is out of the collector's sight
    finally:
        gc.enable()


@every
def test_stop_ends_a_motion_and_holds(name: str) -> None:
    world = world_of(robot=name)
    robot = make_robot(name, world)

    def press_the_button() -> None:
        if robot.state().position[1] < 0.3:
            robot.stop()

    world.frame_period, world.frame_callback = 0.0, press_the_button
    report = robot.execute(MoveTo((-0.5, 0.0, 0.25), 0.0, 0.5))
    world.frame_callback = None
    assert not report.reached
    assert report.reason == "stopped"
    assert report.position[1] == pytest.approx(0.3, abs=0.02)
    robot.stop()
    world.step(25)
    rest = robot.state()
    robot.stop()  # any number of times
    world.step(250)
    assert np.abs(np.subtract(robot.state().position, rest.position)).max() < 5e-3
    assert robot.execute(MoveTo((-0.5, 0.0, 0.25), 0.0)).reached
