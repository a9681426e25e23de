"""From a station file to a `StationRobot` and cameras: which driver, with which settings."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RobotError, UserError
from ..interfaces import Camera, GripperSpec, Region, RGBDFrame
from ..perception.camera_file import CameraSpec, read_cameras
from .devices import Arm, FloatArray, Jaw
from .robot import StationRobot
from .station import ArmConfig, CameraConfig, JawConfig, Station

ARMS = ("franka", "ur")
JAWS = ("franka-hand", "rg2-modbus", "rg2-xmlrpc")
CAMERAS = ("folder", "realsense", "ros")

_HALF_TURN = np.diag([1.0, -1.0, -1.0, 1.0])  # about x: the flange's z points down, the tool's up
_REACH = {"franka-hand": 0.1034, "rg2-modbus": 0.23, "rg2-xmlrpc": 0.23}  # m, flange to tips
_HAND_YAW = {"franka-hand": -np.pi / 4}  # rad, of the closing direction about the flange's z
_HAND_YAW_OF_FINGERS = {"franka-hand": np.pi / 2}  # its fingers slide along the hand's y


@dataclass(frozen=True)
class Connected:
    """A station's devices, connected."""

    robot: StationRobot
    cameras: tuple[Camera, ...]


@contextmanager
def connect(station: Station, *, cameras: bool = True) -> Generator[Connected, None, None]:
    """Connect to everything of a station; the arm does not move. All is closed at the end.

    Args:
        station: the place.
        cameras: False leaves them out.

    Raises:
        UserError: a driver is unknown or not installed, or a setting is wrong.
        RobotError: a device does not answer; the message says what to do.
    """
    with ExitStack() as stack:
        opened: list[Camera] = []
        for config in station.cameras if cameras else ():
            camera = open_camera(config)
            opened.append(camera)
            if callable(close := getattr(camera, "close", None)):
                stack.callback(close)
        jaw = open_jaw(station.jaw, station.arm)
        stack.callback(jaw.close)
        reach = _reach(station)
        arm = open_arm(station.arm, station.jaw)
        stack.callback(arm.close)
        robot = StationRobot(
            arm, jaw, fence=station.make_fence(), caps=station.caps, poses=station.poses(),
            T_world_base=station.base(), reach=reach,
        )  # fmt: skip
        stack.callback(robot.stop)
        yield Connected(robot, tuple(opened))


def open_arm(config: ArmConfig, jaw: JawConfig) -> Arm:
    """Connect to an arm; see `connect`."""
    tool = tool_frame(config, jaw)
    options: dict[str, Any] = {
        "T_flange_tool": tool, "payload": config.payload, "payload_center": config.payload_center,
    }  # fmt: skip
    if config.driver == "ur":
        from .ur import UrArm

        return UrArm(config.address, **options, name=config.model or "ur")
    if config.driver == "franka":
        from .franka import FrankaArm

        name = config.model or "franka"
        return FrankaArm(config.address, **options, realtime=config.realtime, name=name)
    return make_from_file(config.driver, "arm", ARMS, config)


def open_jaw(config: JawConfig, arm: ArmConfig) -> Jaw:
    """Connect to a jaw; see `connect`."""
    address = config.address or arm.address
    if config.driver in ("rg2-modbus", "rg2-xmlrpc"):
        from .rg2 import PORT, XMLRPC_PORT, ModbusLink, Rg2, XmlRpcLink

        modbus = config.driver == "rg2-modbus"
        host, port = _split(address, PORT if modbus else XMLRPC_PORT)
        link = ModbusLink(host, port) if modbus else XmlRpcLink(host, port)
        return Rg2(link, jaw_geometry(config))
    if config.driver == "franka-hand":
        from .franka import FrankaHand

        return FrankaHand(address, gripper=jaw_geometry(config))
    return make_from_file(config.driver, "jaw", JAWS, config)


class ScaledDepth:
    """A camera whose depth is multiplied with what its calibration found.

    Args:
        camera: its depth is a constant factor off.
        scale: the factor.
    """

    def __init__(self, camera: Camera, scale: float) -> None:
        self._camera, self._scale = camera, np.float32(scale)
        self.intrinsics, self.T_world_camera = camera.intrinsics, camera.T_world_camera
        self.serial = getattr(camera, "serial", "")

    def capture(self, region: Region | None = None) -> RGBDFrame:
        """See `Camera.capture`."""
        frame = self._camera.capture(region)
        return replace(frame, depth=self._scale * frame.depth)

    def close(self) -> None:
        """Close the camera, if it can be."""
        if callable(close := getattr(self._camera, "close", None)):
            close()


def open_camera(config: CameraConfig) -> Camera:
    """Connect to a camera; see `connect`."""
    spec = calibration(config)
    camera = _open_camera(config, spec)
    return camera if spec.depth_scale == 1.0 else ScaledDepth(camera, spec.depth_scale)


