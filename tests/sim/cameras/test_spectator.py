"""Films show the cell as it is simulated, with a bin; filming changes nothing."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from simulated import world_of

from pushgrasp.interfaces import MoveJaw, MoveTo
from pushgrasp.perception.camera_file import look_at
from pushgrasp.sim.cameras import spectator
from pushgrasp.sim.cameras.bin import HEIGHT, INNER, Bin
from pushgrasp.sim.cameras.spectator import EYE, LOOK_AT, SIZE, Spectator
from pushgrasp.sim.cameras.studio import FIELD_OF_VIEW, film_model
from pushgrasp.sim.robots.registry import ROBOTS, make_robot
from pushgrasp.sim.world import World
from pushgrasp.view.draw import film

UPRIGHT = (1, 0, 0, 0)


def with_a_cube(robot: str = "gantry") -> World:
    world = world_of("cube", robot=robot)
    world.place("object_00", (-0.5, 0.0, 0.0251), UPRIGHT)
    world.settle()
    return world


def take_to_the_bin(world: World) -> None:
    robot = make_robot("gantry", world)
    for command in (MoveTo((-0.5, 0.0, 0.01), 0.0), MoveJaw(0.0)):
        robot.execute(command)
    robot.home()


@pytest.mark.parametrize("name", ROBOTS)
def test_the_model_of_a_film_has_the_joints_of_the_world(name: str) -> None:
    world = world_of("cube", "cylinder", robot=name)
    model = film_model(world, 64, 36, meshes=False)
    for m in (model, world.model):
        assert [m.joint(i).name for i in range(m.njnt)] == [
            world.model.joint(i).name for i in range(world.model.njnt)
        ]
    np.testing.assert_array_equal(model.jnt_qposadr, world.model.jnt_qposadr)
    data, true = mujoco.MjData(model), mujoco.MjData(world.model)
    data.qpos[:] = true.qpos[:] = world.data.qpos
    mujoco.mj_kinematics(model, data)
    mujoco.mj_kinematics(world.model, true)
    np.testing.assert_allclose(data.body("tool").xpos, true.body("tool").xpos, atol=1e-9)


def test_what_the_hand_lets_go_lies_in_the_bin() -> None:
    world = with_a_cube()
    watcher, seen = Bin(world), []
    world.frame_period, world.frame_callback = 0.1, lambda: seen.append(watcher.follow())
    take_to_the_bin(world)
    world.frame_callback = None
    assert world.is_parked("object_00")
    world.step(250)
    pose = watcher.follow()["object_00"]
    off = np.abs(pose[:2] - world.cell.home[:2])
    assert off[0] < INNER[0] / 2
    assert off[1] < INNER[1] / 2
    assert 0 < pose[2] < HEIGHT
    assert not seen[0], "not before it was let go"


def test_what_was_taken_while_nobody_looked_lies_in_the_bin_too() -> None:
    world = with_a_cube()
    watcher = Bin(world)
    watcher.follow()
    take_to_the_bin(world)
    watcher.follow()
    world.step(250)
    pose = watcher.follow()["object_00"]
    assert np.abs(pose[:2] - world.cell.home[:2]).max() < INNER[0] / 2


def test_filming_changes_nothing() -> None:
    ends, moments = [], []
    for filmed in (False, True):
        world = with_a_cube()
        if filmed:
            camera = Spectator(world)
            world.frame_period = 0.1
            world.frame_callback = lambda c=camera: moments.append(c.moment())
        take_to_the_bin(world)
        ends.append(world.data.qpos.copy())
    np.testing.assert_array_equal(*ends)


def test_a_moment_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "off")  # rays
    world = with_a_cube()
    camera = Spectator(world)
    before = camera.moment()
    first = before()
    take_to_the_bin(world)
    after = camera.moment()()
    assert first.shape == after.shape == (SIZE[1], SIZE[0], 3)
    assert (first != after).any()
    np.testing.assert_array_equal(before(), first)


def test_the_hand_presents_what_it_holds_over_the_middle() -> None:
    world = with_a_cube()
    camera, robot = Spectator(world), make_robot("gantry", world)
    robot.execute(MoveTo((-0.5, 0.0, 0.01), 0.0))
    assert not camera.moment().presents, "it holds nothing yet"
    robot.execute(MoveJaw(0.0))
    robot.execute(MoveTo((-0.5, 0.0, 0.25), 0.0))
    assert camera.moment().presents
    robot.execute(MoveTo((-0.5, 0.3, 0.25), 0.0))
    assert not camera.moment().presents


def test_without_opengl_rays_are_cast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "off")
    camera = Spectator(with_a_cube("ur5e"))
    camera.moment()()
    assert isinstance(camera._view, spectator._RayView)


def test_what_lies_on_the_mat_is_above_the_caption() -> None:
    pose = look_at(EYE, LOOK_AT)
    half = 0.9 * 0.448 / 2  # m
    for x in (-0.5 - half, -0.5 + half):
        for y in (-half, half):
            point = (np.array((x, y, 0.0)) - pose[:3, 3]) @ pose[:3, :3]
            across, down = point[:2] / point[2] / np.tan(np.radians(FIELD_OF_VIEW) / 2)
            assert abs(across) < 16 / 9
            assert -1 < down < 1 - 2 * film._BAND / film.SIZE[1]
