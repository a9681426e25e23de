"""RGB-D frames to a top-down map of the workspace; cells that no camera saw stay unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import Intrinsics, RGBDFrame
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
    return project_pixels(frames, workspace)[0]


def project_pixels(
    frames: RGBDFrame | Sequence[RGBDFrame], workspace: Workspace
) -> tuple[Heightmap, npt.NDArray[np.int32]]:
    """See the workspace from straight above, and know which pixel shows each cell.

    Args:
        frames, workspace: as for `project`.
    Returns:
        The map, and (H, W) int32 the flat index of a cell's pixel in all frames' images, one
        after another; -1 where unseen. It carries what is known of pixels into the map.
    Raises:
        UserError: as `project`.
    """
    if isinstance(frames, RGBDFrame):
        frames = [frames]
    n = workspace.n_pixels
    returns = [measured(frame) for frame in frames]
    cells, heights, sources = [], [], []
    before = 0
    for frame, seen in zip(frames, returns, strict=True):
        if not len(seen.depth):
            k = frame.intrinsics
            raise UserError(
                f"the camera returned no depth: all {k.width} x {k.height} pixels are 0 or NaN"
            )
        position = frame.T_world_camera[:3, 3].astype(np.float32)
        z = seen.rays[2] * seen.depth + (position[2] - np.float32(workspace.table_z))
        x = seen.rays[0] * seen.depth + (position[0] - np.float32(workspace.x_min))
        y = seen.rays[1] * seen.depth + (position[1] - np.float32(workspace.y_min))
        row, column = workspace.offset_to_pixel(x, y)
        # no return has depth 0 here; left out before anything below the table is lifted to it
        shown = (seen.depth > 0) & (z > FLOOR) & (z < workspace.z_max)
        shown &= (row >= 0) & (row < n) & (column >= 0) & (column < n)
        inside = np.flatnonzero(shown)
        cells.append(row[inside] * n + column[inside])
        heights.append(np.maximum(z[inside], 0))
        sources.append(inside + before)
        before += len(seen.depth)
    cell, z, source = (np.concatenate(parts) for parts in (cells, heights, sources))
    # sorted as 16-bit numbers numpy uses a radix sort; the steps are under 0.01 mm
    steps = (z * np.float32(65535 / workspace.z_max)).astype(np.uint16)
    order = np.argsort(steps, kind="stable")  # of equal heights the later pixel wins
    winner = np.full(n * n, -1)
    winner[cell[order]] = order  # for repeated cells numpy keeps the last: the highest

    hit = np.flatnonzero(winner >= 0)
    winner = winner[hit]
    height = np.full(n * n, np.nan, np.float32)
    rgb = np.zeros((n * n, 3), np.uint8)
    pixel = np.full(n * n, -1, np.int32)
    height[hit] = z[winner]
    source = source[winner]
    before = image = 0
    for frame, seen in zip(frames, returns, strict=True):
        mine = (source >= before) & (source < before + len(seen.depth))
        rgb[hit[mine]] = seen.color[source[mine] - before]
        pixel[hit[mine]] = seen.in_image(source[mine] - before) + image
        before += len(seen.depth)
        image += frame.depth.size
    height, rgb, pixel = height.reshape(n, n), rgb.reshape(n, n, 3), pixel.reshape(n, n)
    _fill_pinholes(height, rgb, pixel)
    return Heightmap(rgb, height, workspace), pixel


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


@dataclass(frozen=True)
class Measured:
    """A frame, cropped to where it has depth; all empty for a frame without depth."""

    color: npt.NDArray[np.uint8]  # (N, 3)
    depth: npt.NDArray[np.float32]  # (N,) m; 0: no return
    rays: npt.NDArray[np.float32]  # (3, N) in the world frame, times the depth: from the camera
    corner: tuple[int, int]  # row, column of the crop in the image
    widths: tuple[int, int]  # columns of the crop and of the image

    def in_image(self, index: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """Flat indices in the image, of flat indices in the crop."""
        crop, image = self.widths
        row, column = np.divmod(index, crop)
        return (row + self.corner[0]) * image + column + self.corner[1]


def measured(frame: RGBDFrame) -> Measured:
    """Check a frame and crop it to where it has depth.

    Raises:
        UserError: image sizes disagree, or a pose is no pose.
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
        rows = columns = np.array([0, -1])  # an empty crop
    cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    depth = np.where(valid[cut], frame.depth[cut], np.float32(0)).astype(np.float32)
    directions = _world_directions(k, np.ascontiguousarray(pose[:3, :3]).tobytes())
    return Measured(
        color=frame.color[cut].reshape(-1, 3),
        depth=depth.reshape(-1),
        rays=directions[:, cut[0], cut[1]].reshape(3, -1),
        corner=(int(rows[0]), int(columns[0])),
        widths=(depth.shape[1], k.width),
    )


def _fill_pinholes(
    height: npt.NDArray[np.float32],
    color: npt.NDArray[np.uint8],
    pixel: npt.NDArray[np.int32],
) -> None:
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
    pixel[rows - 1, columns - 1] = pixel[r, c]
