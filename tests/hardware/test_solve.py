"""Calibration finds the camera from noisy corners and a noisy robot, and names what is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pushgrasp.errors import UserError
from pushgrasp.hardware.calibration.board import Board
from pushgrasp.hardware.calibration.solve import View, calibrate
from pushgrasp.interfaces import Intrinsics
from pushgrasp.perception.camera_file import look_at

CAMERA = Intrinsics(1280, 720, 650.0, 650.0, 640.0, 360.0)
T_BASE_CAMERA = look_at((0.9, 0.1, 0.6), (0.45, 0.0, 0.05))
T_TOOL_BOARD = np.eye(4)
T_TOOL_BOARD[:3, :3] = Rotation.from_euler("xyz", (170, 35, 80), degrees=True).as_matrix()
T_TOOL_BOARD[:3, 3] = (-0.1, -0.08, -0.05)
X, Y = np.meshgrid(np.linspace(0.25, 0.69, 5), np.linspace(-0.22, 0.22, 5))
WORKSPACE = np.stack([X, Y, np.zeros_like(X)], -1).reshape(-1, 3)


def pose(rotvec: np.ndarray, position: np.ndarray) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = Rotation.from_rotvec(rotvec).as_matrix(), position
    return T


def views(
    n: int,
    *,
    tilt: float = 30.0,
    pixels: float = 0.2,
    robot: tuple[float, float] = (3e-4, 0.03),
    square: float = 1.0,
    seed: int = 0,
) -> list[View]:
    """Pictures from a robot with errors (m, degrees) and a board printed too large by a factor."""
    rng = np.random.default_rng(seed)
    board = Board()
    columns, rows = np.meshgrid(np.arange(1, board.columns), np.arange(1, board.rows))
    points = board.square * np.stack([columns, rows, 0 * rows], -1).reshape(-1, 3).astype(float)
    k = np.array([[CAMERA.fx, 0, CAMERA.cx], [0, CAMERA.fy, CAMERA.cy], [0, 0, 1]])
    made: list[View] = []
    while len(made) < n:
        turn = np.radians(np.append(rng.uniform(-tilt, tilt, 2), rng.uniform(-40, 40)))
        T = pose(turn, rng.uniform((0.35, -0.15, 0.12), (0.6, 0.15, 0.3)))
        in_camera = np.linalg.inv(T_BASE_CAMERA) @ T @ T_TOOL_BOARD
        x = square * points @ in_camera[:3, :3].T + in_camera[:3, 3]
        uv = x @ k.T
        uv = uv[:, :2] / uv[:, 2:]
        inside = ((uv > 0) & (uv < (CAMERA.width, CAMERA.height))).all(1) & (x[:, 2] > 0.1)
        facing = in_camera[2, 2]
        if inside.sum() < 12 or abs(facing) < 0.3:
            continue
        said = T @ pose(np.radians(robot[1]) * rng.normal(size=3), robot[0] * rng.normal(size=3))
        uv = uv + pixels * rng.normal(size=uv.shape)
        made.append(View(said, uv[inside], points[inside], f"picture {len(made):02d}"))
    return made


def worst(T: np.ndarray) -> float:
    """m, largest error of the workspace's points."""
    true = (WORKSPACE - T_BASE_CAMERA[:3, 3]) @ T_BASE_CAMERA[:3, :3]
    return float(np.linalg.norm(true @ T[:3, :3].T + T[:3, 3] - WORKSPACE, axis=1).max())


def test_without_noise_it_is_exact() -> None:
    found = calibrate(views(8, pixels=0.0, robot=(0, 0)), CAMERA, WORKSPACE)
    assert worst(found.T_base_camera) < 1e-6
    assert np.allclose(found.T_tool_board, T_TOOL_BOARD, atol=1e-6)
    assert found.rms < 1e-4
    assert found.doubts == ()


@pytest.mark.parametrize(
    ("robot", "limit"), [((3e-4, 0.03), 1e-3), ((5e-4, 0.05), 2e-3)], ids=["good", "usual"]
)
def test_fifteen_poses_give_a_millimetre(robot: tuple[float, float], limit: float) -> None:
    found = [calibrate(views(15, robot=robot, seed=s), CAMERA, WORKSPACE) for s in range(3)]
    assert np.median([worst(f.T_base_camera) for f in found]) < limit
    assert all(f.doubts == () for f in found)
    # What it says of itself is about what is true.
    said = np.median([np.sqrt(np.mean(f.errors**2)) for f in found])
    assert 0.3 < said / np.median([worst(f.T_base_camera) for f in found]) < 4


def test_too_little_tilt_is_named() -> None:
    found = calibrate(views(15, tilt=3.0), CAMERA, WORKSPACE)
    assert any("turn it about two axes" in doubt for doubt in found.doubts)


def test_one_wrong_pose_is_named_and_hardly_harms() -> None:
    given = views(15)
    wrong = given[6].T_base_tool.copy()
    wrong[:3, 3] += (0.02, -0.01, 0.01)
    given[6] = replace(given[6], T_base_tool=wrong)
    found = calibrate(given, CAMERA, WORKSPACE)
    (doubt,) = [d for d in found.doubts if "fits badly" in d]
    assert doubt.startswith("picture 06")
    assert worst(found.T_base_camera) < 3e-3


def test_a_wrong_square_size_is_named() -> None:
    found = calibrate(views(15, square=1.05), CAMERA, WORKSPACE)
    assert any("square's size" in doubt or "only" in doubt for doubt in found.doubts)


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(UserError, match="8 are needed"):
        calibrate(views(5), CAMERA)
