"""What a value network sees of a candidate: crops around it, rotated so that it points right.

Two crops of one table: a fine one for the hand and its surroundings, a coarse one for the pile. A
table is stored small: 4 mm per pixel, one byte for height, segment and owner each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...workspace import N_ROTATIONS, Workspace
from .proposals import CANDIDATE, PUSH, Candidates

STRIDE = 2  # heightmap pixels per table pixel, along rows and columns
HEIGHT_UNIT = 1e-3  # m per step of a stored height
OUTSIDE, UNSEEN, HIGHEST = 255, 254, 253  # stored heights: beyond the map, not seen, the highest
FINE_PX, FINE_M = 32, 0.007  # side of the crop in pixels, m per pixel
COARSE_PX, COARSE_M = 48, 0.010
HIDDEN_PX = 3  # a goal of which fewer heightmap pixels are seen is hidden
GOAL_PX, GOAL_M = 24, 0.008  # of the crop around the goal
SUREST = 0.01  # distance from 0 and 1 that is kept of Q_g
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


@dataclass(frozen=True)
class Goals:
    """G goals of each of N candidates; candidates of one look have the same goals."""

    owner: Bytes  # (N, G) the owner, in the tables, that is the goal
    visible_px: npt.NDArray[np.integer]  # (N, G) heightmap pixels of it that are seen
    center: npt.NDArray[np.floating]  # (N, G, 2) row and column of their middle, while not hidden
    tries: npt.NDArray[np.integer]  # (N, G) earlier grasps aimed at it, which all failed
    n_segments: npt.NDArray[np.integer]  # (N,) in the look

    @property
    def hidden(self) -> npt.NDArray[np.bool_]:
        """(N, G) too little is seen to count."""
        return self.visible_px < HIDDEN_PX

    def at(self, rows: npt.NDArray[np.intp]) -> Goals:
        """Return the goals of some candidates."""
        return Goals(**{name: array[rows] for name, array in vars(self).items()})


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
) -> Views:
    """Cut the crops of N candidates.

    Args:
        tables: (T, h, w, 3), see `table`.
        which: (N,) the table of each candidate.
        candidates: (N,) of CANDIDATE.
        turn: (N,) rad added to the rotations.
        mirror: (N,) bool, mirror across the action's axis.
        shift: (N, 2) heightmap pixels by which the centres are off.
    """
    h, w = tables.shape[1:3]
    exact = _Poses.of(candidates)
    place = which * (h * w) + _place(exact.row, h) * w + _place(exact.column, w)
    at = tables.reshape(-1, 3)[place]
    poses = _Poses.of(candidates, turn, mirror, shift)
    fine = _crop(tables, which, poses, FINE_PX, FINE_M)
    coarse = _crop(tables, which, poses, COARSE_PX, COARSE_M)
    height = np.where(at[:, 0] <= HIGHEST, at[:, 0], 0) * np.float32(HEIGHT_UNIT)
    return Views(fine, coarse, at[:, 1], at[:, 2], height.astype(np.float32))


@dataclass(frozen=True)
class _Poses:
    """Where N crops are cut."""

    row: FloatArray  # (N,) heightmap pixels
    column: FloatArray
    angle: FloatArray  # (N,) rad
    sign: FloatArray  # (N,) -1: mirrored across the action's axis

    @classmethod
    def of(
        cls,
        candidates: Candidates,
        turn: npt.NDArray[np.floating] | None = None,
        mirror: npt.NDArray[np.bool_] | None = None,
        shift: npt.NDArray[np.floating] | None = None,
    ) -> _Poses:
        """Return the poses of candidates; see `views`."""
        n = len(candidates)
        angle = candidates["rotation"] * (2 * np.pi / N_ROTATIONS)
        angle = angle + (0.0 if turn is None else turn)
        sign = np.ones(n) if mirror is None else np.where(mirror, -1.0, 1.0)
        place = np.stack([candidates["row"], candidates["column"]]).astype(np.float32)
        row, column = place if shift is None else place + shift.T
        return cls(*(x.astype(np.float32) for x in (row, column, angle, sign)))


def _crop(
    tables: Bytes, which: npt.NDArray[np.integer], poses: _Poses, px: int, meters: float
) -> Bytes:
    """Cut (N, px, px, 3) crops."""
    h, w = tables.shape[1:3]
    offset = ((np.arange(px) - (px - 1) / 2) * (meters / Workspace.resolution)).astype(np.float32)
    row, column, angle, sign = (
        x[:, None, None] for x in (poses.row, poses.column, poses.angle, poses.sign)
    )
    across, along = offset[None, :, None] * sign, offset[None, None, :]
    sin, cos = (f(angle).astype(np.float32) for f in (np.sin, np.cos))
    r = _place(row + along * sin + across * cos, h)
    c = _place(column + along * cos - across * sin, w)
    return tables.reshape(-1, 3)[which[:, None, None] * (h * w) + (r * w + c)]


def _place(pixel: npt.NDArray[np.floating], size: int) -> npt.NDArray[np.int32]:
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


def goal_planes(
    tables: Bytes,
    which: npt.NDArray[np.integer],
    goals: Goals,
    rotation: npt.NDArray[np.integer],
) -> FloatArray:
    """Make planes of the surroundings of goals, which say how hard they are to get at.

    Args:
        tables: (T, h, w, 3), see `table`.
        which: (U,) the looks.
        goals: of U looks; the surroundings of a hidden one are those of the table's middle.
        rotation: (U,) 0 to 15, from which to look.
    Returns:
        (U, G, 6, GOAL_PX, GOAL_PX), as for `trunk_planes` with the goal for the own segment.
    """
    u, g = goals.owner.shape
    side = STRIDE * (tables.shape[1] - 2)
    hidden = goals.hidden.reshape(-1)
    place = np.where(hidden[:, None], side / 2, goals.center.reshape(-1, 2))
    spots = np.zeros(u * g, CANDIDATE)
    spots["row"], spots["column"] = np.rint(place).astype(np.int16).T
    spots["rotation"] = np.repeat(rotation, g)
    seen = _crop(tables, np.repeat(which, g), _Poses.of(spots), GOAL_PX, GOAL_M)
    mask = (seen[..., 2] == goals.owner.reshape(-1, 1, 1)) & ~hidden[:, None, None]
    steps = np.where(mask & (seen[..., 0] <= HIGHEST), seen[..., 0], 0).max((1, 2))
    top = steps * np.float32(HEIGHT_UNIT)
    planes = trunk_planes(seen, np.zeros(u * g, np.uint8), top.astype(np.float32))
    planes[:, 4] = mask
    return planes.reshape(u, g, *planes.shape[1:])


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
    """(N, 8): push; length over 0.1 m; score, whether it has one; free start; height over 0.1 m;
    logit of Q_g over 4, whether it is known."""
    push = candidates["primitive"] == PUSH
    score = candidates["score"]
    known = np.isfinite(score)
    score = np.where(known, score, 0)
    has_q = np.isfinite(candidates["q"])
    q = np.where(has_q, candidates["q"], 0.5).clip(SUREST, 1 - SUREST)
    return np.stack(
        [
            push,
            candidates["length"] / 0.1,
            np.where(push, 0, score),
            known,
            np.where(push, score, 0),
            v.height / 0.1,
            np.log(q / (1 - q)) / 4,
            has_q,
        ],
        1,
    ).astype(np.float32)


def goal_numbers(
    candidates: Candidates,
    v: Views,
    goals: Goals,
    turn: npt.NDArray[np.floating] | None = None,
    mirror: npt.NDArray[np.bool_] | None = None,
) -> FloatArray:
    """Make the numbers that go with a candidate and a goal.

    Args:
        candidates: (N,) of CANDIDATE.
        v: their crops.
        goals: of the candidates.
        turn, mirror: as for `views`.
    Returns:
        (N, G, 8): hidden; log of the visible pixels; the candidate is on the goal; distance to the
        goal along and across the action and in all, in 10 cm; segments over 20; tries over 3.
    """
    poses = _Poses.of(candidates, turn, mirror)
    sin, cos = np.sin(poses.angle)[:, None], np.cos(poses.angle)[:, None]
    d_row = goals.center[..., 0] - poses.row[:, None]
    d_column = goals.center[..., 1] - poses.column[:, None]
    scale = Workspace.resolution / 0.1
    hidden = goals.hidden
    along = np.where(hidden, 0, d_row * sin + d_column * cos) * scale
    across = np.where(hidden, 0, d_row * cos - d_column * sin) * poses.sign[:, None] * scale
    numbers = (
        hidden,
        np.log1p(goals.visible_px) / 6,
        (v.at[:, None] == goals.owner) & ~hidden,
        along,
        across,
        np.hypot(along, across),
        np.repeat(goals.n_segments[:, None] / 20, hidden.shape[1], 1),
        np.minimum(goals.tries, 4) / 3,
    )
    return np.stack(numbers, -1).astype(np.float32)
