"""Score antipodal grasps of a parallel jaw on a heightmap, by hand.

A grasp is possible where both fingers go down beside everything that is seen, and good where the
surfaces that they close on are upright, square to the closing direction, as broad as a finger, and
level with the object's middle. Numbers marked "measured" are of 1,431 random grasps among 10 and 20
dropped blocks: 994 wherever the fingers go down on cells that are seen, of which 58 % held what
they were aimed at, and 437 that scored 0.3 or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...interfaces import GripperSpec
from ...perception.observation import Observation
from ...perception.segmentation import MIN_HEIGHT
from ...primitives import PrimitiveConfig
from ...workspace import N_ROTATIONS, rotation_angle
from ..base import QMap
from .jaw import HeightArray, fingers_over, obstacles, tip_height

FLOOR_MARGIN = 0.002  # m that a finger stays above what lies under it
UNSEEN = 0.5
"""Factor on a grasp of which a finger goes down, guarded, where nobody has seen what is there, next
to the share of cells between the pads that are seen. Such a grasp may meet something: 76 % held,
from 28 % where next to nothing was seen to all where everything was; of the others all did
(measured). 0: never do it."""
TOUCH = 0.006  # m above the tips from which a surface is in reach of the pads
BELOW_TOP = 0.006  # m under the chosen point where a side is compared with its foot
N_LANES = 5  # lines along the closing direction, over a finger's breadth
TILT = 0.8
"""Tangent of the angle between a side and a pad at which half of the hold is lost: up to 0.8 of it
85 to 91 % of the grasps held, beyond that 48 % and fewer (measured); the pads' friction is 0.9."""
BALANCE = 0.025
"""m between the grasp and the object's middle, across the jaw, at which 63 % of the hold is lost:
up to 8 mm 90 % of the grasps held, from 23 mm 34 % (measured)."""
SLANT = 0.7  # tangent of a side's slant from the vertical at which half of the hold is lost
ROOM = 0.85  # share of the opening which an object may fill until half of the hold is lost
CENTERED = 0.15
"""m between the pads' middle and the sides' at which 63 % of the hold is lost: it decides between
equals only, since the first finger to touch brings the object along (measured: no loss)."""

Owners = npt.NDArray[np.int32]
Pixels = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]  # rows, columns
Lengths = npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Lanes:
    """Heightmap lines between the pads of N open jaws: S pixels each, the middle at S // 2."""

    high: npt.NDArray[np.bool_]  # (N, N_LANES, S) seen, and within reach of the pads
    top: npt.NDArray[np.bool_]  # (N, N_LANES, S) seen, and nearly as high as the chosen point
    own: npt.NDArray[np.bool_]  # (N, N_LANES, S) of the object under the chosen point
    drop: npt.NDArray[np.floating]  # (N,) px between the two heights
    seen: npt.NDArray[np.floating]  # (N,) share of all that
    across: npt.NDArray[np.float64]  # (N_LANES,) px from the middle


