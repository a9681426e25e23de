"""The panels of a decision picture: maps of the workspace, turned as the camera looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from ...interfaces import RGBDFrame
from ...perception.heightmap import Heightmap
from ...perception.regions import workspace_region
from ...policy.base import Mask
from ...workspace import Workspace
from .actions import ActionGeometry, draw_action
from .sheet import ACTION, GOAL, RIM, TARGET, Color, Picture, colored, hatch

if TYPE_CHECKING:
    from ...policy.learned import Decision
    from ...retrieve import Step

HEIGHT_COLORS = "cividis"
Q_COLORS = "viridis"
TABLE_PALE = (236, 237, 239)  # the table in the object panel
_SMALLEST_VIEW = 0.24  # m
_MARGIN = 0.03  # m shown around the objects and the action


@dataclass(frozen=True)
class Crop:
    """The square part of a heightmap that panels show, its scale and its orientation."""

    row: int  # its first row in the heightmap
    column: int  # its first column
    n_pixels: int  # heightmap pixels per side
    side: int  # panel pixels per side
    quarters: int = 0  # quarter turns, counterclockwise, of a panel with +x right and +y up

    @property
    def scale(self) -> float:
        """Panel pixels per heightmap pixel."""
        return self.side / self.n_pixels

    def at(self, row: float, column: float) -> npt.NDArray[np.float64]:
        """Return panel x and y of a heightmap pixel's centre."""
        up = self.row + self.n_pixels - row
        x, y = (column - self.column + 0.5) * self.scale, (up - 0.5) * self.scale
        for _ in range(self.quarters):
            x, y = y, self.side - x
        return np.array([x, y])

    def along(self, yaw: float) -> npt.NDArray[np.float64]:
        """Return a direction of the world frame, by its yaw in rad, in the panel: (2,) x and y."""
        yaw += self.quarters * np.pi / 2
        return np.array([np.cos(yaw), -np.sin(yaw)])

    def at_xy(self, xy: npt.ArrayLike, workspace: Workspace) -> npt.NDArray[np.float64]:
        """Return panel x and y of a position in the world frame, (2,) m."""
        x, y = np.asarray(xy, np.float64)
        row = (y - workspace.y_min) / workspace.resolution - 0.5
        column = (x - workspace.x_min) / workspace.resolution - 0.5
        return self.at(row, column)

    def enlarge(self, picture: npt.NDArray[Any], *, smooth: bool = True) -> npt.NDArray[Any]:
        """Crop, turn and scale a (H, W, ...) map of the workspace to a panel."""
        rows = slice(self.row, self.row + self.n_pixels)
        columns = slice(self.column, self.column + self.n_pixels)
        cut = np.ascontiguousarray(np.rot90(picture[rows, columns][::-1], self.quarters))
        method = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
        return cv2.resize(cut, (self.side, self.side), interpolation=method)

    def enlarge_mask(self, mask: Mask) -> Mask:
        """Crop and scale a (H, W) mask to a panel, its borders smooth."""
        return self.enlarge(mask.astype(np.float32)) > 0.5


def quarters_of(workspace: Workspace, T_world_camera: npt.ArrayLike | None = None) -> int:
    """Count the quarter turns that put a panel's lower edge nearest to the camera.

    Args:
        workspace: what panels show.
        T_world_camera: (4, 4) the camera's pose; None: the standard camera, which looks across the
            workspace to the robot's base, the world's origin.
    Returns:
        0 to 3, for `Crop.quarters`.
    """
    if T_world_camera is None:
        up = np.array([-workspace.center[0], 0.0])
    else:
        up = -np.asarray(T_world_camera, np.float64)[:2, 1]  # the image's upward direction
    return round((np.pi / 2 - float(np.arctan2(up[1], up[0]))) / (np.pi / 2)) % 4


