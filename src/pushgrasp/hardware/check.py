"""`pushgrasp check`: everything that can be known to be wrong before the arm moves.

The arm does not move. The table must lie free, or with less on it than free table around it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import RobotError, UserError
from ..interfaces import Camera, RGBDFrame
from ..perception.table_plane import Plane, fit_table, points_over
from ..workspace import Workspace
from .connect import calibration, open_arm, open_camera, open_jaw
from .devices import Arm
from .robot import UPRIGHT, upright
from .station import Station

MAX_OFFSET, MAX_TILT = 0.005, np.radians(1.0)  # m and rad of the table seen, from z = table_z
HAND_RADIUS, HAND_HEIGHT = 0.12, 0.35  # m of a hand with its wrist, above the tips
ENOUGH = 1000  # points over the workspace from which a plane is compared
MAX_AGE = 30  # days of a calibration
MAX_FORCE = 10.0  # N that the arm says it feels at rest; more means a wrong payload


@dataclass(frozen=True)
class Finding:
    """One thing that was checked."""

    name: str
    said: str  # a sentence
    good: bool = True


def check(station: Station) -> Generator[Finding, None, None]:
    """Check a station's devices one after another; the arm does not move.

    Yields:
        What was found. What needs something that failed is left out.
    """
    for config in station.cameras:
        name = f"camera {config.name}"
        yield from _one(f"{name}, calibration", lambda c=config: _calibration(c.calibration))
        camera: list[Camera] = []
        yield from _one(name, lambda c=config, made=camera: _camera(c, made))
        if camera:
            yield from _one(
                f"{name}, table", lambda made=camera: _table(made[0], station.workspace)
            )
            yield from _one(f"{name}, view", lambda made=camera: _view(made[0], station))
            if callable(close := getattr(camera[0], "close", None)):
                close()
    yield from _one("jaw", lambda: _jaw(station))
    arm: list[Arm] = []
    yield from _one("arm", lambda: _arm(station, arm))
    if not arm:
        return
    try:
        yield from _one("force at rest", lambda: _force(arm[0]))
        yield from _one("tool", lambda: _tool(arm[0], station))
        yield from _one("reach", lambda: _reach(arm[0], station))
    finally:
        arm[0].close()


def _one(name: str, what: Callable[[], str]) -> Generator[Finding, None, None]:
    try:
        yield Finding(name, what())
    except (UserError, RobotError) as error:
        yield Finding(name, str(error), good=False)


def _calibration(path: str) -> str:
    if not Path(path).is_file():
        raise UserError(f"{path} does not exist; run pushgrasp calibrate")
    days = (time.time() - Path(path).stat().st_mtime) / 86400
    if days > MAX_AGE:
        raise UserError(f"{path} is {days:.0f} days old; calibrate again, or touch the file if "
                        "nobody has moved the camera")  # fmt: skip
    return f"{days:.0f} days old"


def _camera(config: object, made: list[Camera]) -> str:
    from .station import CameraConfig

    assert isinstance(config, CameraConfig)
    calibration(config)
    made.append(open_camera(config))
    k = made[0].intrinsics
    if (k.width, k.height) == (640, 480) and config.driver == "realsense":
        raise UserError("a D405 aligns colour wrongly at 640 x 480; calibrate at 848 x 480")
    return f"{k.width} x {k.height} pixels, {getattr(made[0], 'serial', config.source)}"


def _table(camera: Camera, workspace: Workspace) -> str:
    plane = fit_table(points_over(camera.capture(), workspace), workspace)
    if plane is None:
        raise UserError(
            "it sees no table where the workspace is: it looks elsewhere, or its calibration is "
            "wrong; calibrate again"
        )
    said = f"the table is {plane.describe()}; {100 * plane.share:.0f} % of what is seen is table"
    if abs(plane.height) > MAX_OFFSET or plane.tilt > MAX_TILT:
        raise UserError(
            f"{said}. At most {1e3 * MAX_OFFSET:.0f} mm and {np.degrees(MAX_TILT):.0f} degree are "
            "safe: the camera or the table has moved, so calibrate again"
        )
    return said


def _view(camera: Camera, station: Station) -> str:
    """Check that the hand at home hides nothing of the workspace."""
    w, eye = station.workspace, camera.T_world_camera[:3, 3]
    side = np.linspace(0, w.size, 5)
    x, y = (a.ravel() for a in np.meshgrid(w.x_min + side, w.y_min + side))
    points = np.stack([x, y, np.full_like(x, w.table_z)], -1)
    shares = np.linspace(0, 1, 60)[:, None, None]
    rays = eye + shares * (points - eye)  # (60, 25, 3)
    across = np.linalg.norm(rays[..., :2] - station.home[:2], axis=-1)
    bottom, top = station.home[2] - 0.1, station.home[2] + HAND_HEIGHT  # with what it may hold
    beside = np.where((rays[..., 2] > bottom) & (rays[..., 2] < top), across, np.inf)
    nearest = float(beside.min())
    if nearest < HAND_RADIUS:
        raise UserError(
            f"at home the hand stands {100 * nearest:.0f} cm from a line of sight to the "
            f"workspace; {100 * HAND_RADIUS:.0f} cm at least: choose another home pose"
        )
    return "the hand at home hides nothing of the workspace"


class MovedCamera:
    """Notices that a camera or the table has moved since the first picture of an episode."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._first: Plane | None = None

    def see(self, frame: RGBDFrame) -> None:
        """Compare the table with the first frame's.

        Raises:
            UserError: it lies elsewhere.
        """
        points = points_over(frame, self._workspace)
        if len(points) < ENOUGH:  # a small part of the picture: its tilt is not known well
            return
        plane = fit_table(points, self._workspace)
        if plane is None:  # hidden under things: nothing is known
            return
        self._first = self._first or plane
        turned = float(np.arccos(np.clip(plane.normal @ self._first.normal, -1, 1)))
        if abs(plane.height - self._first.height) > MAX_OFFSET or turned > MAX_TILT:
            raise UserError(
                "the camera or the table has moved since the start: the table is now "
                f"{plane.describe()}; calibrate again"
            )


