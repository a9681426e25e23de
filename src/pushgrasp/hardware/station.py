"""The station file: everything about one place where a robot works, in one strict JSON file.

    {"format": "pushgrasp-station", "version": 1,
     "arm": {"driver": "ur", "address": "192.168.0.10"},
     "jaw": {"driver": "rg2-modbus", "address": "192.168.0.11"},
     "cameras": [{"driver": "realsense", "source": "128422270123", "calibration": "front.json"}],
     ...}

Keys that begin with // are comments. `pushgrasp station --new ur5e` writes a commented start.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..primitives import PRESENT_YAW
from ..utils.config_json import from_json
from ..utils.files import read_json
from ..workspace import Workspace
from .devices import FloatArray
from .fence import MIN_HEIGHT, Fence
from .robot import Caps, Poses

FORMAT, VERSION = "pushgrasp-station", 1

Triple = tuple[float, float, float]
Row = tuple[float, float, float, float]
Matrix = tuple[Row, Row, Row, Row]


@dataclass(frozen=True)
class ArmConfig:
    """The arm and how its driver reaches it."""

    driver: str  # franka, ur, or FILE.py:CLASS
    address: str  # host name or IP address of its controller
    model: str = ""  # fr3, panda, ur5e: for the kinematic check before a motion; "": none
    T_flange_tool: Matrix | None = None  # None: the driver's own, for the jaw named below
    payload: float = 0.0  # kg of hand and fingers; 0: as set in the controller
    payload_center: Triple = (0.0, 0.0, 0.0)  # m, flange frame
    realtime: bool = True  # franka: demand a real-time kernel; false for a rehearsal only


@dataclass(frozen=True)
class JawConfig:
    """The jaw and how its driver reaches it."""

    driver: str  # franka-hand, rg2-modbus, rg2-xmlrpc, or FILE.py:CLASS
    address: str = ""  # "": the arm's
    max_width: float = 0.0  # m between the pads when open; 0: the driver's
    finger_thickness: float = 0.0  # m, along the closing direction; 0: the driver's
    finger_breadth: float = 0.0  # m, across it; 0: the driver's


@dataclass(frozen=True)
class CameraConfig:
    """A camera, where its pictures come from, and its calibration."""

    driver: str  # realsense, folder, ros, or FILE.py:CLASS
    source: str  # a serial number, a recording, a folder, or three topics
    calibration: str  # camera file, as `perception.camera_file` reads it, relative to this file
    name: str = "front"


@dataclass(frozen=True)
class FenceConfig:
    """Lower and upper corner of the box that the finger tips never leave."""

    low: Triple  # m, world frame
    high: Triple  # m, world frame


@dataclass(frozen=True)
class Station:
    """One place: an arm, a jaw, cameras, a table, a bin.

    Raises:
        UserError: a value that no safe station has; the message names it.
    """

    arm: ArmConfig
    jaw: JawConfig
    cameras: tuple[CameraConfig, ...]
    T_world_base: Matrix  # pose of the arm's base; the table's top is z = workspace.table_z
    fence: FenceConfig
    home: Triple  # m, world frame: tips over the bin, out of the cameras' view; it lets go there
    home_yaw: float = 0.0  # rad
    travel_height: float = 0.25  # m, world frame: tips above everything on the table
    present: Triple | None = None  # m, world frame: tips where a camera sees what the hand holds;
    # None: over the workspace's centre
    present_yaw: float = PRESENT_YAW  # rad: the jaw across the camera's line of sight
    workspace: Workspace = field(default_factory=Workspace)
    caps: Caps = field(default_factory=Caps)
    confirm: bool = True  # show each decision and wait for a yes

    def __post_init__(self) -> None:
        if not self.cameras:
            raise UserError("the station has no camera; name at least one under cameras")
        fence = self.make_fence()
        lowest = self.workspace.table_z + MIN_HEIGHT
        if self.fence.low[2] < lowest:
            raise UserError(
                f"fence: its lower z is {self.fence.low[2]} m; the finger tips must keep at least "
                f"{1e3 * MIN_HEIGHT:g} mm above the table, {lowest:g} m"
            )
        _check_pose(self.base(), "T_world_base")
        raised = () if self.present is None else (("present", self.present),)
        for name, point in (
            ("home", self.home),
            *raised,
            *_corners(self.workspace, self.travel_height),
        ):
            if reason := fence.refuses(point):
                raise UserError(f"{name} lies outside the fence: {reason}; widen the fence")
        limits = Caps(speed=0.5, guarded_speed=0.15, free_guard=60.0, max_guard=60.0)
        for name in ("speed", "guarded_speed", "free_guard", "max_guard", "grip_force"):
            value, most = getattr(self.caps, name), getattr(limits, name)
            most = 140.0 if name == "grip_force" else most
            if not 0 < value <= most:
                raise UserError(f"caps: {name} is {value}; it must be above 0 and at most {most}")

    def base(self) -> FloatArray:
        """Return T_world_base as a (4, 4) array."""
        return np.array(self.T_world_base, np.float64)

    def make_fence(self) -> Fence:
        """Return the fence."""
        return Fence(self.fence.low, self.fence.high)

    def poses(self) -> Poses:
        """Return where it waits, travels and shows what it holds."""
        return Poses(self.home, self.home_yaw, self.travel_height, self.present, self.present_yaw)


def read_station(path: str | Path) -> Station:
    """Read a station file.

    Raises:
        UserError: it cannot be read, has an unknown or a missing field, or is not safe.
    """
    value = without_comments(read_json(path))
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise UserError(f"{path} is not a station file: its format is not {FORMAT!r}")
    if value.get("version") != VERSION:
        raise UserError(
            f"{path} has format version {value.get('version')!r}; this program reads {VERSION}"
        )
    body = {k: v for k, v in value.items() if k not in ("format", "version")}
    try:
        return _beside(from_json(Station, body, str(path)), Path(path).absolute().parent)
    except UserError as error:
        text = str(error)
        raise UserError(text if text.startswith(str(path)) else f"{path}: {text}") from error


def _beside(station: Station, folder: Path) -> Station:
    """Resolve the cameras' files relative to the station file's folder."""

    def place(config: CameraConfig) -> CameraConfig:
        is_path = config.driver == "folder" or Path(config.source).suffix in (".db3", ".bag")
        source = str(folder / Path(config.source).expanduser()) if is_path else config.source
        file = str(folder / Path(config.calibration).expanduser())
        return replace(config, source=source, calibration=file)

    return replace(station, cameras=tuple(map(place, station.cameras)))


def without_comments(value: Any) -> Any:
    """Drop the keys that begin with //, at every depth."""
    if isinstance(value, dict):
        return {k: without_comments(v) for k, v in value.items() if not str(k).startswith("//")}
    if isinstance(value, list):
        return [without_comments(v) for v in value]
    return value


def _check_pose(T: FloatArray, name: str) -> None:
    R = T[:3, :3]
    rigid = np.allclose(R @ R.T, np.eye(3), atol=1e-3) and np.linalg.det(R) > 0
    if not rigid or not np.allclose(T[3], (0, 0, 0, 1)):
        raise UserError(
            f"{name} is not a pose: it must be a rotation and a position in metres over 0 0 0 1"
        )
    if np.abs(T[:3, 3]).max() > 5:
        raise UserError(f"{name} is {np.abs(T[:3, 3]).max():.0f} m away; are these millimetres?")


def _corners(workspace: Workspace, z: float) -> list[tuple[str, Triple]]:
    x, y, size = workspace.x_min, workspace.y_min, workspace.size
    return [
        (f"the workspace's corner ({a:.3f}, {b:.3f}) at travel height", (a, b, z))
        for a in (x, x + size)
        for b in (y, y + size)
    ]
