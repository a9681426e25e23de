"""RGB-D frames to a top-down map of the workspace; cells that no camera saw stay unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import Intrinsics, Region, RGBDFrame
from ..workspace import Workspace

FLOOR = -0.01  # m; a return this little below the table is noise of the table itself
_EIGHT = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]


@dataclass(frozen=True)
class Heightmap:
    """The workspace from above. Row follows +y, column follows +x."""

    color: npt.NDArray[np.uint8]  # (H, W, 3) sRGB; 0 where unseen
    height: npt.NDArray[np.float32]  # (H, W) m above the table; NaN where unseen
    workspace: Workspace

    @property
    def seen(self) -> npt.NDArray[np.bool_]:
        """(H, W) bool, cells of which some camera saw a surface."""
        return np.isfinite(self.height)


def project(frames: RGBDFrame | Sequence[RGBDFrame], workspace: Workspace) -> Heightmap:
    """See the workspace from straight above.

    In each cell the highest point wins. A gap one cell wide, which comes of sampling, takes
    its neighbours' median; a shadow stays NaN: unseen is not empty.

    Args:
        frames: one frame or several of one moment; points outside the workspace, above its
            `z_max` or more than 1 cm below the table are left out.
        workspace: where, and at which resolution.
    Returns:
        The map; all unseen when no camera sees the workspace.
    Raises:
        UserError: image sizes disagree, a pose is no pose, or a frame has no depth at all.
    """
    if isinstance(frames, RGBDFrame):
        frames = [frames]
    n = workspace.n_pixels
    cells, heights, colors = [], [], []
    for frame in frames:
        color, depth, directions = _window(frame)
        position = frame.T_world_camera[:3, 3].astype(np.float32)
        z = directions[2] * depth + position[2]
        # no return has depth 0 here; left out before anything below the table is lifted to it
        keep = np.flatnonzero((depth > 0) & (z > FLOOR) & (z < workspace.z_max))
        d, z = depth[keep], z[keep]
        x = directions[0][keep] * d + (position[0] - np.float32(workspace.x_min))
        y = directions[1][keep] * d + (position[1] - np.float32(workspace.y_min))
        side = np.float32(workspace.resolution)
        column, row = np.floor(x / side).astype(np.int32), np.floor(y / side).astype(np.int32)
        inside = np.flatnonzero((row >= 0) & (row < n) & (column >= 0) & (column < n))
        cells.append(row[inside] * n + column[inside])
        heights.append(np.maximum(z[inside], 0))
        colors.append(color[keep[inside]])
    cell, z, color = (np.concatenate(parts) for parts in (cells, heights, colors))
    # sorted as 16-bit numbers numpy uses a radix sort; the steps are under 0.01 mm
    steps = (z * np.float32(65535 / workspace.z_max)).astype(np.uint16)
    order = np.argsort(steps, kind="stable")  # of equal heights the later pixel wins
    winner = np.full(n * n, -1)
    winner[cell[order]] = order  # for repeated cells numpy keeps the last: the highest

    seen = winner >= 0
    height = np.full(n * n, np.nan, np.float32)
    rgb = np.zeros((n * n, 3), np.uint8)
    height[seen] = z[winner[seen]]
    rgb[seen] = color[winner[seen]]
    height, rgb = height.reshape(n, n), rgb.reshape(n, n, 3)
    _fill_pinholes(height, rgb)
    return Heightmap(rgb, height, workspace)


def hand_view(
    frame: RGBDFrame,
    tool_position: npt.ArrayLike,
    yaw: float,
    *,
    width: float = 0.11,
    breadth: float = 0.06,
    below: float = 0.06,
    above: float = 0.05,
) -> npt.NDArray[np.uint8]:
    """Colours of what the camera sees in the hand.

    The box lies between the fingers and just below them. The fingers may be in it too.

    Args:
        frame: a frame taken while the hand is clear of the table and of other objects.
        tool_position: (3,) m, world frame, midway between the finger tips' lowest points.
        yaw: rad, the jaw's closing direction.
        width: m, the box along the closing direction.
        breadth: m, across it.
        below, above: m from the finger tips down and up.
    Returns:
        (N, 3) uint8, one row a pixel; empty when the hand is out of view.
    Raises:
        UserError: as `project`.
    """
    color, depth, directions = _window(frame)
    offset = frame.T_world_camera[:3, 3] - np.asarray(tool_position, np.float64)
    x, y, z = directions * depth + offset.astype(np.float32)[:, None]
    c, s = np.cos(yaw), np.sin(yaw)
    along, across = c * x + s * y, c * y - s * x
    inside = (depth > 0) & (np.abs(along) < width / 2) & (np.abs(across) < breadth / 2)
    return color[inside & (z > -below) & (z < above)]


def box_region(
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    intrinsics: Intrinsics,
    T_world_camera: npt.NDArray[np.float64],
) -> Region:
    """The smallest part of an image that shows a box of space.

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


