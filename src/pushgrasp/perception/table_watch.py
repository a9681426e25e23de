"""Watches the table between the looks of an episode: a camera that was moved is noticed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from .heightmap import Heightmap

FEWEST = 0.05  # share of the map that must be bare table for it to be watched
STILL_SEEN = 0.1  # of the bare table of the look before; less means that cameras look elsewhere
MOVED_M = 0.006  # median distance of that table from its plane, with which something has moved
NOISE = 3.0  # likewise, as a multiple of what it was at the first look


class TableWatch:
    """Compares the table in each look with its place in the first one."""

    def __init__(self) -> None:
        self._bare: npt.NDArray[np.bool_] | None = None
        self._usual = 0.0  # m, median distance from the plane at the first look

    def check(
        self, heightmap: Heightmap, raised: npt.NDArray[np.bool_], *, obscured: bool = False
    ) -> None:
        """Check that what was bare table in the look before is still level.

        An action covers some of it with objects, but not half.

        Args:
            heightmap: of this look, m above the table's plane.
            raised: (H, W) where it shows objects.
            obscured: a camera is known to have little depth now, and that has been said.
        Raises:
            UserError: the table is elsewhere, or hardly to be seen.
        """
        bare = heightmap.seen & ~raised
        before, self._bare = self._bare, bare
        if before is None:
            self._usual = _distance(heightmap, bare)
            return
        if before.mean() < FEWEST:
            return
        still = before & heightmap.seen
        share = still.sum() / before.sum()
        if share < STILL_SEEN:
            if obscured:
                return
            raise UserError(
                f"only {share:.0%} of the table that the look before showed is still seen: has a "
                "camera been moved, or its pose, its depth unit or its picture changed?"
            )
        away = _distance(heightmap, still)
        if away > max(MOVED_M, NOISE * self._usual):
            middle = float(np.median(heightmap.height[still]))
            where = f"{1e3 * abs(middle):.0f} mm {'higher' if middle > 0 else 'lower'}"
            raise UserError(
                f"the table now seems {where} than at the first look, {1e3 * away:.0f} mm off its "
                "plane at the median: a camera or the table has been moved, or a pose has changed. "
                "Calibrate, and start again"
            )


def _distance(heightmap: Heightmap, cells: npt.NDArray[np.bool_]) -> float:
    """Return the median distance (m) of some cells from the table's plane; 0 without cells."""
    return float(np.median(np.abs(heightmap.height[cells]))) if cells.any() else 0.0