def _open_camera(config: CameraConfig, spec: CameraSpec) -> Camera:
    if config.driver == "folder":
        from .folder import FolderCamera

        return FolderCamera(config.source, spec.intrinsics, spec.T_world_camera)
    if config.driver == "realsense":
        from .realsense import RealSenseCamera

        size = spec.intrinsics.width, spec.intrinsics.height
        return RealSenseCamera(config.source, spec.T_world_camera, spec.intrinsics, resolution=size)
    if config.driver == "ros":
        from .ros import RosCamera

        return RosCamera(config.source, spec.intrinsics, spec.T_world_camera)
    return make_from_file(config.driver, "camera", CAMERAS, config, spec)


def open_for_calibration(config: CameraConfig) -> Camera:
    """Connect to a camera whose pose is not known yet; its intrinsics are the device's own.

    Raises:
        UserError: it cannot be opened without a calibration file.
    """
    if Path(config.calibration).is_file():
        return _open_camera(config, calibration(config))
    if config.driver == "folder":
        from .folder import FolderCamera, newest_intrinsics

        return FolderCamera(config.source, newest_intrinsics(config.source), np.eye(4))
    if config.driver == "realsense":
        from .realsense import RealSenseCamera

        return RealSenseCamera(config.source, np.eye(4))
    raise UserError(
        f"the camera {config.name!r} needs a calibration file with its intrinsics and any pose: "
        f"write {config.calibration} first (docs/worlds.md has the format)"
    )


def calibration(config: CameraConfig) -> CameraSpec:
    """Read a camera's calibration file.

    Raises:
        UserError: it cannot be read, or holds no camera of that name.
    """
    if not Path(config.calibration).is_file():
        raise UserError(
            f"the camera {config.name!r} has no calibration: {config.calibration} does not exist; "
            "run pushgrasp calibrate"
        )
    specs = read_cameras(config.calibration)
    named = [spec for spec in specs if spec.name == config.name]
    if not named and len(specs) > 1:
        raise UserError(f"{config.calibration} holds no camera {config.name!r}")
    return (named or list(specs))[0]


def tool_frame(arm: ArmConfig, jaw: JawConfig) -> FloatArray:
    """Return T_flange_tool (4, 4): as the station gives it, or the jaw's usual one.

    Raises:
        UserError: nothing is known of the jaw, and the station gives none.
    """
    if arm.T_flange_tool is not None:
        return np.array(arm.T_flange_tool, np.float64)
    if jaw.driver not in _REACH:
        raise UserError(f"arm: T_flange_tool is missing; it is known for {', '.join(_REACH)} only")
    yaw = _HAND_YAW.get(jaw.driver, 0.0) + _HAND_YAW_OF_FINGERS.get(jaw.driver, 0.0)
    T = np.eye(4)
    T[:2, :2] = ((np.cos(yaw), -np.sin(yaw)), (np.sin(yaw), np.cos(yaw)))
    T[2, 3] = _REACH[jaw.driver]
    return T @ _HALF_TURN


def jaw_geometry(config: JawConfig) -> GripperSpec:
    """Return the jaw's geometry: the device's, with what the station changes."""
    known = GripperSpec()
    if config.driver == "franka-hand":
        from .franka import HAND

        known = HAND
    changed = {
        name: value
        for name in ("max_width", "finger_thickness", "finger_breadth")
        if (value := getattr(config, name))
    }
    return replace(known, **changed)


def make_from_file(driver: str, kind: str, known: tuple[str, ...], *arguments: Any) -> Any:
    """Make a device of a class in a file, FILE.py:CLASS.

    Args:
        driver: as the station names it.
        kind: arm, jaw or camera, for messages.
        known: the drivers of this package.
        arguments: for the class: its part of the station; a camera's calibration after it.
    Raises:
        UserError: there is no such driver, file or class, or it fails.
    """
    path, colon, name = driver.rpartition(":")
    if not colon or not path.endswith(".py"):
        raise UserError(
            f"{kind}: there is no driver {driver!r}; there are {', '.join(known)}, and "
            "FILE.py:CLASS"
        )
    spec = importlib.util.spec_from_file_location(f"pushgrasp_{kind}", Path(path).expanduser())
    try:
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, name)(*arguments)
    except (RobotError, UserError):
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise UserError(
            f"{kind}: {driver} cannot be used: {type(error).__name__}: {error} "
            f"({Path(last.filename).name}, line {last.lineno})"
        ) from error


def _reach(station: Station) -> Any:
    if not station.arm.model:
        return None
    from .reach import make_reach

    return make_reach(station)


def _split(address: str, port: int) -> tuple[str, int]:
    host, colon, number = address.partition(":")
    if colon and not number.isdigit():
        raise UserError(f"jaw: the address {address!r} has no port after its colon")
    return host, int(number) if colon else port
