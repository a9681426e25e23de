"""The work cell: where robot, bin, camera and tote stand around a workspace.

Positions are given for the standard workspace, the ancestors'; `Cell.place` moves them to any
other. The robot stands on the side of the world's origin, which is the robot's base frame in most
labs: at positive x the whole cell is rotated by half a turn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..perception.camera_file import look_at
from ..perception.colors import parse_color
from ..workspace import Workspace

HOME = (-0.5, 0.46, 0.25)  # m, tool over the bin, beside the workspace and out of the camera's view
GANTRY_RANGE = ((-0.95, -0.05), (-0.45, 0.60), (0.0, 0.60))  # m of x, y, z; short of the post
_CAMERA = 0.5  # m, the camera's distance from the centre, back and up alike (the ancestors' view)
_POST_BEHIND, _POST_ABOVE = 0.05, 0.02  # m, the camera's post from the camera
_PARKING, _PARKING_STEP = (3.0, 0.0, 0.2), 0.3  # m, first object that left the scene, and the next

_STANDARD = Workspace()

Point = tuple[float, float, float]
Box = tuple[Point, Point]  # m: centre, world frame, and half-extents along the axes


@dataclass(frozen=True)
class Tote:
    """Four walls on the table around the workspace's centre; the table is the floor.

    Raises:
        UserError: a size that no tote has; the message names it.
    """

    inner: tuple[float, float] = (0.40, 0.40)
    """m inside the walls, along x and y."""
    height: float = 0.10
    """m of the walls above the table; raised objects pass over them."""
    thickness: float = 0.005
    """m of the walls."""
    color: str = "#7d8288"
    """Name or #rrggbb."""

    def __post_init__(self) -> None:
        limits = {
            "inner": (0.15, 0.6, *self.inner),
            "height": (0.01, 0.15, self.height),
            "thickness": (0.001, 0.03, self.thickness),
        }
        for name, (low, high, *values) in limits.items():
            if not all(low <= value <= high for value in values):
                raise UserError(
                    f"tote: {name} is {getattr(self, name)} m; it must be {low} to {high} m"
                )
        parse_color(self.color)


@dataclass(frozen=True)
class Cell:
    """A workspace and what stands around it. All poses and points are in the world frame."""

    workspace: Workspace = field(default_factory=Workspace)
    tote: Tote | None = None
    home_at: Point | None = None
    """m: tool at home, over the bin; None: beside the workspace."""
    present_at: Point | None = None
    """m: tool where it shows what it holds; None: over the workspace's centre."""

    @property
    def yaw(self) -> float:
        """Rotation of the cell about world z, rad: 0, or pi for a workspace at positive x."""
        return math.pi if self.workspace.center[0] > 0 else 0.0

    @property
    def wider(self) -> float:
        """m by which each side of the workspace lies further out than the standard one's; or 0."""
        return max(0.0, (self.workspace.size - _STANDARD.size) / 2)

    def place(self, point: Point) -> Point:
        """Move a point (m) of the standard cell to this one."""
        (x, y, z), (cx, cy), (sx, sy) = point, self.workspace.center, _STANDARD.center
        if self.yaw:
            x, y = cx - (x - sx), cy - (y - sy)
        else:  # for the standard workspace exactly the same numbers
            x, y = x + (cx - sx), y + (cy - sy)
        return x, y, z + self.workspace.table_z

    def standard(self, point: Point) -> Point:
        """Move a point (m) of this cell to the standard one; the inverse of `place`."""
        (x, y, z), (cx, cy), (sx, sy) = point, self.workspace.center, _STANDARD.center
        dx, dy = (cx - x, cy - y) if self.yaw else (x - cx, y - cy)
        return sx + dx, sy + dy, z - self.workspace.table_z

    @property
    def home(self) -> Point:
        """Tool position at home, over the bin."""
        if self.home_at is not None:
            return self.home_at
        x, y, z = HOME
        return self.place((x, y + self.wider, z))

    @property
    def gantry_range(self) -> npt.NDArray[np.float64]:
        """(3, 2) lowest and highest x, y, z of the gantry's tool."""
        low, high = np.transpose(GANTRY_RANGE)
        reach = np.array([self.wider, self.wider, 0.0])
        corners = [self.place((x, y, z)) for x, y, z in (low - reach, high + reach)]
        return np.sort(np.transpose(corners), axis=1)

    @property
    def camera_pose(self) -> npt.NDArray[np.float64]:
        """(4, 4) T_world_camera of the default camera: the ancestors' view, from further away for a
        larger workspace."""
        x, y = _STANDARD.center
        away = self._camera_distance
        return look_at(self.place((x - away, y, away)), self.place((x, y, 0.0)))

    @property
    def post(self) -> tuple[Point, Point]:
        """Foot and top of the default camera's post, which stands behind the camera."""
        x, y = _STANDARD.center
        away = self._camera_distance
        x = x - away - _POST_BEHIND
        return self.place((x, y, 0.0)), self.place((x, y, away + _POST_ABOVE))

    @property
    def walls(self) -> list[Box]:
        """Centres and half-extents of the tote's walls; none without a tote."""
        if self.tote is None:
            return []
        (cx, cy), half = self.workspace.center, self.tote.thickness / 2
        x, y = (side / 2 + half for side in self.tote.inner)
        rise = self.tote.height / 2
        z = self.workspace.table_z + rise
        return [((cx + s * x, cy, z), (half, y + half, rise)) for s in (-1, 1)] + [
            ((cx, cy + s * y, z), (x - half, half, rise)) for s in (-1, 1)
        ]

    def parking(self, i: int) -> Point:
        """Return where object i is parked while it is not part of the scene."""
        x, y, z = _PARKING
        return self.place((x + _PARKING_STEP * i, y, z))

    def has_room_for(self, xy: npt.ArrayLike, edge: float, radius: float = 0.0) -> bool:
        """Check that a point lies in the workspace, and a circle around it between the walls.

        Args:
            xy: (2,) m, world frame.
            edge: m that the point keeps from the workspace's edge.
            radius: m of the circle.
        """
        inside = bool(self.workspace.contains(xy, margin=-edge))
        if self.tote is None:
            return inside
        offset = np.abs(np.subtract(xy, self.workspace.center))
        return inside and bool((2 * (offset + radius) <= self.tote.inner).all())

    @property
    def _camera_distance(self) -> float:
        return _CAMERA * max(1.0, self.workspace.size / _STANDARD.size)
