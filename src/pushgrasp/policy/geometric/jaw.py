"""Clearance of a jaw's fingers: boxes that move straight down onto a heightmap."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ...interfaces import GripperSpec
from ...perception.observation import Observation
from ...perception.segmentation import MIN_HEIGHT
from ...primitives import PrimitiveConfig
from ...workspace import rotation_angle

HeightArray = npt.NDArray[np.float32]


def tip_height(height: HeightArray, depth: float, primitive: PrimitiveConfig) -> HeightArray:
    """Return the height (m) of a tool's lowest point, a depth below the surface."""
    return np.maximum(height - np.float32(depth), np.float32(primitive.tip_clearance))


def obstacles(observation: Observation) -> HeightArray:
    """Return the surfaces (H, W) in m for collision checks: unseen is infinite, the table flat."""
    height = observation.heightmap.height
    raised = observation.objects
    if observation.walls is not None:
        raised = raised | observation.walls
    solid = np.where(raised, height, np.minimum(height, np.float32(MIN_HEIGHT)))
    return np.where(observation.heightmap.seen, solid, np.float32(np.inf)).astype(np.float32)


def fingers_over(
    solid: HeightArray, rotation: int, gripper: GripperSpec, resolution: float
) -> HeightArray:
    """Compute the highest surface under the open jaw's fingers, for a grasp at every pixel.

    Args:
        solid: (H, W) m, see `obstacles`.
        rotation: of the grasp.
        gripper: the jaw.
        resolution: m per pixel.
    Returns:
        (H, W) m, infinite where a finger would be over unseen cells or beyond the map's edge.
        Every cell that a finger's outline touches counts.
    """
    reach = (gripper.max_width + gripper.finger_thickness) / 2
    half = (gripper.finger_thickness / 2, gripper.finger_breadth / 2)
    angle = float(rotation_angle(rotation))
    offsets = reach / resolution * np.array([[np.sin(angle), np.cos(angle)]])
    offsets = np.rint(np.concatenate([-offsets, offsets])).astype(int)  # row, column
    around = highest_under(solid, half, angle, resolution, slack=0.5)
    return np.maximum(*(shift(around, *offset) for offset in offsets))


def highest_under(
    solid: HeightArray,
    half: tuple[float, float],
    angle: float,
    resolution: float,
    *,
    slack: float = 0.0,
) -> HeightArray:
    """Compute the highest cell under a rotated rectangle, for its centre on every pixel.

    Args:
        solid: (H, W) m.
        half: m, half-extents along the angle and across it.
        angle: rad, a yaw.
        resolution: m per pixel.
        slack: px, by which its centre may be off along rows and columns.
    Returns:
        (H, W) m; beyond the edge everything is infinitely high.
    """
    n = int(np.ceil(np.hypot(*half) / resolution + slack)) + 1
    rows, columns = np.mgrid[-n : n + 1, -n : n + 1]
    cos, sin = np.cos(angle), np.sin(angle)
    along, across = columns * cos + rows * sin, rows * cos - columns * sin
    # half-extents of a cell and of the slack; a cell whose edge is touched counts
    cell = (0.5 + slack) * (abs(cos) + abs(sin)) + 1e-6
    touched = (np.abs(along) <= half[0] / resolution + cell) & (
        np.abs(across) <= half[1] / resolution + cell
    )
    kernel = touched.astype(np.uint8)
    highest = cv2.dilate(solid, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=np.inf)
    return np.asarray(highest, np.float32)


def shift(image: HeightArray, rows: int, columns: int) -> HeightArray:
    """Shift an image by rows and columns; what comes from outside is infinite."""
    height, width = image.shape
    shifted = np.full_like(image, np.inf)
    to_rows = slice(max(-rows, 0), min(height, height - rows))
    to_columns = slice(max(-columns, 0), min(width, width - columns))
    from_rows = slice(max(rows, 0), min(height, height + rows))
    from_columns = slice(max(columns, 0), min(width, width + columns))
    shifted[to_rows, to_columns] = image[from_rows, from_columns]
    return shifted
