"""A gantry (x, y, z, yaw) with an RG2-like jaw: the simplest robot that can do the work.

It behaves as a real arm does towards its user: limited speeds and forces, motions that stop
on contact, and reports of where it really is.
"""

from __future__ import annotations

import mujoco
import numpy as np

from ..errors import SimulatorFault
from ..interfaces import Command, GripperSpec, MoveJaw, MoveTo, Report
from .world import CONTACT_SOLIMP, CONTACT_SOLREF, TIMESTEP, World

HOME = (-0.5, 0.46, 0.25)  # m: over the bin, beside the table and out of the camera's view
HAND_RADIUS = 0.15  # m round the tool: what is there, high over the bin, is in the hand
STEPS_PER_TICK = 4  # the set-point changes every 8 ms, as a robot controller's would
TICK = STEPS_PER_TICK * TIMESTEP  # s

ACCELERATION = 5.0  # m/s^2
YAW_SPEED = 3.5  # rad/s
JAW_SPEED = 0.15  # m/s, change of the width (an RG2 manages up to 0.18)
AXIS_FORCE = (80.0, 80.0, 40.0)  # N, what an axis can push with
STALL_FORCE = 3.0  # N at a finger from which the jaw counts as stopped by something

_MASS = 1.5  # kg, RG2 and mount
_STIFFNESS = 2e4  # N/m
_DAMPING = 2 * np.sqrt(_STIFFNESS * _MASS)  # critical
_YAW_STIFFNESS = 200.0  # N m/rad
_YAW_INERTIA = 0.025  # kg m2, gearing included
_YAW_DAMPING = 2 * np.sqrt(_YAW_STIFFNESS * _YAW_INERTIA)
_YAW_TORQUE = 6.0  # N m
_FINGER_STIFFNESS = 2e3  # N/m
_FINGER_ARMATURE = 0.1  # kg, the jaw's gearing
_FINGER_DAMPING = 2 * np.sqrt(2 * _FINGER_STIFFNESS * _FINGER_ARMATURE)


