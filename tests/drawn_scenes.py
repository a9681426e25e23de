"""Observations drawn from rectangles, for tests: exact, fully seen, and easy to turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pushgrasp.perception.heightmap import Heightmap
from pushgrasp.perception.observation import Observation
from pushgrasp.workspace import Workspace

WORKSPACE = Workspace()


@dataclass(frozen=True)
class Block:
    """A box on the table; the first of a scene is the goal."""

    x: float  # m from the middle of the workspace
    y: float
    length: float = 0.05  # m along its yaw
    width: float = 0.05  # m
    height: float = 0.05  # m
    yaw: float = 0.0  # rad


PILE = (
    Block(0.004, -0.006, 0.1, 0.05, 0.025, 0.3),
    Block(-0.02, 0.055, 0.05, 0.05, 0.05, 0.9),
    Block(0.075, 0.02, 0.1, 0.025, 0.06, 1.7),
    Block(-0.06, -0.05, 0.093, 0.05, 0.049, 2.2),
    Block(0.03, -0.07, 0.045, 0.045, 0.05, 0.1),
)


def turned(points: npt.ArrayLike, angle: float) -> npt.NDArray[np.float64]:
    """Pixels (..., 2), row and column, turned about the middle as a yaw turns."""
    offset = np.asarray(points, float) - 111.5
    sin, cos = np.sin(angle), np.cos(angle)
    row = offset[..., 0] * cos + offset[..., 1] * sin
    column = offset[..., 1] * cos - offset[..., 0] * sin
    return np.stack([row, column], axis=-1) + 111.5


def shortfall(q_map: npt.NDArray[np.float32], rotation: int, pixel: npt.ArrayLike) -> float:
    """By how much a place, give or take two pixels, misses the best of a Q map.

    Turning resamples, and two nearly equal actions may change places; hence a place that is
    nearly the best counts as the best.

    Returns:
        0 for the best place, 1 for the worst.
    """
    row, column = np.rint(pixel).astype(int)
    here = q_map[rotation, row - 2 : row + 3, column - 2 : column + 3].max()
    scored = q_map[np.isfinite(q_map)]
    return float((scored.max() - here) / (scored.max() - scored.min()))


def draw(blocks: tuple[Block, ...], turn: float = 0.0, unseen: bool = False) -> Observation:
    """Draw blocks, the later over the earlier where they are higher.

    Args:
        blocks: the first is the goal.
        turn: rad by which to turn the whole scene about the middle of the workspace.
        unseen: hide a strip of the table, as a shadow would.
    """
    height = np.zeros(WORKSPACE.shape, np.float32)
    labels = np.zeros(WORKSPACE.shape, np.int32)
    xy = WORKSPACE.to_xy(*np.mgrid[: WORKSPACE.n_pixels, : WORKSPACE.n_pixels])
    xy = xy - np.array(WORKSPACE.center)
    sin, cos = np.sin(turn), np.cos(turn)
    for label, block in enumerate(blocks, start=1):
        offset = xy - (block.x * cos - block.y * sin, block.x * sin + block.y * cos)
        yaw = block.yaw + turn
        along = offset @ (np.cos(yaw), np.sin(yaw))
        across = offset @ (-np.sin(yaw), np.cos(yaw))
        inside = (np.abs(along) < block.length / 2) & (np.abs(across) < block.width / 2)
        inside &= height < block.height
        height[inside], labels[inside] = block.height, label
    color = np.random.default_rng(7).integers(40, 250, (len(blocks) + 1, 3), np.uint8)[labels]
    if unseen:
        hidden = (slice(None), slice(60, 75))
        height[hidden], labels[hidden], color[hidden] = np.nan, 0, 0
    return Observation(Heightmap(color, height, WORKSPACE), labels, labels > 0, labels == 1)
