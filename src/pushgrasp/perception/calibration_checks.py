"""Checks of intrinsics and poses; what cannot be right is refused with its likely cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from ..errors import UserError
from ..interfaces import Intrinsics
from ..workspace import Workspace

LARGEST = 8192  # pixels, of a side or a focal length
NARROWEST, WIDEST = np.radians(3.0), np.radians(160.0)  # field of view of a pinhole camera
ROTATION_ERROR = 2e-3  # by which a rotation may miss being one; poses are rounded
FARTHEST = 20.0  # m; a camera that stands farther from the robot has a pose in another unit
SEES_ENOUGH = 0.3  # share of the workspace in view of a camera that may be right
SEES_A_LITTLE = 0.05  # likewise of one that only stands in a wrong place
SEES_ALL = 0.9  # likewise of a corrected pose, which is then named
LOWEST = 0.1  # m above the table, likewise
POSE_UNITS = (("millimetres", 1e-3), ("centimetres", 1e-2), ("inches", 0.0254))

Pose = npt.NDArray[np.float64]


def check_intrinsics(k: Intrinsics, where: str = "the intrinsics") -> None:
    """Refuse intrinsics that no pinhole camera has.

    Args:
        k: the intrinsics.
        where: the start of the sentence.
    Raises:
        UserError: with the likely cause.
    """
    given: Any = k  # whatever a caller without a type checker gives
    if not isinstance(given, Intrinsics):
        shape = np.shape(given)
        hint = " (fx = K[0, 0], fy = K[1, 1], cx = K[0, 2], cy = K[1, 2])" * (shape == (3, 3))
        raise UserError(
            f"{where}: they are a {type(given).__name__}; give Intrinsics(width, height, fx, fy, "
            f"cx, cy){hint}"
        )
    for name in ("width", "height", "fx", "fy"):
        value = getattr(k, name)
        if not _is_number(value) or not 0 < value <= LARGEST:
            raise UserError(
                f"{where}: {name} is {value}; it must be above 0 and at most {LARGEST} pixels"
            )
        if name in ("width", "height") and int(value) != value:
            raise UserError(f"{where}: {name} is {value}; it must be a whole number of pixels")
    for name, focal, side in (("fx", k.fx, k.width), ("fy", k.fy, k.height)):
        view = 2 * np.arctan2(side / 2, focal)
        if not NARROWEST < view < WIDEST:
            why = "millimetres" if view > WIDEST else "another unit, or those of a larger picture"
            raise UserError(
                f"{where}: {name} is {focal:g} pixels for a side of {side}, a field of view of "
                f"{np.degrees(view):.0f} degrees; is the focal length in {why}? It must be in "
                "pixels of this picture"
            )
    if not (_is_number(k.cx) and _is_number(k.cy)) or not (
        0 <= k.cx <= k.width and 0 <= k.cy <= k.height
    ):
        raise UserError(
            f"{where}: the principal point ({k.cx}, {k.cy}) lies outside the image of "
            f"{k.width} x {k.height} pixels; check cx and cy"
        )
    _check_resolution(k, where)


def _check_resolution(k: Intrinsics, where: str) -> None:
    """Refuse a principal point that is the middle of a picture of another size."""
    x, y = 2 * k.cx / k.width, 2 * k.cy / k.height
    if abs(x / max(y, 1e-9) - 1) < 0.12 and not 0.7 < x < 1.4:
        raise UserError(
            f"{where}: the principal point ({k.cx:g}, {k.cy:g}) is the middle of a picture of "
            f"{2 * k.cx:.0f} x {2 * k.cy:.0f} pixels, and this one has {k.width} x {k.height}; "
            "give the intrinsics of this resolution (fx, fy, cx, cy scale with it)"
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value))


def check_pose(
    given: npt.ArrayLike, intrinsics: Intrinsics | None = None, workspace: Workspace | None = None
) -> Pose:
    """Refuse what is no pose, and poses in another unit.

    Args:
        given: T_world_camera, an array or nested lists.
        intrinsics, workspace: of the camera and what it must see, to name the unit.
    Returns:
        (4, 4) float64.
    Raises:
        UserError: with the likely cause.
    """
    try:
        pose = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        pose = np.array(np.nan)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        what = f"has shape {pose.shape}" if pose.ndim else f"is {given!r:.60}"
        if pose.shape == (4, 4):
            what = "has numbers that are not finite"
        raise UserError(
            f"T_world_camera {what}; it must be a 4 x 4 rigid transformation of finite numbers: "
            "check the calibration"
        )
    rotation = pose[:3, :3]
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=ROTATION_ERROR):
        raise UserError(
            "T_world_camera is not a 4 x 4 rigid transformation: its rotation scales or shears; "
            "check the calibration"
        )
    if np.linalg.det(rotation) < 0:
        raise UserError(
            "T_world_camera mirrors: its rotation has determinant -1. One axis is flipped; the "
            "camera's x points right, y down and z forward"
        )
    if not np.allclose(pose[3], (0, 0, 0, 1), atol=1e-6):
        raise UserError(
            "T_world_camera is not a 4 x 4 rigid transformation: its last row must be 0 0 0 1; "
            "is the matrix transposed?"
        )
    if (far := float(np.linalg.norm(pose[:3, 3]))) > FARTHEST:
        unit = _pose_unit(pose, intrinsics, workspace)
        raise UserError(
            f"T_world_camera puts the camera {far:.0f} m from the robot; are its lengths in "
            f"{unit}? They must be metres"
        )
    return pose


def _pose_unit(pose: Pose, k: Intrinsics | None, workspace: Workspace | None) -> str:
    for name, metres in POSE_UNITS:
        if k is not None and sees(scaled(pose, metres), k, workspace or Workspace()):
            return name
    return "millimetres or centimetres"


def scaled(pose: Pose, factor: float) -> Pose:
    """Scale a pose's position."""
    changed = np.array(pose, np.float64)
    changed[:3, 3] *= factor
    return changed


