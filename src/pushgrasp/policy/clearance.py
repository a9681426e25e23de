"""Actions whose tool would meet a wall of the surroundings are left out."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from ..interfaces import Action, GripperSpec, Primitive
from ..perception.observation import Observation
from ..primitives import PrimitiveConfig
from ..workspace import N_ROTATIONS, rotation_angle
from .base import QMap

MARGIN = 0.004  # m that the tool keeps from a wall: the hand is a little off its mark
_WIDEST = GripperSpec()


def keep_clear(q_map: QMap, observation: Observation, primitive: Primitive) -> QMap:
    """Rule out actions whose tool would meet a wall.

    The widest jaw and the default depths are assumed; `meets_wall` knows the robot's own.

    Args:
        q_map: (16, H, W) of the primitive.
        observation: the look at the table that it was scored on.
        primitive: grasp or push.
    Returns:
        (16, H, W), a copy if anything changes.
    """
    top = _wall_tops(observation)
    if top is None:
        return q_map
    config = PrimitiveConfig()
    tip = _tip_height(observation.heightmap.height, primitive, config)
    resolution = observation.heightmap.workspace.resolution
    q_map = q_map.copy()
    for rotation in range(N_ROTATIONS):
        footprint = _footprint(primitive, rotation, _WIDEST, config, resolution)
        q_map[rotation][cv2.dilate(top, footprint) > tip] = -np.inf
    return q_map


def meets_wall(
    action: Action, observation: Observation, config: PrimitiveConfig, gripper: GripperSpec
) -> str:
    """Check that an action's tool stays clear of the walls.

    Returns:
        Why it does not, or "".
    """
    top = _wall_tops(observation)
    if top is None:
        return ""
    heightmap = observation.heightmap
    row, column = action.pixel
    here = heightmap.height[row : row + 1, column : column + 1]
    tip = float(_tip_height(here, action.primitive, config)[0, 0])
    footprint = _footprint(
        action.primitive, action.rotation, gripper, config, heightmap.workspace.resolution
    )
    n = len(footprint) // 2
    around = np.pad(top, n)[row : row + 2 * n + 1, column : column + 2 * n + 1]
    if float(around[footprint > 0].max()) <= tip:
        return ""
    what = "fingers" if action.primitive == "grasp" else "closed jaw"
    return f"the {what} would meet a wall beside the workspace"


def _wall_tops(observation: Observation) -> npt.NDArray[np.float32] | None:
    """(H, W) m, walls' heights, 0 elsewhere; None without walls."""
    walls = observation.walls
    if walls is None or not walls.any():
        return None
    height = np.nan_to_num(observation.heightmap.height)
    return np.where(walls, height, 0).astype(np.float32)


def _tip_height(
    height: npt.NDArray[np.float32], primitive: Primitive, config: PrimitiveConfig
) -> npt.NDArray[np.float32]:
    """(H, W) m above the table of the finger tips, for an action at each pixel."""
    depth = config.grasp_depth if primitive == "grasp" else config.push_depth
    return np.maximum(np.nan_to_num(height) - np.float32(depth), np.float32(config.tip_clearance))


@lru_cache(maxsize=128)
def _footprint(
    primitive: Primitive,
    rotation: int,
    gripper: GripperSpec,
    config: PrimitiveConfig,
    resolution: float,
) -> npt.NDArray[np.uint8]:
    """(2n + 1, 2n + 1) cells that the tool passes low, around the action's pixel.

    Of a grasp the open fingers and what they close upon; of a push the closed jaw along its path.
    """
    thick, half = gripper.finger_thickness, gripper.finger_breadth / 2 + MARGIN
    if primitive == "grasp":
        reach = gripper.max_width / 2 + thick + MARGIN
    else:
        reach = max(config.push_behind, config.push_length - config.push_behind) + thick + MARGIN
    n = int(np.ceil(np.hypot(reach, half) / resolution)) + 1
    rows, columns = np.mgrid[-n : n + 1, -n : n + 1] * resolution
    angle = float(rotation_angle(rotation))
    along = columns * np.cos(angle) + rows * np.sin(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    inside = np.abs(across) <= half
    if primitive == "grasp":
        inside &= np.abs(along) <= reach
    else:
        end = config.push_length - config.push_behind
        inside &= (along >= -config.push_behind - thick - MARGIN) & (along <= end + thick + MARGIN)
    return inside.astype(np.uint8)
