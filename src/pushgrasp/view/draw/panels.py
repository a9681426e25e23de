"""The single panels of a decision picture: maps of the workspace, +x right and +y up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from ...interfaces import Action, GripperSpec, RGBDFrame
from ...perception.heightmap import Heightmap
from ...perception.regions import workspace_region
from ...primitives import PrimitiveConfig
from ...workspace import Workspace, rotation_angle
from .canvas import ACTION, GOAL, RIM, TARGET, Picture, arrow, colored, hatch, stroke

if TYPE_CHECKING:
    from ...policy.learned import Decision
    from ...retrieve import Step


@dataclass(frozen=True)
class Lengths:
    """What an action is drawn with."""

    primitive: PrimitiveConfig = field(default_factory=PrimitiveConfig)
    gripper: GripperSpec = field(default_factory=GripperSpec)


Mask = npt.NDArray[np.bool_]

HEIGHT_COLORS = "cividis"
Q_COLORS = "viridis"
TABLE_PALE = (236, 237, 239)  # the table in the object panel
_SMALLEST_VIEW = 0.24  # m
_MARGIN = 0.03  # m shown around the objects and the action


@dataclass(frozen=True)
class View:
    """The square part of a heightmap that panels show, and how large."""

    row: int  # its first row in the heightmap
    column: int  # its first column
    n_pixels: int  # heightmap pixels a side
    side: int  # panel pixels a side

    @property
    def scale(self) -> float:
        """Panel pixels a heightmap pixel."""
        return self.side / self.n_pixels

    def at(self, row: float, column: float) -> npt.NDArray[np.float64]:
        """Panel x and y of a heightmap pixel's centre."""
        up = self.row + self.n_pixels - row
        return np.array([(column - self.column + 0.5) * self.scale, (up - 0.5) * self.scale])

    def enlarge(self, picture: npt.NDArray, *, smooth: bool = True) -> npt.NDArray:
        """A (H, W, ...) map of the workspace as a panel."""
        cut = picture[
            self.row : self.row + self.n_pixels, self.column : self.column + self.n_pixels
        ][::-1]
        way = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
        return cv2.resize(np.ascontiguousarray(cut), (self.side, self.side), interpolation=way)

    def enlarge_mask(self, mask: Mask) -> Mask:
        """A (H, W) mask as a panel, its borders smooth."""
        return self.enlarge(mask.astype(np.float32)) > 0.5


