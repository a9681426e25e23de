"""Camera files: poses and intrinsics as JSON, for simulated and real robots.

A file is a list of cameras:

    [{"name": "front",
      "intrinsics": {"width": 640, "height": 480, "fx": 618.62, "fy": 618.62,
                     "cx": 320.0, "cy": 240.0},
      "position": [-1.0, 0.0, 0.5], "look_at": [-0.5, 0.0, 0.0],
      "noise": "d405"}]

The pose is one of `T_world_camera` (4 rows of 4), `position` with `look_at`, or `position` with
`quaternion` (wxyz). `intrinsics` may be left out for the standard ones, `noise` for none. Images
are those of a pinhole: distortion coefficients are refused unless they are all 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from ..errors import UserError
from ..interfaces import Intrinsics
from ..utils.config_json import from_json
from ..utils.files import read_json, write_json
from .calibration_checks import check_intrinsics, check_pose

QUATERNION_ERROR = 1e-3  # by which its length may differ from 1; files are rounded
DISTORTION = (
    "distortion", "distortion_coefficients", "distortion_model", "dist_coeffs", "coeffs", "D",
    "k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2",
)  # fmt: skip
"""Names under which calibration files have distortion coefficients."""
_POSES = "T_world_camera, or position with look_at, or position with quaternion"

_Triple = tuple[float, float, float]
_Quadruple = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class CameraSpec:
    """One camera.

    Raises:
        UserError: an impossible value; the message names it.
    """

    name: str
    intrinsics: Intrinsics
    T_world_camera: npt.NDArray[np.float64]  # (4, 4); camera x right, y down, z forward
    noise: str | dict[str, Any] | None = None
    """Sensor noise of a simulated camera, as `sim.cameras.noise.read_noise` takes it."""
    depth_scale: float = 1.0
    """Factor on a real camera's depth, as `pushgrasp calibrate` finds it."""

    def __post_init__(self) -> None:
        where = f"camera {self.name!r}"
        if not self.name.strip():
            raise UserError("a camera's name is empty; give it one")
        check_intrinsics(self.intrinsics, where)
        try:
            check_pose(self.T_world_camera, self.intrinsics)
        except UserError as error:
            raise UserError(f"{where}: {error}") from error

    def describe(self) -> dict[str, Any]:
        """Return the camera as a file has it, JSON-ready."""
        described = {
            "name": self.name,
            "intrinsics": dataclasses.asdict(self.intrinsics),
            "T_world_camera": np.asarray(self.T_world_camera).tolist(),
            "noise": self.noise,
        }
        return described | ({"depth_scale": self.depth_scale} if self.depth_scale != 1.0 else {})


def read_cameras(path: str | Path) -> tuple[CameraSpec, ...]:
    """Read a camera file.

    Returns:
        At least one camera, with different names.
    Raises:
        UserError: the file cannot be read, or has impossible values.
    """
    cameras = parse_cameras(read_json(path), path)
    if not cameras:
        raise UserError(f"{path}: it must be a list of cameras, at least one")
    return cameras


