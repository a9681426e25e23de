"""A calibration board in a rehearsed camera's picture."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from ...interfaces import RGBDFrame
from ..calibration.board import Board
from ..devices import FloatArray

DOTS_PER_MM = 4.0
OVERSAMPLED = 2  # drawn larger and averaged, as a lens and its pixels do
NOISE = 2.0  # grey levels

_S = np.sqrt(0.5)
T_TOOL_BOARD = np.array(
    [[0.0, -_S, _S, 0.0], [-1.0, 0.0, 0.0, 0.133], [0.0, -_S, -_S, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
"""Where the rehearsed hand holds it: by its upper edge, facing the default camera."""


def draw_board(
    frame: RGBDFrame, T_world_board: FloatArray, board: Board, rng: np.random.Generator
) -> RGBDFrame:
    """Return a frame in which a board is seen in front of everything else.

    Args:
        frame: without the board.
        T_world_board: (4, 4).
        board: what it looks like.
        rng: of the picture's noise.
    """
    flat, k = _flat(board), frame.intrinsics
    T = np.linalg.inv(frame.T_world_camera) @ T_world_board
    w, h = board.square * board.columns, board.square * board.rows
    corners = np.array([(0, 0, 0), (w, 0, 0), (w, h, 0), (0, h, 0)]) @ T[:3, :3].T + T[:3, 3]
    if (corners[:, 2] < 0.05).any():
        return frame
    u = k.fx * corners[:, 0] / corners[:, 2] + k.cx
    v = k.fy * corners[:, 1] / corners[:, 2] + k.cy
    s = OVERSAMPLED
    target = (s * (np.stack([u, v], -1) + 0.5) - 0.5).astype(np.float32)
    rows, columns = flat.shape
    source = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32) - 0.5
    warp = cv2.getPerspectiveTransform(source, target)
    size = (s * k.width, s * k.height)
    seen = cv2.warpPerspective(flat, warp, size, flags=cv2.INTER_AREA)
    inside = cv2.warpPerspective(np.full_like(flat, 255), warp, size)
    seen, inside = (cv2.resize(a, (k.width, k.height), interpolation=cv2.INTER_AREA)
                    for a in (seen, inside))  # fmt: skip
    on = inside > 127
    color, depth = frame.color.copy(), frame.depth.copy()
    gray = seen[on].astype(np.float64) + NOISE * rng.normal(size=int(on.sum()))
    color[on] = gray.clip(0, 255).astype(np.uint8)[:, None]
    normal, rays = T[:3, 2], np.argwhere(on)[:, ::-1] - (k.cx, k.cy)
    directions = np.column_stack([rays / (k.fx, k.fy), np.ones(len(rays))])
    depth[on] = (normal @ T[:3, 3]) / (directions @ normal)
    return replace(frame, color=color, depth=depth)


@lru_cache(maxsize=2)
def _flat(board: Board) -> np.ndarray:
    return board.draw(DOTS_PER_MM)
