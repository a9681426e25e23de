"""The OpenGL camera against the ray-cast one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import mujoco
import numpy as np
import numpy.typing as npt
import pytest
from test_ray import RED, heap, world_of

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Intrinsics, Region, RGBDFrame
from pushgrasp.perception.camera_file import look_at
from pushgrasp.perception.heightmap import project
from pushgrasp.perception.regions import workspace_region
from pushgrasp.perception.segmentation import goal_mask, label_objects
from pushgrasp.sim.cameras.gl import GLCamera
from pushgrasp.sim.cameras.light import Lamp
from pushgrasp.sim.cameras.noise import SensorNoise
from pushgrasp.sim.cameras.ray import RANGE, RayCamera
from pushgrasp.sim.scenes.build import Scene, SceneConfig, build_scene
from pushgrasp.workspace import Workspace

SCENES = {
    "random": SceneConfig("random", 10, seed=2),
    "heap": SceneConfig("heap", 20, seed=0),
    "challenging": SceneConfig("challenging-01"),
    # Blocks of a fixed scene whose sides lie on the borders of the map's cells fall into
    # either cell; a micrometre of noise cuts regions in two there, with rays as well.
    "perturbed": SceneConfig("challenging-01", perturb=True),
}
Maker = Callable[..., GLCamera]


@pytest.fixture(scope="module")
def opengl() -> None:
    """For what needs it."""
    try:
        GLCamera(world_of()).close()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture
def camera_of(opengl: None) -> Iterator[Maker]:
    """Makes cameras and closes them after the test."""
    made = []

    def make(*args: Any, **settings: Any) -> GLCamera:
        made.append(GLCamera(*args, **settings))
        return made[-1]

    yield make
    for camera in made:
        camera.close()


@pytest.fixture(scope="module")
def scenes() -> dict[str, Scene]:
    """Built once; tests that move things move the robot only, and back."""
    return {name: build_scene(config) for name, config in SCENES.items()}


@pytest.fixture(params=list(SCENES))
def scene(request: pytest.FixtureRequest, scenes: dict[str, Scene]) -> Scene:
    return scenes[request.param]


def away_from_edges(bodies: npt.NDArray[np.int32], depth: npt.NDArray) -> npt.NDArray[np.bool_]:
    """(H, W) bool: pixels whose neighbours belong to the same body and the same surface.

    The inverse depth of a plane is linear in the image; a step of 10 mm at 0.7 m is one of 0.02.
    """
    square = np.ones((3, 3), np.uint8)
    edge = cv2.morphologyEx(bodies.astype(np.float32), cv2.MORPH_GRADIENT, square) > 0
    inverse = 1 / np.where(depth > 0, depth, np.inf).astype(np.float64)
    return ~edge & (np.abs(cv2.Laplacian(inverse, cv2.CV_64F)) < 0.02)


def compare(ray: RayCamera, gl: GLCamera) -> tuple[RGBDFrame, RGBDFrame]:
    """Take both cameras' pictures and check that they agree."""
    a, b = ray.capture(), gl.capture()
    bodies, others = ray.true_bodies(), gl.true_bodies()
    same = bodies == others
    objects = bodies > 0
    assert objects.any()
    assert same[objects].mean() > 0.995
    assert same.mean() > 0.999
    # By both pictures: mj_multiRay of MuJoCo 3.17 leaves out some pixels at a block's corners,
    # up to three in a row, where mj_ray hits it; the edge in its picture is not the block's.
    inside = away_from_edges(bodies, a.depth) & away_from_edges(others, b.depth)
    assert inside.mean() > 0.8
    assert inside[objects].mean() > 0.5
    assert np.abs(a.depth - b.depth)[inside].max() < 1e-3
    assert np.percentile(np.abs(a.depth - b.depth)[inside], 99) < 1e-4
    error = np.abs(a.color.astype(int) - b.color).max(-1)
    assert (error[inside & objects] <= 10).mean() > 0.99  # a block's own edges are inside
    assert (error[bodies <= 0] <= 1).mean() > 0.999  # the table and the background
    return a, b


