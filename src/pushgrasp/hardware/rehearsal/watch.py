"""What happened in a rehearsed cell, by the ground truth: speeds, forces, places, lost grips."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    fastest_since: float = 0.0  # m/s since `mark`
    worst_force: float = 0.0  # N on the hand, as no sensor smooths it: impacts of rigid bodies too
    worst_felt: float = 0.0  # N on the hand, as a wrist sensor smooths it
    peak_force: float = 0.0  # N of change since `mark`, not smoothed
    peak_felt: float = 0.0  # N, the same smoothed
    low: FloatArray | None = None  # m, lowest x, y, z of the finger tips
    high: FloatArray | None = None  # m
    opened_holding: int = 0  # times that the jaw opened with something in it, away from the bin
    moved_at: float = 0.0  # s of simulated time, the last motion

    _last: tuple[float, FloatArray, float] | None = None
    _felt: FloatArray = field(default_factory=lambda: np.zeros(3))
    _zero: FloatArray = field(default_factory=lambda: np.zeros(3))
    _speed: float = 0.0
    _held: bool = False

    def mark(self) -> None:
        """Measure speed and peaks from now on, and forces from the present one."""
        self.fastest_since = 0.0
        self._zero, self.peak_force, self.peak_felt = self._felt, 0.0, 0.0

    def feel(self, force: FloatArray, felt: FloatArray) -> None:
        """Take note of the (3,) force in N on the hand, true and smoothed; at every time step."""
        self._felt = felt
        self.worst_force = max(self.worst_force, float(np.linalg.norm(force)))
        self.worst_felt = max(self.worst_felt, float(np.linalg.norm(felt)))
        self.peak_force = max(self.peak_force, float(np.linalg.norm(force - self._zero)))
        self.peak_felt = max(self.peak_felt, float(np.linalg.norm(felt - self._zero)))

    def see(self, now: Seen, over_bin: bool = False) -> None:
        """Take note of a moment."""
        time = float(self.world.data.time)
        position = now.position
        self.low = position if self.low is None else np.minimum(self.low, position)
        self.high = position if self.high is None else np.maximum(self.high, position)
        if self._last is not None and time > self._last[0]:
            speed = float(np.linalg.norm(position - self._last[1])) / (time - self._last[0])
            self._speed += _SMOOTH * (speed - self._speed)
            self.fastest = max(self.fastest, self._speed)
            self.fastest_since = max(self.fastest_since, self._speed)
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
            "fastest_since": self.fastest_since,
            "worst_force": self.worst_force,
            "worst_felt": self.worst_felt,
            "peak_force": self.peak_force,
            "peak_felt": self.peak_felt,
            "low": [] if self.low is None else self.low.tolist(),
            "high": [] if self.high is None else self.high.tolist(),
            "opened_holding": self.opened_holding,
            "holding": self._held,
            "moving": self._speed > AT_REST,
            "time": float(self.world.data.time),
            "moved_at": self.moved_at,
        }
