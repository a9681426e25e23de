"""What a driver must offer: an arm that moves its tool in guarded lines, and a parallel jaw.

Drivers speak in the arm's base frame and know nothing of tables, fences or caps; `robot.py` adds
those, so that every arm and every jaw gets the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..interfaces import GripperSpec

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ArmState:
    """What an arm's controller says of itself at one moment."""

    T_base_tool: FloatArray  # (4, 4), tool frame as in `interfaces.GripperSpec`: z up, x closing
    joints: FloatArray  # (n,) rad
    force: FloatArray  # (3,) N on the tool beyond its own weight, base frame, not tared
    stamp: float  # s, the controller's clock; a state that stops advancing is stale


class Arm(Protocol):
    """An arm behind its maker's controller.

    All methods raise RobotError, with the person's next step, if the controller has stopped,
    does not answer within a second, or is in a mode in which it cannot move.
    """

    name: str

    def state(self) -> ArmState:
        """Return the newest state, never older than 0.2 s."""
        ...

    def move(self, T_base_tool: FloatArray, speed: float, guard_force: float) -> bool:
        """Move the tool in a straight line; block until the arm is at rest again.

        The force sensor is tared before the motion starts, at rest; not after a motion that the
        guard stopped, since the arm still presses on something and must be free to leave it.

        Args:
            T_base_tool: (4, 4) where to.
            speed: m/s along the line.
            guard_force: N of change since the tare at which to stop.
        Returns:
            True if the guard stopped it. A motion that `stop` ended returns False, short of its
            goal.
        """
        ...

    def stop(self) -> None:
        """Stop within 0.3 s and stay; may be called from any thread, at any time, repeatedly."""
        ...

    def close(self) -> None:
        """End the connection; the arm stays where it is."""
        ...


class Jaw(Protocol):
    """A parallel jaw. It never opens by itself, and not on an error."""

    gripper: GripperSpec

    def width(self) -> float:
        """Return m between the pads."""
        ...

    def open(self, width: float) -> bool:
        """Open to a width in m, block, and return whether it got there."""
        ...

    def grip(self, width: float, force: float) -> bool:
        """Close until something stops the jaw, or to a width, and keep pressing.

        Args:
            width: m at which to stop if nothing was met before.
            force: N.
        Returns:
            True if something stopped it wider than `width`.
        """
        ...

    def stop(self) -> None:
        """Stop moving; what is held stays held. Safe from any thread."""
        ...

    def close(self) -> None:
        """End the connection; the jaw stays as it is."""
        ...
