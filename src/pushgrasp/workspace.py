"""The workspace: which part of the table is used, and the only pixel-to-metre mapping."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .errors import UserError
from .utils.config_json import from_json
from .utils.files import read_json

N_ROTATIONS = 16
"""Action orientations, 22.5 degrees apart over the full circle (paper, section III-B)."""
LARGEST_SIZE = 0.6
"""m, side of the largest workspace; the arms reach no further."""
FARTHEST = 20.0  # m; a workspace farther from the world's origin is given in another unit
_PIXEL = 0.002  # m per pixel, for which networks are trained and thresholds in pixels are chosen


def rotation_angle(index: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Convert rotation indices to yaws.

    Args:
        index: (...) 0 to 15.
    Returns:
        (...) yaw about world z in radians: 0 is +x, a quarter turn is +y.
    """
    return np.asarray(index, np.float64) * (2.0 * np.pi / N_ROTATIONS)


@dataclass(frozen=True)
class Workspace:
    """A square part of the table, seen from above as an image.

    Row follows y and column follows x, so a yaw about world z turns +x (right) towards +y (the
    next row). A pixel's position is its centre. Heights in images are above the table; positions
    are in the world frame, in which the table is the plane z = `table_z`.

    Raises:
        UserError: a value that no workspace has; the message names it.
    """

    x_min: float = -0.724  # m, world frame (the ancestors' robot frame)
    y_min: float = -0.224  # m, world frame
    size: float = 0.448  # m, side length
    resolution: float = 0.002  # m per pixel
    z_max: float = 0.4  # m above the table; anything higher is not part of the scene
    table_z: float = 0.0  # m, world frame

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not np.isfinite(value):
                raise UserError(f"workspace: {name} is {value}; it must be a finite number in m")
        if not 0 < self.size <= LARGEST_SIZE:
            in_mm = "; is it in millimetres?" if 0 < self.size / 1000 <= LARGEST_SIZE else ""
            in_mm = in_mm if self.size >= 10 * LARGEST_SIZE else ""
            raise UserError(
                f"workspace: size is {self.size} m; it must be above 0 and at most {LARGEST_SIZE} m"
                f"{in_mm}"
            )
        for name in ("x_min", "y_min", "table_z"):
            if abs(getattr(self, name)) > FARTHEST:
                raise UserError(
                    f"workspace: {name} is {getattr(self, name)} m; at most {FARTHEST:g} m from "
                    "the world's origin are plausible: is it in millimetres?"
                )
        if not 0 < self.resolution <= self.size:
            raise UserError(
                f"workspace: resolution is {self.resolution} m per pixel; it must be above 0 and "
                f"at most the size, {self.size} m"
            )
        if abs(self.n_pixels * self.resolution - self.size) > 1e-6:
            raise UserError(
                f"workspace: size {self.size} m is not a whole number of pixels of "
                f"{1e3 * self.resolution:g} mm; the nearest that is: "
                f"{self.n_pixels * self.resolution:g} m"
            )
        if not self.z_max > 0:
            raise UserError(f"workspace: z_max is {self.z_max} m; it must be above 0")

    @property
    def n_pixels(self) -> int:
        """Pixels per side."""
        return round(self.size / self.resolution)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of a heightmap."""
        return self.n_pixels, self.n_pixels

    @property
    def center(self) -> tuple[float, float]:
        """(x, y) of the centre, m, world frame."""
        return self.x_min + self.size / 2, self.y_min + self.size / 2

    def to_xy(self, row: npt.ArrayLike, column: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Convert pixels to metres.

        Args:
            row: (...) pixel rows; fractions are allowed.
            column: (...) pixel columns.
        Returns:
            (..., 2) x and y of the pixels' centres, m, world frame.
        """
        x = self.x_min + (np.asarray(column, np.float64) + 0.5) * self.resolution
        y = self.y_min + (np.asarray(row, np.float64) + 0.5) * self.resolution
        return np.stack([x, y], axis=-1)

    def to_pixel(self, xy: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Convert metres to the pixel that contains the point; the inverse of `to_xy`.

        Args:
            xy: (..., 2) x and y, m, world frame.
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
        """Check which points lie in the workspace.

        Args:
            xy: (..., 2) m, world frame.
            margin: m by which to widen the square, or narrow it if negative.
        Returns:
            (...) bool.
        """
        offset = np.asarray(xy, np.float64) - np.array([self.x_min, self.y_min])
        return np.all((offset >= -margin) & (offset < self.size + margin), axis=-1)


@dataclass(frozen=True)
class WorkspaceFields:
    """A workspace as a file gives it: the table's height may be left out, its place may not."""

    x_min: float
    y_min: float
    size: float
    table_z: float = 0.0
    z_max: float = Workspace.z_max
    resolution: float = Workspace.resolution

    def check(self, where: str) -> Workspace:
        """Make the workspace.

        Args:
            where: file and place, for messages.
        Raises:
            UserError: the fields give an impossible workspace.
        """
        if self.resolution != _PIXEL:
            raise UserError(
                f"{where}: resolution is {self.resolution} m per pixel; the networks are trained "
                f"for {_PIXEL} m, so leave it out"
            )
        try:
            return Workspace(**dataclasses.asdict(self))
        except UserError as error:
            raise UserError(f"{where}: {error}") from error


def read_workspace(path: str | Path) -> Workspace:
    """Read a workspace from a JSON file, for example

        {"x_min": 0.276, "y_min": -0.224, "size": 0.448, "table_z": 0.0}

    Args:
        path: the file; lengths in metres, world frame. `table_z` (0) and `z_max` (0.4) may be
            left out.
    Raises:
        UserError: the file cannot be read, has an unknown or missing field, or gives an
            impossible workspace.
    """
    return from_json(WorkspaceFields, read_json(path), str(path)).check(str(path))
