"""The novel shapes: sizes, frames, that they rest, that they are hollow and can be grasped."""

from __future__ import annotations

import cv2
import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_shapes import corners

from pushgrasp.errors import UserError
from pushgrasp.sim.model import ObjectSpec
from pushgrasp.sim.objects.novel import NOVEL, find_shape
from pushgrasp.sim.objects.shapes import SHAPES, Part, Shape, add_to_spec
from pushgrasp.sim.objects.solids import box, solid
from pushgrasp.sim.robots.gantry import GantryModel
from pushgrasp.sim.world import World

JAW = 0.075  # m, what both hands take
FINGER = 0.012  # m, thickness that must fit beside what is taken
BREADTH = 0.015  # m, of a finger's pad that must meet it
each_shape = pytest.mark.parametrize("shape", NOVEL.values(), ids=NOVEL)


def alone(*shapes: Shape) -> World:
    return World([ObjectSpec(f"o{i}", s, (255, 0, 0)) for i, s in enumerate(shapes)], GantryModel())


def surface(shape: Shape, turn: Rotation, step: float) -> np.ndarray:
    """(N, N) m: height of a turned shape over its bounding box's bottom, from above; 0 beside."""
    spec = mujoco.MjSpec()
    x, y, z, w = turn.as_quat()
    add_to_spec(spec, spec.worldbody.add_body(quat=[w, x, y, z]), shape, rgba=(1, 1, 1, 1))
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    n = round(0.25 / step)
    grid = (np.arange(n) - n / 2 + 0.5) * step
    half = float(np.abs(turn.as_matrix()[2]) @ shape.extent) / 2
    height, geom = np.zeros((n, n)), np.zeros(1, np.int32)
    for i, y in enumerate(grid):
        for j, x in enumerate(grid):
            down = (np.array([x, y, 1.0]), np.array([0.0, 0.0, -1.0]))
            distance = mujoco.mj_ray(model, data, *down, None, 1, -1, geom)
            height[i, j] = max(1.0 - distance + half, 0.0) if distance >= 0 else 0.0
    return height


def narrowest(height: np.ndarray, step: float) -> float:
    """m: the least that a jaw along x must open to take a thing from above.

    Fingers BREADTH wide and FINGER thick go down beside it by 8 or 20 mm, and what they meet
    there faces them to within about 26 degrees, the friction cone of 0.5.
    """
    best, n, room = np.inf, round(BREADTH / step), round(FINGER / step)
    slack = round(0.5 * BREADTH / step)
    for first in range(len(height) - n + 1):
        band = height[first : first + n]
        for depth in (0.008, 0.02):
            level = band.max() - depth
            if level <= 0:
                continue
            filled = band > level
            there = np.pad(filled.any(0), room)
            edges = np.flatnonzero(np.diff(there.astype(int))).reshape(-1, 2) + 1
            for start, stop in edges:
                beside = np.concatenate([there[start - room : start], there[stop : stop + room]])
                core = np.flatnonzero(filled.all(0)[start - room : stop - room])
                if beside.any() or not len(core):
                    continue
                if core[0] <= slack and core[-1] >= stop - start - 1 - slack:
                    best = min(best, (stop - start) * step)
    return best


def seen_through(height: np.ndarray) -> int:
    """Cells of the table that are seen, but not from the border."""
    _, labels = cv2.connectedComponents((height == 0).astype(np.uint8), connectivity=4)
    return int(((labels > 0) & (labels != labels[0, 0])).sum())


def test_there_are_many_and_none_is_a_block() -> None:
    assert len(NOVEL) >= 18
    assert not set(NOVEL) & set(SHAPES)
    assert len({round(1e3 * s.extent[2]) for s in NOVEL.values()}) >= 12
    tallest = max(s.extent[2] for s in NOVEL.values())
    flattest = min(s.extent[2] for s in NOVEL.values())
    assert flattest <= 0.0101
    assert 0.12 < tallest <= 0.1401


@each_shape
def test_extent_centre_and_mass(shape: Shape) -> None:
    points = np.concatenate([corners(part) for part in shape.parts])
    np.testing.assert_allclose(np.ptp(points, axis=0), shape.extent, atol=1e-5)
    np.testing.assert_allclose(points.max(0) + points.min(0), 0.0, atol=1e-5)
    model = alone(shape).model
    assert model.body("o0").mass[0] == pytest.approx(shape.mass, rel=1e-3)
    assert 0.03 <= shape.mass <= 0.35
    assert len(shape.parts) <= 21
    assert max(shape.extent) < 0.18


