"""The simulated table: placing, sleeping, faults, and the truth about what is held."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from simulated import BLUE, FLAT, RED, UPRIGHT, cube_and_gantry, world_of

from pushgrasp.errors import SimulatorFault
from pushgrasp.interfaces import MoveJaw, MoveTo
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.sim.cell import HOME
from pushgrasp.sim.objects.shapes import SHAPES
from pushgrasp.sim.robots.gantry import Gantry
from pushgrasp.sim.robots.hand import RG2
from pushgrasp.sim.robots.registry import ROBOTS, make_robot, robot_model
from pushgrasp.sim.robots.robot import HAND_BODIES
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


def test_a_contact_reading_that_the_positions_do_not_show_is_no_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worlds = []
    for misread in (False, True):
        world, robot = cube_and_gantry()
        world.max_penetration = MAX_PENETRATION
        if misread:
            monkeypatch.setattr(world, "penetration", lambda: 0.04)
        robot.execute(MoveTo((-0.5, 0.0, 0.01), 0.0))
        robot.execute(MoveJaw(0.0))
        robot.execute(MoveTo((-0.5, 0.0, 0.1), 0.0))
        worlds.append(world)
    right, misreading = worlds
    assert misreading.peak_penetration < MAX_PENETRATION
    for name in ("time", "qpos", "qvel", "qacc_warmstart", "body_awake"):
        assert np.array_equal(getattr(right.data, name), getattr(misreading.data, name)), name


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


def test_what_lies_on_a_hand_presses_with_its_weight() -> None:
    world = world_of("cube", "cube")
    robot = Gantry(world)
    top = HOME[2] + RG2.finger_length + 2 * RG2.palm[2] - 0.005
    assert world.touching(*HAND_BODIES) == 0
    weight = SHAPES["cube"].mass * 9.81
    for i, x in enumerate((-0.035, 0.035)):
        world.place(f"object_{i:02d}", (HOME[0] + x, HOME[1], top + 0.0251), UPRIGHT)
        world.step(400)
        assert world.touching(*HAND_BODIES) == pytest.approx((i + 1) * weight, rel=0.05)
        assert robot.contact_force() == world.touching(*HAND_BODIES)
    assert world.touching("object_00") == pytest.approx(weight, rel=0.05)
    assert world.touching("finger_left", "finger_right") == 0
    assert world.touching(*HAND_BODIES, "object_00", "object_01") == pytest.approx(0, abs=1e-6)


def test_what_stands_between_others_presses_with_what_is_left() -> None:
    """Of two contacts a body may be the first geom of one and the second of the other."""
    world = world_of("cube", "cube", "cube")
    for i in (1, 0, 2):
        name, z = f"object_{i:02d}", 0.0251 + 0.0501 * (1, 0, 2)[i]
        world.place(name, (-0.5, 0.0, z), UPRIGHT)
    world.settle()
    world.wake()  # asleep they do not press
    world.step(10)
    assert world.touching("object_00") == pytest.approx(SHAPES["cube"].mass * 9.81, rel=0.05)
    assert world.touching("object_01", "object_00") == pytest.approx(2 * 0.06 * 9.81, rel=0.05)


def test_a_grip_presses_on_each_finger_and_not_on_the_hand() -> None:
    world, robot = cube_and_gantry()
    robot.execute(MoveTo((-0.5, 0.0, 0.25), 0.0))
    robot.execute(MoveTo((-0.5, 0.0, 0.01), 0.0))
    robot.execute(MoveJaw(0.0, force=15.0))
    world.step(50)
    for finger in ("finger_left", "finger_right"):
        assert world.touching(finger) == pytest.approx(15.0, rel=0.1)
    assert world.touching("finger_left", "finger_right") < 1.5  # one against the other


@pytest.mark.parametrize("name", ROBOTS)
def test_another_robot_meets_the_same_objects(name: str) -> None:
    world = world_of("cube", "brick", "tile")
    for i, place in enumerate([(-0.5, 0.0, 0.0251), (-0.6, 0.1, 0.0501)]):
        world.place(f"object_{i:02d}", place, UPRIGHT)
    world.vary_friction(0.9)
    world.settle()
    state = world.data.qpos.copy()
    other = world.with_robot(robot_model(name))
    assert (world.data.qpos == state).all()  # this one is left as it was
    assert other is not world
    assert other.objects == world.objects
    assert other.in_scene() == ["object_00", "object_01"]  # what was parked still is
    for object_ in other.in_scene():
        for a, b in zip(world.pose(object_), other.pose(object_), strict=True):
            assert np.allclose(a, b, atol=1e-3)
    for body in ("object_00", "object_01", "world"):
        frictions = [
            w.model.geom_friction[w.model.geom_bodyid == w.model.body(body).id, 0][0]
            for w in (world, other)
        ]
        assert frictions[0] == frictions[1] == pytest.approx(0.45)
    robot = make_robot(name, other)
    robot.execute(MoveTo((-0.5, 0.0, 0.25), 0.0))
    assert robot.execute(MoveTo((-0.5, 0.0, 0.01), 0.0)).reached


def test_the_tables_friction_is_a_setting() -> None:
    world = World([], robot_model("gantry"), table_friction=0.7)
    assert world.model.geom("table").friction[0] == pytest.approx(0.35)
    other = world.with_robot(robot_model("ur5e"))
    assert other.model.geom("table").friction[0] == pytest.approx(0.35)


def test_a_drive_is_called_before_each_step() -> None:
    world = world_of("cube")
    calls: list[tuple[float, float]] = []
    world.step(4, lambda share: calls.append((share, world.data.time)))
    assert [c[0] for c in calls] == [0.25, 0.5, 0.75, 1.0]
    assert np.allclose([c[1] for c in calls], [0.0, 0.002, 0.004, 0.006])
    assert world.data.time == pytest.approx(0.008)


def test_what_is_near_a_point() -> None:
    world = world_of("cube", "cube")
    world.place("object_00", (-0.5, 0.46, 0.3), UPRIGHT)
    assert world.near(HOME, 0.06) == ["object_00"]
    assert world.near(HOME, 0.04) == []
    assert world.near((3.0, 0.0, 0.2), 1.0) == []  # parked


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
