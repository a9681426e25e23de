"""The box that the tool must not leave, checked before every motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import UserError

MIN_HEIGHT = 0.001  # m above the table that the finger tips keep, whatever was asked for


@dataclass(frozen=True)
class Fence:
    """An upright box in the world frame. The tool's tips stay inside it, on straight lines.

    The box is convex: a line between two points inside it never leaves it.

    Raises:
        UserError: the box is empty, or a bound is not a number.
    """

    low: tuple[float, float, float]  # m, world frame
    high: tuple[float, float, float]  # m, world frame

    def __post_init__(self) -> None:
        low, high = np.array(self.low), np.array(self.high)
        if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
            raise UserError(
                f"the fence from {self.low} to {self.high} m is empty; every lower bound must be "
                "below the upper one"
            )

    def refuses(self, position: npt.ArrayLike) -> str:
        """Say why the tool may not go to a place.

        Args:
            position: (3,) m, world frame, of the finger tips.
        Returns:
            The reason; "" if it may.
        """
        point = np.asarray(position, np.float64)
        if point.shape != (3,) or not np.isfinite(point).all():
            return f"{np.asarray(position).tolist()} is not a position"
        for axis, value, low, high in zip("xyz", point, self.low, self.high, strict=True):
            if not low <= value <= high:
                where = "below" if value < low else "above"
                bound = low if value < low else high
                return (
                    f"({point[0]:.3f}, {point[1]:.3f}, {point[2]:.3f}) m is outside the fence: "
                    f"{axis} is {abs(value - bound) * 1e3:.0f} mm {where} {bound:.3f} m"
                )
        return ""
