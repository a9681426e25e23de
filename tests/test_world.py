"""The simulated table: placing, sleeping, faults, and the truth about what is held."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from simulated import BLUE, FLAT, RED, UPRIGHT, cube_and_gantry, world_of

from pushgrasp.errors import SimulatorFault
from pushgrasp.interfaces import MoveJaw, MoveTo
from pushgrasp.sim.camera import RayCamera
from pushgrasp.sim.world import MAX_PENETRATION, World


def velocity(world: World, name: str) -> np.ndarray:
    """An object's velocity, (6,) linear and angular, to read or to set."""
    start = int(world.model.body(name).dofadr[0])
    return world.data.qvel[start : start + 6]


def test_parked_objects_stay_out() -> None:
    world = world_of("cube", "arch", "brick")
    assert world.in_scene() == []
    before = [world.pose(name)[0] for name in world.object_names]
    world.place("object_01", (-0.5, 0.0, 0.06), UPRIGHT)
    world.step(500)
    assert world.in_scene() == ["object_01"]
    assert [world.is_parked(name) for name in world.object_names] == [True, False, True]
    for i in (0, 2):
        assert (world.pose(world.object_names[i])[0] == before[i]).all()
    camera = RayCamera(world)
    camera.capture()
    seen = {int(body) for body in np.unique(camera.true_bodies())}
    assert seen & set(world.body_ids.tolist()) == {int(world.body_ids[1])}


def test_placing_is_exact_and_at_rest() -> None:
    world = world_of("cube", "brick")
    world.place("object_00", (-0.4, 0.1, 0.3), UPRIGHT)
    world.step(50)
    assert velocity(world, "object_00")[2] < -0.5
    world.place("object_00", (-0.6, -0.1, 0.2), FLAT)
    position, quaternion = world.pose("object_00")
    assert (position == (-0.6, -0.1, 0.2)).all()
    assert np.allclose(quaternion, FLAT)
    assert not velocity(world, "object_00").any()
    world.step(1)
    assert np.abs(world.pose("object_00")[0] - position).max() < 1e-4


def test_a_pose_is_a_copy() -> None:
    world = world_of("cube")
    world.pose("object_00")[0][:] = 7.0
    assert world.pose("object_00")[0][0] == 3.0


def test_removing_and_placing_again() -> None:
    world = world_of("cube", "cube")
    for name, z in (("object_00", 0.0251), ("object_01", 0.0755)):
        world.place(name, (-0.5, 0.0, z), UPRIGHT)
    world.settle()
    world.step(300)  # by now it sleeps
    assert not world.data.body_awake[world.body_ids].any()
    world.remove("object_00")
    assert world.in_scene() == ["object_01"]
    world.settle()
    assert np.isclose(world.pose("object_01")[0][2], 0.025, atol=1e-3)  # it fell
    world.place("object_00", (-0.5, 0.0, 0.09), UPRIGHT)
    world.settle()
    assert np.isclose(world.pose("object_00")[0][2], 0.075, atol=1e-3)  # and carries the other


def test_placed_objects_fall_among_sleeping_ones() -> None:
    world = world_of("cube", "cube")
    world.place("object_00", (-0.5, 0.0, 0.0251), UPRIGHT)
    world.settle()
    world.step(300)
    asleep = world.pose("object_00")[0]
    world.place("object_01", (-0.3, 0.1, 0.1), UPRIGHT)
    world.settle()
    assert np.isclose(world.pose("object_01")[0][2], 0.025, atol=1e-3)
    assert np.abs(world.pose("object_00")[0] - asleep).max() < 1e-4


def test_settling_waits_for_rest_and_gives_up() -> None:
    world = world_of("cube")
    world.place("object_00", (-0.5, 0.0, 0.2), UPRIGHT)
    took = world.settle()
    assert 0.2 < took < 2.0  # the fall alone takes 0.19 s
    assert np.abs(velocity(world, "object_00")).max() < 0.005
    world.place("object_00", (-0.5, 0.0, 0.4), UPRIGHT)
    assert np.isclose(world.settle(max_time=0.1), 0.1)


@pytest.mark.parametrize("asleep", [False, True])
def test_a_thrown_object_is_a_fault(asleep: bool) -> None:
    world, _ = cube_and_gantry()
    world.step(300 if asleep else 1)
    velocity(world, "object_00")[0] = 2.0
    world.step(1)  # fast, but no fault
    assert 1.5 < world.peak_speed < 2.1
    velocity(world, "object_00")[2] = 6.0
    with pytest.raises(SimulatorFault, match=r"thrown \(.* m/s\)"):
        world.step(1)