def _rotated(rotation: npt.ArrayLike) -> Callable[[Pose], Pose]:
    in_camera = np.eye(4)
    in_camera[:3, :3] = rotation
    return lambda pose: np.asarray(pose, np.float64) @ in_camera


def _inverse(pose: Pose) -> Pose:
    return np.asarray(np.linalg.inv(pose), np.float64)


def _requaternioned(pose: Pose, order: tuple[int, int, int, int]) -> Pose:
    """Take the numbers of a pose's quaternion, w x y z, in another order."""
    changed = np.array(pose, np.float64)
    x, y, z, w = Rotation.from_matrix(changed[:3, :3]).as_quat()
    w, x, y, z = np.array([w, x, y, z])[list(order)]
    changed[:3, :3] = Rotation.from_quat([x, y, z, w]).as_matrix()
    return changed


def _transposed(pose: Pose) -> Pose:
    changed = np.array(pose, np.float64)
    changed[:3, :3] = changed[:3, :3].T
    return changed


POSE_MISTAKES: tuple[tuple[str, Callable[[Pose], Pose]], ...] = (
    (
        "it is in OpenGL's convention (y up, z back); the camera's x must point right, y down and "
        "z forward",
        _rotated(np.diag((1, -1, -1))),
    ),
    ("T_camera_world was given for T_world_camera; give the inverse", _inverse),
    (
        "it is the pose of the camera's body as in ROS (x forward, y left, z up); give the one of "
        "its optical frame (x right, y down, z forward)",
        _rotated([(0, 0, 1), (-1, 0, 0), (0, -1, 0)]),
    ),
    (
        "its quaternion is in the order x y z w; it must be w x y z",
        lambda pose: _requaternioned(pose, (3, 0, 1, 2)),
    ),
    (
        "its quaternion is in the order w x y z and was read as x y z w",
        lambda pose: _requaternioned(pose, (1, 2, 3, 0)),
    ),
    ("its lengths are in centimetres; they must be metres", lambda pose: scaled(pose, 1e-2)),
    ("its lengths are in millimetres; they must be metres", lambda pose: scaled(pose, 1e-3)),
    ("its rotation is transposed", _transposed),
    (
        "it is turned by 180 degrees about the optical axis: the camera hangs upside down, or "
        "the picture was turned",
        _rotated(np.diag((-1, -1, 1))),
    ),
    (
        "it is turned by 90 degrees about the optical axis: the picture was turned, or the "
        "camera's x does not point right",
        _rotated([(0, -1, 0), (1, 0, 0), (0, 0, 1)]),
    ),
    (
        "it is turned by 90 degrees about the optical axis: the picture was turned, or the "
        "camera's x does not point right",
        _rotated([(0, 1, 0), (-1, 0, 0), (0, 0, 1)]),
    ),
)
"""Clauses about a wrong pose, and what mends it."""


def likely_pose_mistake(pose: Pose, k: Intrinsics, workspace: Workspace) -> str:
    """Name the mistake without which a camera would see the workspace from above.

    Returns:
        A sentence, with a space before it; "" if no usual mistake explains it.
    """
    if sees(pose, k, workspace, SEES_A_LITTLE):
        return ""
    for what, change in POSE_MISTAKES:
        if sees(change(pose), k, workspace, SEES_ALL):
            return f" The likely cause is its pose: {what}"
    return ""


def sees(pose: Pose, k: Intrinsics, workspace: Workspace, share: float = SEES_ENOUGH) -> bool:
    """Check that a camera above the table has a share of the workspace in view."""
    above = bool(pose[2, 3] > workspace.table_z + LOWEST)
    return above and share_in_view([(k, pose)], workspace) > share


def share_in_view(cameras: list[tuple[Intrinsics, Pose]], workspace: Workspace) -> float:
    """Share of the workspace, at the table's height, that some camera has in its picture."""
    n = 48
    at = workspace.n_pixels * (np.arange(n) + 0.5) / n - 0.5
    xy = workspace.to_xy(*np.meshgrid(at, at, indexing="ij")).reshape(-1, 2)
    points = np.column_stack([xy, np.full(len(xy), workspace.table_z)])
    seen = np.zeros(len(points), bool)
    for k, pose in cameras:
        x, y, z = ((points - pose[:3, 3]) @ pose[:3, :3]).T
        with np.errstate(divide="ignore", invalid="ignore"):
            u, v = x / z * k.fx + k.cx, y / z * k.fy + k.cy
        seen |= (z > 0) & (u > -0.5) & (u < k.width - 0.5) & (v > -0.5) & (v < k.height - 0.5)
    return float(seen.mean())
