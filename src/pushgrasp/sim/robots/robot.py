"""Every simulated robot: it moves along lines, stops on contact and reports its measured pose.

What differs between robots is how a line of the tool becomes a way through the joints
(`Kinematics`) and which hand they carry.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Protocol

import mujoco
import numpy as np

from ...errors import RobotError
from ...interfaces import Command, MoveJaw, MoveTo, Report
from ...primitives import PRESENT_YAW
from ..model import TIMESTEP
from ..world import World
from .free_motion import FreeMotion
from .hand import TICK, HandSpec, SimJaw
from .motion import FloatArray, JointPath, Timing, time_path

HAND_RADIUS = 0.15  # m round the tool: what is there, high over the bin, is in the hand
HAND_BODIES = ("tool", "finger_left", "finger_right")
REFUSED = "refused"  # how the reason of a motion begins that was not even tried
_EASE = 5e-4  # m a tick, back from what the hand presses on
_LOOKS = 2  # ticks between two looks for a motion to skip, and the shortest that is worth it
_ARRIVED, _MISSED = 1e-3, 5e-3  # m from where it was sent


class RefusedError(Exception):
    """A motion that the robot cannot do; the message says why."""


class Kinematics(Protocol):
    """How a robot's joints move its tool. Joints and their drives share their names."""

    joints: tuple[str, ...]
    home: FloatArray  # (n,) joint positions with the tool at the cell's home
    speeds: FloatArray  # (n,) rad/s or m/s, at most
    accelerations: FloatArray  # (n,) rad/s^2 or m/s^2, at most
    lag: FloatArray  # (n,) s by which a drive trails its set-point at constant speed

    def pose(self, joints: FloatArray) -> tuple[FloatArray, float]:
        """Position (3,) m and yaw (rad) of the tool, world frame."""
        ...

    def path(self, start: FloatArray, position: FloatArray, yaw: float) -> JointPath:
        """The way from joint positions to a pose of the tool, along a straight line.

        Args:
            start: (n,).
            position: (3,) m, world frame.
            yaw: rad; modulo half a rotation, since the jaw is symmetric.
        Raises:
            RefusedError: out of reach, beyond a limit, or something is in the way.
        """
        ...


