"""What a value network sees of a candidate: crops around it, rotated so that it points right.

Two crops of one table: a fine one for the hand and its surroundings, a coarse one for the pile. A
table is stored small: 4 mm per pixel, one byte for height, segment and owner each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...workspace import N_ROTATIONS, Workspace
from .proposals import PUSH, Candidates

STRIDE = 2  # heightmap pixels per table pixel, along rows and columns
HEIGHT_UNIT = 1e-3  # m per step of a stored height
OUTSIDE, UNSEEN, HIGHEST = 255, 254, 253  # stored heights: beyond the map, not seen, the highest
FINE_PX, FINE_M = 32, 0.007  # side of the crop in pixels, m per pixel
COARSE_PX, COARSE_M = 48, 0.010
CELLS = (8, 6)  # side, in cells, of the feature maps into which the goal's mask is fed

Bytes = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Views:
    """Crops of N candidates. Last axis: height, segment, owner."""

    fine: Bytes  # (N, FINE_PX, FINE_PX, 3)
    coarse: Bytes  # (N, COARSE_PX, COARSE_PX, 3)
    own: Bytes  # (N,) the segment at the candidate's pixel
    at: Bytes  # (N,) the owner there
    height: FloatArray  # (N,) m there


def table(
    height: FloatArray,
    labels: npt.NDArray[np.integer],
    owner: npt.NDArray[np.integer] | npt.NDArray[np.bool_],
) -> Bytes:
    """Make a table of a look.

    Args:
        height: (H, W) m, NaN where unseen.
        labels: (H, W) segments, 0 background.
        owner: (H, W) whose colour is seen, 0 nobody's; at decision time 1 for the goal.
    Returns:
        (h, w, 3), with a border of one pixel that stands for everything outside.
    """
    steps = np.where(
        np.isfinite(height), (np.nan_to_num(height) / HEIGHT_UNIT).clip(0, HIGHEST), UNSEEN
    ).astype(np.uint8)
    rows, columns = (side // STRIDE for side in height.shape)
    made = np.zeros((rows + 2, columns + 2, 3), np.uint8)
    made[..., 0] = OUTSIDE
    for k, image in enumerate((steps, labels, owner)):
        made[1:-1, 1:-1, k] = image[: STRIDE * rows : STRIDE, : STRIDE * columns : STRIDE]
    return made


def views(
    tables: Bytes,
    which: npt.NDArray[np.integer],
    candidates: Candidates,
    *,
    turn: npt.NDArray[np.floating] | None = None,
    mirror: npt.NDArray[np.bool_] | None = None,
    shift: npt.NDArray[np.floating] | None = None,
    resolution: float = Workspace.resolution,
) -> Views:
    """Cut the crops of N candidates.

    Args:
        tables: (T, h, w, 3), see `table`.
        which: (N,) the table of each candidate.
        candidates: (N,) of CANDIDATE.
        turn: (N,) rad added to the rotations.
        mirror: (N,) bool, mirror across the action's axis.
        shift: (N, 2) heightmap pixels by which the centres are off.
        resolution: m per heightmap pixel.
    """
    h, w = tables.shape[1:3]
    angle = candidates["rotation"] * np.float32(2 * np.pi / N_ROTATIONS)
    if turn is not None:
        angle = angle + turn
    angle = angle.astype(np.float32)
    sin, cos = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    row, column = (candidates[k].astype(np.float32) for k in ("row", "column"))
    exact = which * (h * w) + _place(row, h) * w + _place(column, w)
    flat = tables.reshape(-1, 3)
    at = flat[exact]
    if shift is not None:
        shift = shift.astype(np.float32)
        row, column = row + shift[:, 0], column + shift[:, 1]
    crops: list[Bytes] = []
    for px, meters in ((FINE_PX, FINE_M), (COARSE_PX, COARSE_M)):
        offset = (np.arange(px) - (px - 1) / 2) * (meters / resolution)
        offset = offset.astype(np.float32)
        across, along = offset[None, :, None], offset[None, None, :]
        if mirror is not None:
            across = across * np.where(mirror, -1, 1).astype(np.float32)[:, None, None]
        r = _place(row[:, None, None] + along * sin + across * cos, h)
        c = _place(column[:, None, None] + along * cos - across * sin, w)
        crops.append(flat[which[:, None, None] * (h * w) + (r * w + c)])
    height = np.where(at[:, 0] <= HIGHEST, at[:, 0], 0) * np.float32(HEIGHT_UNIT)
    return Views(crops[0], crops[1], at[:, 1], at[:, 2], height.astype(np.float32))


def _place(pixel: FloatArray, size: int) -> npt.NDArray[np.int32]:
    """Convert heightmap pixels to table pixels, those beyond the map to its border."""
    shifted = pixel * np.float32(1 / STRIDE) + np.float32(0.5 / STRIDE + 1)  # positive inside
    return np.clip(shifted, 0, size - 1).astype(np.int32)


def trunk_planes(seen: Bytes, own: Bytes, height: FloatArray) -> FloatArray:
    """Make the network's planes that do not depend on the goal.

    Args:
        seen: (N, px, px, 3) a crop.
        own: (N,) the candidate's segment.
        height: (N,) m at the candidate.
    Returns:
        (N, 6, px, px): height over 0.1 m; height over the candidate's, in 5 cm; unseen; outside;
        the candidate's own segment; edges between segments.
    """
    steps, labels = seen[..., 0], seen[..., 1]
    there = steps <= HIGHEST
    h = np.where(there, steps, 0) * np.float32(HEIGHT_UNIT)
    planes = np.zeros((len(seen), 6, *steps.shape[1:]), np.float32)
    planes[:, 0] = h / np.float32(0.1)
    relative = (h - height[:, None, None]) / np.float32(0.05)
    planes[:, 1] = np.where(there, relative, 0)
    planes[:, 2] = steps == UNSEEN
    planes[:, 3] = steps == OUTSIDE
    planes[:, 4] = (labels == own[:, None, None]) & (labels > 0)
    planes[:, 5, 1:] = labels[:, 1:] != labels[:, :-1]
    planes[:, 5, :, 1:] += labels[:, :, 1:] != labels[:, :, :-1]
    return planes


def goal_cells(seen: Bytes, goals: Bytes, cells: int) -> FloatArray:
    """Make the planes that depend on the goal: its cover of each cell, and that times its height.

    Args:
        seen: (N, px, px, 3) a crop.
        goals: (N, G) owners that are the goals.
        cells: per side.
    Returns:
        (N, G, 2, cells, cells).
    """
    n, px = seen.shape[:2]
    n_owners = int(max(seen[..., 2].max(initial=0), goals.max(initial=0))) + 1
    k = px // cells
    cell = np.arange(px, dtype=np.int32) // k
    cell = cell[:, None] * cells + cell  # (px, px)
    index = np.arange(n, dtype=np.int32)[:, None, None] * cells**2 + cell
    index = (index * n_owners + seen[..., 2]).reshape(-1)
    h = np.where(seen[..., 0] <= HIGHEST, seen[..., 0], 0).reshape(-1)
    size = n * cells**2 * n_owners
    planes = [np.bincount(index, minlength=size), np.bincount(index, h, minlength=size)]
    scale = (1 / k**2, HEIGHT_UNIT / 0.1 / k**2)
    made = np.empty((n, goals.shape[1], 2, cells, cells), np.float32)
    for i, (plane, factor) in enumerate(zip(planes, scale, strict=True)):
        plane = plane.reshape(n, cells, cells, n_owners)
        chosen = plane[np.arange(n)[:, None], :, :, goals]  # (N, G, cells, cells)
        made[:, :, i] = chosen * factor
    return made


def action_numbers(candidates: Candidates, v: Views) -> FloatArray:
    """(N, 6): push; length over 0.1 m; score, whether it has one; free start; height over 0.1 m."""
    push = candidates["primitive"] == PUSH
    score = candidates["score"]
    known = np.isfinite(score)
    score = np.where(known, score, 0)
    return np.stack(
        [
            push,
            candidates["length"] / 0.1,
            np.where(push, 0, score),
            known,
            np.where(push, score, 0),
            v.height / 0.1,
        ],
        1,
    ).astype(np.float32)


def goal_numbers(
    candidates: Candidates,
    v: Views,
    goals: Bytes,
    visible_px: npt.NDArray[np.integer],
    center: npt.NDArray[np.floating],
    n_segments: npt.NDArray[np.integer],
    tries: npt.NDArray[np.integer],
    mirror: npt.NDArray[np.bool_] | None = None,
    turn: npt.NDArray[np.floating] | None = None,
) -> FloatArray:
    """Make the numbers that go with a candidate and a goal.

    Args:
        candidates: (N,) of CANDIDATE.
        v: their crops.
        goals: (N, G) owners that are the goals.
        visible_px: (N, G) heightmap pixels of the goals that are seen.
        center: (N, G, 2) row and column of their middles; anything while hidden.
        n_segments: (N,) in the look.
        tries: (N, G) earlier grasps aimed at the goal, which all failed.
        mirror, turn: as for `views`.
    Returns:
        (N, G, 8): hidden; log of the visible pixels; the candidate is on the goal; distance to the
        goal along and across the action and in all, in 10 cm; segments over 20; tries over 3.
    """
    angle = candidates["rotation"] * (2 * np.pi / N_ROTATIONS)
    if turn is not None:
        angle = angle + turn
    sin, cos = np.sin(angle)[:, None], np.cos(angle)[:, None]
    d_row = center[..., 0] - candidates["row"][:, None]
    d_column = center[..., 1] - candidates["column"][:, None]
    along = d_row * sin + d_column * cos
    across = d_row * cos - d_column * sin
    if mirror is not None:
        across = across * np.where(mirror, -1.0, 1.0)[:, None]
    hidden = visible_px < 3
    scale = Workspace.resolution / 0.1
    along, across = np.where(hidden, 0, along) * scale, np.where(hidden, 0, across) * scale
    segments = np.repeat(n_segments[:, None] / 20, goals.shape[1], 1)
    numbers = (
        hidden,
        np.log1p(visible_px) / 6,
        (v.at[:, None] == goals) & ~hidden,
        along,
        across,
        np.hypot(along, across),
        segments,
        np.minimum(tries, 4) / 3,
    )
    return np.stack(numbers, -1).astype(np.float32)