@pytest.mark.parametrize("what", ["qpos", "qvel", "qfrc_applied"])
def test_nan_is_a_fault_and_leaves_no_log(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = cube_and_gantry()
    monkeypatch.chdir(tmp_path)
    world.wake()
    getattr(world.data, what)[int(world.model.body("object_00").dofadr[0])] = np.nan
    with pytest.raises(SimulatorFault, match="NaN"):
        world.step()
    assert not list(tmp_path.iterdir())  # MuJoCo likes to leave a MUJOCO_LOG.TXT


def test_deep_penetration_is_a_fault_once_a_limit_is_set() -> None:
    def overlapping() -> World:
        world = world_of("cube", "cube")
        world.place("object_00", (-0.5, 0.0, 0.025), UPRIGHT)
        world.place("object_01", (-0.5, 0.0, 0.055), UPRIGHT)  # 20 mm deep
        return world

    world = overlapping()
    world.step(1)
    assert 0.015 < world.peak_penetration < 0.021
    world = overlapping()
    world.max_penetration = MAX_PENETRATION
    with pytest.raises(SimulatorFault, match=r"deep penetration \(\d+ mm\)"):
        world.step(1)


def test_the_deepest_overlap_counts_sleepers() -> None:
    world, _ = cube_and_gantry()
    world.step(300)
    assert world.penetration() == 0.0
    state = world.data.qpos.copy()
    assert 1e-6 < world.deepest_overlap() < 5e-4
    assert (world.data.qpos == state).all()
    assert not world.data.body_awake[world.body_ids].any()


def test_only_what_the_jaw_carries_is_held() -> None:
    world, robot = cube_and_gantry()
    robot.execute(MoveTo((-0.5, 0.0, 0.25), 0.0))
    robot.execute(MoveTo((-0.5, 0.0, 0.01), 0.0))
    assert world.held() == []
    robot.execute(MoveJaw(0.0))
    assert world.held() == []  # gripped, but on the table
    robot.execute(MoveTo((-0.5, 0.0, 0.1), 0.0))
    assert world.held() == ["object_00"]
    robot.execute(MoveJaw(0.11))
    world.settle()
    assert world.held() == []


def test_what_touches_one_finger_or_is_taken_away_is_not_held() -> None:
    world, robot = cube_and_gantry()
    x, y, z = robot.state().position
    world.place("object_00", (x + 0.055 - 0.0248, y, z + 0.05), UPRIGHT)  # beside one pad
    world.step(1)
    assert world.data.ncon > 0
    assert world.held() == []
    world.place("object_00", (-0.5, 0.0, 0.0251), UPRIGHT)
    robot.execute(MoveTo((-0.5, 0.0, 0.25), 0.0))
    robot.execute(MoveTo((-0.5, 0.0, 0.01), 0.0))
    robot.execute(MoveJaw(0.0))
    robot.execute(MoveTo((-0.5, 0.0, 0.1), 0.0))
    assert world.held() == ["object_00"]
    world.remove("object_00")
    assert world.held() == []


def test_names_colours_and_a_wrong_name() -> None:
    world = world_of("cube", "arch")
    assert world.object_names == ("object_00", "object_01")
    assert world.color("object_00") == RED
    assert world.color("object_01") == BLUE
    rgba = world.model.geom_rgba[world.model.geom_bodyid == world.body_ids[1]]
    assert np.allclose(rgba[:, :3] * 255, BLUE)
    with pytest.raises(KeyError, match=r"no object 'cup'.*object_00, object_01"):
        world.pose("cup")


def test_frames_come_at_their_period() -> None:
    world = world_of("cube")
    times: list[float] = []
    world.frame_callback = lambda: times.append(world.data.time)
    for _ in range(100):
        world.step(4)
    assert len(times) == 20  # 0.8 s, every 40 ms
    assert np.allclose(np.diff(times), 0.04)


def test_the_same_commands_end_in_the_same_bits() -> None:
    def run() -> np.ndarray:
        world, robot = cube_and_gantry()
        robot.execute(MoveTo((-0.52, 0.01, 0.25), 0.4))
        robot.execute(MoveTo((-0.52, 0.01, 0.01), 0.4, 0.15, guard_force=20.0))
        robot.execute(MoveJaw(0.0))
        robot.execute(MoveTo((-0.52, 0.01, 0.2), 0.4))
        return np.concatenate([world.data.qpos, world.data.qvel])

    assert (run() == run()).all()
