"""Scene lighting: one directional lamp and ambient light. No rendering library."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...errors import UserError

AMBIENT, DIFFUSE = 0.55, 0.45  # shares of a surface's colour; together 1, so nothing clips
DIRECTION = (-0.45, -0.30, 0.84)
"""Towards the lamp: up, and behind the default camera to its right, so that the three visible faces
of a block differ in brightness."""
LIGHT = np.array(DIRECTION) / np.linalg.norm(DIRECTION)


@dataclass(frozen=True)
class Lamp:
    """A directional lamp and ambient light, without shadows.

    Raises:
        UserError: the direction is zero, or a share or gain is negative.
    """

    direction: tuple[float, float, float] = DIRECTION
    """Towards the lamp, world frame, any length."""
    ambient: float = AMBIENT
    """Share of a surface's colour that shows whatever its orientation."""
    diffuse: float = DIFFUSE
    """Share added where the surface faces the lamp; nothing clips if `ambient` and this add up to
    at most 1."""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Gains of red, green and blue."""

    def __post_init__(self) -> None:
        if not np.linalg.norm(self.direction) > 0:
            raise UserError(f"light: direction is {self.direction}; it must not be zero")
        if min(self.ambient, self.diffuse, *self.tint) < 0:
            raise UserError(f"{self}: shares and gains must be 0 or more")

    @cached_property
    def towards(self) -> npt.NDArray[np.float64]:
        """Unit vector (3,) towards the lamp, world frame."""
        return np.array(self.direction) / np.linalg.norm(self.direction)

    def rotated(self, yaw: float) -> Lamp:
        """Return the light rotated about world z by an angle in rad; the same for 0."""
        if yaw == 0:
            return self
        x, y, z = self.direction
        c, s = float(np.cos(yaw)), float(np.sin(yaw))
        return dataclasses.replace(self, direction=(c * x - s * y, s * x + c * y, z))

    def shade(
        self, color: npt.NDArray[np.float64], normal: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Shade surfaces.

        Args:
            color: (N, 3) of the surfaces, 0 to 255.
            normal: (N, 3) outward unit normals, world frame.
        Returns:
            (N, 3), at most 255. Shading keeps a colour's direction in RGB space, apart from the
            tint and from channels that reach 255.
        """
        share = self.ambient + self.diffuse * np.maximum(normal @ self.towards, 0)
        return np.minimum(color * share[:, None] * self.tint, 255.0)