def view_of(step: Step, side: int) -> View:
    """The part of the workspace where something is: all objects and the action.

    Args:
        step: what is to be shown.
        side: panel pixels.
    """
    observation, action = step.observation, step.decision.action
    workspace = observation.heightmap.workspace
    points = np.argwhere(observation.objects)
    if action is not None:
        points = np.vstack([points, action.pixel])
    if not len(points):
        return View(0, 0, workspace.n_pixels, side)
    low, high = points.min(0), points.max(0) + 1
    wanted = int((high - low).max() + 2 * _MARGIN / workspace.resolution)
    smallest = round(_SMALLEST_VIEW / workspace.resolution)
    n = min(max(wanted, smallest), workspace.n_pixels)
    row, column = np.clip((low + high - n) // 2, 0, workspace.n_pixels - n)
    return View(int(row), int(column), n, side)


def camera_panel(frame: RGBDFrame, workspace: Workspace, side: int) -> Picture:
    """What the camera saw of the workspace, cut to a square (side, side, 3)."""
    part = workspace_region(workspace, frame.intrinsics, frame.T_world_camera, 0.1)
    h, w = frame.color.shape[:2]
    size = min(max(part.width, part.height), w, h)
    row = int(np.clip(part.row + (part.height - size) // 2, 0, h - size))
    column = int(np.clip(part.column + (part.width - size) // 2, 0, w - size))
    cut = np.ascontiguousarray(frame.color[row : row + size, column : column + size])
    return cv2.resize(cut, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def color_panel(step: Step, view: View, lengths: Lengths) -> Picture:
    """The colour heightmap with the goal's and the target's outline and the action."""
    heightmap = step.observation.heightmap
    picture = view.enlarge(heightmap.color)
    _lay_hatch(picture, heightmap, view)
    _outlines(picture, step, view)
    draw_action(picture, step.decision.action, heightmap.workspace, lengths, view)
    return picture


def height_range(heightmap: Heightmap) -> float:
    """Top of the height panel's scale in m: the scene's highest point, at least 5 cm."""
    height = heightmap.height[heightmap.seen]
    return max(0.05, float(np.ceil(height.max(initial=0.0) * 100) / 100))


def height_panel(heightmap: Heightmap, view: View) -> Picture:
    """The height map; what no camera saw is hatched."""
    top = height_range(heightmap)
    picture = view.enlarge(colored(heightmap.height, 0.0, top, HEIGHT_COLORS), smooth=False)
    _lay_hatch(picture, heightmap, view)
    return picture


def objects_panel(step: Step, view: View) -> Picture:
    """The object labels, each in its own mean colour, with the target and the goal."""
    observation = step.observation
    heightmap, labels = observation.heightmap, observation.labels
    flat = np.full((*labels.shape, 3), TABLE_PALE, np.uint8)
    for label in range(1, int(labels.max(initial=0)) + 1):
        region = labels == label
        if region.any():
            flat[region] = heightmap.color[region].mean(0)
    picture = view.enlarge(flat, smooth=False)
    _lay_hatch(picture, heightmap, view)
    large = view.enlarge(labels.astype(np.float32), smooth=False)
    edge = np.zeros(large.shape, bool)
    edge[1:] |= large[1:] != large[:-1]
    edge[:, 1:] |= large[:, 1:] != large[:, :-1]
    picture[edge] = RIM
    _outlines(picture, step, view)
    return picture


def q_range(decision: Decision) -> tuple[float, float]:
    """The common scale of both Q panels: 0 to 1 for chances, what occurs for other values."""
    maps = [m for m in (decision.grasp_map, decision.push_map) if m is not None]
    values = np.concatenate([m[np.isfinite(m)] for m in maps]) if maps else np.zeros(0)
    return float(values.min(initial=0.0)), float(values.max(initial=1.0))


def q_panel(
    heightmap: Heightmap,
    q_map: npt.NDArray[np.float32] | None,
    scale: tuple[float, float],
    view: View,
    *,
    mark_best: bool,
) -> Picture:
    """One Q map: the best of the rotations at each scored pixel.

    Args:
        q_map: (16, H, W), -inf where not scored; None where the network was not asked.
        scale: lowest and highest value of the colours.
        mark_best: draw an arrow along the best rotation of the best pixel.
    """
    gray = cv2.cvtColor(heightmap.color, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    pale = np.repeat(np.clip(190 + 0.25 * gray, 0, 255), 3, axis=2).astype(np.uint8)
    picture = view.enlarge(pale)
    _lay_hatch(picture, heightmap, view)
    if q_map is None or not np.isfinite(q_map).any():
        return picture
    best = q_map.max(0)
    scored = np.isfinite(best)
    layer = view.enlarge(colored(np.where(scored, best, np.nan), *scale, Q_COLORS), smooth=False)
    large = view.enlarge(scored.astype(np.uint8), smooth=False) > 0
    picture[large] = layer[large]
    if mark_best:
        rotation, row, column = np.unravel_index(int(q_map.argmax()), q_map.shape)
        angle = float(rotation_angle(int(rotation)))
        half = 12 * view.scale * np.array([np.cos(angle), -np.sin(angle)])
        point = view.at(float(row), float(column))
        arrow(picture, point - half, point + half, ACTION, 3, 12)
    return picture


def draw_action(
    picture: Picture,
    action: Action | None,
    workspace: Workspace,
    lengths: Lengths,
    view: View,
) -> None:
    """Draw a grasp as the open jaw's two pads, a push as an arrow over its way."""
    if action is None:
        return
    gripper, point = lengths.gripper, view.at(*action.pixel)
    px = view.scale / workspace.resolution  # panel pixels a metre
    along = np.array([np.cos(action.yaw), -np.sin(action.yaw)])
    across = np.array([-along[1], along[0]])
    if action.primitive == "push":
        start = point - lengths.primitive.push_behind * px * along
        arrow(picture, start, start + lengths.primitive.push_length * px * along, ACTION, 5, 20)
        center = (round(point[0]), round(point[1]))
        cv2.circle(picture, center, 7, RIM, -1, cv2.LINE_AA)
        cv2.circle(picture, center, 5, ACTION, -1, cv2.LINE_AA)
        return
    reach, breadth = gripper.max_width / 2 * px * along, gripper.finger_breadth / 2 * px * across
    thick = gripper.finger_thickness * px * along
    stroke(picture, np.array([point - reach, point + reach]), ACTION, 2)
    for side in (1, -1):
        inner, outer = point + side * reach, point + side * (reach + thick)
        pad = np.array([inner + breadth, outer + breadth, outer - breadth, inner - breadth])
        stroke(picture, pad, ACTION, 1, closed=True)
        cv2.fillPoly(picture, [np.round(pad).astype(np.int32)], ACTION, cv2.LINE_AA)


def draw_scale_bar(picture: Picture, workspace: Workspace, view: View) -> None:
    """A bar of 5 cm in the lower left corner."""
    length = 0.05 / workspace.resolution * view.scale
    y = view.side - 18.0
    stroke(picture, [(16, y), (16 + length, y)], ACTION, 4)


def _outlines(picture: Picture, step: Step, view: View) -> None:
    target = step.decision.target
    if not target.is_goal:
        _outline(picture, target.mask, TARGET, view)
    _outline(picture, step.observation.goal, GOAL, view)


def _outline(picture: Picture, mask: Mask, color: tuple[int, int, int], view: View) -> None:
    large = view.enlarge_mask(mask).astype(np.uint8)
    contours, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, RIM, 5, cv2.LINE_AA)
    cv2.drawContours(picture, contours, -1, color, 3, cv2.LINE_AA)


def _lay_hatch(picture: Picture, heightmap: Heightmap, view: View) -> None:
    large = view.enlarge_mask(~heightmap.seen)
    picture[large] = hatch(picture.shape[:2])[large]