class SimRobot:
    """A robot of a world, as a `Robot`."""

    def __init__(self, world: World, name: str, hand: HandSpec, kinematics: Kinematics) -> None:
        self.world, self.name, self.gripper = world, name, hand.gripper
        self.kinematics = kinematics
        m, data = world.model, world.data
        self._q = np.array([m.joint(n).qposadr[0] for n in kinematics.joints])
        self._dofs = np.array([m.joint(n).dofadr[0] for n in kinematics.joints])
        self._drives = np.array([m.actuator(n).id for n in kinematics.joints])
        self._planned: dict[tuple[bytes, MoveTo], JointPath] = {}
        self.setpoint = np.array(kinematics.home, np.float64)
        self.present: MoveTo | None = None
        if world.cell.present_at is not None:
            self.present = MoveTo(world.cell.present_at, PRESENT_YAW, speed=0.5)
        self._homing = MoveTo(world.cell.home, kinematics.pose(self.setpoint)[1], speed=1.0)
        data.qpos[self._q] = self.setpoint
        self._drive(self.setpoint, np.zeros_like(self.setpoint))
        self._free = FreeMotion(world, self._q)
        self._jaw = SimJaw(world, hand, self._free)
        mujoco.mj_forward(m, data)

    # --- the Robot protocol --------------------------------------------------------

    def refuses(self, moves: Sequence[MoveTo]) -> str:
        """See `Robot.refuses`."""
        self._planned.clear()
        joints = self.setpoint
        for move in (*moves, self._homing):
            try:
                joints = self._plan(joints, move).joints[-1]
            except RefusedError as why:
                return str(why)
        return ""

    def execute(self, command: Command) -> Report:
        """Carry out one command; see `Robot.execute`."""
        self._jaw.stopped = False
        if isinstance(command, MoveTo):
            return self._move(command)
        if command.width >= self._jaw.width():
            done, contact = self._jaw.open(command.width), False
            reason = "" if done else "something keeps the jaw from opening"
        else:
            contact, reason = self._jaw.close(command), ""
        if self._jaw.stopped:
            return self._report(reached=False, reason="stopped")
        return self._report(stopped_by_contact=contact, reached=not reason, reason=reason)

    def home(self) -> Report:
        """See `Robot.home`."""
        report = self.state()
        x, y, z = report.position
        over_bin = self.world.cell.home
        if z < over_bin[2] - 0.01:
            self.execute(MoveTo((x, y, over_bin[2]), report.yaw, speed=0.5))
        homing = self._homing
        if self._jaw.grips():
            homing = replace(homing, speed=0.5)
        report = self.execute(homing)
        if not report.reached:  # no place to let go
            raise RobotError(f"{self.name} cannot get home: {report.reason}")
        carried = {*self.world.near(over_bin, radius=HAND_RADIUS), *self.world.held()}
        if self.world.skip_free_motion:  # it would fall for as long as the jaw opens
            self._empty_bin(carried)
        self.execute(MoveJaw(self.gripper.max_width))
        if not self.world.skip_free_motion:
            self._empty_bin(carried)
        return report

    def _empty_bin(self, carried: set[str]) -> None:
        """Take what was carried to the bin out of the scene."""
        for name in sorted(carried):
            self.world.remove(name)

    def state(self) -> Report:
        """Where the tool is and how wide the jaw stands."""
        (x, y, z), yaw = self.kinematics.pose(self._measured())
        return Report((float(x), float(y), float(z)), yaw, self._jaw.width())

    def stop(self) -> None:
        """Hold the present position; a motion under way ends."""
        self._jaw.stopped = True
        self.setpoint = self._measured()
        self._drive(self.setpoint, np.zeros_like(self.setpoint))

    def contact_force(self) -> float:
        """N, what a force sensor at the wrist reads beyond the hand's own weight."""
        return self.world.touching(*HAND_BODIES)

    def joint_positions(self) -> FloatArray:
        """Return (n,) rad or m, as measured."""
        return self._measured()

    def grips(self) -> bool:
        """Return whether the jaw presses on something, or on its own other pad."""
        return self._jaw.grips()

    # --- for a controller of its own, which lets time pass by itself ----------------

    def servo(self, setpoint: FloatArray, velocity: FloatArray) -> None:
        """Give the joints' drives their set-points (n,) and velocities (n,)."""
        self.setpoint = setpoint
        self._drive(setpoint, velocity)

    def jaw_motion(self, command: MoveJaw) -> Generator[None, None, bool]:
        """Begin a motion of the jaw; the caller calls `press` and lets a TICK pass at a yield."""
        self._jaw.stopped = False
        if command.width >= self._jaw.width():
            return self._jaw.opening(command.width)
        return self._jaw.closing(command)

    def press(self) -> None:
        """Let a gripping jaw follow what it presses."""
        self._jaw.press()

    # --- motion --------------------------------------------------------------------

    def _plan(self, start: FloatArray, move: MoveTo) -> JointPath:
        if not np.isfinite([*move.position, move.yaw]).all():
            raise RefusedError(f"{move.position}, yaw {move.yaw} is no place")
        key = start.tobytes(), move
        if key not in self._planned:
            position = np.array(move.position, np.float64)
            self._planned[key] = self.kinematics.path(start, position, move.yaw)
        return self._planned[key]

    def _move(self, command: MoveTo) -> Report:
        try:
            path = self._plan(self.setpoint, command)
        except RefusedError as why:
            return self._report(reached=False, reason=f"{REFUSED}: {why}")
        timing = time_path(
            path, command.speed, self.kinematics.speeds, self.kinematics.accelerations
        )
        n_ticks = max(1, int(np.ceil(timing.duration / TICK)))
        previous = self.setpoint
        tick = 0
        while tick < n_ticks:
            ahead = self._jump(path, timing, tick, n_ticks)
            if ahead > tick:
                previous, tick = self.setpoint, ahead
                continue
            tick += 1
            share = timing.progress(tick / n_ticks * timing.duration)
            self.setpoint = path.at(share)
            contact = self._advance(previous, self.setpoint, command)
            previous = self.setpoint
            if contact:
                return self._contact(command, path, share)
            if self._jaw.stopped:
                return self._report(reached=False, reason="stopped")
        self._drive(self.setpoint, np.zeros_like(self.setpoint))
        goal = np.array(command.position)
        for _ in range(25):  # 0.2 s to arrive
            if self._miss(goal) < _ARRIVED:
                break
            self._jaw.tick()
            if self._meets_guard(command):
                return self._contact(command, path, 1.0)
        miss = self._miss(goal)
        if miss > _MISSED:
            self.stop()
            return self._report(reached=False, reason=f"{1e3 * miss:.0f} mm short")
        return self._report()

    def _jump(self, path: JointPath, timing: Timing, tick: int, n_ticks: int) -> int:
        """Skip the ticks in which nothing can be touched, if the world allows it.

        Returns:
            The tick that is reached; the given one if none was skipped.
        """
        if tick % _LOOKS or (held := self._free.carried()) is None:
            return tick
        shares = [timing.progress(t / n_ticks * timing.duration) for t in range(n_ticks + 1)]
        free = self._free.reach(path, self._q, shares[tick], held)
        ahead = int(np.searchsorted(shares, free, side="right")) - 1
        if ahead < tick + _LOOKS or (held and ahead < n_ticks):
            return tick
        self.setpoint = path.at(shares[ahead])
        velocity = np.zeros_like(self.setpoint)
        if ahead < n_ticks:
            velocity = (self.setpoint - path.at(shares[ahead - 1])) / TICK
        self._free.jump(self._q, self._dofs, self.setpoint, velocity, (ahead - tick) * TICK, held)
        self._drive(self.setpoint, velocity)
        return ahead

    def _meets_guard(self, command: MoveTo) -> bool:
        return command.guard_force is not None and self.contact_force() > command.guard_force

    def _contact(self, command: MoveTo, path: JointPath, share: float) -> Report:
        """Stop; a stiff arm that still presses too hard goes back the way that it came."""
        self.stop()
        self._jaw.stopped = False  # whoever stops it from here on means it
        self._jaw.tick()
        while self._meets_guard(command) and share > 0 and not self._jaw.stopped:
            share = max(0.0, share - _EASE / max(path.length, _EASE))
            self.setpoint = path.at(share)
            self._drive(self.setpoint, np.zeros_like(self.setpoint))
            self._jaw.tick()
        return self._report(stopped_by_contact=True, reached=False, reason="contact")

    def _advance(self, start: FloatArray, end: FloatArray, command: MoveTo) -> bool:
        """Let a tick pass while the set-points move linearly from one place to another.

        Returns:
            True if the guard was met; from that step on the robot held its position.
        """
        velocity = (end - start) / TICK
        held = False

        def drive(share: float) -> None:
            nonlocal held
            if not held and self._meets_guard(command):
                held = True
                here = self._measured()
                self._drive(here, np.zeros_like(here))
            if not held:
                self._drive(start + share * (end - start), velocity)

        self._jaw.tick(drive)
        return held or self._meets_guard(command)

    def _drive(self, setpoint: FloatArray, velocity: FloatArray) -> None:
        lead = self.kinematics.lag - TIMESTEP  # a set-point is given a step before it is due
        self.world.data.ctrl[self._drives] = setpoint + lead * velocity

    def _measured(self) -> FloatArray:
        return self.world.data.qpos[self._q].copy()

    def _miss(self, goal: FloatArray) -> float:
        """m, the tool's largest distance from a goal along an axis."""
        return float(np.abs(self.kinematics.pose(self._measured())[0] - goal).max())

    def _report(self, **extra: bool | str) -> Report:
        s = self.state()
        return Report(s.position, s.yaw, s.width, **extra)  # type: ignore[arg-type]