@each_shape
def test_parts_overlap_by_no_more_than_a_joint(shape: Shape) -> None:
    spec = mujoco.MjSpec()
    for part in shape.parts:
        piece = Shape(f"{shape.name}-{id(part)}", (part,), shape.extent)
        body = spec.worldbody.add_body()
        body.add_freejoint()
        add_to_spec(spec, body, piece, rgba=(1, 1, 1, 1))
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert data.contact.dist.min(initial=0.0) > -0.0045


@each_shape
def test_a_jaw_of_75_mm_takes_it(shape: Shape) -> None:
    step = 0.003
    turns = [Rotation.from_euler("z", yaw, degrees=True) for yaw in (0, 45, 90)]
    assert min(narrowest(surface(shape, t, step), step) for t in turns) <= JAW - step


def test_a_box_of_90_mm_is_not_taken() -> None:
    wide = solid("wide", [box((0, 90), (0, 95), (0, 40))], grams=100)
    for yaw in (0, 30, 45, 60, 90):
        turn = Rotation.from_euler("z", yaw, degrees=True)
        assert narrowest(surface(wide, turn, 0.003), 0.003) > JAW


@pytest.mark.parametrize("tilt", [(0, 0, 0), (90, 0, 0), (180, 0, 0), (30, 40, 0), (-70, 20, 50)])
def test_dropped_it_comes_to_rest(tilt: tuple[float, float, float]) -> None:
    turn = Rotation.from_euler("xyz", tilt, degrees=True)
    world = alone(*NOVEL.values())
    for i, (name, thing) in enumerate(zip(world.object_names, world.objects, strict=True)):
        half = float(np.abs(turn.as_matrix()[2]) @ thing.shape.extent) / 2
        place = (-2.0 + 0.5 * (i % 6), 1.0 + 0.5 * (i // 6), half + 0.02)
        world.place(name, place, np.roll(turn.as_quat(), 1))
    world.step(1500)  # 3 s
    before = [world.pose(name)[0] for name in world.object_names]
    assert world.deepest_overlap() < 0.002
    world.wake()
    world.step(150)
    for thing, start in zip(world.objects, before, strict=True):
        moved = np.linalg.norm(world.pose(thing.name)[0] - start)
        assert moved < 0.001, thing.shape.name


@pytest.mark.parametrize(("name", "radius"), [("cup", 0.022), ("mug", 0.028), ("bowl", 0.03)])
def test_a_ball_falls_into_it(name: str, radius: float) -> None:
    angle = np.linspace(0, np.pi, 9)
    rings = [(radius * np.sin(a) + 1e-4, radius * np.cos(a)) for a in angle]
    points = [
        (r * np.cos(t), r * np.sin(t), z) for r, z in rings for t in np.arange(12) * np.pi / 6
    ]
    ball = Shape(
        "ball",
        (Part("mesh", vertices=np.array(points)),),
        (2 * radius, 2 * radius, 2 * radius),
        rolls=True,
    )
    shape = NOVEL[name]
    world = alone(shape, ball)
    world.place("o0", (-0.5, 0, shape.extent[2] / 2 + 1e-4), (1, 0, 0, 0))
    axis = -0.5 + shape.extent[1] / 2 - shape.extent[0] / 2  # a handle is on the +x side
    world.place("o1", (axis, 0, shape.extent[2] + radius + 0.002), (1, 0, 0, 0))
    world.settle(max_time=3.0)
    assert world.pose("o1")[0][2] < radius + 0.012
    assert world.pose("o0")[0] == pytest.approx((-0.5, 0, shape.extent[2] / 2), abs=0.003)


def test_one_reaches_through_the_roll_and_the_wrench() -> None:
    for name in ("tape_roll", "wrench"):
        height = surface(NOVEL[name], Rotation.identity(), 0.004)
        assert seen_through(height) > (50 if name == "tape_roll" else 3), name


def test_find_shape() -> None:
    assert find_shape("cube") is SHAPES["cube"]
    assert find_shape("cup") is NOVEL["cup"]
    with pytest.raises(UserError, match=r"no shape 'teapot'.*cube.*banana"):
        find_shape("teapot")
