"""What happened in a rehearsed cell, by the ground truth: speeds, forces, places, lost grips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...sim.world import World
from ..devices import FloatArray

AT_REST = 0.002  # m/s
_SMOOTH = 0.2  # weight of the newest speed in its low-pass


class Seen(Protocol):
    """What is watched of a snapshot."""

    @property
    def position(self) -> FloatArray:
        """(3,) m, finger tips, world frame."""
        ...

    @property
    def force(self) -> FloatArray:
        """(3,) N on the hand."""
        ...

    @property
    def width(self) -> float:
        """m between the pads."""
        ...


@dataclass
class Watch:
    """Extremes since the start; one for each cell.

    Args:
        world: its clock and who holds what.
    """

    world: World
    fastest: float = 0.0  # m/s of the finger tips
    worst_force: float = 0.0  # N
    low: FloatArray | None = None  # m, lowest x, y, z of the finger tips
    high: FloatArray | None = None  # m
    opened_holding: int = 0  # times that the jaw opened with something in it, away from the bin
    moved_at: float = 0.0  # s of simulated time, the last motion

    _last: tuple[float, FloatArray, float] | None = None
    _speed: float = 0.0
    _held: bool = False

    def see(self, now: Seen, over_bin: bool = False) -> None:
        """Take note of a moment."""
        time = float(self.world.data.time)
        position = now.position
        self.worst_force = max(self.worst_force, float(np.linalg.norm(now.force)))
        self.low = position if self.low is None else np.minimum(self.low, position)
        self.high = position if self.high is None else np.maximum(self.high, position)
        if self._last is not None and time > self._last[0]:
            speed = float(np.linalg.norm(position - self._last[1])) / (time - self._last[0])
            self._speed += _SMOOTH * (speed - self._speed)
            self.fastest = max(self.fastest, self._speed)
            if self._speed > AT_REST:
                self.moved_at = time
            if self._held and now.width > self._last[2] + 0.003 and not over_bin:
                self.opened_holding += 1
        self._held = bool(self.world.held())
        self._last = time, position.copy(), now.width

    def report(self) -> dict[str, Any]:
        """Return what was seen, as JSON values."""
        return {
            "fastest": self.fastest,
            "worst_force": self.worst_force,
            "low": [] if self.low is None else self.low.tolist(),
            "high": [] if self.high is None else self.high.tolist(),
            "opened_holding": self.opened_holding,
            "holding": self._held,
            "moving": self._speed > AT_REST,
            "time": float(self.world.data.time),
            "moved_at": self.moved_at,
        }
