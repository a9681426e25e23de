"""How far forces rise past a guard: the ground truth of each motion beside its guard."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..devices import Arm, ArmState, FloatArray
from .launch import Rehearsal

PRESS_MORE = 10.0  # N that the drivers allow on top of what the arm presses with at the start


@dataclass(frozen=True)
class Stop:
    """A motion that its guard ended."""

    guard: float  # N of change since the tare
    speed: float  # m/s
    felt: float  # N, the largest change that a wrist sensor feels
    peak: float  # N, the largest change in the cell, with the impact of rigid bodies

    @property
    def overshoot(self) -> float:
        """N that the sensor feels past the guard."""
        return self.felt - self.guard


@dataclass
class MeasuredArm:
    """An arm whose motions are compared with the cell's ground truth; otherwise the same.

    Args:
        arm: the driver's.
        cell: behind its protocol.
    """

    arm: Arm
    cell: Rehearsal
    stops: list[Stop] = field(default_factory=list)
    name: str = field(init=False)
    _pressed: bool = False  # the last motion ended in contact: no tare before the next

    def __post_init__(self) -> None:
        self.name = self.arm.name

    def state(self) -> ArmState:
        """See `Arm.state`."""
        return self.arm.state()

    def move(self, T_base_tool: FloatArray, speed: float, guard_force: float) -> bool:
        """See `Arm.move`."""
        guard = guard_force
        if self._pressed:
            guard = max(guard, self.cell.report()["peak_felt"] + PRESS_MORE)
        else:
            self.cell.tell("mark")
        contact = self.arm.move(T_base_tool, speed, guard_force)
        if contact:
            said = self.cell.report()
            self.stops.append(Stop(guard, speed, said["peak_felt"], said["peak_force"]))
        self._pressed = contact
        return contact

    def stop(self) -> None:
        """See `Arm.stop`."""
        self.arm.stop()

    def close(self) -> None:
        """See `Arm.close`."""
        self.arm.close()
