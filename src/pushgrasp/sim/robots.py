"""The robots there are, by name."""

from __future__ import annotations

from ..errors import UserError
from ..interfaces import GripperSpec
from .arm import ArmKinematics, ArmModel
from .gantry import Gantry, GantryModel
from .hand import FRANKA_HAND, RG2
from .model import RobotModel
from .robot import SimRobot
from .world import World

_ARM_HANDS = {"ur5e": RG2, "panda": FRANKA_HAND}
ROBOTS = ("gantry", *_ARM_HANDS)


def robot_model(name: str, *, dressed: bool = False) -> RobotModel:
    """What a robot adds to a world.

    Args:
        name: one of ROBOTS.
        dressed: with the maker's meshes, where they are installed, for people to look at.

    Raises:
        UserError: there is no such robot.
    """
    _check(name)
    return GantryModel() if name == "gantry" else ArmModel(name, _ARM_HANDS[name], dressed=dressed)


def gripper(name: str) -> GripperSpec:
    """The jaw of a robot.

    Raises:
        UserError: there is no such robot.
    """
    _check(name)
    return (RG2 if name == "gantry" else _ARM_HANDS[name]).gripper


def make_robot(name: str, world: World) -> SimRobot:
    """The robot of a world that was made with its model.

    Raises:
        UserError: there is no such robot.
    """
    _check(name)
    if name == "gantry":
        return Gantry(world)
    hand = _ARM_HANDS[name]
    return SimRobot(world, name, hand, ArmKinematics(name, hand))


def _check(name: str) -> None:
    if name not in ROBOTS:
        raise UserError(f"no robot {name!r}; there are: {', '.join(ROBOTS)}")