def _box(low: npt.ArrayLike, high: npt.ArrayLike) -> str:
    a, b = (np.round(np.asarray(x, np.float64), 3).tolist() for x in (low, high))
    return f"the space from {a} to {b} m"


def workspace_region(
    workspace: Workspace,
    intrinsics: Intrinsics,
    T_world_camera: npt.NDArray[np.float64],
    z_max: float = 0.12,
) -> Region:
    """The smallest part of an image that shows the workspace up to a height.

    Args:
        workspace: where.
        intrinsics, T_world_camera: of the camera.
        z_max: m above the table. Towards the middle much higher things are in the picture too;
            only a taller one at the edge nearest to the camera would be cut.
    Raises:
        UserError: the camera does not see the workspace.
    """
    low = (workspace.x_min, workspace.y_min, 0.0)
    high = (workspace.x_min + workspace.size, workspace.y_min + workspace.size, z_max)
    return box_region(low, high, intrinsics, T_world_camera)


def ray_directions(intrinsics: Intrinsics) -> npt.NDArray[np.float64]:
    """Where each pixel looks.

    The centre of pixel (u, v) has image coordinates exactly (u, v), as in OpenCV and in the
    drivers of depth cameras.

    Returns:
        (H, W, 3), camera frame, scaled so that z is 1: times the depth it is the point.
    """
    v, u = np.mgrid[0 : intrinsics.height, 0 : intrinsics.width].astype(np.float64)
    x = (u - intrinsics.cx) / intrinsics.fx
    y = (v - intrinsics.cy) / intrinsics.fy
    return np.stack([x, y, np.ones_like(x)], axis=-1)


@lru_cache(maxsize=8)
def _world_directions(intrinsics: Intrinsics, rotation: bytes) -> npt.NDArray[np.float32]:
    """(3, H, W) rays in the world frame for a camera's rotation, given as its bytes."""
    R = np.frombuffer(rotation, np.float64).reshape(3, 3)
    return np.ascontiguousarray(np.moveaxis(ray_directions(intrinsics) @ R.T, 2, 0), np.float32)


def _window(
    frame: RGBDFrame,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Check a frame and cut it to where it has depth.

    Returns:
        Colours (N, 3), depth (N,) with 0 for no return, rays (3, N) in the world frame.
    """
    k = frame.intrinsics
    if frame.depth.shape != (k.height, k.width) or frame.color.shape != (k.height, k.width, 3):
        raise UserError(
            f"the frame has colour {frame.color.shape} and depth {frame.depth.shape}, but its "
            f"intrinsics say {k.width} x {k.height} pixels; align the images to one camera"
        )
    pose = np.asarray(frame.T_world_camera, np.float64)
    if pose.shape != (4, 4) or not np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-3):
        raise UserError("T_world_camera is not a 4 x 4 rigid transformation; check the calibration")
    valid = (frame.depth > 0) & (frame.depth < np.inf)  # False for NaN
    rows, columns = np.flatnonzero(valid.any(1)), np.flatnonzero(valid.any(0))
    if not len(rows):
        raise UserError(
            f"the camera returned no depth: all {k.width} x {k.height} pixels are 0 or NaN"
        )
    cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    depth = np.where(valid[cut], frame.depth[cut], np.float32(0)).astype(np.float32)
    directions = _world_directions(k, np.ascontiguousarray(pose[:3, :3]).tobytes())
    return (
        frame.color[cut].reshape(-1, 3),
        depth.reshape(-1),
        directions[:, cut[0], cut[1]].reshape(3, -1),
    )


def _fill_pinholes(height: npt.NDArray[np.float32], color: npt.NDArray[np.uint8]) -> None:
    """Give unseen cells amid seen ones the median neighbour's height and colour, in place.

    At least five of the eight neighbours must be seen, and among them those left and right
    or above and below: that is a gap one cell wide, while a shadow's corner stays unseen.
    """
    seen = np.pad(np.isfinite(height), 1).view(np.uint8)
    count = cv2.filter2D(seen, -1, np.ones((3, 3)), borderType=cv2.BORDER_CONSTANT)
    rows, columns = np.nonzero((seen == 0) & (count >= 5))  # padded; the border has at most 3
    around = np.stack([seen[rows + i, columns + j] for i, j in _EIGHT], 1) > 0
    between = (around[:, 1] & around[:, 6]) | (around[:, 3] & around[:, 4])
    rows, columns, around = rows[between], columns[between], around[between]
    if not len(rows):
        return
    neighbours = np.stack([(rows + i - 1, columns + j - 1) for i, j in _EIGHT], -1)  # (2, N, 8)
    r, c = np.clip(neighbours, 0, len(height) - 1)
    values = np.where(around, height[r, c], np.inf)
    middle = np.argsort(values, axis=1, kind="stable")
    take = middle[np.arange(len(rows)), around.sum(1) // 2]  # of an even number the higher one
    r, c = r[np.arange(len(rows)), take], c[np.arange(len(rows)), take]
    height[rows - 1, columns - 1] = height[r, c]
    color[rows - 1, columns - 1] = color[r, c]
