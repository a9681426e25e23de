"""Pictures of the board with the poses at which they were taken: proposed, kept, read again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from ...errors import UserError
from ...interfaces import Intrinsics
from ...utils.config_json import from_json
from ...utils.files import read_json, write_atomic, write_json
from ..devices import FloatArray
from ..fence import Fence
from .board import Board
from .solve import View

REACH = np.array([0.08, 0.08, 0.06])  # m from the first pose
TILT, YAW = np.radians(25.0), np.radians(35.0)  # from the first pose
CLEAR = 0.05  # m below the first pose that the hand does not go: the board hangs under it

DEPTH, DEPTH_UNIT = "depth.png", 1e-4  # file of the last frame's depth, and its unit in m

_Row = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Entry:
    """The JSON file of one picture, and of the whole set."""

    T_base_tool: tuple[_Row, _Row, _Row, _Row]
    intrinsics: tuple[float, ...]  # width, height, fx, fy, cx, cy
    board: tuple[float, ...]  # columns, rows, square, marker (m)


def propose(T_world_tool: FloatArray, fence: Fence, n: int, seed: int = 0) -> list[FloatArray]:
    """Propose poses around one in which the camera sees the board.

    Args:
        T_world_tool: (4, 4) that pose.
        fence: the finger tips stay inside it.
        n: number of poses.
        seed: of their choice.
    Returns:
        (4, 4) poses, tilted about two axes, each next one the nearest of those left.
    Raises:
        UserError: the fence leaves too little room.
    """
    rng = np.random.default_rng(seed)
    found: list[FloatArray] = []
    for _ in range(50 * n):
        shift = rng.uniform(-REACH, REACH)
        shift[2] = max(shift[2], -CLEAR)
        tilt = rng.uniform(-TILT, TILT, 2)
        turn = Rotation.from_euler("xyz", [*tilt, rng.uniform(-YAW, YAW)])
        T = T_world_tool.copy()
        T[:3, :3] = turn.as_matrix() @ T[:3, :3]
        T[:3, 3] += shift
        if not fence.refuses(T[:3, 3]) and np.abs(tilt).max() > TILT / 3:
            found.append(T)
        if len(found) == n:
            return _ordered(T_world_tool, found)
    raise UserError(
        f"the fence leaves room for {len(found)} of {n} poses around where the hand is; start "
        "nearer to the middle of the workspace, higher up"
    )


def _ordered(start: FloatArray, poses: list[FloatArray]) -> list[FloatArray]:
    """Order poses so that each is near the one before."""
    left, at, ordered = list(poses), start, []
    while left:
        nearest = min(range(len(left)), key=lambda i: np.linalg.norm(left[i][:3, 3] - at[:3, 3]))
        at = left.pop(nearest)
        ordered.append(at)
    return ordered


def keep(
    folder: Path, number: int, image: npt.NDArray[np.uint8], T_base_tool: FloatArray,
    intrinsics: Intrinsics, board: Board,
) -> None:  # fmt: skip
    """Write a picture and what belongs to it, so that the set can be solved again."""
    done, data = cv2.imencode(".png", image[..., ::-1] if image.ndim == 3 else image)
    assert done
    write_atomic(folder / f"{number:03d}.png", data.tobytes())
    k = intrinsics
    write_json(
        folder / f"{number:03d}.json",
        {
            "T_base_tool": T_base_tool.tolist(),
            "intrinsics": [k.width, k.height, k.fx, k.fy, k.cx, k.cy],
            "board": [board.columns, board.rows, board.square, board.marker],
        },
    )


def keep_depth(folder: Path, depth: npt.NDArray[np.float32]) -> None:
    """Write a frame's depth (m), from which table and depth scale are found; see `read_depth`."""
    counts = np.round(np.nan_to_num(depth) / DEPTH_UNIT).clip(0, 65535).astype(np.uint16)
    done, data = cv2.imencode(".png", counts)
    assert done
    write_atomic(folder / DEPTH, data.tobytes())


def read_depth(folder: Path) -> npt.NDArray[np.float32] | None:
    """Read what `keep_depth` wrote, m; None if there is nothing."""
    counts = cv2.imread(str(folder / DEPTH), cv2.IMREAD_UNCHANGED)
    return None if counts is None else (counts * DEPTH_UNIT).astype(np.float32)


def read_set(folder: Path, square: float | None = None) -> tuple[list[View], Intrinsics]:
    """Read a kept set of pictures and find the board in them.

    Args:
        folder: as `keep` wrote it.
        square: m, the board's square measured anew; None: as it was kept.
    Raises:
        UserError: there are no pictures, or of different cameras.
    """
    views: list[View] = []
    lenses: set[tuple[float, ...]] = set()
    for path in sorted(folder.glob("[0-9]*.json")):
        entry = from_json(_Entry, read_json(path), str(path))
        image = cv2.imread(str(path.with_suffix(".png")), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise UserError(f"{path.with_suffix('.png')} cannot be read")
        columns, rows, side, marker = entry.board
        scale = 1.0 if square is None else square / side
        board = Board(round(columns), round(rows), side * scale, marker * scale)
        corners, points = board.detect(np.asarray(image, np.uint8))
        views.append(View(np.array(entry.T_base_tool), corners, points, path.stem))
        lenses.add(entry.intrinsics)
    if not views:
        raise UserError(f"{folder} holds no pictures of a calibration")
    if len(lenses) > 1:
        raise UserError(f"{folder} holds pictures of different cameras; keep them in two folders")
    width, height, fx, fy, cx, cy = lenses.pop()
    return views, Intrinsics(round(width), round(height), fx, fy, cx, cy)