def grasp_map(
    observation: Observation, gripper: GripperSpec, primitive: PrimitiveConfig, *, stride: int = 1
) -> QMap:
    """Score a grasp at every object pixel.

    Args:
        observation: what is seen.
        gripper: the jaw, which comes down wide open.
        primitive: how deep it goes.
        stride: score every so many rows and columns only; the other object pixels get 0.
    Returns:
        (16, H, W) 0 to 1: 0 where a finger would meet something that is seen, UNSEEN at most where
        it goes down on cells that nobody has seen, -inf off the objects. Opposite rotations are
        one grasp and have one value.
    """
    height = observation.heightmap.height
    resolution = observation.heightmap.workspace.resolution
    solid = obstacles(observation)
    known = np.where(observation.heightmap.seen, solid, np.float32(0))
    tips = tip_height(height, primitive.grasp_depth, primitive)
    limit = np.maximum(tips - np.float32(FLOOR_MARGIN), np.float32(MIN_HEIGHT))
    owners = np.where(observation.goal, observation.labels.max() + 1, observation.labels)
    centers = _centers(owners)
    scored = np.zeros_like(observation.objects)
    scored[::stride, ::stride] = observation.objects[::stride, ::stride]
    q_map = np.full((N_ROTATIONS, *height.shape), -np.inf, np.float32)
    for rotation in range(N_ROTATIONS // 2):
        possible = fingers_over(known, rotation, gripper, resolution) <= limit
        certain = fingers_over(solid, rotation, gripper, resolution) <= limit
        rows, columns = np.nonzero(scored & possible)
        places = rows, columns
        lanes = _lanes(height, tips, owners, places, rotation, gripper, resolution)
        offset = np.stack(places, 1) - centers[owners[places]]
        q_map[rotation][observation.objects] = 0.0
        q_map[rotation][places] = (
            _hold(lanes, resolution)
            * _balance(offset * resolution, rotation)
            * np.where(certain[places], 1.0, UNSEEN * lanes.seen)
        )
        q_map[rotation + N_ROTATIONS // 2] = q_map[rotation]
    return q_map


def _lanes(
    height: HeightArray,
    tips: HeightArray,
    owners: Owners,
    places: Pixels,
    rotation: int,
    gripper: GripperSpec,
    resolution: float,
) -> _Lanes:
    """Read the map between the pads of the open jaw, at N places."""
    half = int(gripper.max_width / 2 / resolution)
    across = np.linspace(-0.45, 0.45, N_LANES) * gripper.finger_breadth / resolution
    x, y = np.meshgrid(np.arange(-half, half + 1), across)
    angle = float(rotation_angle(rotation))
    rows = np.rint(x * np.sin(angle) + y * np.cos(angle)).astype(int)
    columns = np.rint(x * np.cos(angle) - y * np.sin(angle)).astype(int)
    pad = int(np.hypot(half, across[-1])) + 1
    heights = np.pad(height, pad, constant_values=np.nan)
    start = (places[0] + pad) * heights.shape[1] + places[1] + pad
    index = start[:, None, None] + (rows * heights.shape[1] + columns)
    there = heights.reshape(-1)[index]
    surface, tip = height[places], tips[places]
    reach = np.minimum(tip + np.float32(TOUCH), surface - np.float32(0.004))  # flat things, too
    top = np.maximum(surface - np.float32(BELOW_TOP), reach)
    return _Lanes(
        high=there > reach[:, None, None],  # NaN is over nothing
        top=there > top[:, None, None],
        own=np.pad(owners, pad).reshape(-1)[index] == owners[places][:, None, None],
        drop=(top - reach) / np.float32(resolution),
        seen=np.isfinite(there).mean((1, 2)),
        across=across,
    )


def _hold(lanes: _Lanes, resolution: float) -> npt.NDArray[np.float64]:
    """Score (N,) in [0, 1] the two sides that the pads would close on."""
    middle = lanes.high.shape[2] // 2
    outwards = (np.s_[:, :, middle:], np.s_[:, :, middle::-1])
    ends = [_run(lanes.high[side]) for side in outwards]
    there = ends[0] > 0
    n_lanes = np.maximum(there.sum(1), 1)
    score = there.mean(1)
    for side, end in zip(outwards, ends, strict=True):
        foot = (there * (end - _run(lanes.top[side]))).sum(1) / n_lanes
        slant = foot / np.maximum(lanes.drop, 2.0)
        tilt = _spread(end, there) / np.maximum(_spread(lanes.across, there), 1e-6)
        score = score / (1 + (tilt / TILT) ** 4) / (1 + (slant / SLANT) ** 2)
    lengths = [(there * end).sum(1) / n_lanes for end in ends]
    filled = sum(lengths) / lanes.high.shape[2]
    off = (lengths[0] - lengths[1]) / 2 * resolution
    score = score / (1 + (filled / ROOM) ** 8) * np.exp(-((off / CENTERED) ** 2))
    steps = np.arange(middle + 1)
    right, left = (steps < end[:, :, None] for end in ends)
    inside = np.concatenate([left[:, :, :0:-1], right], axis=2)
    own = (lanes.own & inside).sum((1, 2)) / np.maximum(inside.sum((1, 2)), 1)
    swept = (lanes.high & ~inside).mean((1, 2))  # other things that the fingers would meet
    return score * own * (1 - swept)


def _run(high: npt.NDArray[np.bool_]) -> Lengths:
    """Count (N, N_LANES) the pixels from the first on that are set without a gap."""
    return np.where(high.all(2), high.shape[2], high.argmin(2))


def _spread(values: npt.NDArray[Any], there: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Compute the standard deviation (N,) over the valid lanes (N, N_LANES)."""
    n = np.maximum(there.sum(1, keepdims=True), 1)
    offset = values - (there * values).sum(1, keepdims=True) / n
    return np.sqrt((there * offset**2).sum(1) / n[:, 0])


def _balance(offset: npt.NDArray[np.float64], rotation: int) -> npt.NDArray[np.float64]:
    """Compute the balance score (N,) in [0, 1]: 1 with the object's middle in the jaw's plane.

    Args:
        offset: (N, 2) m along rows and columns, from the middle of what is seen of the object.
        rotation: of the grasps.
    """
    angle = float(rotation_angle(rotation))
    across = offset @ (np.cos(angle), -np.sin(angle))
    return np.exp(-((across / BALANCE) ** 2))


def _centers(owners: Owners) -> npt.NDArray[np.float64]:
    """Compute the mean row and column (n, 2) of each label."""
    flat = owners.reshape(-1)
    count = np.maximum(np.bincount(flat), 1)
    images = np.indices(owners.shape).reshape(2, -1)
    return np.stack([np.bincount(flat, image) / count for image in images], axis=1)
