"""Parallel jaws: their bodies in a model, and how they open, close and grip.

The jaw behaves as an RG2 or a Franka Hand does: it moves at a limited speed, stops at contact
and only then tightens. Geometry is boxes, since boxes make the best contacts.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import mujoco
import numpy as np

from ...errors import SimulatorFault
from ...interfaces import GripperSpec, MoveJaw
from ..model import CONTACT_SOLIMP, CONTACT_SOLREF, TIMESTEP
from ..world import World
from .free_motion import FreeMotion

STEPS_PER_TICK = 4
TICK = STEPS_PER_TICK * TIMESTEP  # s between two looks at the forces
STALL_FORCE = 3.0  # N at a finger from which the jaw counts as stopped by something
HAND_FRICTION = (0.4, 0.005, 0.0001)  # of the palm
PAD_FRICTION = (0.9, 0.01, 0.0001)  # rubber on plastic

_PAD_MASS = 0.05  # kg
_FINGER_STIFFNESS = 2e3  # N/m
_FINGER_ARMATURE = 0.1  # kg, the jaw's gearing
_FINGER_DAMPING = 2 * np.sqrt(2 * _FINGER_STIFFNESS * _FINGER_ARMATURE)
_LAG = _FINGER_DAMPING / _FINGER_STIFFNESS  # s by which a finger trails its set-point
_SHUT = 8e-4  # m over a width at which the jaw counts as closed to it
_WORTH = 0.005  # m of a motion that is worth skipping
_FINGERS = ("finger_left", "finger_right")


@dataclass(frozen=True)
class HandSpec:
    """A hand that is built here. Its tool frame is that of `GripperSpec`."""

    name: str
    gripper: GripperSpec
    finger_length: float  # m from the tips to the palm
    palm: tuple[float, float, float]  # m, half-extents
    mass: float  # kg
    reach: float  # m from an arm's flange to the tips
    jaw_speed: float  # m/s, change of the width
    color: tuple[float, float, float]  # of the palm, 0 to 1
    mount_yaw: float = 0.0  # rad about the flange's z, from its x to the closing direction


RG2 = HandSpec(
    name="RG2-like hand",
    gripper=GripperSpec(),
    finger_length=0.12,  # the palm hangs above the longest block held upright
    palm=(0.075, 0.03, 0.03),
    mass=1.5,  # with its mount
    reach=0.23,
    jaw_speed=0.15,  # an RG2 manages up to 0.18
    color=(0.25, 0.27, 0.3),
)
"""OnRobot's RG2: 110 mm, 40 N (data sheet); no model of it exists, this one is of boxes."""

FRANKA_HAND = HandSpec(
    name="Franka Hand",
    gripper=GripperSpec(max_width=0.08, max_force=70.0, finger_breadth=0.02),
    finger_length=0.045,
    palm=(0.102, 0.0315, 0.029),
    mass=0.73,
    reach=0.1034,
    jaw_speed=0.1,
    color=(0.92, 0.92, 0.92),
    mount_yaw=np.pi / 4,
)
"""Franka's own: 80 mm, 70 N continuous, 0.05 m/s per finger, 0.73 kg (its product manual); the tips
lie 103.4 mm and the fingers' root 58.4 mm beyond the flange; the hand is rotated by -45 degrees
about the flange's z, and its fingers slide along its y (Franka's URDF)."""


def add_hand(spec: mujoco.MjSpec, tool: mujoco.MjsBody, hand: HandSpec) -> None:
    """Give a body, whose frame is the tool frame, a palm and two driven fingers.

    Adds joints and actuators finger_left and finger_right.
    """
    g = hand.gripper
    box = mujoco.mjtGeom.mjGEOM_BOX
    tool.add_geom(
        name="palm", type=box, size=hand.palm,
        pos=(0, 0, hand.finger_length + hand.palm[2] - 0.005),
        mass=hand.mass - 2 * _PAD_MASS, rgba=(*hand.color, 1), friction=HAND_FRICTION,
        solref=CONTACT_SOLREF, solimp=CONTACT_SOLIMP,
    )  # fmt: skip
    for name, sign in zip(_FINGERS, (1.0, -1.0), strict=True):
        finger = tool.add_body(name=name, gravcomp=1)
        finger.add_joint(
            name=name, type=mujoco.mjtJoint.mjJNT_SLIDE, axis=(sign, 0, 0),
            range=(0, g.max_width / 2), limited=True, armature=_FINGER_ARMATURE,
        )  # fmt: skip
        half = hand.finger_length / 2
        finger.add_geom(
            name=name.replace("finger", "pad"), type=box, mass=_PAD_MASS,
            size=(g.finger_thickness / 2, g.finger_breadth / 2, half),
            pos=(sign * g.finger_thickness / 2, 0, half),
            rgba=(0.12, 0.12, 0.13, 1),
            friction=PAD_FRICTION, condim=4, priority=1,  # 4: a pad resists twisting
            solref=CONTACT_SOLREF, solimp=CONTACT_SOLIMP,
        )  # fmt: skip
        add_servo(spec, name, _FINGER_STIFFNESS, _FINGER_DAMPING, g.max_force)
    # The fingers are geared together, as in every parallel jaw.
    gear = spec.add_equality(
        type=mujoco.mjtEq.mjEQ_JOINT, name1=_FINGERS[0], name2=_FINGERS[1],
        objtype=mujoco.mjtObj.mjOBJ_JOINT, solref=(0.005, 1),
    )  # fmt: skip
    gear.data[:5] = (0, 1, 0, 0, 0)


def open_jaw(hand: HandSpec) -> dict[str, float]:
    """Positions of the fingers' joints, m, with the jaw open."""
    return dict.fromkeys(_FINGERS, hand.gripper.max_width / 2)