class GantryModel:
    """The gantry's bodies and actuators; the tool frame lies between the finger tips."""

    def __init__(self, gripper: GripperSpec | None = None) -> None:
        self.gripper = gripper or GripperSpec()

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add to a model: joints x, y, z, yaw, finger_left, finger_right."""
        g = self.gripper
        tool = spec.worldbody.add_body(name="tool", pos=HOME, gravcomp=1)
        joint = mujoco.mjtJoint
        for name, axis in (("x", (1, 0, 0)), ("y", (0, 1, 0)), ("z", (0, 0, 1))):
            tool.add_joint(name=name, type=joint.mjJNT_SLIDE, axis=axis)
        tool.add_joint(name="yaw", type=joint.mjJNT_HINGE, axis=(0, 0, 1), armature=0.02)
        box = mujoco.mjtGeom.mjGEOM_BOX
        # The palm hangs above the longest block held upright.
        tool.add_geom(
            name="palm", type=box, size=(0.075, 0.03, 0.03), pos=(0, 0, 0.145), mass=_MASS - 0.1,
            rgba=(0.25, 0.27, 0.3, 1), friction=(0.4, 0.005, 0.0001),
            solref=CONTACT_SOLREF, solimp=CONTACT_SOLIMP,
        )  # fmt: skip
        for side, sign in (("left", 1.0), ("right", -1.0)):
            finger = tool.add_body(name=f"finger_{side}", gravcomp=1)
            finger.add_joint(
                name=f"finger_{side}", type=joint.mjJNT_SLIDE, axis=(sign, 0, 0),
                range=(0, g.max_width / 2), limited=True, armature=_FINGER_ARMATURE,
            )  # fmt: skip
            finger.add_geom(
                name=f"pad_{side}", type=box, mass=0.05,
                size=(g.finger_thickness / 2, g.finger_breadth / 2, 0.06),
                pos=(sign * g.finger_thickness / 2, 0, 0.06),
                rgba=(0.12, 0.12, 0.13, 1),
                # Rubber on plastic; condim 4 lets a pad resist twisting.
                friction=(0.9, 0.01, 0.0001), condim=4, priority=1,
                solref=CONTACT_SOLREF, solimp=CONTACT_SOLIMP,
            )  # fmt: skip
            spec.add_actuator(
                name=f"finger_{side}", trntype=mujoco.mjtTrn.mjTRN_JOINT, target=f"finger_{side}",
                **_position_servo(_FINGER_STIFFNESS, _FINGER_DAMPING, g.max_force),
            )  # fmt: skip
        # The fingers are geared together, as an RG2's are.
        gear = spec.add_equality(
            type=mujoco.mjtEq.mjEQ_JOINT, name1="finger_left", name2="finger_right",
            objtype=mujoco.mjtObj.mjOBJ_JOINT, solref=(0.005, 1),
        )  # fmt: skip
        gear.data[:5] = (0, 1, 0, 0, 0)
        for name, force in zip("xyz", AXIS_FORCE, strict=True):
            spec.add_actuator(
                name=name, trntype=mujoco.mjtTrn.mjTRN_JOINT, target=name,
                **_position_servo(_STIFFNESS, _DAMPING, force),
            )  # fmt: skip
        spec.add_actuator(
            name="yaw", trntype=mujoco.mjtTrn.mjTRN_JOINT, target="yaw",
            **_position_servo(_YAW_STIFFNESS, _YAW_DAMPING, _YAW_TORQUE),
        )  # fmt: skip


def _position_servo(stiffness: float, damping: float, force: float) -> dict:
    """An actuator whose force is stiffness x (ctrl - position) - damping x velocity."""
    gain, bias = np.zeros(10), np.zeros(10)
    gain[0], bias[1], bias[2] = stiffness, -stiffness, -damping
    return {
        "gaintype": mujoco.mjtGain.mjGAIN_FIXED,
        "biastype": mujoco.mjtBias.mjBIAS_AFFINE,
        "gainprm": gain,
        "biasprm": bias,
        "forcerange": (-force, force),
        "forcelimited": True,
    }


class Gantry:
    """The gantry of a world, as a `Robot`."""

    name = "gantry"

    def __init__(self, world: World, gripper: GripperSpec | None = None) -> None:
        self.world = world
        self.gripper = gripper or GripperSpec()
        m = world.model
        self._axes = np.array([m.joint(n).dofadr[0] for n in ("x", "y", "z", "yaw")])
        self._axes_q = np.array([m.joint(n).qposadr[0] for n in ("x", "y", "z", "yaw")])
        self._drives = np.array([m.actuator(n).id for n in ("x", "y", "z", "yaw")])
        fingers = ("finger_left", "finger_right")
        self._fingers_q = np.array([m.joint(n).qposadr[0] for n in fingers])
        self._finger_drives = np.array([m.actuator(n).id for n in fingers])
        self._setpoint = np.array([*HOME, 0.0])
        self._stopped = False
        self._grip_force = 0.0  # N with which the jaw presses; 0 while it holds a width
        data = world.data
        data.qpos[self._fingers_q] = self.gripper.max_width / 2
        self._set_jaw(self.gripper.max_width)
        self._command_axes(self._setpoint, np.zeros(4))
        mujoco.mj_forward(m, data)

    # --- the Robot protocol --------------------------------------------------------

    def execute(self, command: Command) -> Report:
        """Carry out one command; see `Robot.execute`."""
        self._stopped = False
        if isinstance(command, MoveTo):
            return self._move(command)
        return self._move_jaw(command)

    def home(self) -> Report:
        """Go over the bin, let go of what the hand holds, and open the jaw."""
        position = self._measured()[:3]
        if position[2] < HOME[2] - 0.01:
            self.execute(MoveTo((position[0], position[1], HOME[2]), self._yaw(), speed=0.5))
        self.execute(MoveTo(HOME, self._yaw(), speed=1.0))
        carried = self.world.near(HOME, radius=HAND_RADIUS)
        report = self._open()
        for name in carried:  # a bin that empties itself
            self.world.remove(name)
        return report

    def state(self) -> Report:
        """Where the tool is and how wide the jaw stands."""
        x, y, z, _ = self._measured()
        return Report((float(x), float(y), float(z)), self._yaw(), self._width())

    def stop(self) -> None:
        """Hold the present position; a motion under way ends."""
        self._stopped = True
        self._setpoint = self._measured()
        self._command_axes(self._setpoint, np.zeros(4))

    # --- motion --------------------------------------------------------------------

    def _move(self, command: MoveTo) -> Report:
        start = self._setpoint.copy()
        turn = _half_turn(command.yaw - start[3])
        goal = np.array([*command.position, start[3] + turn])
        distance = float(np.linalg.norm(goal[:3] - start[:3]))
        slowest = max(  # s; the root: too short a way to reach the speed
            distance / command.speed,
            np.sqrt(distance / ACCELERATION),
            abs(turn) / YAW_SPEED,
            1e-6,
        )
        ramp = min(command.speed / ACCELERATION, slowest)  # s to reach speed, and to brake
        duration, previous = slowest + ramp, start
        n_ticks = max(1, int(np.ceil(duration / TICK)))
        for tick in range(1, n_ticks + 1):
            share = _progress(tick / n_ticks * duration, duration, ramp)
            self._setpoint = start + (goal - start) * share
            self._command_axes(self._setpoint, (self._setpoint - previous) / TICK)
            previous = self._setpoint
            self._tick()
            if self._stopped:
                return self._report(reached=False, reason="stopped")
            if command.guard_force is not None and self._contact_force() > command.guard_force:
                self.stop()
                self._tick()
                return self._report(stopped_by_contact=True, reached=False, reason="contact")
        self._command_axes(self._setpoint, np.zeros(4))
        for _ in range(25):  # 0.2 s to arrive
            if np.abs(self._measured()[:3] - goal[:3]).max() < 1e-3:
                break
            self._tick()
            if command.guard_force is not None and self._contact_force() > command.guard_force:
                self.stop()
                return self._report(stopped_by_contact=True, reached=False, reason="contact")
        error = float(np.linalg.norm(self._measured()[:3] - goal[:3]))
        if error > 5e-3:
            self.stop()
            return self._report(reached=False, reason=f"{1e3 * error:.0f} mm short")
        return self._report()

    def _move_jaw(self, command: MoveJaw) -> Report:
        if command.width >= self._width():
            return self._open(command.width)
        # Close at limited speed and little force until something stops the jaw ...
        force = min(command.force, self.gripper.max_force)
        step, lead = JAW_SPEED * TICK, 2 * 1.5 * STALL_FORCE / _FINGER_STIFFNESS
        target = last = self._width()
        stalled = 0
        while stalled < 3:
            target = max(target - step, command.width, self._width() - lead)
            self._set_jaw(target)
            self._tick()
            width = self._width()
            if width - command.width < 1e-3:
                return self._report()
            stalled = stalled + 1 if last - width < 0.2 * step else 0
            last = width
        # ... then tighten over 80 ms, and keep pressing whatever comes.
        for share in np.linspace(0.2, 1.0, 10):
            self._grip_force = share * force
            self._tick()
        for _ in range(5):
            self._tick()
        return self._report(stopped_by_contact=True)

    def _open(self, width: float | None = None) -> Report:
        goal = self.gripper.max_width if width is None else min(width, self.gripper.max_width)
        target = self._width()
        for _ in range(200):
            target = min(target + JAW_SPEED * TICK, goal)
            self._set_jaw(target)
            self._tick()
            if target >= goal and goal - self._width() < 2e-3:
                return self._report()
        if not self._touching_anything():
            raise SimulatorFault("the gripper did not open")
        return self._report(reached=False, reason="something keeps the jaw from opening")

    def _set_jaw(self, width: float) -> None:
        self._grip_force = 0.0
        self.world.data.ctrl[self._finger_drives] = width / 2

    def _tick(self) -> None:
        if self._grip_force:  # the fingers follow what they press, should it slip away
            inward = self._width() / 2 - self._grip_force / _FINGER_STIFFNESS
            self.world.data.ctrl[self._finger_drives] = inward
        self.world.step(STEPS_PER_TICK)

    # --- readings ------------------------------------------------------------------

    def _measured(self) -> np.ndarray:
        q = self.world.data.qpos[self._axes_q]
        return np.array([q[0] + HOME[0], q[1] + HOME[1], q[2] + HOME[2], q[3]])

    def _yaw(self) -> float:
        return float(self._measured()[3])

    def _width(self) -> float:
        return float(self.world.data.qpos[self._fingers_q].sum())

    def _contact_force(self) -> float:
        """N, what a force sensor at the wrist reads beyond the hand's own weight."""
        return float(np.linalg.norm(self.world.data.qfrc_constraint[self._axes[:3]]))

    def _touching_anything(self) -> bool:
        return self._contact_force() > 0.5 or bool(self.world.held())

    def _command_axes(self, setpoint: np.ndarray, velocity: np.ndarray) -> None:
        lag = np.array([_DAMPING / _STIFFNESS] * 3 + [_YAW_DAMPING / _YAW_STIFFNESS])
        origin = np.array([*HOME, 0.0])
        self.world.data.ctrl[self._drives] = setpoint - origin + lag * velocity

    def _report(self, **extra: bool | str) -> Report:
        s = self.state()
        return Report(s.position, s.yaw, s.width, **extra)  # type: ignore[arg-type]


def _half_turn(angle: float) -> float:
    """The same jaw orientation, turning by at most a quarter either way."""
    return float((angle + np.pi / 2) % np.pi - np.pi / 2)


def _progress(t: float, duration: float, ramp: float) -> float:
    """Share of the way at time t: speed up, cruise, brake."""
    cruise = 1.0 / (duration - ramp)
    if t < ramp:
        return 0.5 * cruise * t * t / ramp
    if t > duration - ramp:
        return 1.0 - 0.5 * cruise * max(duration - t, 0.0) ** 2 / ramp
    return cruise * (t - 0.5 * ramp)
