"""Walls of a tote are surroundings; ordinary things are not walls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pictures import BLUE, GREEN, RED, Box, picture

from pushgrasp.interfaces import GripperSpec
from pushgrasp.perception.goal import Goal
from pushgrasp.perception.observation import Observation
from pushgrasp.perception.perceive import observe
from pushgrasp.policy.clearance import keep_clear, meets_wall
from pushgrasp.primitives import PrimitiveConfig

GREY = (125, 130, 136)
THINGS = (
    Box((-0.55, 0.06), (0.025, 0.025, 0.025), RED),
    Box((-0.45, -0.05), (0.05, 0.025, 0.025), BLUE),
)
JAW = GripperSpec()


def tote(size: float = 0.36, height: float = 0.08, thickness: float = 0.005) -> tuple[Box, ...]:
    half, rise = size / 2, height / 2
    return tuple(
        Box((-0.5 + s * half, 0.0), (thickness / 2, half, rise), GREY) for s in (-1, 1)
    ) + tuple(Box((-0.5, s * half), (half, thickness / 2, rise), GREY) for s in (-1, 1))


def in_a_tote(*things: Box) -> Observation:
    frame, _ = picture(*things, *tote(), depth_noise=0.0005)
    return observe(frame, RED)


@pytest.mark.parametrize("height", [0.05, 0.10])
@pytest.mark.parametrize("thickness", [0.003, 0.010])
def test_a_totes_walls_are_no_objects(height: float, thickness: float) -> None:
    frame, number = picture(*THINGS, *tote(height=height, thickness=thickness))
    seen = observe(frame, RED)
    assert seen.walls is not None
    assert seen.walls.sum() > 400
    assert seen.labels.max() == len(THINGS)
    assert not (seen.walls & seen.objects).any()
    assert seen.goal.sum() > 400
    assert number.max() == 6


def test_without_a_tote_nothing_is_a_wall() -> None:
    row = tuple(Box((-0.62 + 0.055 * i, 0.1), (0.025, 0.025, 0.04), GREEN) for i in range(5))
    bar = Box((-0.5, -0.1), (0.075, 0.008, 0.01), BLUE)
    frame, _ = picture(*THINGS, *row, bar)
    seen = observe(frame, RED)
    assert seen.walls is not None
    assert not seen.walls.any()


@pytest.mark.parametrize("height", [0.05, 0.10])
def test_a_goal_that_looks_like_a_wall_is_the_goal_and_it_is_told(height: float) -> None:
    board = Box((-0.5, 0.15), (0.11, 0.006, height / 2), RED)
    frame, number = picture(board, THINGS[1], depth_noise=0.0007)
    for goal in (RED, Goal(mask=number == 1)):
        seen = observe(frame, goal)
        assert seen.walls is not None
        assert not seen.walls.any()
        assert seen.goal.sum() > 300
        assert "looks like a wall of a tote, but also like the goal" in " ".join(seen.notes)


def test_a_tote_of_the_goals_colour_stays_a_tote_and_it_is_told() -> None:
    red = tuple(replace(wall, color=RED) for wall in tote())
    frame, _ = picture(*THINGS, *red, depth_noise=0.0005)
    seen = observe(frame, RED)
    assert seen.walls is not None
    assert seen.walls.sum() > 400
    assert not (seen.walls & seen.goal).any()
    assert "the walls of the tote have the goal's colour" in " ".join(seen.notes)


def test_grasps_and_pushes_beside_a_wall_are_left_out() -> None:
    near = Box((-0.5, 0.155), (0.02, 0.02, 0.02), RED)  # 5 mm from the wall at y = 0.18
    seen = in_a_tote(near)
    row, column = np.argwhere(seen.goal).mean(0).astype(int)
    along_x, along_y = (seen.action("grasp", r, row, column) for r in (0, 4))
    config = PrimitiveConfig()
    assert meets_wall(along_x, seen, config, JAW) == ""
    assert "wall" in meets_wall(along_y, seen, config, JAW)
    to_wall, along = (seen.action("push", r, row, column) for r in (4, 0))
    assert "closed jaw" in meets_wall(to_wall, seen, config, JAW)
    assert meets_wall(along, seen, config, JAW) == ""
    q_map = np.zeros((16, *seen.goal.shape), np.float32)
    kept = keep_clear(q_map, seen, "grasp")
    assert np.isfinite(kept[0, row, column])
    assert not np.isfinite(kept[4, row, column])
    assert np.isfinite(q_map).all()


def test_without_walls_nothing_is_left_out() -> None:
    frame, _ = picture(*THINGS)
    seen = observe(frame, RED)
    q_map = np.zeros((16, *seen.goal.shape), np.float32)
    assert keep_clear(q_map, seen, "push") is q_map
    assert meets_wall(seen.action("grasp", 0, 100, 100), seen, PrimitiveConfig(), JAW) == ""