def add_servo(
    spec: mujoco.MjSpec, joint: str, stiffness: float, damping: float, limit: float
) -> None:
    """Drive a joint with stiffness x (ctrl - position) - damping x velocity, within a limit.

    Args:
        spec: the model being made; the actuator gets the joint's name.
        joint: a hinge or a slide of it.
        stiffness: N/m or N m/rad.
        damping: N s/m or N m s/rad.
        limit: N or N m.
    """
    gain, bias = np.zeros(10), np.zeros(10)
    gain[0], bias[1], bias[2] = stiffness, -stiffness, -damping
    spec.add_actuator(
        name=joint,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        target=joint,
        gaintype=mujoco.mjtGain.mjGAIN_FIXED,
        biastype=mujoco.mjtBias.mjBIAS_AFFINE,
        gainprm=gain,
        biasprm=bias,
        forcerange=(-limit, limit),
        forcelimited=True,
    )


class SimJaw:
    """The jaw of a world's robot.

    Args:
        world: its `data` is read and driven.
        hand: what was added to its model.
        free: says where it moves without touching anything.
    """

    def __init__(self, world: World, hand: HandSpec, free: FreeMotion) -> None:
        self._world, self._hand, self._free = world, hand, free
        self.stopped = False  # set it, and a motion of the jaw under way ends
        m = world.model
        self._q = np.array([m.joint(n).qposadr[0] for n in _FINGERS])
        self._dofs = np.array([m.joint(n).dofadr[0] for n in _FINGERS])
        self._drives = np.array([m.actuator(n).id for n in _FINGERS])
        self._pads = [m.geom(n.replace("finger", "pad")).id for n in _FINGERS]
        self._grip_force = 0.0  # N with which the jaw presses; 0 while it holds a width
        self._hold(hand.gripper.max_width)

    def width(self) -> float:
        """m between the pads."""
        return float(self._world.data.qpos[self._q].sum())

    def grips(self) -> bool:
        """Return True while it presses on something, or pad on pad."""
        return self._grip_force > 0

    def tick(self, drive: Callable[[float], None] | None = None) -> None:
        """Let 8 ms pass; a gripping jaw keeps pressing. See `World.step` for `drive`."""
        self.press()
        self._world.step(STEPS_PER_TICK, drive)

    def press(self) -> None:
        """Follow what the jaw presses, should it slip away; for every tick of a gripping jaw."""
        if self._grip_force:
            inward = self.width() / 2 - self._grip_force / _FINGER_STIFFNESS
            self._world.data.ctrl[self._drives] = inward

    def close(self, command: MoveJaw) -> bool:
        """Close to a width, or until something stops the jaw, and then tighten.

        Returns:
            True if something stopped it.
        """
        return self._finish(self.closing(command))

    def closing(self, command: MoveJaw) -> Generator[None, None, bool]:
        """Do as `close`, but let the caller call `tick` whenever this yields."""
        force = min(command.force, self._hand.gripper.max_force)
        step, lead = self._hand.jaw_speed * TICK, 2 * 1.5 * STALL_FORCE / _FINGER_STIFFNESS
        target = last = self.width()
        stalled = 0
        if self._jump(command.width + _SHUT):
            last = self.width()
            target = last - _LAG * self._hand.jaw_speed
        while stalled < 3 and not self.stopped:
            target = max(target - step, command.width, self.width() - lead)
            self._hold(target)
            yield
            width = self.width()
            if width - command.width < 1e-3:
                return False
            stalled = stalled + 1 if last - width < 0.2 * step else 0
            last = width
        for share in np.linspace(0.2, 1.0, 10):  # over 80 ms
            if self.stopped:
                break
            self._grip_force = share * force
            yield
        for _ in range(5):
            yield
        return True

    def open(self, width: float | None = None) -> bool:
        """Open to a width in m; None: fully.

        Returns:
            True if it got there.
        Raises:
            SimulatorFault: it did not, though nothing was in its way.
        """
        return self._finish(self.opening(width))

    def opening(self, width: float | None = None) -> Generator[None, None, bool]:
        """Do as `open`, but let the caller call `tick` whenever this yields."""
        most = self._hand.gripper.max_width
        goal = most if width is None else min(width, most)
        self._grip_force = 0.0
        self._jump(goal)
        target = self.width()
        for _ in range(300):
            target = min(target + self._hand.jaw_speed * TICK, goal)
            self._hold(target)
            yield
            if target >= goal and goal - self.width() < 2e-3:
                return True
            if self.stopped:
                return False
        if self._world.touching("finger_left", "finger_right") == 0:
            raise SimulatorFault("the gripper did not open")
        return False

    def _finish(self, motion: Generator[None, None, bool]) -> bool:
        """Let time pass until a motion ends, and return its result."""
        while True:
            try:
                next(motion)
            except StopIteration as end:
                return end.value
            self.tick()

    def _jump(self, goal: float) -> bool:
        """Skip the part of a motion in free air, if the world allows it.

        Returns:
            True if there was one; the jaw then moves on at its usual speed.
        """
        now = self.width()
        if self._free.carried() != []:
            return False
        reach = self._free.jaw_reach(now, goal, self._pads, self._hand.gripper.finger_thickness)
        if abs(reach - now) < _WORTH:
            return False
        speed = np.sign(goal - now) * self._hand.jaw_speed / 2 if reach != goal else 0.0
        duration = abs(reach - now) / self._hand.jaw_speed
        self._free.jump(self._q, self._dofs, np.full(2, reach / 2), np.full(2, speed), duration)
        return True

    def _hold(self, width: float) -> None:
        self._grip_force = 0.0
        self._world.data.ctrl[self._drives] = width / 2
