"""The robots there are, by name."""

from __future__ import annotations

from ..errors import UserError
from .gantry import Gantry, GantryModel
from .robot import SimRobot
from .world import RobotModel, World

ROBOTS = ("gantry", "ur5e", "panda")


def robot_model(name: str) -> RobotModel:
    """What a robot adds to a world.

    Raises:
        UserError: there is no such robot.
    """
    return GantryModel()


def make_robot(name: str, world: World) -> SimRobot:
    """The robot of a world that was made with its model.

    Raises:
        UserError: there is no such robot.
    """
    return Gantry(world)