def _jaw(station: Station) -> str:
    jaw = open_jaw(station.jaw, station.arm)
    try:
        width = jaw.width()
    finally:
        jaw.close()
    if not -0.002 <= width <= jaw.gripper.max_width + 0.01:
        raise UserError(
            f"the jaw says {1e3 * width:.0f} mm, but opens to {1e3 * jaw.gripper.max_width:.0f} "
            "mm: home it, and check max_width"
        )
    return f"{1e3 * width:.0f} mm between the pads"


def _arm(station: Station, made: list[Arm]) -> str:
    made.append(open_arm(station.arm, station.jaw))
    state = made[0].state()
    return f"{made[0].name} answers, {len(state.joints)} joints"


def _force(arm: Arm) -> str:
    force = float(np.linalg.norm(np.mean([arm.state().force for _ in range(20)], axis=0)))
    if not np.isfinite(force) or force > MAX_FORCE:
        raise UserError(
            f"the arm feels {force:.0f} N at rest, {MAX_FORCE:.0f} at most are plausible: check "
            "the payload, and that nothing touches the hand"
        )
    return f"{force:.1f} N"


def _tool(arm: Arm, station: Station) -> str:
    T = station.base() @ arm.state().T_base_tool
    tilt = float(np.arccos(np.clip(T[2, 2], -1, 1)))
    if tilt > UPRIGHT:
        raise UserError(
            f"the fingers are tilted by {np.degrees(tilt):.0f} degrees: guide the hand until they "
            "point straight down (and check T_flange_tool and T_world_base)"
        )
    if outside := station.make_fence().refuses(T[:3, 3]):
        raise UserError(f"the finger tips are outside the fence: {outside}; guide the hand inside")
    x, y, z = T[:3, 3]
    return f"finger tips at ({x:.3f}, {y:.3f}, {z:.3f}) m"


def _reach(arm: Arm, station: Station) -> str:
    if not station.arm.model:
        return "not checked: arm.model is empty"
    from .reach import make_reach

    refuses = make_reach(station)
    w, z = station.workspace, station.travel_height
    places = [(w.x_min + a * w.size, w.y_min + b * w.size) for a in (0, 1) for b in (0, 1)]
    heights = (z, w.table_z + 0.02)
    joints = arm.state().joints
    for x, y in (*places, w.center):
        first = ""
        for turn in np.radians((0, 45, -45, 90, -90)):
            yaw = station.home_yaw + turn
            reason = refuses(joints, [upright((x, y, h), yaw) for h in heights])
            if not reason:  # at a corner, some directions are out of reach for most arms
                break
            first = first or reason
        else:
            raise UserError(
                f"the workspace at ({x:.2f}, {y:.2f}) m is out of reach: {first}; move the "
                "workspace in the station file, or the arm"
            )
    return "the workspace's corners and centre, high and low"
