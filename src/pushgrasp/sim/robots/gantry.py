"""A gantry (x, y, z, yaw) with a parallel jaw: the simplest robot for the task."""

from __future__ import annotations

import mujoco
import numpy as np

from ..cell import Cell
from ..world import World
from .hand import RG2, HandSpec, add_hand, add_servo, open_jaw
from .motion import FloatArray, JointPath, turn_to
from .robot import RefusedError, SimRobot

YAW_SPEED = 3.5  # rad/s
AXIS_SPEED = 2.0  # m/s
AXIS_FORCE = (80.0, 80.0, 40.0)  # N, limits of the x, y and z actuators

_STIFFNESS = 2e4  # N/m
_YAW_STIFFNESS = 200.0  # N m/rad
_YAW_INERTIA = 0.025  # kg m2, gearing included
_YAW_DAMPING = 2 * np.sqrt(_YAW_STIFFNESS * _YAW_INERTIA)  # critical
_YAW_TORQUE = 6.0  # N m


class GantryModel:
    """The gantry's bodies and actuators: joints x, y, z, yaw and the fingers."""

    def __init__(self, hand: HandSpec = RG2) -> None:
        self.hand = hand

    def add_to(self, spec: mujoco.MjSpec, cell: Cell) -> None:
        """Add to a model; the axes are 0 at the cell's home."""
        tool = spec.worldbody.add_body(name="tool", pos=cell.home, gravcomp=1)
        joint = mujoco.mjtJoint
        for name, axis in (("x", (1, 0, 0)), ("y", (0, 1, 0)), ("z", (0, 0, 1))):
            tool.add_joint(name=name, type=joint.mjJNT_SLIDE, axis=axis)
        tool.add_joint(name="yaw", type=joint.mjJNT_HINGE, axis=(0, 0, 1), armature=0.02)
        add_hand(spec, tool, self.hand)
        for name, force in zip("xyz", AXIS_FORCE, strict=True):
            add_servo(spec, name, _STIFFNESS, _damping(self.hand), force)
        add_servo(spec, "yaw", _YAW_STIFFNESS, _YAW_DAMPING, _YAW_TORQUE)

    def rest(self) -> dict[str, float]:
        """See `RobotModel.rest`."""
        return open_jaw(self.hand)


def _damping(hand: HandSpec) -> float:
    """Return the critical damping of a linear axis, N s/m."""
    return float(2 * np.sqrt(_STIFFNESS * hand.mass))


class GantryKinematics:
    """Kinematics of the gantry: its joints are the tool's position and yaw."""

    def __init__(self, hand: HandSpec, cell: Cell) -> None:
        self._origin = np.array(cell.home)
        self._range = cell.gantry_range
        self.joints: tuple[str, ...] = ("x", "y", "z", "yaw")
        self.home = np.zeros(4)
        self.speeds = np.array([AXIS_SPEED] * 3 + [YAW_SPEED])
        self.accelerations = np.full(4, np.inf)  # only the tool's acceleration is limited
        self.lag = np.array([_damping(hand) / _STIFFNESS] * 3 + [_YAW_DAMPING / _YAW_STIFFNESS])

    def pose(self, joints: FloatArray) -> tuple[FloatArray, float]:
        """See `Kinematics.pose`."""
        return joints[:3] + self._origin, float(joints[3])

    def path(self, start: FloatArray, position: FloatArray, yaw: float) -> JointPath:
        """See `Kinematics.path`."""
        for axis, value, (low, high) in zip("xyz", position, self._range, strict=True):
            if not low <= value <= high:
                raise RefusedError(
                    f"{axis} = {value:.2f} m is beyond the axis, {low:.2f} to {high:.2f} m"
                )
        goal = np.array([*(position - self._origin), turn_to(yaw, float(start[3]))])
        length = float(np.linalg.norm(goal[:3] - start[:3]))
        return JointPath(np.stack([start, goal]), np.array([0.0, 1.0]), length)


class Gantry(SimRobot):
    """The gantry of a world as a `Robot`."""

    def __init__(self, world: World, hand: HandSpec = RG2, name: str = "gantry") -> None:
        super().__init__(world, name, hand, GantryKinematics(hand, world.cell))
