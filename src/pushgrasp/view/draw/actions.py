"""Actions drawn as the robot executes them: the path of a push, the open jaw over a grasp."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from ...interfaces import Action, GripperSpec
from ...primitives import PrimitiveConfig, executed_push, push_path
from ...workspace import Workspace
from .sheet import ACTION, RIM, Picture, arrow, stroke

if TYPE_CHECKING:
    from ...retrieve import Step
    from .panels import Crop

Path = tuple[tuple[float, float], tuple[float, float]]
"""x and y of start and end, m, world frame."""

_SCALE_BAR = 0.05  # m


@dataclass(frozen=True)
class ActionGeometry:
    """Lengths of a policy's primitives, and the jaw of the robot that executes them."""

    primitive: PrimitiveConfig = field(default_factory=PrimitiveConfig)
    gripper: GripperSpec = field(default_factory=GripperSpec)


def jaw_ends(action: Action, gripper: GripperSpec) -> npt.NDArray[np.float64]:
    """Return the inner faces of the open jaw's two pads over a grasp, (2, 2) m, world frame."""
    closing = np.array([np.cos(action.yaw), np.sin(action.yaw)])
    middle, reach = np.array(action.position[:2]), gripper.max_width / 2 * closing
    return np.array([middle - reach, middle + reach])


def push_shown(step: Step, geometry: ActionGeometry) -> Path | None:
    """Return a push's path as executed, or as planned if it was not; None: no push."""
    action = step.decision.action
    if action is None or action.primitive != "push":
        return None
    primitive = step.decision.primitive or geometry.primitive
    workspace = step.observation.heightmap.workspace
    executed = executed_push(action, step.outcome.reports)
    return executed or push_path(action, primitive, workspace)


def draw_action(picture: Picture, step: Step, geometry: ActionGeometry, crop: Crop) -> None:
    """Draw a grasp as the open jaw's pads, a push as an arrow along its path, as executed.

    Args:
        picture: a panel; it is drawn into.
        step: with the chosen action; without one nothing is drawn.
        geometry: lengths and jaw.
        crop: the part of the workspace that the panel shows.
    """
    action, workspace = step.decision.action, step.observation.heightmap.workspace
    if action is None:
        return
    path = push_shown(step, geometry)
    if path is not None:
        start, end = (crop.at_xy(xy, workspace) for xy in path)
        arrow(picture, start, end, ACTION, 5, 20)
        u, v = crop.at_xy(action.position[:2], workspace)
        for radius, color in ((7, RIM), (5, ACTION)):
            cv2.circle(picture, (round(u), round(v)), radius, color, -1, cv2.LINE_AA)
        return
    px = crop.scale / workspace.resolution  # panel pixels per metre
    along = crop.along(action.yaw)
    half_breadth = geometry.gripper.finger_breadth / 2 * px * np.array([-along[1], along[0]])
    thick = geometry.gripper.finger_thickness * px * along
    inner_faces = [crop.at_xy(end, workspace) for end in jaw_ends(action, geometry.gripper)]
    stroke(picture, np.array(inner_faces), ACTION, 2)
    for inner, outwards in zip(inner_faces, (-thick, thick), strict=True):
        outer = inner + outwards
        pad = np.array(
            [inner + half_breadth, outer + half_breadth, outer - half_breadth, inner - half_breadth]
        )
        stroke(picture, pad, ACTION, 1, closed=True)
        cv2.fillPoly(picture, [np.round(pad).astype(np.int32)], ACTION, cv2.LINE_AA)


def draw_scale_bar(picture: Picture, workspace: Workspace, crop: Crop) -> None:
    """Draw a bar of 5 cm in the lower left corner of a panel."""
    length = _SCALE_BAR / workspace.resolution * crop.scale
    y = crop.side - 18.0
    stroke(picture, [(16, y), (16 + length, y)], ACTION, 4)
