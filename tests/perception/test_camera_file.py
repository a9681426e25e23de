"""Files of cameras, and what a second camera is good for."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import UPRIGHT, world_of

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Intrinsics
from pushgrasp.perception.camera_file import CameraSpec, look_at, read_cameras, write_cameras
from pushgrasp.perception.heightmap import project
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.sim.cell import Cell
from pushgrasp.workspace import Workspace

LENS = {"width": 848, "height": 480, "fx": 425.0, "fy": 426.0, "cx": 420.0, "cy": 241.0}
ENTRY = {"name": "front", "intrinsics": LENS, "position": [-1, 0, 0.5], "look_at": [-0.5, 0, 0]}
coordinate = st.floats(-2, 2)
point = st.tuples(coordinate, coordinate, coordinate)


def file_of(folder: Path, value: Any) -> Path:
    path = folder / "cameras.json"
    path.write_text(json.dumps(value))
    return path


def changed(**change: Any) -> dict[str, Any]:
    """The entry with other fields; those set to ... are left out."""
    entry = copy.deepcopy(ENTRY) | change
    return {k: v for k, v in entry.items() if v is not ...}


def test_the_three_ways_to_give_a_pose_are_one(tmp_path: Path) -> None:
    pose = Cell().camera_pose
    w, x, y, z = 0.27059805, -0.65328148, 0.65328148, -0.27059805
    entries = [
        changed(),
        changed(name="b", look_at=..., position=..., T_world_camera=pose.tolist()),
        changed(name="c", look_at=..., quaternion=[w, x, y, z]),
    ]
    for spec in read_cameras(file_of(tmp_path, entries)):
        assert np.allclose(spec.T_world_camera, pose, atol=1e-6)
        assert spec.intrinsics == Intrinsics(**LENS)
        assert spec.noise is None


def test_lens_and_noise_may_be_left_out(tmp_path: Path) -> None:
    (spec,) = read_cameras(file_of(tmp_path, [changed(intrinsics=..., noise=None)]))
    assert spec.intrinsics == Intrinsics()
    assert spec.noise is None
    noises = [changed(name="a", noise="d405"), changed(name="b", noise={"white": 0.001})]
    assert [s.noise for s in read_cameras(file_of(tmp_path, noises))] == ["d405", {"white": 0.001}]


@given(position=point, target=point)
def test_what_was_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    position: tuple[float, float, float],
    target: tuple[float, float, float],
) -> None:
    position = (*position[:2], abs(position[2]))
    if np.linalg.norm(np.subtract(position, target)) < 0.01:
        return
    path = tmp_path_factory.getbasetemp() / "written.json"
    specs = [
        CameraSpec("one", Intrinsics(**LENS), look_at(position, target), "d405"),
        CameraSpec("two", Intrinsics(), look_at(position, target), {"white": 0.002}),
    ]
    write_cameras(path, specs)
    for before, after in zip(specs, read_cameras(path), strict=True):
        assert (before.name, before.intrinsics, before.noise) == (
            after.name, after.intrinsics, after.noise,
        )  # fmt: skip
        assert (before.T_world_camera == after.T_world_camera).all()


@given(position=point, target=point)
def test_a_camera_looks_at_its_target_and_is_level(
    position: tuple[float, float, float], target: tuple[float, float, float]
) -> None:
    away = np.subtract(target, position)
    if np.linalg.norm(away) < 0.01:
        return
    pose = look_at(position, target)
    assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.isclose(np.linalg.det(pose[:3, :3]), 1)
    assert np.allclose(pose[:3, 2], away / np.linalg.norm(away))
    assert abs(pose[2, 0]) < 1e-9  # its right is horizontal


def test_a_camera_may_look_straight_down() -> None:
    pose = look_at((-0.5, 0, 1), (-0.5, 0, 0))
    assert np.allclose(pose[:3, :3], [[0, -1, 0], [-1, 0, 0], [0, 0, -1]])
    nearly = look_at((-0.5 - 1e-6, 0, 1), (-0.5, 0, 0))  # as the default camera stands
    assert np.allclose(pose, nearly, atol=1e-5)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ([], "at least one"),
        ({"cameras": [ENTRY]}, "a list of cameras"),
        ([3], "camera 0 is 3"),
        ([changed(name=...)], "lacks the field 'name'"),
        ([changed(name=" ")], "name is empty"),
        ([ENTRY, ENTRY], "two cameras are called 'front'"),
        ([changed(post=1)], "unknown field 'post'"),
        ([changed(intrinsics=LENS | {"fx": 0})], "fx is 0"),
        ([changed(intrinsics=LENS | {"fx": "600"})], "fx is '600'"),
        ([changed(intrinsics=LENS | {"width": 640.5})], "width is 640.5"),
        ([changed(intrinsics=LENS | {"cx": 900})], "principal point"),
        ([changed(intrinsics=LENS | {"fy": -600})], "fy is -600"),
        ([changed(intrinsics=LENS | {"fx": 1.93, "fy": 1.93})], "focal length in millimetres"),
        ([changed(intrinsics=LENS | {"cx": 840, "cy": 478})], "a picture of 1680 x 956 pixels"),
        ([changed(position=[-1000, 0, 500], look_at=[-500, 0, 0])], "1118 m .* in millimetres"),
        ([changed(position=[-100, 0, 50], look_at=[-50, 0, 0])], "112 m .* in centimetres"),
        ([changed(intrinsics={k: v for k, v in LENS.items() if k != "cy"})], "lacks .* 'cy'"),
        ([changed(position=...)], "given by look_at; give"),
        ([changed(look_at=..., position=...)], "given by nothing; give"),
        ([changed(quaternion=[1, 0, 0, 0])], "given by look_at, position, quaternion; give"),
        ([changed(look_at=[-1, 0, 0.5])], "own position"),
        ([changed(look_at=[-0.5, 0])], "list of 3"),
        ([changed(look_at=..., quaternion=[2, 0, 0, 0])], "length 2.000"),
        ([changed(look_at=..., position=..., T_world_camera=np.eye(3).tolist())], "list of 4"),
        (
            [changed(look_at=..., position=..., T_world_camera=np.diag([1, 1, -1, 1]).tolist())],
            "camera 'front': T_world_camera mirrors",
        ),
        (
            [changed(look_at=..., position=..., T_world_camera=(2 * np.eye(4)).tolist())],
            "scales or shears",
        ),
        ([changed(noise=3)], "noise is 3"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, value: Any, word: str) -> None:
    with pytest.raises(UserError, match=word):
        read_cameras(file_of(tmp_path, value))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read_cameras(tmp_path / "missing.json")
    broken = tmp_path / "broken.json"
    broken.write_text('[{"name": "front",]')
    with pytest.raises(UserError, match="line 1"):
        read_cameras(broken)


def test_descriptions_need_no_simulator() -> None:
    code = (
        "import sys, pushgrasp.perception.camera_file; "
        "sys.exit(any(m.startswith(('mujoco', 'pushgrasp.sim')) for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_second_camera_sees_behind_things() -> None:
    world, workspace = world_of("long", "cube", "brick"), Workspace()
    for name, x, y, z in (
        ("object_00", -0.55, 0.0, 0.0501),
        ("object_01", -0.45, 0.08, 0.0251),
        ("object_02", -0.44, -0.09, 0.0501),
    ):
        world.place(name, (x, y, z), UPRIGHT)
    front = RayCamera(world)
    back = RayCamera(world, T_world_camera=look_at((0.0, 0.0, 0.5), (-0.5, 0.0, 0.0)))
    frames = [front.capture(), back.capture()]
    one, other, both = (project(f, workspace) for f in (frames[0], frames[1], frames))
    assert (~one.seen).sum() > 1000  # shadows
    assert (~both.seen).sum() < 0.1 * (~one.seen).sum()
    assert (both.seen | ~(one.seen | other.seen)).all()  # nothing that one saw gets lost
    top = np.fmax(one.height, other.height)
    close = np.isclose(both.height, top, atol=1e-4)[one.seen & other.seen]
    assert close.mean() > 0.99  # the higher one wins, but for gaps that only one had to fill


@pytest.mark.parametrize(
    "distortion",
    [
        {"distortion": [-0.052, 0.056, -0.0008, 0.0014, -0.019]},
        {"coeffs": [0, 0.1, 0, 0, 0]},
        {"distortion_model": "plumb_bob", "D": [0.0, 0.0, 0.0, 0.001, 0.0]},
        {"distortion_coefficients": {"rows": 1, "cols": 5, "data": [0.1, 0, 0, 0, 0]}},
        {"k1": 0.02, "k2": 0},
    ],
)
@pytest.mark.parametrize("inside", [True, False])
def test_distortion_is_refused_with_what_to_do(
    tmp_path: Path, distortion: dict[str, Any], inside: bool
) -> None:
    entry = changed(intrinsics=LENS | distortion) if inside else changed(**distortion)
    with pytest.raises(UserError, match=r"camera 0.* has lens distortion .*Undistort colour"):
        read_cameras(file_of(tmp_path, [entry]))


def test_no_distortion_may_be_said(tmp_path: Path) -> None:
    none = {"distortion_model": "plumb_bob", "distortion": [0, 0.0, 0, 0, 0], "k1": 0}
    ros = {"distortion_coefficients": {"rows": 1, "cols": 5, "data": [0.0] * 5}}
    for said in (none, ros):
        (spec,) = read_cameras(file_of(tmp_path, [changed(intrinsics=LENS | said)]))
        assert spec.intrinsics == Intrinsics(**LENS)
