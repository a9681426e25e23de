"""Station files to begin with, commented, one per kind of robot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import UserError
from ..utils.files import write_json
from .station import FORMAT, VERSION

_COMMON: dict[str, Any] = {
    "// T_world_base": "pose of the arm's base in the world frame, whose z = 0 is the table's top. "
    "With the base's own axes it is the identity with the base's height above the table.",
    "// workspace": "square on the table, x_min to x_min + size; resolution stays 0.002 m.",
    "// fence": "lower and upper corner of the box that the finger tips never leave, world frame. "
    "It must hold the workspace at travel height, and home.",
    "// home": "finger tips over the bin, out of the cameras' view; the jaw lets go there.",
    "// home_yaw": "rad, of the closing direction at home: the last joint near the middle of its "
    "range, since the jaw turns by at most 100 degrees from there.",
    "// present": "finger tips where a camera sees what the hand holds, and present_yaw the "
    "closing direction there, across its line of sight; null: over the workspace's centre.",
    "present": None,
    "// travel_height": "m above the table, tips clear of everything that lies there.",
    "// caps": "m/s and N; no command exceeds them. Raise them once you trust the setup.",
    "caps": {"speed": 0.1, "guarded_speed": 0.05, "free_guard": 40.0, "max_guard": 35.0,
             "grip_force": 40.0},
    "// confirm": "show each decision and wait for a yes before the arm moves.",
    "confirm": True,
}  # fmt: skip

_PLACE: dict[str, Any] = {
    "T_world_base": [[1, 0, 0, 0.0], [0, 1, 0, 0], [0, 0, 1, 0.0], [0, 0, 0, 1]],
    "workspace": {"x_min": 0.276, "y_min": -0.224, "size": 0.448},
    "fence": {"low": [0.2, -0.62, 0.001], "high": [0.8, 0.3, 0.45]},
    "home": [0.5, -0.46, 0.25],
    "home_yaw": 0.0,
    "travel_height": 0.25,
}

_CAMERA = {
    "// source": "the serial number on the camera; '' if there is only one.",
    "driver": "realsense", "source": "", "name": "front",
    "// calibration": "written by: pushgrasp calibrate STATION",
    "calibration": "front.json",
}  # fmt: skip

STARTS: dict[str, dict[str, Any]] = {
    "franka": {
        "// arm": "address of the controller; model is fr3 or panda. Payload is set in Desk.",
        "arm": {"driver": "franka", "address": "172.16.0.2", "model": "fr3"},
        "jaw": {"driver": "franka-hand"},
        "cameras": [_CAMERA], **_PLACE, "home_yaw": -2.356, **_COMMON,
    },
    "ur5e": {
        "// arm": "address of the controller; payload in kg with its centre in the flange's frame.",
        "arm": {"driver": "ur", "address": "192.168.0.10", "model": "ur5e", "payload": 1.1,
                "payload_center": [0.0, 0.0, 0.06]},
        "// jaw": "rg2-modbus: the compute box's address; rg2-xmlrpc: leave the address out.",
        "jaw": {"driver": "rg2-modbus", "address": "192.168.0.11"},
        "cameras": [_CAMERA], **_PLACE, **_COMMON,
        "// T_flange_tool": "in arm: give it if your mount is not 0.23 m from flange to tips.",
    },
}  # fmt: skip


def write_start(robot: str, path: str | Path) -> None:
    """Write a commented station file to be filled in.

    Args:
        robot: franka or ur5e.
        path: a new file; an old one is never replaced.
    Raises:
        UserError: the file exists, or cannot be written.
    """
    if Path(path).expanduser().exists():
        raise UserError(f"{path} exists already; name a new file")
    write_json(path, {"format": FORMAT, "version": VERSION, **STARTS[robot]})