def iou(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> float:
    return float((a & b).sum() / (a | b).sum()) if (a | b).any() else 1.0


def test_pictures_of_scenes_are_those_of_rays(scene: Scene, camera_of: Maker) -> None:
    ray, gl = RayCamera(scene.world), camera_of(scene.world)
    compare(ray, gl)
    for body in map(int, scene.world.body_ids):
        assert abs(ray.visible_fraction(body) - gl.visible_fraction(body)) < 0.01
    assert abs(scene.visible_fraction - gl.visible_fraction(scene.world.body_ids[0])) < 0.01


def test_the_robots_hand_is_seen_alike(scenes: dict[str, Scene], camera_of: Maker) -> None:
    world = scenes["random"].world
    ray, gl = RayCamera(world), camera_of(world)
    before = ray.capture().depth
    kept = world.data.qpos.copy()
    for joint, value in {"y": -0.46, "z": -0.15, "yaw": 0.6}.items():
        world.data.qpos[world.model.joint(joint).qposadr[0]] = value
    mujoco.mj_kinematics(world.model, world.data)
    ray_frame, _ = compare(ray, gl)
    world.data.qpos[:] = kept
    mujoco.mj_kinematics(world.model, world.data)
    assert (ray_frame.depth < before - 0.05).mean() > 0.02


@pytest.mark.parametrize("name", ["random", "heap", "perturbed"])
def test_masks_and_labels_are_the_same(
    name: str, scenes: dict[str, Scene], camera_of: Maker
) -> None:
    scene = scenes[name]
    a, b = (
        project(camera.capture(), Workspace())
        for camera in (RayCamera(scene.world), camera_of(scene.world))
    )
    assert iou(a.seen, b.seen) > 0.99
    for color in {scene.world.color(n) for n in scene.world.object_names}:
        goal = goal_mask(a, color)
        if goal.sum() >= 50:  # of fewer, one cell is more than 2 %
            assert iou(goal, goal_mask(b, color)) > 0.97
    labels, others = label_objects(a), label_objects(b)
    assert abs(labels.max() - others.max()) <= 1
    agreed = 0
    for i in range(1, labels.max() + 1):
        region = labels == i
        twin = others == np.bincount(others[region]).argmax()
        agreed += (region & twin).sum()
        assert region.sum() < 50 or iou(region, twin) > 0.97
    assert agreed / ((labels > 0) | (others > 0)).sum() > 0.97


def test_every_kind_of_geom_close_and_far_is_seen_alike(camera_of: Maker) -> None:
    world = heap(20, 1)
    compare(RayCamera(world), camera_of(world))


@pytest.mark.parametrize(
    ("lens", "pose"),
    [
        (Intrinsics(200, 150, 150.0, 150.0, 100.0, 75.0), look_at((-0.5, -0.6, 0.6), (-0.5, 0, 0))),
        (Intrinsics(333, 201, 310.0, 160.0, 120.3, 131.7), None),
        (
            Intrinsics(640, 480, 900.0, 1400.0, 200.0, 300.0),
            look_at((-1.6, 0.4, 0.7), (-0.5, 0, 0)),
        ),
    ],
)
def test_any_lens_and_pose(
    lens: Intrinsics, pose: npt.NDArray[np.float64] | None, camera_of: Maker
) -> None:
    boxes = [{"pos": (-0.5 + 0.1 * i, 0.12 * j, 0.03)} for i in (-1, 0, 1) for j in (-1, 0, 1)]
    world = world_of(*boxes)
    ray = RayCamera(world, intrinsics=lens, T_world_camera=pose)
    a, b = compare(ray, camera_of(world, intrinsics=lens, T_world_camera=pose))
    assert b.intrinsics == a.intrinsics
    assert (b.T_world_camera == a.T_world_camera).all()


def test_a_region_is_the_same_picture_cut_out(camera_of: Maker) -> None:
    camera = camera_of(heap(8, 3))
    whole, bodies = camera.capture(), camera.true_bodies()
    workspace = workspace_region(Workspace(), camera.intrinsics, camera.T_world_camera)
    for r in (workspace, Region(400, 600, 100, 100), Region(-20, 300, 60, 50)):
        part = camera.capture(r)
        cut = np.s_[max(r.row, 0) : r.row + r.height, r.column : r.column + r.width]
        outside = np.ones((480, 640), bool)
        outside[cut] = False
        assert not part.color[outside].any()
        assert not part.depth[outside].any()
        assert (camera.true_bodies()[outside] == -1).all()
        # a window has a projection of its own, rounded on its own
        assert (np.abs(part.depth - whole.depth)[cut] < 1e-5).mean() > 0.999
        assert (part.color == whole.color)[cut].mean() > 0.999
        assert (camera.true_bodies() == bodies)[cut].mean() > 0.999
    nothing = camera.capture(Region(500, 0, 10, 10))
    assert not nothing.depth.any()
    assert (camera.true_bodies() == -1).all()


def test_what_moves_or_changes_colour_is_seen_and_the_truth_is_of_the_last_capture(
    camera_of: Maker,
) -> None:
    world = world_of({"pos": (-0.5, 0, 0.03), "rgba": RED})
    camera, other = camera_of(world), camera_of(heap(3, 0))
    assert (camera.true_bodies() == -1).all()  # no capture yet
    first, bodies = camera.capture(), camera.true_bodies()
    other.capture()  # has a context of its own, which is the current one now
    again = camera.capture()
    assert (again.color == first.color).all()
    assert (again.depth == first.depth).all()
    world.data.qpos[:2] += (0.1, 0.1)
    world.model.geom_rgba[1] = (0, 1, 0, 1)
    mujoco.mj_kinematics(world.model, world.data)
    assert (camera.true_bodies() == bodies).all()
    assert camera.visible_fraction(1) == 1
    assert (camera.true_bodies() == bodies).all()
    moved, _ = compare(RayCamera(world), camera)
    assert (moved.depth != first.depth).any()
    assert not moved.color[camera.true_bodies() == 1][:, ::2].any()


def test_looking_does_not_touch_the_world(camera_of: Maker) -> None:
    world = heap(5, 0)
    untouched = heap(5, 0)
    camera = camera_of(world, light=Lamp(ambient=0.2))
    camera.capture()
    camera.visible_fraction(2)
    assert (world.data.geom_xpos == untouched.data.geom_xpos).all()
    for name in ("geom_group", "geom_rgba", "mat_rgba", "light_active"):
        assert (getattr(world.model, name) == getattr(untouched.model, name)).all()
    assert world.model.vis.quality.offsamples == untouched.model.vis.quality.offsamples


def test_materials_groups_and_nothing_at_all(camera_of: Maker) -> None:
    red = {"pos": (-0.5, 0.1, 0.03), "rgba": RED, "group": 3}
    green = {"pos": (-0.5, -0.1, 0.03), "material": "green"}
    world = world_of(red, green, table=False)
    compare(RayCamera(world), camera_of(world))
    groups = [1, 1, 1, 0, 0, 0]
    ray, gl = RayCamera(world, geomgroup=groups), camera_of(world, geomgroup=groups)
    compare(ray, gl)
    assert gl.visible_fraction(1) == 0
    assert gl.visible_fraction(2) == 1
    gone = camera_of(world, T_world_camera=look_at((RANGE, RANGE, 1), (-0.5, 0, 0)))
    assert not gone.capture().depth.any()


def test_light_and_noise_are_the_ray_cameras(camera_of: Maker) -> None:
    world = world_of({"pos": (-0.5, 0, 0.03), "rgba": (0.8, 0.4, 0.2, 1)})
    light = Lamp(direction=(0.6, -0.2, 0.5), ambient=0.4, diffuse=0.5, tint=(1.0, 0.9, 0.7))
    compare(RayCamera(world, light=light), camera_of(world, light=light))
    clean = camera_of(world).capture().depth
    noisy = [camera_of(world, noise=SensorNoise(white=0.002), seed=s) for s in (1, 1, 2)]
    a, b, c = (camera.capture().depth for camera in noisy)
    assert (a == b).all()
    assert (a != c).any()
    assert np.isclose((a - clean).std(), 0.002, rtol=0.05)


def test_a_closed_camera_says_so(camera_of: Maker) -> None:
    with camera_of(world_of()) as camera:
        camera.capture()
    camera.close()
    with pytest.raises(RuntimeError, match="closed"):
        camera.capture()


def test_python_ends_quietly_with_cameras_open(opengl: None) -> None:
    code = (
        "import mujoco\n"
        "from pushgrasp.sim.cameras.gl import GLCamera\n"
        "from pushgrasp.sim.world import World\n"
        "spec = mujoco.MjSpec()\n"
        "spec.worldbody.add_geom(size=[1, 1, 1])\n"
        "class W: model = spec.compile(); data = mujoco.MjData(model)\n"
        "kept = [GLCamera(W) for _ in range(3)]\n"
        "kept[0].close(); lost = GLCamera(W); del lost\n"
        "assert kept[1].capture() and kept[2].capture()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_opengl_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    for module in ("mujoco.egl", "mujoco.gl_context"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=r"libegl1.*ray-cast camera, which needs no OpenGL"):
        GLCamera(world_of())


@pytest.mark.parametrize(
    ("value", "words"), [("off", "turns OpenGL off"), ("vulkan", "egl, osmesa or glfw")]
)
def test_mujoco_gl_selects_the_backend(
    value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", value)
    with pytest.raises(UserError, match=f"MUJOCO_GL={value}.*{words}"):
        GLCamera(world_of())


def test_a_backend_that_does_not_work_is_named_with_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    monkeypatch.setitem(sys.modules, "mujoco.osmesa", None)
    with pytest.raises(UserError, match=r"MUJOCO_GL=osmesa: .*mujoco\.osmesa.*Unset MUJOCO_GL"):
        GLCamera(world_of())


@pytest.mark.parametrize("value", ["osmesa", "glfw", "banana"])
def test_mujoco_gl_does_not_matter_where_nothing_is_drawn_with_opengl(value: str) -> None:
    code = (
        "import os\n"
        "from pushgrasp.sim.cameras.gl import GLCamera\n"
        "from pushgrasp.sim.cameras.ray import RayCamera\n"
        "from pushgrasp.sim.scenes.build import SceneConfig, build_scene\n"
        "world = build_scene(SceneConfig(n_objects=1)).world\n"
        "assert (RayCamera(world).capture().depth > 0).any()\n"
        f"assert os.environ['MUJOCO_GL'] == {value!r}\n"
        "try:\n"
        "    GLCamera(world)\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
        "else:\n"
        f"    print('UserError MUJOCO_GL={value}')\n"  # it works on this machine
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "MUJOCO_GL": value},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr  # GLFW itself warns that there is no display
    assert done.stdout.startswith(f"UserError MUJOCO_GL={value}")
