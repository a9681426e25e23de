"""The table's plane in the first frame: found, and corrected for where it is a little off."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import RGBDFrame
from ..workspace import Workspace

KEEP_M, KEEP_RAD = 0.002, np.radians(0.5)  # a plane this near to the table is left as it is
MOST_M, MOST_RAD = 0.030, np.radians(5.0)  # a plane farther off is refused
SEARCH_M = 0.40  # m above and below its height in which the table is looked for
INLIER_M = 0.004  # m from the plane within which a point belongs to it
NEARLY_HORIZONTAL = np.radians(15.0)  # a plane steeper than this is no table
MIN_SHARE = 0.12  # of the points over the workspace that must lie on the plane
BELOW_M, MOST_BELOW = 0.010, 0.04  # m under the table, and the share of points that may be there
MIN_POINTS = 150
STRIDE = 6  # px between the pixels looked at
SAMPLE = 2000  # points looked at
TRIALS = 64  # planes tried


@dataclass(frozen=True)
class Plane:
    """A nearly horizontal plane, measured against where the table should be."""

    height: float  # m above the table's height in the workspace, at the workspace's centre
    tilt: float  # rad
    normal: npt.NDArray[np.float64]  # (3,) unit, upwards
    share: float  # of the points over the workspace that lie on it

    @property
    def fits(self) -> bool:
        """True if it is near enough to be left alone."""
        return abs(self.height) <= KEEP_M and self.tilt <= KEEP_RAD

    @property
    def too_far(self) -> bool:
        """True if it is too far off for a correction."""
        return abs(self.height) > MOST_M or self.tilt > MOST_RAD

    def describe(self) -> str:
        """Give its height and tilt in words."""
        side = "above" if self.height > 0 else "below"
        return (
            f"{1e3 * abs(self.height):.1f} mm {side} where it should be, tilted by "
            f"{np.degrees(self.tilt):.1f} degrees"
        )


def points_over(frame: RGBDFrame, workspace: Workspace) -> npt.NDArray[np.float64]:
    """Sample what a frame shows over and under the workspace.

    Returns:
        (N, 3) m: x and y in the world frame, z above where the table should be.
    """
    k, pose = frame.intrinsics, frame.T_world_camera
    rows, columns = np.arange(0, k.height, STRIDE), np.arange(0, k.width, STRIDE)
    depth = np.asarray(frame.depth[::STRIDE, ::STRIDE], np.float64)
    v, u = np.nonzero((depth > 0) & (depth < np.inf))
    d = depth[v, u]
    x, y = (columns[u] - k.cx) / k.fx * d, (rows[v] - k.cy) / k.fy * d
    points = np.stack([x, y, d], 1) @ pose[:3, :3].T + pose[:3, 3]
    points[:, 2] -= workspace.table_z
    inside = workspace.contains(points[:, :2]) & (np.abs(points[:, 2]) < SEARCH_M)
    points = points[inside]
    return points[:: max(len(points) // SAMPLE, 1)]


def fit_table(
    points: npt.NDArray[np.float64], workspace: Workspace, *, steepest: float = NEARLY_HORIZONTAL
) -> Plane | None:
    """Find the plane that most points lie on, if it is nearly horizontal.

    Args:
        points: (N, 3) m, as `points_over` gives them.
        workspace: the plane's height is given at its centre.
        steepest: rad, the largest tilt that is looked for.
    Returns:
        The plane; None if there are too few points, or too few on one plane.
    """
    n = len(points)
    if n < MIN_POINTS:
        return None
    rng = np.random.default_rng(0)  # the same points give the same plane
    a, b, c = points[rng.integers(0, n, (3, TRIALS))]
    normals = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normals, axis=1)
    flat = np.abs(normals[:, 2]) > np.cos(steepest) * np.maximum(lengths, 1e-9)
    # besides, the plane that is expected: three points at random may all miss a crowded table
    normals = np.vstack([[0.0, 0.0, 1.0], normals[flat] / lengths[flat, None]])
    a = np.vstack([np.zeros(3), a[flat]])
    few = points[:: max(n // 300, 1)]
    normals = np.where(normals[:, 2:] >= 0, normals, -normals)
    above = few @ normals.T - np.einsum("ij,ij->i", a, normals)  # (points, planes)
    on = (np.abs(above) < INLIER_M).sum(0)
    on[(above < -BELOW_M).mean(0) > MOST_BELOW] = 0  # tops of things: the table lies lower
    best = int(on.argmax())
    if not on[best]:
        return None
    normal, anchor = normals[best], a[best]
    share = 0.0
    for reach in (2 * INLIER_M, INLIER_M, INLIER_M):
        on = np.abs((points - anchor) @ normal) < reach
        if on.sum() < MIN_POINTS // 2:
            return None
        share = float(on.mean())
        anchor = points[on].mean(0)
        normal = np.linalg.svd(np.cov((points[on] - anchor).T))[0][:, 2]
    if share < MIN_SHARE:
        return None
    normal = normal if normal[2] > 0 else -normal
    x, y = workspace.center
    slope = normal[:2] / max(normal[2], 1e-6)  # vertical ones have no height at the centre
    height = anchor[2] - slope @ (np.array([x, y]) - anchor[:2])
    return Plane(float(height), float(np.arccos(min(normal[2], 1.0))), normal, share)


def correction(plane: Plane, workspace: Workspace) -> npt.NDArray[np.float64]:
    """Compute the rigid motion that brings a plane to the table's height.

    It rotates about a horizontal axis through the workspace's centre, then lowers or raises.

    Returns:
        (4, 4), to be multiplied to T_world_camera from the left.
    Raises:
        UserError: the plane is too far off.
    """
    if plane.too_far:
        raise UserError(
            f"the table's plane lies {plane.describe()} (z = {workspace.table_z:g} m); "
            f"up to {1e3 * MOST_M:.0f} mm and "
            f"{np.degrees(MOST_RAD):.0f} degrees are corrected. Calibrate the camera again, check "
            "its depth scale, or tell the workspace the table's true height"
        )
    up = np.array([0.0, 0.0, 1.0])
    axis = np.cross(plane.normal, up)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    rotation = np.eye(3) + k + k @ k / (1 + plane.normal[2])  # Rodrigues
    middle = np.array([*workspace.center, workspace.table_z + plane.height])
    fix = np.eye(4)
    fix[:3, :3] = rotation
    fix[:3, 3] = middle - rotation @ middle - plane.height * up
    return fix


def corrected(frame: RGBDFrame, fix: npt.NDArray[np.float64] | None) -> RGBDFrame:
    """Apply a correction to a frame's pose."""
    if fix is None:
        return frame
    return replace(frame, T_world_camera=fix @ np.asarray(frame.T_world_camera, np.float64))
