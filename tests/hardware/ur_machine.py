"""A UR controller in a process of its own: a point that moves in lines over a hard floor.

Reads words from stdin (freeze, protective, die, report) and answers report with a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

import numpy as np

from pushgrasp.hardware.rehearsal.rtde import RtdeController, Vector

FLOOR, STIFFNESS = 0.10, 5e3  # m, N/m


class Point:
    def __init__(self) -> None:
        self.at = np.array([0.4, 0.0, 0.3, 0.0, 0.0, 0.0])
        self.goal: Vector | None = None
        self.speed = self.cap = 0.0
        self.acceleration = 0.5
        self.tare = np.zeros(6)
        self.blind = False
        self.moved: list[tuple[float, float]] = []  # (s, m/s)

    def advance(self, seconds: float) -> None:
        if self.goal is not None:
            way = self.goal[:3] - self.at[:3]
            left = float(np.linalg.norm(way))
            brake = np.sqrt(2 * self.acceleration * left)
            self.speed = min(self.speed + self.acceleration * seconds, self.cap, brake)
            step = self.speed * seconds
            if left <= max(step, 1e-5):
                self.at, self.goal, self.speed = self.goal.copy(), None, 0.0
            else:
                self.at[:3] += way / left * step
        self.moved.append((time.monotonic(), self.speed))

    def move_line(self, pose: Vector, speed: float, acceleration: float) -> None:
        self.goal, self.cap, self.acceleration = pose.copy(), speed, acceleration

    def stop(self, deceleration: float) -> None:
        self.goal, self.speed = None, 0.0

    def is_moving(self) -> bool:
        return self.goal is not None

    def hear(self, connected: bool) -> None:
        pass

    def fault(self) -> str:
        return ""

    def zero_force(self) -> None:
        self.tare = self._raw()

    def _raw(self) -> Vector:
        pressed = max(0.0, FLOOR - self.at[2])
        drift = 12.0  # N, of a sensor before its tare
        return np.array([3.0, 0, drift + STIFFNESS * pressed, 0, 0, 0])

    def pose(self) -> Vector:
        return self.at

    def joints(self) -> Vector:
        return np.zeros(6)

    def force(self) -> Vector:
        return np.full(6, np.nan) if self.blind else self._raw() - self.tare


def main() -> None:
    point = Point()
    controller = RtdeController(point, sys.argv[1])
    running = True

    def listen() -> None:
        nonlocal running
        for line in sys.stdin:
            word = line.strip()
            if word == "freeze":
                controller.frozen = True
            elif word == "protective":
                controller.protective_stop()
            elif word.startswith("mode"):
                controller.protective_stop(int(word.split()[1]))
            elif word == "nan":
                point.blind = True
            elif word == "die":
                os._exit(0)
            elif word == "report":
                at = [t for t, v in point.moved if v > 0]
                last = at[-1] if at else 0.0
                said = {"z": point.at[2], "asked": controller.fastest, "last_motion": last,
                        "fastest": max((v for _, v in point.moved), default=0.0),
                        "moving": point.is_moving(), "now": time.monotonic()}  # fmt: skip
                print(json.dumps(said), flush=True)
        running = False

    threading.Thread(target=listen, daemon=True).start()
    print("ready", flush=True)
    controller.serve(lambda: running)


if __name__ == "__main__":
    main()
