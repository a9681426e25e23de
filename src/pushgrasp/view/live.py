"""Decisions drawn into a live window, before the robot moves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..interfaces import Action
from ..perception.observation import Observation
from ..policy.base import Decides, Decision, Memory, Resets
from ..primitives import push_path
from ..sim.cameras.window import Color, Marker, Point
from .draw.actions import ActionGeometry, jaw_ends
from .draw.sheet import ACTION, GOAL, TARGET
from .draw.words import decision_caption

if TYPE_CHECKING:
    from ..policy.base import Mask
    from ..workspace import Workspace

Show = Callable[[Sequence[Marker], str], None]

_ABOVE = 0.012  # m, above the surface, so that markers are not inside objects
_FINGER = 0.07  # m of the drawn jaw
_PAD = 0.006  # m, radius of its bars


class Shown:
    """A policy whose decisions are shown; it decides as the policy does.

    Args:
        policy: who decides.
        show: gets the markers of each decision and a caption.
        goal: what to call the goal, "red block".
        geometry: what actions are drawn with.
    """

    def __init__(self, policy: Decides, show: Show, goal: str, geometry: ActionGeometry) -> None:
        self._policy, self._show, self._goal = policy, show, goal
        self._geometry = geometry
        self.primitive = policy.primitive

    def reset(self) -> None:
        """See `Resets`."""
        if isinstance(self._policy, Resets):
            self._policy.reset()

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        """See `Decides.decide`."""
        decision = self._policy.decide(observation, memory, refused=refused)
        text = decision_caption(observation, decision, self._goal)
        self._show(decision_markers(observation, decision, self._geometry), text)
        return decision


def decision_markers(
    observation: Observation, decision: Decision, geometry: ActionGeometry
) -> list[Marker]:
    """Draw a decision in the world frame: discs on goal and target, and the action."""
    markers: list[Marker] = []
    if observation.goal.any():
        markers.append(_disc(observation, observation.goal, GOAL))
    if not decision.target.is_goal and decision.target.mask.any():
        markers.append(_disc(observation, decision.target.mask, TARGET))
    if decision.action is not None:
        given = replace(geometry, primitive=decision.primitive or geometry.primitive)
        markers += action_markers(decision.action, observation.heightmap.workspace, given)
    return markers


def action_markers(action: Action, workspace: Workspace, geometry: ActionGeometry) -> list[Marker]:
    """Draw an action in the world frame, as planned: a push's path, or the open jaw."""
    white, z = _color(ACTION), action.position[2] + _ABOVE
    if action.primitive == "push":
        (x0, y0), (x1, y1) = push_path(action, geometry.primitive, workspace)
        return [Marker("arrow", (x0, y0, z), (x1, y1, z), white)]
    (x0, y0), (x1, y1) = jaw_ends(action, geometry.gripper)
    high = z + _FINGER
    corners: list[Point] = [(x0, y0, z), (x0, y0, high), (x1, y1, high), (x1, y1, z)]
    bars = itertools.pairwise(corners)
    return [Marker("bar", start, end, white, _PAD) for start, end in bars]


def _disc(observation: Observation, mask: Mask, rgb: tuple[int, int, int]) -> Marker:
    """Put a disc on the middle of an object, above its highest point."""
    heightmap = observation.heightmap
    row, column = np.argwhere(mask).mean(0)
    x, y = heightmap.workspace.to_xy(row, column)
    top = float(np.nanmax(heightmap.height[mask], initial=0.0))
    at = (float(x), float(y), heightmap.workspace.table_z + top + 0.002)
    return Marker("ring", at, at, _color(rgb, 0.85), 0.012)


def _color(rgb: tuple[int, int, int], opacity: float = 0.95) -> Color:
    red, green, blue = (c / 255 for c in rgb)
    return red, green, blue, opacity