def parse_cameras(value: Any, where: str | Path) -> tuple[CameraSpec, ...]:
    """Read cameras from parsed JSON.

    Args:
        value: a list, which may be empty, as in a file or from `CameraSpec.describe`.
        where: file and place, for messages.
    Raises:
        UserError: the value is no list, or has impossible values.
    """
    if not isinstance(value, list):
        raise UserError(f"{where}: it must be a list of cameras, at least one")
    specs = tuple(_read(item, f"{where}: camera {i}") for i, item in enumerate(value))
    names = [spec.name for spec in specs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{where}: two cameras are called {twice[0]!r}; names must differ")
    return specs


def write_cameras(path: str | Path, cameras: Sequence[CameraSpec]) -> None:
    """Write cameras to a file that `read_cameras` reads back the same.

    Raises:
        UserError: the file cannot be written.
    """
    write_json(path, [camera.describe() for camera in cameras])


def look_at(position: npt.ArrayLike, target: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Compute the pose of a camera at a position that looks at a target.

    Args:
        position, target: (3,) m, world frame, different.
    Returns:
        (4, 4) T_world_camera; camera x right, y down, z forward, without roll. If it looks straight
        down or up, the image's right is -y.
    Raises:
        UserError: position and target are the same.
    """
    position = np.asarray(position, np.float64)
    forward = np.asarray(target, np.float64) - position
    if not np.linalg.norm(forward) > 0:
        raise UserError(
            f"a camera at {position.tolist()} m looks at itself; look_at must be another point"
        )
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    if np.linalg.norm(right) < 1e-9:  # forward is the vertical itself
        right = np.array([0.0, -1.0, 0.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = position
    return pose


@dataclass(frozen=True)
class _Intrinsics:
    """Intrinsics as a file must give them: complete, since a default would pass as calibrated."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float


@dataclass(frozen=True)
class _Entry:
    """One camera of a file, without its noise."""

    name: str
    intrinsics: _Intrinsics | None = None
    T_world_camera: tuple[_Quadruple, _Quadruple, _Quadruple, _Quadruple] | None = None
    position: _Triple | None = None
    look_at: _Triple | None = None
    quaternion: _Quadruple | None = None
    noise: None = None
    depth_scale: float = 1.0


def _read(value: Any, where: str) -> CameraSpec:
    noise = None
    if isinstance(value, dict):
        noise = value.get("noise")
        value = {k: v for k, v in value.items() if k != "noise"}
        if not isinstance(noise, str | dict | None):
            raise UserError(f"{where}: noise is {noise!r}; it must be null, a name or an object")
        value = _without_distortion(value, where)
        if isinstance(value.get("intrinsics"), dict):
            value["intrinsics"] = _without_distortion(value["intrinsics"], f"{where}: intrinsics")
    entry = from_json(_Entry, value, where)
    given = entry.intrinsics
    intrinsics = Intrinsics() if given is None else Intrinsics(**dataclasses.asdict(given))
    if not 0.9 < entry.depth_scale < 1.1:
        raise UserError(f"{where}: depth_scale is {entry.depth_scale}; it must be 0.9 to 1.1")
    return CameraSpec(entry.name, intrinsics, _pose(entry, where), noise, entry.depth_scale)


def _without_distortion(value: dict[str, Any], where: str) -> dict[str, Any]:
    """Remove distortion coefficients that are all 0; refuse others."""
    found = {name: value[name] for name in DISTORTION if name in value}
    if any(_numbers(list(found.values()))):
        said = ", ".join(f"{name} {v}" for name, v in found.items())
        raise UserError(
            f"{where} has lens distortion ({said}), but images must be those of a pinhole camera. "
            "Undistort colour and depth first (OpenCV: initUndistortRectifyMap and remap, depth "
            "with INTER_NEAREST; RealSense: align colour to the depth stream, which has none), "
            "give the intrinsics of the undistorted images, and leave the coefficients out"
        )
    return {name: v for name, v in value.items() if name not in found}


def _numbers(value: Any) -> Iterator[float]:
    """Yield the numbers of a coefficient, a list of them, or ROS's rows, cols and data."""
    if isinstance(value, dict):
        value = value.get("data")
    if isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int | float):
        yield float(value)


def _pose(entry: _Entry, where: str) -> npt.NDArray[np.float64]:
    """Compute T_world_camera (4, 4) from the pose fields of a file."""
    given = {
        field
        for field in ("T_world_camera", "position", "look_at", "quaternion")
        if getattr(entry, field) is not None
    }
    if given == {"T_world_camera"}:
        return np.array(entry.T_world_camera)
    if given == {"position", "look_at"}:
        assert entry.position is not None
        assert entry.look_at is not None
        if entry.position == entry.look_at:
            raise UserError(f"{where}: look_at is the camera's own position {entry.position}")
        return look_at(entry.position, entry.look_at)
    if given == {"position", "quaternion"}:
        assert entry.quaternion is not None
        length = float(np.linalg.norm(entry.quaternion))
        if abs(length - 1) > QUATERNION_ERROR:
            raise UserError(
                f"{where}: quaternion {entry.quaternion} (w x y z) has length {length:.3f}; a "
                "rotation has length 1"
            )
        pose = np.eye(4)
        pose[:3, :3] = Rotation.from_quat(np.roll(entry.quaternion, -1)).as_matrix()
        pose[:3, 3] = entry.position
        return pose
    said = ", ".join(sorted(given)) or "nothing"
    raise UserError(f"{where}: its pose is given by {said}; give {_POSES}")
