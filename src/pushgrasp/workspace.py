"""The workspace, and the only pixel-to-metre mapping in the package."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

N_ROTATIONS = 16
"""Action orientations, 22.5 degrees apart over the full circle (paper, section III-B)."""


def rotation_angle(index: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Yaw of a rotation index.

    Args:
        index: (...) 0 to 15.
    Returns:
        (...) yaw about world z in radians: 0 is +x, a quarter turn is +y.
    """
    return np.asarray(index, np.float64) * (2.0 * np.pi / N_ROTATIONS)


@dataclass(frozen=True)
class Workspace:
    """A square piece of the table, seen from above as an image.

    Row follows y and column follows x, so a yaw about world z turns +x (right) towards
    +y (the next row). A pixel's position is its centre. Heights are above the table, z = 0.
    """

    x_min: float = -0.724  # m, world frame (the ancestors' robot frame)
    y_min: float = -0.224  # m
    size: float = 0.448  # m, side length
    resolution: float = 0.002  # m a pixel
    z_max: float = 0.4  # m, anything higher is not on the table

    @property
    def n_pixels(self) -> int:
        """Pixels a side."""
        return round(self.size / self.resolution)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of a heightmap."""
        return self.n_pixels, self.n_pixels

    @property
    def center(self) -> tuple[float, float]:
        """(x, y) of the middle in metres, world frame."""
        return self.x_min + self.size / 2, self.y_min + self.size / 2

    def to_xy(self, row: npt.ArrayLike, column: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Pixels to metres.

        Args:
            row: (...) pixel rows; fractions are allowed.
            column: (...) pixel columns.
        Returns:
            (..., 2) x and y in metres, world frame, of the pixels' centres.
        """
        x = self.x_min + (np.asarray(column, np.float64) + 0.5) * self.resolution
        y = self.y_min + (np.asarray(row, np.float64) + 0.5) * self.resolution
        return np.stack([x, y], axis=-1)

    def to_pixel(self, xy: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Metres to the pixel that contains them; the inverse of `to_xy`.

        Args:
            xy: (..., 2) x and y in metres, world frame.
        Returns:
            (..., 2) row and column; outside 0..n_pixels - 1 for points outside.
        """
        xy = np.asarray(xy, np.float64)
        row, column = self.offset_to_pixel(xy[..., 0] - self.x_min, xy[..., 1] - self.y_min)
        return np.stack([row, column], axis=-1).astype(np.int64)

    def offset_to_pixel(
        self, x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Metres from the workspace's corner to pixels, in the precision of the input.

        Args:
            x, y: (...) m from (x_min, y_min).
        Returns:
            (...) rows and (...) columns, int32.
        """
        side = self.resolution  # a Python float: float32 stays float32
        return np.floor(y / side).astype(np.int32), np.floor(x / side).astype(np.int32)

    def contains(self, xy: npt.ArrayLike, margin: float = 0.0) -> npt.NDArray[np.bool_]:
        """Whether points lie in the workspace.

        Args:
            xy: (..., 2) metres, world frame.
            margin: metres by which to widen (or, negative, narrow) the square.
        Returns:
            (...) bool.
        """
        offset = np.asarray(xy, np.float64) - np.array([self.x_min, self.y_min])
        return np.all((offset >= -margin) & (offset < self.size + margin), axis=-1)
