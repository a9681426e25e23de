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
from pushgrasp.perception.camera_file import look_at
from pushgrasp.perception.frame_checks import check_coverage, check_frame, share_in_view
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


def in_mm() -> npt.NDArray[np.float64]:
    pose = POSE.copy()
    pose[:3, 3] *= 1000
    return pose


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"depth": (GOOD.depth * 1000).astype(np.uint16)}, "millimetres, or raw counts"),
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
        ({"color": GOOD.color[..., 0]}, "640 x 480"),
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
