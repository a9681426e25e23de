"""Score pushes by the free space that they move an object into."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...interfaces import GripperSpec
from ...perception.observation import Observation
from ...perception.segmentation import MIN_HEIGHT
from ...primitives import PrimitiveConfig
from ...workspace import N_ROTATIONS, rotation_angle
from ..base import QMap
from .jaw import highest_under, obstacles, shift, tip_height

AHEAD = (0.02, 0.09)  # m beyond the chosen point where there must be room
HALF_CORRIDOR = 0.02  # m, half the breadth of that room
OFF_CENTER = 0.01  # m beside the object's middle at which a push has lost 63 % of its effect
EDGE_MARGIN = 0.03  # m that what is pushed stays away from the workspace's edge


def push_map(
    observation: Observation,
    mask: npt.NDArray[np.bool_],
    gripper: GripperSpec,
    primitive: PrimitiveConfig,
) -> QMap:
    """Score pushes of one object through its middle into free space.

    Args:
        observation: what is seen.
        mask: (H, W) bool, the object.
        gripper: its closed jaw pushes.
        primitive: how deep, and how far.
    Returns:
        (16, H, W): the share of the room ahead that is seen to be free, less towards the object's
        sides; -inf off the object, where the jaw would come down on something or on cells that
        nobody has seen, and where it would push the object out of the workspace.
    """
    heightmap = observation.heightmap
    workspace, height = heightmap.workspace, heightmap.height
    q_map = np.full((N_ROTATIONS, *height.shape), -np.inf, np.float32)
    rows, columns = np.nonzero(mask & heightmap.seen)
    if not len(rows):
        return q_map
    tips = tip_height(height, primitive.push_depth, primitive)
    solid = obstacles(observation)
    half = (gripper.finger_thickness, gripper.finger_breadth / 2)
    middle = np.array([rows.mean(), columns.mean()])
    xy = workspace.to_xy(rows, columns)
    for rotation in range(N_ROTATIONS):
        angle = float(rotation_angle(rotation))
        ahead = np.array([np.cos(angle), np.sin(angle)])  # x, y
        start = np.rint(-primitive.push_behind / workspace.resolution * ahead).astype(int)
        jaw = highest_under(solid, half, angle, workspace.resolution, slack=0.5)
        meets = shift(jaw, start[1], start[0])
        free = meets <= np.maximum(tips, np.float32(MIN_HEIGHT))
        end = xy + (primitive.push_length - primitive.push_behind) * ahead
        stays = workspace.contains(end, margin=-EDGE_MARGIN)
        across = (rows - middle[0]) * ahead[0] - (columns - middle[1]) * ahead[1]
        centered = np.exp(-((across * workspace.resolution / OFF_CENTER) ** 2))
        possible = free[rows, columns] & stays
        r, c = rows[possible], columns[possible]
        room = _room(solid, mask, r, c, tips[r, c], angle, workspace.resolution)
        q_map[rotation, r, c] = room * centered[possible]
    return q_map


def _room(
    solid: npt.NDArray[np.float32],
    mask: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    tips: npt.NDArray[np.float32],
    angle: float,
    resolution: float,
) -> npt.NDArray[np.float64]:
    """Compute the share (N,) of the cells ahead that are free; the object's own count as free."""
    along = np.arange(AHEAD[0], AHEAD[1], 2 * resolution) / resolution
    across = np.linspace(-HALF_CORRIDOR, HALF_CORRIDOR, 5) / resolution
    x, y = (v.reshape(-1) for v in np.meshgrid(along, across))
    pad = int(np.hypot(AHEAD[1], HALF_CORRIDOR) / resolution) + 2
    wide = np.pad(np.where(mask, np.float32(0), solid), pad, constant_values=np.inf)
    r = np.rint(x * np.sin(angle) + y * np.cos(angle)).astype(int) + pad
    c = np.rint(x * np.cos(angle) - y * np.sin(angle)).astype(int) + pad
    cells = wide[rows[:, None] + r, columns[:, None] + c]
    return (cells <= np.maximum(tips, np.float32(MIN_HEIGHT))[:, None]).mean(1)
