"""Simulated robots by name."""

from __future__ import annotations

from ...errors import UserError
from ...interfaces import GripperSpec
from ..model import RobotModel
from ..world import World
from .arm import ArmKinematics, ArmModel
from .arms import ARMS
from .gantry import Gantry, GantryModel
from .hand import FRANKA_HAND, RG2
from .robot import SimRobot

_HANDS = {"gantry": RG2, "ur5e": RG2, "panda": FRANKA_HAND, "fr3": FRANKA_HAND,
          "gantry-franka": FRANKA_HAND}  # fmt: skip
ROBOTS = tuple(_HANDS)
"""All names; gantry-franka separates the effect of the Franka Hand from the arm's."""


def robot_model(name: str, *, visual_meshes: bool = False) -> RobotModel:
    """Return what a robot adds to a world's model.

    Args:
        name: one of ROBOTS.
        visual_meshes: show an arm in its maker's meshes where they are installed.
    Raises:
        UserError: there is no such robot.
    """
    _check(name)
    hand = _HANDS[name]
    return ArmModel(name, hand, visual_meshes=visual_meshes) if name in ARMS else GantryModel(hand)


def gripper(name: str) -> GripperSpec:
    """Return a robot's jaw.

    Raises:
        UserError: there is no such robot.
    """
    _check(name)
    return _HANDS[name].gripper


def make_robot(name: str, world: World) -> SimRobot:
    """Make the robot of a world that was built with its model.

    Raises:
        UserError: there is no such robot.
    """
    _check(name)
    hand = _HANDS[name]
    if name not in ARMS:
        return Gantry(world, hand, name)
    return SimRobot(world, name, hand, ArmKinematics(name, hand, world.cell))


def _check(name: str) -> None:
    if name not in ROBOTS:
        raise UserError(f"no robot {name!r}; there are: {', '.join(ROBOTS)}")
