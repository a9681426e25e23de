"""Devices that do what they are told, at once, and remember it."""

from __future__ import annotations

from typing import Any

import numpy as np

from pushgrasp.hardware.devices import ArmState, FloatArray
from pushgrasp.hardware.robot import upright
from pushgrasp.interfaces import GripperSpec

SHARED: dict[str, Any] = {}
"""What devices that are made from a file and their tests share; such a file is loaded twice."""


class FakeArm:
    name = "fake"

    def __init__(self, T_base_tool: FloatArray | None = None) -> None:
        self.T = upright((0.5, 0.0, 0.3), 0.0) if T_base_tool is None else T_base_tool
        self.targets: list[FloatArray] = []
        self.speeds: list[float] = []
        self.guards: list[float] = []
        self.floor = -np.inf  # m, base frame: where the tool meets something
        self.stops = 0
        self.is_closed = False

    def state(self) -> ArmState:
        return ArmState(self.T.copy(), np.zeros(6), np.zeros(3), float(len(self.targets)))

    def move(self, T_base_tool: FloatArray, speed: float, guard_force: float) -> bool:
        self.targets.append(T_base_tool.copy())
        self.speeds.append(speed)
        self.guards.append(guard_force)
        self.T = T_base_tool.copy()
        if self.T[2, 3] < self.floor:
            self.T[2, 3] = self.floor
            return True
        return False

    def stop(self) -> None:
        self.stops += 1

    def close(self) -> None:
        self.is_closed = True


class FakeJaw:
    def __init__(self, thing: float = 0.0) -> None:
        self.gripper = GripperSpec()
        self.thing = thing  # m, what lies between the pads
        self.at = self.gripper.max_width
        self.openings: list[float] = []
        self.forces: list[float] = []
        self.is_closed = False

    def width(self) -> float:
        return self.at

    def open(self, width: float) -> bool:
        self.openings.append(width)
        self.at = width
        return True

    def grip(self, width: float, force: float) -> bool:
        self.forces.append(force)
        self.at = max(width, self.thing)
        return self.thing > width

    def stop(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True