def crop_of(step: Step, side: int, frame: RGBDFrame | None = None) -> Crop:
    """Choose the part of the workspace where something is: all objects and the action.

    Args:
        step: what is to be shown.
        side: panel pixels.
        frame: of the camera whose view the panel is turned to; None: the standard camera.
    """
    observation, action = step.observation, step.decision.action
    workspace = observation.heightmap.workspace
    points = np.argwhere(observation.objects)
    if action is not None:
        points = np.vstack([points, action.pixel])
    quarters = quarters_of(workspace, None if frame is None else frame.T_world_camera)
    if not len(points):
        return Crop(0, 0, workspace.n_pixels, side, quarters)
    low, high = points.min(0), points.max(0) + 1
    wanted = int((high - low).max() + 2 * _MARGIN / workspace.resolution)
    smallest = round(_SMALLEST_VIEW / workspace.resolution)
    n = min(max(wanted, smallest), workspace.n_pixels)
    row, column = np.clip((low + high - n) // 2, 0, workspace.n_pixels - n)
    return Crop(int(row), int(column), n, side, quarters)


def camera_panel(frame: RGBDFrame, workspace: Workspace, side: int) -> Picture:
    """Crop a camera image to the workspace, (side, side, 3)."""
    part = workspace_region(workspace, frame.intrinsics, frame.T_world_camera, 0.1)
    h, w = frame.color.shape[:2]
    size = min(max(part.width, part.height), w, h)
    row = int(np.clip(part.row + (part.height - size) // 2, 0, h - size))
    column = int(np.clip(part.column + (part.width - size) // 2, 0, w - size))
    cut = np.ascontiguousarray(frame.color[row : row + size, column : column + size])
    return cv2.resize(cut, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def color_panel(step: Step, crop: Crop, geometry: ActionGeometry) -> Picture:
    """Draw the colour heightmap with outlines of the goal and the target, and the action."""
    heightmap = step.observation.heightmap
    picture = color_of(heightmap, crop)
    _outlines(picture, step, crop)
    draw_action(picture, step, geometry, crop)
    return picture


def color_of(heightmap: Heightmap, crop: Crop) -> Picture:
    """Draw the colour heightmap; unseen cells are hatched."""
    picture = crop.enlarge(heightmap.color)
    _lay_hatch(picture, heightmap, crop)
    return picture


def height_range(heightmap: Heightmap) -> float:
    """Return the top of the height scale in m: the scene's highest point, at least 5 cm."""
    height = heightmap.height[heightmap.seen]
    return max(0.05, float(np.ceil(height.max(initial=0.0) * 100) / 100))


def height_panel(heightmap: Heightmap, crop: Crop) -> Picture:
    """Draw the heights; unseen cells are hatched."""
    top = height_range(heightmap)
    picture = crop.enlarge(colored(heightmap.height, 0.0, top, HEIGHT_COLORS), smooth=False)
    _lay_hatch(picture, heightmap, crop)
    return picture


def objects_panel(step: Step, crop: Crop) -> Picture:
    """Draw the segmented objects, each in its mean colour, with the target and the goal."""
    observation = step.observation
    heightmap, labels = observation.heightmap, observation.labels
    flat = np.full((*labels.shape, 3), TABLE_PALE, np.uint8)
    for label in range(1, int(labels.max(initial=0)) + 1):
        region = labels == label
        if region.any():
            flat[region] = heightmap.color[region].mean(0)
    picture = crop.enlarge(flat, smooth=False)
    _lay_hatch(picture, heightmap, crop)
    large = crop.enlarge(labels.astype(np.float32), smooth=False)
    edge = np.zeros(large.shape, bool)
    edge[1:] |= large[1:] != large[:-1]
    edge[:, 1:] |= large[:, 1:] != large[:, :-1]
    picture[edge] = RIM
    _outlines(picture, step, crop)
    return picture


def q_range(decision: Decision) -> tuple[float, float]:
    """Return the common scale of both Q panels: 0 to 1, wider if values lie outside."""
    maps = [m for m in (decision.grasp_map, decision.push_map) if m is not None]
    values = np.concatenate([m[np.isfinite(m)] for m in maps]) if maps else np.zeros(0)
    return float(values.min(initial=0.0)), float(values.max(initial=1.0))


def q_panel(
    heightmap: Heightmap,
    q_map: npt.NDArray[np.float32] | None,
    scale: tuple[float, float],
    crop: Crop,
    *,
    mark_best: bool,
) -> Picture:
    """Draw one Q map: the best of the rotations at each scored pixel.

    Args:
        q_map: (16, H, W), -inf where not scored; None where the network was not asked.
        scale: lowest and highest value of the colours.
        mark_best: circle the best pixel, of an action that was not chosen.
    """
    gray = cv2.cvtColor(heightmap.color, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    pale = np.repeat(np.clip(190 + 0.25 * gray, 0, 255), 3, axis=2).astype(np.uint8)
    picture = crop.enlarge(pale)
    _lay_hatch(picture, heightmap, crop)
    if q_map is None or not np.isfinite(q_map).any():
        return picture
    best = q_map.max(0)
    scored = np.isfinite(best)
    layer = crop.enlarge(colored(np.where(scored, best, np.nan), *scale, Q_COLORS), smooth=False)
    large = crop.enlarge(scored.astype(np.uint8), smooth=False) > 0
    picture[large] = layer[large]
    if mark_best:
        row, column = np.unravel_index(int(q_map.argmax()), q_map.shape)[1:]
        u, v = np.round(crop.at(float(row), float(column))).astype(int)
        mark(picture, (int(u), int(v)), 11)
    return picture


def mark(picture: Picture, at: tuple[int, int], radius: int) -> None:
    """Draw a ring into a picture, around x and y."""
    for color, width in ((RIM, 4), (ACTION, 2)):
        cv2.circle(picture, at, radius, color, width, cv2.LINE_AA)


def _outlines(picture: Picture, step: Step, crop: Crop) -> None:
    target = step.decision.target
    if not target.is_goal:
        _outline(picture, target.mask, TARGET, crop)
    _outline(picture, step.observation.goal, GOAL, crop)


def _outline(picture: Picture, mask: Mask, color: Color, crop: Crop) -> None:
    large = crop.enlarge_mask(mask).astype(np.uint8)
    contours, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, RIM, 5, cv2.LINE_AA)
    cv2.drawContours(picture, contours, -1, color, 3, cv2.LINE_AA)


def _lay_hatch(picture: Picture, heightmap: Heightmap, crop: Crop) -> None:
    large = crop.enlarge_mask(~heightmap.seen)
    picture[large] = hatch(picture.shape[:2])[large]
