"""Light on the table: one far lamp and what comes from all sides. No rendering library."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...errors import UserError

AMBIENT, DIFFUSE = 0.55, 0.45  # share of a surface's colour; together 1, so that nothing clips
DIRECTION = (-0.45, -0.30, 0.84)
"""Towards the lamp: up, and behind the default camera to its right; the three faces that the
camera sees of a block then differ in brightness."""
LIGHT = np.array(DIRECTION) / np.linalg.norm(DIRECTION)


@dataclass(frozen=True)
class Light:
    """A lamp far away, and light from everywhere; no shadows.

    Raises:
        UserError: a direction of no length, or a negative share or gain.
    """

    direction: tuple[float, float, float] = DIRECTION
    """Towards the lamp, world frame, of any length."""
    ambient: float = AMBIENT
    """Share of a surface's colour that shows in any orientation."""
    diffuse: float = DIFFUSE
    """Share added where the surface faces the lamp; with `ambient` at most 1, nothing clips."""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Gains of red, green and blue."""

    def __post_init__(self) -> None:
        if not np.linalg.norm(self.direction) > 0:
            raise UserError(f"a light from {self.direction}: a direction has a length")
        if min(self.ambient, self.diffuse, *self.tint) < 0:
            raise UserError(f"{self}: shares and gains are 0 or more")

    @cached_property
    def towards(self) -> npt.NDArray[np.float64]:
        """(3,) unit vector towards the lamp, world frame."""
        return np.array(self.direction) / np.linalg.norm(self.direction)

    def shade(
        self, color: npt.NDArray[np.float64], normal: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """The colours that surfaces show in this light.

        Args:
            color: (N, 3) of the surfaces, 0 to 255.
            normal: (N, 3) unit vectors out of them, world frame.
        Returns:
            (N, 3), at most 255. Every surface keeps the direction of its colour in RGB space,
            but for the tint and where a channel reaches 255.
        """
        share = self.ambient + self.diffuse * np.maximum(normal @ self.towards, 0)
        return np.minimum(color * share[:, None] * self.tint, 255.0)
