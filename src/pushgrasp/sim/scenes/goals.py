"""The choice of a fixed scene's goal; objects are numbered as in its file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...errors import UserError
from ...perception.colors import color_name
from ...perception.segmentation import matches
from .placed import SceneFile


def possible_goals(scene: SceneFile) -> list[int]:
    """Return the numbers of the objects in the workspace; the robot looks nowhere else."""
    inside = scene.workspace.contains
    return [number for number, o in scene.objects.items() if inside(o.position[:2])]


def choose_goal(scene: SceneFile, goal: int | None, name: str) -> int:
    """Return the goal's number.

    Args:
        scene: the objects.
        goal: as asked for; None: the one that the file names, or else the first that can be one.
        name: of the scene, for messages.
    Raises:
        UserError: there is no such object, it was left out or lies outside the workspace, or
            another one has its colour.
    """
    goals = possible_goals(scene)
    if not goals:
        raise UserError(f"{name} has no object in the workspace that could be the goal")
    asked = f"goal {goal}" if goal is not None else f"the goal of {name} is {scene.goal}"
    if goal is None:
        goal = goals[0] if scene.goal is None else scene.goal
    n_objects = len(scene.objects) + len(scene.left_out)
    if not 0 <= goal < n_objects:
        has = "1 object, so" if n_objects == 1 else f"{n_objects} objects, so"
        to = "" if n_objects == 1 else f" to {n_objects - 1}"
        raise UserError(f"{asked}: {name} has {has} the goal is 0{to}")
    if goal in scene.left_out:
        raise UserError(
            f"{asked}: {scene.left_out[goal]}; it can be one of {', '.join(map(str, goals))}"
        )
    if goal not in goals:
        raise UserError(
            f"{asked}: that object of {name} lies outside the workspace, "
            f"where the robot does not look; inside are {', '.join(map(str, goals))}"
        )
    check_goal_color({i: o.color for i, o in scene.objects.items()}, goal, f"{name}: goal")
    return goal


def check_goal_color(colors: Mapping[int, tuple[int, int, int]], goal: int, where: str) -> None:
    """Check that the goal's colour, all that the robot is told, is that of no other object.

    Args:
        colors: sRGB 0..255 of all objects, by number.
        goal: the goal's number.
        where: what named the goal, for the message.
    Raises:
        UserError: the goal's colour has no hue, or another object's is the same to the robot.
    """
    own = colors[goal]
    alike = dict(zip(colors, matches(np.array(list(colors.values())), own), strict=True))
    if not alike[goal]:
        raise UserError(f"{where} {goal} is {color_name(own)}; give it a colour that is not black")
    others = [number for number, same in alike.items() if same and number != goal]
    if others:
        raise UserError(
            f"{where} {goal} is {color_name(own)} and object {others[0]} "
            f"{color_name(colors[others[0]])}, which the robot cannot tell apart; "
            "give the goal a colour of its own"
        )
