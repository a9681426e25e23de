"""Devices for station files, FILE.py:CLASS: they write down what they were told.

An arm's address is the file to write to; words after a # in it are faults.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from fakes import FakeArm, FakeJaw

from pushgrasp.errors import RobotError
from pushgrasp.hardware.devices import ArmState, FloatArray
from pushgrasp.hardware.robot import upright
from pushgrasp.hardware.station import ArmConfig, CameraConfig, JawConfig
from pushgrasp.interfaces import Region, RGBDFrame
from pushgrasp.perception.camera_file import CameraSpec

BLOCK = ((-0.55, -0.02), (-0.50, 0.03), 0.04)  # m: corners and height of the red block
OTHER = ((-0.45, 0.08), (-0.40, 0.13), 0.04)  # of the green one


class Arm(FakeArm):
    def __init__(self, config: ArmConfig) -> None:
        path, *self.faults = config.address.split("#")
        self.path = Path(path)
        if "dead" in self.faults:
            raise RobotError("the arm does not answer; switch it on")
        at = {"outside": (0.0, 0.0, 0.3), "low": (-0.5, 0.0, 0.1)}
        place = next((at[f] for f in self.faults if f in at), (-0.5, 0.46, 0.25))
        T = upright(place, 0.0)
        if "tilted" in self.faults:
            T[:3, :3] = np.array([[0.8, 0, 0.6], [0, 1, 0], [-0.6, 0, 0.8]])
        super().__init__(T)
        if "floor" in self.faults:  # contact comes 3 mm above the blocks that the camera sees
            self.floor = BLOCK[2] + 0.003

    def state(self) -> ArmState:
        force = np.array([0, 0, 25.0 if "heavy" in self.faults else 1.0])
        return ArmState(self.T.copy(), np.zeros(6), force, float(len(self.targets)))

    def move(self, T_base_tool: FloatArray, speed: float, guard_force: float) -> bool:
        with self.path.open("a") as file:
            file.write(json.dumps({"to": T_base_tool[:3, 3].tolist(), "speed": speed}) + "\n")
        return super().move(T_base_tool, speed, guard_force)


class Jaw(FakeJaw):
    def __init__(self, config: JawConfig) -> None:
        super().__init__(thing=0.05)
        if config.address == "lost":
            self.at = 0.4


class Camera:
    """Sees a table with two blocks; the source is the table's height in mm, or nothing."""

    def __init__(self, config: CameraConfig, spec: CameraSpec) -> None:
        self.intrinsics, self.T_world_camera = spec.intrinsics, spec.T_world_camera
        height, _, later = config.source.partition(",")
        self.table = float(height or 0) / 1e3
        self.later = float(later) / 1e3 if later else None  # m, from the fourth picture on
        self.n = 0

    def capture(self, region: Region | None = None) -> RGBDFrame:
        self.n += 1
        if self.later is not None and self.n > 3:
            self.table = self.later
        k, T = self.intrinsics, self.T_world_camera
        u, v = np.meshgrid(np.arange(k.width), np.arange(k.height))
        rays = np.stack([(u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones(u.shape)], -1)
        rays = rays @ T[:3, :3].T
        depth, color = (self.table - T[2, 3]) / rays[..., 2], np.full((*u.shape, 3), 90, np.uint8)
        for (low, high, top), rgb in ((BLOCK, (220, 30, 30)), (OTHER, (30, 160, 60))):
            there = (self.table + top - T[2, 3]) / rays[..., 2]
            at = T[:3, 3] + rays * there[..., None]
            on = ((at[..., :2] > low) & (at[..., :2] < high)).all(-1)
            depth[on], color[on] = there[on], rgb
        return RGBDFrame(color, depth.astype(np.float32), k, T)
