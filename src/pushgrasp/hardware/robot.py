"""Arm + jaw + fence + caps = the `Robot` that `retrieve` drives, the same as in simulation.

Every motion passes one place, `_line`: the fence is checked first, the caps are applied last, and
no motion is without a guard. Nothing here opens a jaw that holds something, except over the bin.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import RobotError
from ..interfaces import Command, MoveJaw, MoveTo, Report
from ..primitives import PRESENT_YAW, holds
from .devices import Arm, FloatArray, Jaw
from .fence import Fence

ARRIVED = 0.003  # m from where it was sent; farther off the motion counts as not reached
UPRIGHT = np.radians(5.0)  # tilt of the tool from which a person must set it upright
RISE_SPEED = 0.03  # m/s of the first motion after connecting, when the arm may be anywhere
MOST_TILT = np.radians(45.0)  # of the tool in a calibration
MOST_TURN = np.radians(100.0)  # of the jaw from its yaw at home
LOOSE = 0.002  # m by which a jaw that grips may still close without having lost what it holds


@dataclass(frozen=True)
class Caps:
    """Limits that no command can exceed. Defaults are slow: raise them once you trust the setup."""

    speed: float = 0.1  # m/s where only free space is expected
    guarded_speed: float = 0.05  # m/s where contact is expected
    free_guard: float = 40.0  # N that stops a motion through free space
    max_guard: float = 35.0  # N, the highest guard of a motion that expects contact
    grip_force: float = 40.0  # N


@dataclass(frozen=True)
class Poses:
    """Where the robot waits and shows what it holds; tips, world frame."""

    home: tuple[float, float, float]  # m: over the bin, out of the camera's view
    home_yaw: float  # rad
    travel_height: float  # m: tips above everything on the table
    present: tuple[float, float, float] | None = None  # m: to show what it holds; None: over the
    # workspace's centre
    present_yaw: float = PRESENT_YAW  # rad


Reach = Callable[[FloatArray, Sequence[FloatArray]], str]
"""(joints (n,), [T_world_tool (4, 4), ...]) -> why the tool cannot follow these lines, or ""."""


class StationRobot:
    """A real robot as a `Robot`.

    Args:
        arm, jaw: the devices; they belong to this object and are closed with it.
        fence: where the finger tips may go.
        caps: speed and force limits.
        poses: home and travel height.
        T_world_base: (4, 4) pose of the arm's base.
        reach: kinematic check of motions before they start; None: the controller alone decides.
        name: for messages.
    """

    def __init__(
        self,
        arm: Arm,
        jaw: Jaw,
        *,
        fence: Fence,
        caps: Caps,
        poses: Poses,
        T_world_base: FloatArray,
        reach: Reach | None = None,
        name: str = "",
    ) -> None:
        self.arm, self.jaw = arm, jaw
        self.gripper = jaw.gripper
        self.fence, self.caps, self.poses = fence, caps, poses
        self.name = name or arm.name
        self.present = None
        if poses.present is not None:
            self.present = MoveTo(poses.present, poses.present_yaw)
        self._T_world_base = np.asarray(T_world_base, np.float64)
        self._reach = reach
        self._stopped = threading.Event()
        self._halted = ""  # why it does nothing any more
        self._held_width: float | None = None  # m, of what the jaw gripped; None: it holds nothing

    # --- the Robot protocol --------------------------------------------------------

    def execute(self, command: Command) -> Report:
        """Carry out one command; see `Robot.execute`."""
        self._begin_command()
        if isinstance(command, MoveTo):
            return self._line(command)
        return self._move_jaw(command)

    def refuses(self, moves: Sequence[MoveTo]) -> str:
        """See `Robot.refuses`; the fence is asked first, then the arm's kinematics."""
        home = MoveTo(self.poses.home, self.poses.home_yaw)
        for move in (*moves, home):
            if reason := self._not_allowed(move):
                return reason
        if self._reach is None:
            return ""
        state = self.arm.state()
        yaw = _yaw(self._T_world_base @ state.T_base_tool)
        targets: list[FloatArray] = []
        for move in (*moves, home):
            yaw = self._yaw_near(move.yaw, yaw)
            targets.append(upright(move.position, yaw))
        return self._reach(state.joints, targets)

    def home(self) -> Report:
        """See `Robot.home`: up, over the bin, open."""
        self._begin_command()
        here = self.state()
        x, y, z = here.position
        if z < self.poses.travel_height - 0.005:
            self._must_reach(MoveTo((x, y, self.poses.travel_height), here.yaw))
        report = self._must_reach(MoveTo(self.poses.home, self.poses.home_yaw))
        if self.fence.refuses(report.position):
            raise RobotError(f"{self.name} is not over the bin; it keeps what it holds")
        self._held_width = None
        if not self.jaw.open(self.gripper.max_width):
            raise RobotError(f"the jaw of {self.name} does not open over the bin; free it")
        return report

    def state(self) -> Report:
        """Return where the tool is, in the world frame, and how wide the jaw stands."""
        T = self._T_world_base @ self.arm.state().T_base_tool
        x, y, z = (float(v) for v in T[:3, 3])
        return Report((x, y, z), _yaw(T), self.jaw.width())

    def stop(self) -> None:
        """See `Robot.stop`; what is held stays held."""
        self._stopped.set()
        try:
            self.arm.stop()
        finally:
            self.jaw.stop()

    # --- beyond the protocol -------------------------------------------------------

    def halt(self, why: str) -> None:
        """Stop for good: whatever is asked of it later raises RobotError. From any thread.

        Args:
            why: for that error.
        """
        self._halted = why
        self.stop()

    def begin(self) -> Report:
        """Make the first motion after connecting: straight up, slowly, to the travel height.

        Raises:
            RobotError: the tool is outside the fence or tilted, so that a person must move it, or
                the jaw holds something.
        """
        T = self._T_world_base @ self.arm.state().T_base_tool
        if T[2, 2] < np.cos(UPRIGHT):
            tilt = np.degrees(np.arccos(np.clip(T[2, 2], -1, 1)))
            raise RobotError(
                f"the tool of {self.name} is tilted by {tilt:.0f} degrees; guide it by hand until "
                "the fingers point straight down, and start again"
            )
        here = self.state()
        if outside := self.fence.refuses(here.position):
            raise RobotError(
                f"{self.name} starts outside its fence: {outside}; guide it by hand over the "
                "workspace, and start again"
            )
        x, y, z = here.position
        if z >= self.poses.travel_height:
            return here
        up = MoveTo((x, y, self.poses.travel_height), here.yaw, speed=RISE_SPEED)
        return self._must_reach(up)

    def move_pose(self, T_world_tool: FloatArray, speed: float) -> Report:
        """Move to a pose that may be tilted, as calibrations need; guarded as free space is.

        Args:
            T_world_tool: (4, 4).
            speed: m/s, at most the cap.
        """
        self._begin_command()
        reason = self.fence.refuses(T_world_tool[:3, 3])
        if T_world_tool[2, 2] < np.cos(MOST_TILT):
            reason = f"the tool would tilt by more than {np.degrees(MOST_TILT):.0f} degrees"
        if reason:
            return self._report(reached=False, reason=f"refused: {reason}")
        target = np.linalg.inv(self._T_world_base) @ T_world_tool
        contact = self.arm.move(target, min(speed, self.caps.speed), self.caps.free_guard)
        report = self._report(stopped_by_contact=contact)
        miss = float(np.linalg.norm(np.subtract(report.position, T_world_tool[:3, 3])))
        if contact or self._stopped.is_set() or miss > ARRIVED:
            reason = "contact" if contact else "stopped" if self._stopped.is_set() else "short"
            return replace(report, reached=False, reason=reason)
        return report

    def close(self) -> None:
        """Stop, and end the connections; the jaw stays as it is."""
        try:
            self.stop()
        finally:
            self.arm.close()
            self.jaw.close()

    # --- motion --------------------------------------------------------------------

    def _begin_command(self) -> None:
        if self._halted:
            raise RobotError(f"{self.name}: {self._halted}")
        self._stopped.clear()

    def _not_allowed(self, move: MoveTo) -> str:
        if not np.isfinite(move.yaw) or not move.speed > 0:
            return f"yaw {move.yaw} rad at {move.speed} m/s is not a motion"
        return self.fence.refuses(move.position)

    def _line(self, move: MoveTo) -> Report:
        if reason := self._not_allowed(move):
            return self._report(reached=False, reason=f"refused: {reason}")
        here = self._T_world_base @ self.arm.state().T_base_tool
        if outside := self.fence.refuses(here[:3, 3]):
            raise RobotError(
                f"{self.name} is outside its fence: {outside}; guide it back by hand, and start "
                "again"
            )
        guard, speed = self.caps.free_guard, min(move.speed, self.caps.speed)
        if move.guard_force is not None:  # contact is expected
            guard = min(move.guard_force, self.caps.max_guard)
            speed = min(speed, self.caps.guarded_speed)
        yaw = self._yaw_near(move.yaw, _yaw(here))
        target = np.linalg.inv(self._T_world_base) @ upright(move.position, yaw)
        contact = self.arm.move(target, speed, guard)
        report = self._report(stopped_by_contact=contact)
        if contact:
            self._check_grip()
            return replace(report, reached=False, reason="contact")
        miss = float(np.linalg.norm(np.subtract(report.position, move.position)))
        if self._stopped.is_set():
            return replace(report, reached=False, reason="stopped")
        if miss > ARRIVED:
            return replace(report, reached=False, reason=f"{1e3 * miss:.0f} mm short")
        self._check_grip()
        return report

    def _yaw_near(self, yaw: float, present: float) -> float:
        """Choose between a yaw (rad) and half a turn from it, which a symmetric jaw cannot tell.

        The nearer one, but never far from the yaw at home: the last joint would wind up over an
        episode until it meets its limit.
        """
        turn = _half_turn(yaw - present)
        here = self.poses.home_yaw + _wrap(present - self.poses.home_yaw)
        if abs(here + turn - self.poses.home_yaw) <= MOST_TURN:
            return here + turn
        return self.poses.home_yaw + _half_turn(yaw - self.poses.home_yaw)

    def _must_reach(self, move: MoveTo) -> Report:
        """Move, or raise: what it holds it still holds.

        Raises:
            RobotError: the tool did not get there.
        """
        report = self._line(move)
        if self._halted:
            raise RobotError(f"{self.name}: {self._halted}")
        if not report.reached:
            raise RobotError(
                f"{self.name} cannot get to {tuple(round(p, 3) for p in move.position)} m: "
                f"{report.reason}; clear its way, then start again"
            )
        return report

    def _move_jaw(self, command: MoveJaw) -> Report:
        width = min(max(command.width, 0.0), self.gripper.max_width)
        if width >= self.jaw.width():
            self._held_width = None
            done = self.jaw.open(width)
            reason = "" if done else "something keeps the jaw from opening"
            return self._report(reached=done, reason=reason)
        force = min(command.force, self.caps.grip_force, self.gripper.max_force)
        contact = self.jaw.grip(width, force)
        report = self._report(stopped_by_contact=contact)
        self._held_width = report.width if contact and holds(report) else None
        if self._stopped.is_set():
            return replace(report, reached=False, reason="stopped")
        return report

    def _check_grip(self) -> None:
        """Forget what was held if the jaw has closed since."""
        if self._held_width is not None and self.jaw.width() < self._held_width - LOOSE:
            self._held_width = None

    def _report(
        self, *, stopped_by_contact: bool = False, reached: bool = True, reason: str = ""
    ) -> Report:
        return replace(
            self.state(), stopped_by_contact=stopped_by_contact, reached=reached, reason=reason
        )


def upright(position: Sequence[float] | FloatArray, yaw: float) -> FloatArray:
    """Return the (4, 4) pose of an upright tool: z up, x along the yaw (rad), tips at (3,) m."""
    c, s = np.cos(yaw), np.sin(yaw)
    T = np.eye(4)
    T[:2, :2] = ((c, -s), (s, c))
    T[:3, 3] = position
    return T


def _yaw(T_world_tool: FloatArray) -> float:
    return float(np.arctan2(T_world_tool[1, 0], T_world_tool[0, 0]))


def _half_turn(angle: float) -> float:
    """Return an angle modulo half a turn, from -90 to 90 degrees, rad."""
    return float((angle + np.pi / 2) % np.pi - np.pi / 2)


def _wrap(angle: float) -> float:
    return float((angle + np.pi) % (2 * np.pi) - np.pi)
