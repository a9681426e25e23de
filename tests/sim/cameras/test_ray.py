"""The ray-cast camera against geometry and against casting every ray."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np
import pytest

from pushgrasp.interfaces import Intrinsics, Region
from pushgrasp.perception.camera_file import look_at
from pushgrasp.perception.colors import TABLE_COLOR
from pushgrasp.perception.heightmap import project, ray_directions
from pushgrasp.perception.regions import workspace_region
from pushgrasp.sim.cameras.light import Lamp
from pushgrasp.sim.cameras.noise import D405, SensorNoise
from pushgrasp.sim.cameras.ray import BACKGROUND, RayCamera
from pushgrasp.sim.cell import Cell
from pushgrasp.workspace import Workspace

GEOM = mujoco.mjtGeom
RED = (1.0, 0.0, 0.0, 1.0)


class World(NamedTuple):
    """What the camera looks at."""

    model: mujoco.MjModel
    data: mujoco.MjData


def world_of(*boxes: dict, table: bool = True) -> World:
    """A table and free boxes; each dict goes to add_geom, but for pos and quat."""
    spec = mujoco.MjSpec()
    spec.add_material(name="green", rgba=[0, 1, 0, 1])
    vertices = [[x, y, 0] for x in (-0.03, 0.03) for y in (-0.02, 0.02)] + [[0, 0, 0.05]]
    spec.add_mesh(name="pyramid", uservert=np.ravel(vertices).tolist())
    if table:
        plane = [*(c / 255 for c in TABLE_COLOR), 1]
        spec.worldbody.add_geom(type=GEOM.mjGEOM_PLANE, size=[5, 5, 0.1], rgba=plane)
    for box in boxes:
        place = {k: box[k] for k in ("pos", "quat") if k in box}
        body = spec.worldbody.add_body(**place)
        body.add_freejoint()
        shape = {"type": GEOM.mjGEOM_BOX, "size": [0.03, 0.03, 0.03]}
        rest = {k: v for k, v in box.items() if k not in ("pos", "quat")}
        body.add_geom(**(shape | rest))
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return World(model, data)


def heap(n: int, seed: int) -> World:
    """Boxes, cylinders, capsules and meshes, overlapping, one of them close to the camera."""
    rng = np.random.default_rng(seed)
    kinds = [
        {"type": GEOM.mjGEOM_BOX, "size": [0.025, 0.05, 0.0125]},
        {"type": GEOM.mjGEOM_CYLINDER, "size": [0.0225, 0.025, 0]},
        {"type": GEOM.mjGEOM_CAPSULE, "size": [0.01, 0.04, 0]},
        {"type": GEOM.mjGEOM_MESH, "meshname": "pyramid"},
    ]
    boxes = [{"pos": (-0.95, 0.0, 0.42), "size": [0.01, 0.01, 0.1]}]
    for i in range(n):
        position = rng.normal((-0.5, 0, 0.05), (0.1, 0.1, 0.02))
        boxes.append({"pos": position, "quat": rng.normal(size=4), **kinds[i % 4]})
    return world_of(*boxes)


def test_the_default_pose_is_the_ancestors() -> None:
    pose = Cell().camera_pose
    assert np.allclose(pose[:3, 3], (-1.0, 0.0, 0.5))
    assert np.allclose(pose[:3, 2], (np.sqrt(0.5), 0, -np.sqrt(0.5)))  # 45 degrees down
    assert np.allclose(pose[:3, 0], (0, -1, 0))  # image right is -y
    assert np.isclose(np.linalg.det(pose[:3, :3]), 1)


def test_depth_is_along_the_optical_axis_and_the_map_is_where_things_are() -> None:
    world = world_of({"pos": (-0.45, 0.06, 0.03)})
    camera = RayCamera(world)
    frame = camera.capture()
    rays = ray_directions(camera.intrinsics) @ camera.T_world_camera[:3, :3].T
    table = camera.true_bodies() == 0
    assert np.allclose(frame.depth[table], -0.5 / rays[..., 2][table], atol=1e-5)
    hm = project(frame, Workspace())
    rows, columns = np.nonzero(hm.height > 0.0595)
    xy = Workspace().to_xy(rows, columns)
    assert np.allclose(xy.min(0), (-0.48, 0.03), atol=0.003)
    assert np.allclose(xy.max(0), (-0.42, 0.09), atol=0.003)
    assert np.allclose(hm.height[rows, columns], 0.06, atol=5e-4)
    assert np.isnan(hm.height[142, 162])  # the box's shadow, at x -0.40, y 0.06


@pytest.mark.parametrize("seed", [0, 1])
def test_not_casting_rays_again_changes_nothing(seed: int) -> None:
    world = heap(20, seed)
    rng = np.random.default_rng(seed)
    camera = RayCamera(world)
    region = workspace_region(Workspace(), camera.intrinsics, camera.T_world_camera)
    for where in (None, region, Region(100, 300, 200, 100), None):
        frame, fresh = camera.capture(where), RayCamera(world).capture(where)
        assert (frame.color == fresh.color).all()
        assert (frame.depth == fresh.depth).all()
        for body in rng.integers(0, 21, 4):  # some move, one of them may be near the camera
            world.data.qpos[7 * body : 7 * body + 3] += rng.normal(0, 0.02, 3)
        world.model.geom_rgba[rng.integers(1, 22), :3] = rng.random(3)
        mujoco.mj_kinematics(world.model, world.data)


def test_a_region_is_the_same_picture_cut_out() -> None:
    world = heap(8, 3)
    camera = RayCamera(world)
    region = workspace_region(Workspace(), camera.intrinsics, camera.T_world_camera)
    part = camera.capture(region)
    whole = camera.capture()
    rows = np.s_[region.row : region.row + region.height]
    cut = (rows, np.s_[region.column : region.column + region.width])
    outside = np.ones((480, 640), bool)
    outside[cut] = False
    assert (part.color[cut] == whole.color[cut]).all()
    assert (part.depth[cut] == whole.depth[cut]).all()
    assert not part.color[outside].any()
    assert not part.depth[outside].any()
    both = project(part, Workspace()), project(whole, Workspace())
    assert np.array_equal(both[0].height, both[1].height, equal_nan=True)
    over_the_edge = camera.capture(Region(400, 600, 100, 100))
    assert (over_the_edge.depth[400:, 600:] == whole.depth[400:, 600:]).all()


def test_pictures_are_the_same_each_time_and_follow_what_moves() -> None:
    world = world_of({"pos": (-0.5, 0, 0.03), "rgba": RED})
    camera = RayCamera(world)
    first, again, other = camera.capture(), camera.capture(), RayCamera(world).capture()
    for frame in (again, other):
        assert (frame.color == first.color).all()
        assert (frame.depth == first.depth).all()
    state = world.data.geom_xpos.copy()
    world.data.qpos[:2] += (0.1, 0.1)
    mujoco.mj_kinematics(world.model, world.data)
    moved = camera.capture()
    fresh = RayCamera(world).capture()
    assert (moved.color == fresh.color).all()
    assert (moved.depth != first.depth).any()
    assert (world.data.geom_xpos != state).any()


def test_looking_does_not_touch_the_world() -> None:
    world = heap(5, 0)
    size = mujoco.mj_stateSize(world.model, mujoco.mjtState.mjSTATE_INTEGRATION)
    before, after = np.zeros(size), np.zeros(size)
    mujoco.mj_getState(world.model, world.data, before, mujoco.mjtState.mjSTATE_INTEGRATION)
    groups = world.model.geom_group.copy()
    camera = RayCamera(world)
    camera.capture()
    camera.visible_fraction(2)
    mujoco.mj_getState(world.model, world.data, after, mujoco.mjtState.mjSTATE_INTEGRATION)
    assert (before == after).all()
    assert (world.model.geom_group == groups).all()


def test_shading_keeps_the_colours_direction_and_differs_between_faces() -> None:
    color = np.array([0.8, 0.4, 0.2])
    box = {"pos": (-0.5, 0, 0.03), "quat": (0.924, 0, 0, 0.383), "rgba": (*color, 1)}
    camera = RayCamera(world_of(box))
    frame = camera.capture()
    pixels = frame.color[camera.true_bodies() == 1].astype(float)
    shades = np.unique(pixels, axis=0)
    assert len(shades) == 3  # top and two sides
    ratio = shades / (255 * color)
    assert np.allclose(ratio, ratio.mean(1, keepdims=True), atol=0.01)
    assert ratio.min() >= 0.54
    assert ratio.max() <= 1.0


def test_colours_come_from_geoms_or_their_materials() -> None:
    red = {"pos": (-0.5, 0.1, 0.03), "rgba": RED}
    green = {"pos": (-0.5, -0.1, 0.03), "material": "green"}
    camera = RayCamera(world_of(red, green, table=False))
    frame, bodies = camera.capture(), camera.true_bodies()
    assert not frame.color[bodies == 1][:, 1:].any()
    assert not frame.color[bodies == 2][:, ::2].any()
    assert (frame.color[bodies < 0] == BACKGROUND).all()
    assert not frame.depth[bodies < 0].any()


def test_hidden_groups_are_hidden() -> None:
    world = world_of({"pos": (-0.5, 0.0, 0.03), "group": 3})
    assert (RayCamera(world).capture().depth != 0).all()
    seen, blind = RayCamera(world), RayCamera(world, geomgroup=[1, 1, 1, 0, 0, 0])
    seen.capture()
    blind.capture()
    assert (seen.true_bodies() == 1).any()
    assert not (blind.true_bodies() == 1).any()
    assert blind.visible_fraction(1) == 0


def test_visible_fraction_is_of_what_would_be_seen_alone() -> None:
    alone = {"pos": (-0.5, 0.0, 0.03)}
    assert RayCamera(world_of(alone)).visible_fraction(1) == 1
    wall = {"pos": (-0.6, 0.0, 0.2), "size": [0.005, 0.2, 0.2]}
    assert RayCamera(world_of(alone, wall)).visible_fraction(1) == 0
    half_wall = {"pos": (-0.6, 0.1, 0.2), "size": [0.005, 0.1, 0.2]}
    assert 0.4 < RayCamera(world_of(alone, half_wall)).visible_fraction(1) < 0.6
    away = {"pos": (2.0, 2.0, 0.03)}
    assert RayCamera(world_of(away)).visible_fraction(1) == 0


def test_depth_noise_is_what_was_asked_for_and_seeded() -> None:
    world = world_of()
    clean = RayCamera(world).capture().depth
    noisy = [RayCamera(world, noise=SensorNoise(white=0.002), seed=s) for s in (1, 1, 2)]
    a, b, c = (camera.capture().depth for camera in noisy)
    assert (a == b).all()
    assert (a != c).any()
    assert np.isclose((a - clean).std(), 0.002, rtol=0.05)
    assert (noisy[0].capture().depth != a).any()  # new noise in each picture


def test_noise_leaves_what_is_remembered_and_the_truth_alone() -> None:
    world = heap(8, 5)
    clean, noisy = RayCamera(world), RayCamera(world, noise=D405)
    frame, bodies = clean.capture(), clean.true_bodies()
    for _ in range(2):
        noisy.capture()
        assert (noisy.true_bodies() == bodies).all()
    noisy.noise = None
    again = noisy.capture()
    assert (again.depth == frame.depth).all()
    assert (again.color == frame.color).all()


def test_light_shades_what_the_camera_sees_and_nothing_else() -> None:
    world = world_of({"pos": (-0.5, 0, 0.03), "rgba": (0.5, 0.5, 0.5, 1)}, table=False)
    usual, same, dim = (
        RayCamera(world, light=light)
        for light in (None, Lamp(), Lamp(ambient=0.3, diffuse=0.0, tint=(1.0, 0.8, 0.6)))
    )
    a, b, c = usual.capture(), same.capture(), dim.capture()
    assert (a.color == b.color).all()
    box = usual.true_bodies() == 1
    assert (c.color[box] == np.rint(127.5 * 0.3 * np.array([1.0, 0.8, 0.6]))).all()
    assert (c.color[~box] == BACKGROUND).all()
    assert (c.depth == a.depth).all()


def test_another_pose_and_lens() -> None:
    lens = Intrinsics(200, 150, 150.0, 150.0, 100.0, 75.0)
    pose = look_at((-0.5, -0.6, 0.6), (-0.5, 0.0, 0.0))
    world = world_of({"pos": (-0.5, 0.0, 0.03), "rgba": RED})
    camera = RayCamera(world, intrinsics=lens, T_world_camera=pose)
    frame = camera.capture()
    assert frame.color.shape == (150, 200, 3)
    rows, columns = np.nonzero(camera.true_bodies() == 1)
    assert abs(columns.mean() - 100) < 1
    assert abs(rows.mean() - 75) < 10
