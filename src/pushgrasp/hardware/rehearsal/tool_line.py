"""Timing of a rehearsed arm's straight line: speeds up, cruises, brakes where told to."""

from __future__ import annotations

import numpy as np

from ...sim.robots.motion import JointPath
from ..devices import FloatArray

TURN_SPEED = 0.8  # rad/s of the tool at most
TURN_ACCELERATION = 4.0  # rad/s^2


class ToolLine:
    """A motion along a planned path, advanced step by step.

    Args:
        path: through the joints, straight for the tool.
        angle: rad by which the tool turns on the way.
        speed: m/s of the tool at most.
        acceleration: m/s^2, for speeding up and for arriving.
        joint_speeds: (n,) rad/s that no joint exceeds.
    """

    def __init__(
        self,
        path: JointPath,
        angle: float,
        speed: float,
        acceleration: float,
        joint_speeds: FloatArray,
    ) -> None:
        self._path = path
        # All in shares of the line per second, so that a turn on the spot is a line too.
        length, angle = max(path.length, 1e-6), max(abs(angle), 1e-6)
        steepest = float((path.steepest()[0] / joint_speeds).max())
        self._cruise = min(speed / length, TURN_SPEED / angle, 1.0 / max(steepest, 1e-6))
        self._gain = min(acceleration / length, TURN_ACCELERATION / angle)
        self._length = length
        self._brake: float | None = None  # 1/s^2, once it is told to stop
        self._share = self._rate = 0.0

    @property
    def is_over(self) -> bool:
        """True once the arm has arrived, or has braked to rest."""
        return self._share >= 1.0 or (self._brake is not None and self._rate <= 0.0)

    def brake(self, deceleration: float) -> None:
        """Begin to stop on the line, in m/s^2; once it brakes, it keeps to that."""
        if self._brake is None:
            self._brake = max(deceleration / self._length, self._gain)

    def advance(self, seconds: float) -> FloatArray:
        """Let time pass; returns the (n,) joint set-points."""
        if self._brake is not None:
            self._rate = max(0.0, self._rate - self._brake * seconds)
        else:
            arriving = np.sqrt(2 * self._gain * max(1.0 - self._share, 0.0))
            self._rate = min(self._rate + self._gain * seconds, self._cruise, arriving)
        step = self._rate * seconds
        if self._brake is None and 1.0 - self._share <= max(step, 1e-5):
            self._share = 1.0
        else:
            self._share = min(self._share + step, 1.0)
        return self._path.at(self._share)
