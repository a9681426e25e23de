"""Small simulated worlds for tests: blocks at known places, and a robot."""

from __future__ import annotations

import numpy as np

from pushgrasp.sim.model import ObjectSpec
from pushgrasp.sim.objects.shapes import SHAPES
from pushgrasp.sim.robots.gantry import Gantry
from pushgrasp.sim.robots.registry import robot_model
from pushgrasp.sim.world import World

UPRIGHT = (1.0, 0.0, 0.0, 0.0)  # wxyz; a brick or a long block stands 100 mm high
FLAT = (float(np.sqrt(0.5)), 0.0, float(np.sqrt(0.5)), 0.0)  # a tile or a brick is 25 mm high
RED, BLUE, GREEN = (255, 0, 0), (0, 90, 255), (0, 160, 60)
_COLORS = (RED, BLUE, GREEN, (255, 200, 0))


def world_of(*shapes: str, robot: str = "gantry") -> World:
    """Objects "object_00", ... in the colours red, blue, green, yellow; all are parked."""
    objects = [ObjectSpec(f"object_{i:02d}", SHAPES[s], _COLORS[i]) for i, s in enumerate(shapes)]
    return World(objects, robot_model(robot))


def cube_and_gantry(x: float = -0.5, y: float = 0.0) -> tuple[World, Gantry]:
    """A 50 mm cube at rest on the table, and the robot at home."""
    world = world_of("cube")
    robot = Gantry(world)
    world.place("object_00", (x, y, 0.0251), UPRIGHT)
    world.settle()
    world.peak_penetration = world.peak_speed = 0.0
    return world, robot
