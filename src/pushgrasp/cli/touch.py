"""`pushgrasp touch`: go where the camera says, and feel whether it is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from ..errors import UserError
from .check import StationFile

if TYPE_CHECKING:
    from ..hardware.connect import Connected
    from ..hardware.station import Station
    from ..perception.heightmap import Heightmap

HOVER = 0.05  # m above what is seen
BELOW = 0.010  # m under what is seen at which a touch has missed
GUARD = 15.0  # N


@dataclass(frozen=True, kw_only=True)
class TouchCommand:
    """Touch places with the closed fingers, and compare the contacts with what the camera sees.

    Put a few flat things into the workspace. The fingers hover over each place, and go down slowly
    until they touch. Three touches far apart tell whether heights are right everywhere.

    Examples:
      pushgrasp touch station.json
      pushgrasp touch station.json --at -0.5 0.0 --at -0.4 0.1
    """

    station: tyro.conf.Positional[StationFile]
    """Station file."""
    at: Annotated[
        tuple[tuple[float, float], ...],
        tyro.conf.UseAppendAction,
        tyro.conf.arg(metavar="X Y", help_behavior_hint="(default: the highest places)"),
    ] = ()
    """Place in m, world frame; may be given several times."""
    confirm: bool = True
    """Wait for a yes before each touch."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..hardware.connect import connect
        from ..hardware.station import read_station
        from ..perception.perceive import Perception
        from ..retrieve import look
        from .station_episode import stop_once

        station = read_station(self.station)
        with connect(station) as there, stop_once():
            there.robot.begin()
            there.robot.home()
            observation, _ = look(list(there.cameras), Perception(None, station.workspace))
            heightmap = observation.heightmap
            misses = [
                self._touch(there, station, heightmap, xy)
                for xy in self.at or highest_places(heightmap)
            ]
            there.robot.home()
        told = [m for m in misses if m is not None]
        if told:
            worst = max(told, key=abs)
            print(
                f"{len(told)} touches; contact was at most {1e3 * worst:+.1f} mm from what is seen"
            )
        return 0

    def _touch(
        self, there: Connected, station: Station, heightmap: Heightmap, xy: tuple[float, float]
    ) -> float | None:
        """Touch one place; returns m from what is seen up to the contact, None without one."""
        import numpy as np

        from ..interfaces import MoveJaw, MoveTo

        x, y = xy
        row, column = station.workspace.to_pixel(xy)
        patch = heightmap.height[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]
        if not station.workspace.contains(xy) or not np.isfinite(patch).any():
            raise UserError(f"--at {x} {y}: no camera sees that place in the workspace")
        z = float(np.nanmedian(patch)) + station.workspace.table_z
        print(f"({x:.3f}, {y:.3f}) m: seen at {1e3 * z:.1f} mm", flush=True)
        if self.confirm and input("  y to touch it > ").strip().lower() not in ("y", "yes"):
            return None
        lowest = max(z - BELOW, station.fence.low[2])
        there.robot.execute(MoveTo((x, y, station.travel_height), 0.0, 0.1))
        there.robot.execute(MoveJaw(0.0, 10.0))
        there.robot.execute(MoveTo((x, y, z + HOVER), 0.0, 0.1, guard_force=GUARD))
        report = there.robot.execute(MoveTo((x, y, lowest), 0.0, 0.02, guard_force=GUARD))
        there.robot.execute(MoveTo((x, y, station.travel_height), 0.0, 0.1))
        if not report.stopped_by_contact:
            print(f"  no contact down to {1e3 * lowest:.1f} mm ({report.reason or 'reached'})")
            return None
        miss = report.position[2] - z
        print(f"  contact at {1e3 * report.position[2]:.1f} mm: {1e3 * miss:+.1f} mm", flush=True)
        return miss


def highest_places(
    heightmap: Heightmap, n: int = 3, apart: float = 0.08
) -> list[tuple[float, float]]:
    """Choose high flat places, some way apart.

    Args:
        heightmap: what is seen.
        n: the most.
        apart: m between two of them.
    Returns:
        x and y, m, world frame.
    Raises:
        UserError: there is nothing in the workspace that stands out of the table.
    """
    import cv2
    import numpy as np

    height = np.nan_to_num(heightmap.height)
    kernel = np.ones((9, 9), np.uint8)
    flat = cv2.erode(height, kernel)  # what stands as high all around
    flat[cv2.dilate(height, kernel) - flat > 0.004] = 0.0
    found: list[tuple[float, float]] = []
    for index in np.argsort(flat, axis=None)[::-1]:
        row, column = np.unravel_index(index, flat.shape)
        if flat[row, column] < 0.015 or len(found) == n:
            break
        x, y = (float(v) for v in heightmap.workspace.to_xy(row, column))
        if all(np.hypot(x - a, y - b) > apart for a, b in found):
            found.append((x, y))
    if not found:
        raise UserError("nothing flat stands in the workspace: put some blocks there, or give --at")
    return found
