"""How a simulated robot moves along a line: the way through its joints, and the timing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

FloatArray = npt.NDArray[np.float64]

ACCELERATION = 5.0  # m/s^2 of the tool


@dataclass(frozen=True, eq=False)
class JointPath:
    """A way through the joints that takes the tool along a straight line."""

    joints: FloatArray  # (N, n) joint positions, rad or m, from where it starts to where it ends
    shares: FloatArray  # (N,) how much of the line lies behind each, 0 to 1, increasing
    length: float  # m of the line

    def at(self, share: float) -> FloatArray:
        """Return the (n,) joint positions after a share of the line."""
        if len(self.shares) == 2:
            return self.joints[0] + (self.joints[1] - self.joints[0]) * share
        return self._spline(share)

    @cached_property
    def _spline(self) -> CubicSpline:
        return CubicSpline(self.shares, self.joints, bc_type="natural")

    def steepest(self) -> tuple[FloatArray, FloatArray]:
        """Return the largest first and second derivative of each joint by the share, (n,) each."""
        if len(self.shares) == 2:
            way = np.abs(self.joints[1] - self.joints[0])
            return way, np.zeros_like(way)
        fine = np.linspace(0, 1, 8 * len(self.shares))
        return np.abs(self._spline(fine, 1)).max(0), np.abs(self._spline(fine, 2)).max(0)


@dataclass(frozen=True)
class Timing:
    """Speed up evenly, cruise, brake evenly."""

    duration: float  # s
    ramp: float  # s of speeding up, and of braking

    def progress(self, t: float) -> float:
        """Return the share of the line covered at a time in s, 0 to 1."""
        cruise = 1.0 / (self.duration - self.ramp)
        if t < self.ramp:
            return 0.5 * cruise * t * t / self.ramp
        if t > self.duration - self.ramp:
            return 1.0 - 0.5 * cruise * max(self.duration - t, 0.0) ** 2 / self.ramp
        return cruise * (t - 0.5 * self.ramp)


def time_path(
    path: JointPath, speed: float, joint_speeds: FloatArray, joint_accelerations: FloatArray
) -> Timing:
    """Compute how long a path takes.

    Args:
        path: where to.
        speed: m/s of the tool that is not to be exceeded.
        joint_speeds: (n,) rad/s or m/s that no joint exceeds, whatever the tool's speed.
        joint_accelerations: (n,) rad/s^2 or m/s^2, likewise.
    """
    first, second = path.steepest()
    slowest = max(  # s at cruising speed; the root: too short a way to reach that
        path.length / speed,
        np.sqrt(path.length / ACCELERATION),
        float((first / joint_speeds).max()),
        1e-6,
    )
    ramp = min(speed / ACCELERATION, slowest)
    # At a share s of the line, q'' = d2q/ds2 s'^2 + dq/ds s''; slower by a factor, both fall.
    worst = second / slowest**2 + first / (slowest * ramp)
    slower = max(1.0, float(np.sqrt((worst / joint_accelerations).max())))
    return Timing(slower * (slowest + ramp), slower * ramp)


def half_turn(angle: float) -> float:
    """Return an angle modulo half a rotation, between -90 and 90 degrees, rad."""
    return float((angle + np.pi / 2) % np.pi - np.pi / 2)


def turn_to(yaw: float, now: float) -> float:
    """Return the angle nearest to the present one at which a symmetric jaw has a yaw, rad."""
    return now + half_turn(yaw - now)
