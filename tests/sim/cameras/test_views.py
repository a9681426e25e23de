"""The cameras of a scene: which, in what light, with what noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simulated import UPRIGHT, world_of

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Camera, Intrinsics, RGBDFrame
from pushgrasp.perception.camera_file import CameraSpec, look_at, read_cameras, write_cameras
from pushgrasp.perception.heightmap import project
from pushgrasp.sim.cameras import views
from pushgrasp.sim.cameras.light import Lamp
from pushgrasp.sim.cameras.noise import D405, D405_AVERAGED, SensorNoise
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.sim.cameras.views import ViewConfig
from pushgrasp.sim.cell import Cell
from pushgrasp.sim.world import World
from pushgrasp.workspace import Workspace

LENS = Intrinsics(width=160, height=120, fx=150.0, fy=150.0, cx=80.0, cy=60.0)
MIDDLE = (-0.5, 0.0, 0.0)


@pytest.fixture(scope="module")
def world() -> World:
    world = world_of("cube", "brick")
    world.place("object_00", (-0.5, 0.0, 0.0251), UPRIGHT)
    world.place("object_01", (-0.6, 0.1, 0.0501), UPRIGHT)
    world.settle()
    return world


def spec(name: str, position: tuple[float, float, float], noise: str | None = None) -> CameraSpec:
    return CameraSpec(name, LENS, look_at(position, MIDDLE), noise)


FRONT, BACK = spec("front", (-1.0, 0.0, 0.5)), spec("back", (0.0, 0.0, 0.5))


def make_cameras(world: World, view: ViewConfig, light: Lamp, **settings: Any) -> list[Camera]:
    return views.make_cameras(world, view, light, workspace=Workspace(), **settings)


def pictures(cameras: list[Camera]) -> list[RGBDFrame]:
    return [camera.capture() for camera in cameras]


def same(a: RGBDFrame, b: RGBDFrame) -> bool:
    return np.array_equal(a.color, b.color) and np.array_equal(a.depth, b.depth)


def noises(cameras: list[Camera]) -> list[SensorNoise | None]:
    return [getattr(camera, "noise") for camera in cameras]  # noqa: B009


def test_without_a_wish_there_is_the_one_camera(world: World) -> None:
    (camera,) = make_cameras(world, ViewConfig(), Lamp())
    assert isinstance(camera, RayCamera)
    assert camera.intrinsics == Intrinsics()
    assert (camera.T_world_camera == Cell().camera_pose).all()
    assert same(camera.capture(), RayCamera(world).capture())


def test_without_a_wish_a_seed_draws_as_it_always_did(world: World) -> None:
    (camera,) = make_cameras(world, ViewConfig(), Lamp(), white=0.002, seed=7)
    before = RayCamera(world, noise=SensorNoise(white=0.002), seed=7)
    assert same(camera.capture(), before.capture())
    assert same(camera.capture(), before.capture())


def test_cameras_of_a_file_make_one_heightmap(world: World, tmp_path: Path) -> None:
    path = tmp_path / "cameras.json"
    write_cameras(path, (FRONT, BACK))
    cameras = make_cameras(world, ViewConfig(read_cameras(path)), Lamp())
    assert len(cameras) == 2
    for camera, wanted in zip(cameras, (FRONT, BACK), strict=True):
        assert camera.intrinsics == LENS
        assert np.allclose(camera.T_world_camera, wanted.T_world_camera)
    frames = pictures(cameras)
    assert not same(*frames)
    behind = Workspace().to_pixel((-0.44, 0.0))  # in the cube's shadow, seen from the front
    alone, both = (project(f, Workspace()).height for f in (frames[:1], frames))
    row, column = (int(v) for v in behind)
    there = np.s_[row - 4 : row + 5, column - 4 : column + 5]
    assert np.isnan(alone[there]).all()
    assert np.nanmedian(both[there]) == pytest.approx(0.0, abs=2e-3)
    assert np.isfinite(both).sum() > np.isfinite(alone).sum()


@pytest.mark.parametrize(("name", "noise"), [("d405", D405), ("d405-averaged", D405_AVERAGED)])
def test_noise_has_a_name(world: World, name: str, noise: SensorNoise) -> None:
    cameras = make_cameras(world, ViewConfig((FRONT, BACK), name), Lamp())
    assert noises(cameras) == [noise, noise]


def test_a_cameras_own_noise_goes_before_the_views_and_that_before_white(world: World) -> None:
    own = spec("own", (-1.0, 0.0, 0.5), "d405-averaged")
    assert noises(make_cameras(world, ViewConfig((own, BACK), "d405"), Lamp(), white=0.002)) == [
        D405_AVERAGED,
        D405,
    ]
    assert noises(make_cameras(world, ViewConfig((own, BACK)), Lamp(), white=0.002)) == [
        D405_AVERAGED,
        SensorNoise(white=0.002),
    ]
    assert noises(make_cameras(world, ViewConfig((own, BACK)), Lamp())) == [D405_AVERAGED, None]


def test_each_camera_draws_noise_of_its_own(world: World) -> None:
    twins = (FRONT, spec("twin", (-1.0, 0.0, 0.5)))

    def look(cameras: tuple[CameraSpec, ...], seed: int) -> list[RGBDFrame]:
        return pictures(make_cameras(world, ViewConfig(cameras, "d405"), Lamp(), seed=seed))

    first, second = look(twins, 3)
    assert not same(first, second)
    again = look(twins, 3)
    assert same(first, again[0])
    assert same(second, again[1])
    assert same(first, look((FRONT,), 3)[0])  # what stands beside it does not change a camera
    other = look(twins, 4)
    assert not same(first, other[0])
    assert not same(second, other[1])
    assert not same(second, other[0])


def test_all_is_seen_in_the_same_light(world: World) -> None:
    light = Lamp(ambient=0.3, diffuse=0.2, tint=(1.0, 0.9, 0.8))
    view = ViewConfig((FRONT, BACK))
    dim, usual = (pictures(make_cameras(world, view, x)) for x in (light, Lamp()))
    for a, b in zip(dim, usual, strict=True):
        assert (a.depth == b.depth).all()
        assert a.color.sum() < 0.7 * b.color.sum()


def test_the_back_end_is_a_choice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from pushgrasp.sim.cameras import gl as glcamera

    made: list[dict] = []

    class Pretend:
        def __init__(self, _world: World, **settings: object) -> None:
            made.append(settings)

    monkeypatch.setattr(glcamera, "GLCamera", Pretend)
    light = Lamp(ambient=0.4)
    cameras = make_cameras(world, ViewConfig((FRONT,), "d405", "opengl"), light, seed=5)
    assert isinstance(cameras[0], Pretend)
    assert made == [
        {
            "intrinsics": LENS,
            "T_world_camera": FRONT.T_world_camera,
            "light": light,
            "noise": D405,
            "seed": 5,
        }
    ]
    assert isinstance(make_cameras(world, ViewConfig((FRONT,)), light)[0], RayCamera)
    assert views.Backend.__args__ == ("ray", "opengl")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"noise": "kinect"}, "no noise 'kinect'; there are: d405, d405-averaged"),
        ({"backend": "vulkan"}, "no camera back end 'vulkan'; there are: ray, opengl"),
    ],
)
def test_unknown_names(settings: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        ViewConfig(**settings)


def wxyz_for_xyzw(pose: np.ndarray) -> np.ndarray:
    """Write a quaternion as x y z w, and read it as w x y z."""
    w, x, y, z = Rotation.from_matrix(pose[:3, :3]).as_quat()
    wrong = pose.copy()
    wrong[:3, :3] = Rotation.from_quat([x, y, z, w]).as_matrix()
    return wrong


def test_a_cameras_unknown_noise_names_the_camera(world: World) -> None:
    with pytest.raises(UserError, match=r"side.*'kinect'.*d405"):
        make_cameras(world, ViewConfig((spec("side", (-1, 0, 0.5), "kinect"),)), Lamp())


def test_what_no_camera_can_be_is_told_at_once() -> None:
    camera = CameraSpec("front", Intrinsics(), Cell().camera_pose)
    with pytest.raises(UserError, match=r"camera 'front': noise.*d406"):
        ViewConfig((replace(camera, noise="d406"),))
    away = look_at((-1.0, 0.0, 0.5), (-2.0, 0.0, 0.5))
    with pytest.raises(UserError, match="camera 'front': it looks away from the space"):
        ViewConfig((replace(camera, T_world_camera=away),)).check(Workspace())
    with pytest.raises(UserError, match=r"camera 'front' stands 0\.20 m under the table \(z = 0.7"):
        ViewConfig((camera,)).check(Workspace(table_z=0.7))


@pytest.mark.parametrize(
    ("mistake", "cause"),
    [
        (lambda pose: pose @ np.diag([1.0, -1, -1, 1]), "OpenGL"),
        (np.linalg.inv, "T_camera_world was given"),
        (wxyz_for_xyzw, "quaternion is in the order x y z w"),
    ],
)
def test_the_likely_cause_of_a_camera_that_looks_away_is_told(
    mistake: Callable[[np.ndarray], np.ndarray], cause: str
) -> None:
    camera = CameraSpec("front", Intrinsics(), mistake(Cell().camera_pose))
    with pytest.raises(UserError, match=cause):
        ViewConfig((camera,)).check(Workspace())


def test_no_cause_is_made_up() -> None:
    """A camera of a published calibration that looks beside the workspace."""
    k = Intrinsics(1280, 720, 922.3, 922.6, 644.3, 358.6)
    beside = CameraSpec("overhead", k, look_at((-0.04, -0.46, 0.84), (-0.04, -0.46, 0.18)))
    with pytest.raises(UserError, match=r"sees 16% of the workspace.*move the camera back\.$"):
        ViewConfig((beside,)).check(Workspace())


def test_one_camera_must_see_the_raised_hand(world: World) -> None:
    """It sees the table, but is aimed too low to show what the hand holds."""
    low = Intrinsics(640, 480, 618, 618, 320, 60)
    side = CameraSpec("side", low, look_at((-0.5, 0.75, 0.30), (-0.5, 0, -0.02)))
    with pytest.raises(
        UserError, match=r"no camera sees the hand .* \(-0\.50, 0\.00, 0\.25\).*'side' 0 %|0%"
    ):
        make_cameras(world, ViewConfig((side,)), Lamp())
    standard = CameraSpec("front", Intrinsics(), Cell().camera_pose)
    for cameras in ((standard,), (side, standard), (FRONT,), (BACK,)):
        ViewConfig(cameras).check(Workspace())
    wide = Intrinsics(640, 480, 220, 220, 320, 240)
    above = CameraSpec("above", wide, look_at((-0.5, 0, 0.2), (-0.5, 0, 0)))
    with pytest.raises(UserError, match=r"'above' \d%"):  # the hand is raised above it
        ViewConfig((above,)).check(Workspace())


def test_together_the_cameras_must_see_most_of_the_workspace() -> None:
    narrow = Intrinsics(196, 480, 618, 618, 98, 240)
    left, right = (
        CameraSpec(name, narrow, look_at((-1.0, y, 0.70), (-0.5, y, 0.1)))
        for name, y in (("left", 0.09), ("right", -0.09))
    )
    with pytest.raises(UserError, match=r"the camera sees 5\d% of the workspace; at least 60%"):
        ViewConfig((left,)).check(Workspace())
    ViewConfig((left, right)).check(Workspace())


@pytest.mark.parametrize("size", [0.1, 0.3, 0.448, 0.6])
def test_the_default_camera_sees_what_it_must_of_every_workspace(size: float) -> None:
    for x, z in ((-2.0, 0.0), (0.3, 0.16)):
        workspace = Workspace(x, -0.1, size, table_z=z)
        camera = CameraSpec("default", Intrinsics(), Cell(workspace).camera_pose)
        ViewConfig((camera,)).check(workspace)
