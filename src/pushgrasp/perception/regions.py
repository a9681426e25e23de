"""Image regions that a camera must read out to see a box of space or the workspace."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import Intrinsics, Region
from ..workspace import Workspace


def box_region(
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    intrinsics: Intrinsics,
    T_world_camera: npt.NDArray[np.float64],
) -> Region:
    """Find the smallest part of an image that shows a box of space.

    Args:
        low, high: (3,) m, world frame, the box's corners.
        intrinsics, T_world_camera: of the camera.
    Returns:
        The region, cut to the image; the whole image if part of the box is behind the camera.
    Raises:
        UserError: the camera does not see the box.
    """
    whole = Region(0, 0, intrinsics.height, intrinsics.width)
    corners = np.stack(np.meshgrid(*np.stack([low, high], 1)), -1).reshape(-1, 3)
    x, y, z = ((corners - T_world_camera[:3, 3]) @ T_world_camera[:3, :3]).T
    if z.max() <= 0:
        raise UserError(f"it looks away from {_box(low, high)}; check its pose")
    if z.min() <= 0:
        return whole
    u = x / z * intrinsics.fx + intrinsics.cx
    v = y / z * intrinsics.fy + intrinsics.cy
    left, top = max(int(np.floor(u.min())), 0), max(int(np.floor(v.min())), 0)
    right = min(int(np.ceil(u.max())) + 1, intrinsics.width)
    bottom = min(int(np.ceil(v.max())) + 1, intrinsics.height)
    if left >= right or top >= bottom:
        raise UserError(f"it does not see {_box(low, high)}; check its pose")
    return Region(top, left, bottom - top, right - left)


def box_share(
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    intrinsics: Intrinsics,
    T_world_camera: npt.NDArray[np.float64],
) -> float:
    """Compute how much of a box of space lies within a camera's image.

    Args:
        low, high: (3,) m, world frame, the box's corners.
        intrinsics, T_world_camera: of the camera.
    Returns:
        0 to 1, the share of the box's volume; what may hide it does not count.
    """
    n = 12
    cells = (np.arange(n) + 0.5) / n
    share = np.stack(np.meshgrid(cells, cells, cells), -1).reshape(-1, 3)
    points = np.asarray(low, np.float64) * (1 - share) + np.asarray(high, np.float64) * share
    x, y, z = ((points - T_world_camera[:3, 3]) @ T_world_camera[:3, :3]).T
    ahead = z > 0
    u = intrinsics.fx * x[ahead] / z[ahead] + intrinsics.cx
    v = intrinsics.fy * y[ahead] / z[ahead] + intrinsics.cy
    seen = (u >= -0.5) & (u < intrinsics.width - 0.5) & (v >= -0.5) & (v < intrinsics.height - 0.5)
    return float(seen.sum() / len(points))


def _box(low: npt.ArrayLike, high: npt.ArrayLike) -> str:
    a, b = (np.round(np.asarray(x, np.float64), 3).tolist() for x in (low, high))
    return f"the space from {a} to {b} m"


def workspace_region(
    workspace: Workspace,
    intrinsics: Intrinsics,
    T_world_camera: npt.NDArray[np.float64],
    z_max: float = 0.12,
) -> Region:
    """Find the smallest part of an image that shows the workspace up to a height.

    Args:
        workspace: where.
        intrinsics, T_world_camera: of the camera.
        z_max: m above the table. Towards the middle much higher things are in the picture too;
            only a taller one at the edge nearest to the camera would be cut.
    Raises:
        UserError: the camera does not see the workspace.
    """
    x, y, z = workspace.x_min, workspace.y_min, workspace.table_z
    low, high = (x, y, z), (x + workspace.size, y + workspace.size, z + z_max)
    return box_region(low, high, intrinsics, T_world_camera)
