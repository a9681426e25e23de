"""What cannot be right is refused with its likely cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pictures import BLUE, GREEN, RED, Box, picture

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Intrinsics, RGBDFrame
from pushgrasp.perception.calibration_checks import share_in_view
from pushgrasp.perception.camera_file import look_at
from pushgrasp.perception.frame_checks import check_coverage
from pushgrasp.perception.frame_format import check_frame
from pushgrasp.perception.heightmap import ray_directions
from pushgrasp.perception.perceive import observe
from pushgrasp.workspace import Workspace

BLOCKS = (
    Box((-0.55, 0.08), (0.025, 0.025, 0.025), RED),
    Box((-0.47, 0.00), (0.03, 0.025, 0.025), BLUE),
    Box((-0.60, -0.08), (0.025, 0.025, 0.025), GREEN),
)
GOOD, _ = picture(*BLOCKS)
POSE = GOOD.T_world_camera


def rotated(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    pose = POSE.copy()
    pose[:3, :3] = POSE[:3, :3] @ matrix
    return pose


K = GOOD.intrinsics
RAYS = ray_directions(K)
ROS = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])


def in_cm() -> npt.NDArray[np.float64]:
    pose = POSE.copy()
    pose[:3, 3] *= 100
    return pose


def in_mm() -> npt.NDArray[np.float64]:
    pose = POSE.copy()
    pose[:3, 3] *= 1000
    return pose


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"depth": (GOOD.depth * 1000).astype(np.uint16)}, "median is 7.*millimetres"),
        ({"depth": GOOD.depth * 10}, r"depth divided by ten would.*D405"),
        ({"depth": GOOD.depth / 10}, r"Ten times its depth would.*D435"),
        ({"depth": GOOD.depth[..., None]}, r"give depth\[\.\.\., 0\]"),
        ({"depth": GOOD.depth.T}, "transposed"),
        ({"T_world_camera": rotated(np.diag([1.0, -1, -1]))}, "OpenGL"),
        ({"T_world_camera": np.linalg.inv(POSE)}, "T_camera_world was given"),
        ({"T_world_camera": in_mm()}, "millimetres"),
        ({"T_world_camera": rotated(np.diag([-1.0, 1, 1]))}, "mirrors"),
        ({"T_world_camera": POSE.T}, "transposed"),
        ({"T_world_camera": 2 * POSE}, "scales"),
        ({"T_world_camera": "front"}, "4 x 4"),
        ({"color": GOOD.color / 255.0}, "multiply by 255"),
        ({"color": GOOD.color.astype(np.float32)}, "uint8 from 0 to 255"),
        ({"color": GOOD.color[..., 0]}, "grey"),
        ({"color": np.dstack([GOOD.color, GOOD.depth]).astype(np.uint8)}, r"alpha.*\.\.\., :3"),
        ({"color": GOOD.color.transpose(2, 0, 1)}, "channels come last"),
        ({"color": GOOD.color.astype(np.uint16) * 257}, "divide by 257"),
        ({"color": GOOD.color[::2, ::2], "depth": GOOD.depth[::2, ::2]}, "this resolution"),
        ({"color": None}, "the colour is a NoneType"),
        ({"color": GOOD.color // 100}, "the picture is black.*brightest colour is 1"),
        ({"color": np.full_like(GOOD.color, 255)}, "the picture is white"),
        ({"depth": GOOD.depth * 100}, "median is 7.*0.01.*centimetres"),
        ({"depth": (GOOD.depth * 4000).astype(np.uint16)}, "L515"),
        ({"depth": (GOOD.depth * 39.37).astype(np.uint16)}, "uint16.*0.02.*inches"),
        ({"depth": (255 * GOOD.depth / GOOD.depth.max()).astype(np.uint8)}, "8 bits"),
        ({"depth": GOOD.depth * 4}, "0.2.*would.*L515"),
        ({"depth": -GOOD.depth}, "negative.*give -depth"),
        ({"depth": GOOD.depth * np.linalg.norm(RAYS, axis=-1)}, "looks like a bowl"),
        ({"color": GOOD.color[::-1, ::-1], "depth": GOOD.depth[::-1, ::-1]}, "turned by 180"),
        ({"T_world_camera": in_cm()}, "112 m.*centimetres"),
        ({"T_world_camera": POSE[:3]}, r"shape \(3, 4\)"),
        ({"T_world_camera": None}, "is None"),
        ({"T_world_camera": rotated(ROS)}, "as in ROS"),
        ({"T_world_camera": rotated(np.diag([-1.0, -1, 1]))}, "180 degrees about the optical"),
        ({"T_world_camera": rotated(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]))}, "by 90"),
        ({"intrinsics": replace(K, fx=0.0)}, "fx is 0.0; it must be above 0"),
        ({"intrinsics": replace(K, fy=-618.0)}, "fy is -618.0; it must be above 0"),
        ({"intrinsics": replace(K, fx=float("nan"))}, "fx is nan"),
        ({"intrinsics": replace(K, fx=1.93, fy=1.93)}, "field of view.*in millimetres"),
        ({"intrinsics": replace(K, fx=K.fx * 1.3, fy=K.fy * 1.3)}, "focal length of about 6[12]"),
        ({"intrinsics": replace(K, fx=K.fx / 2, fy=K.fy / 2)}, "focal length of about 6[12]"),
        ({"intrinsics": replace(K, cx=160.0, cy=120.0)}, "middle of a picture of 320 x 240"),
        ({"intrinsics": replace(K, cx=-5.0)}, "principal point.*outside"),
        ({"intrinsics": np.eye(3)}, r"are a ndarray; give Intrinsics.*K\[0, 0\]"),
        ({"depth": np.zeros_like(GOOD.depth)}, "no depth"),
    ],
)
def test_a_usual_mistake_is_named(change: dict[str, Any], cause: str) -> None:
    with pytest.raises(UserError, match=cause):
        observe(replace(GOOD, **change), RED)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"T_world_camera": POSE.tolist()},
        {"T_world_camera": np.round(POSE, 3)},
        {"depth": np.where(GOOD.depth > 0.85, 65.535, GOOD.depth)},
        {"depth": np.where(GOOD.depth > 0.85, -1, GOOD.depth)},
        {"depth": np.where(GOOD.depth > 0.85, np.nan, GOOD.depth)},
        {"depth": GOOD.depth.astype(np.float64)},
    ],
)
def test_what_can_be_used_is(change: dict[str, Any]) -> None:
    seen = observe(replace(GOOD, **change), RED)
    assert seen.labels.max() == 3
    assert seen.goal.sum() > 400
    assert seen.notes == ()


def camera_at(eye: tuple[float, float, float], at: tuple[float, float, float]):
    return (Intrinsics(), look_at(eye, at))


def test_a_camera_that_sees_a_corner_is_refused_and_one_that_sees_most_is_warned_of() -> None:
    workspace = Workspace()
    assert check_coverage([camera_at((-1.0, 0, 0.5), (-0.5, 0, 0))], workspace) == ""
    corner = camera_at((-0.75, -0.25, 0.25), (-0.72, -0.22, 0))
    with pytest.raises(UserError, match="of the workspace"):
        check_coverage([corner], workspace)
    most = camera_at((-1.0, 0, 0.5), (-0.5, 0.17, 0))
    assert 0.6 < share_in_view([most], workspace) < 0.95
    assert "only" in check_coverage([most], workspace)
    whole = camera_at((-0.5, 0, 0.6), (-0.5, 0.01, 0))
    assert check_coverage([corner, whole], workspace) == ""


def test_a_frame_from_a_corner_is_refused() -> None:
    frame, _ = picture(*BLOCKS, eye=(-0.75, -0.25, 0.25), at=(-0.72, -0.22, 0))
    with pytest.raises(UserError, match="of the workspace"):
        observe(frame, RED)


def test_a_checked_frame_stays_the_same() -> None:
    assert check_frame(GOOD) is GOOD
    lists: Any = POSE.tolist()
    checked = check_frame(RGBDFrame(GOOD.color, GOOD.depth, GOOD.intrinsics, lists))
    assert np.array_equal(checked.T_world_camera, POSE)


def test_what_is_no_frame_is_refused() -> None:
    for given in ({"color": GOOD.color}, GOOD.color):
        with pytest.raises(UserError, match="must be an RGBDFrame"):
            observe([given], RED)  # type: ignore[list-item]


def test_a_focal_length_that_would_explain_a_tilt_is_named() -> None:
    k = replace(K, fx=K.fx * 1.05, fy=K.fy * 1.05)
    seen = observe(replace(GOOD, intrinsics=k), RED)
    assert "corrected" in seen.notes[0]
    assert "focal length of about 61" in seen.notes[0] or "about 62" in seen.notes[0]
    lean = np.eye(4)
    c, s = np.cos(np.radians(2)), np.sin(np.radians(2))
    lean[1:3, 1:3] = [[c, -s], [s, c]]  # about the axis in which a focal length changes nothing
    seen = observe(replace(GOOD, T_world_camera=lean @ POSE), RED)
    assert "corrected" in seen.notes[0]
    assert "focal" not in seen.notes[0]
