"""Heightmaps against brute force, and: unseen never becomes table."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Intrinsics, RGBDFrame
from pushgrasp.perception.heightmap import project, ray_directions
from pushgrasp.workspace import Workspace

SMALL = Intrinsics(48, 36, 40.0, 40.0, 24.0, 18.0)
COARSE = Workspace(x_min=-0.3, y_min=-0.2, size=0.4, resolution=0.02)


def tilted(position: tuple[float, float, float], angle: float) -> npt.NDArray[np.float64]:
    """A pose looking along +x and down by an angle; pi / 2 looks straight down."""
    forward = np.array([np.cos(angle), 0, -np.sin(angle)])
    right = np.array([0.0, -1.0, 0.0])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)
    pose[:3, 3] = position
    return pose


DOWN = tilted((-0.1, 0.0, 0.6), np.pi / 2)


def frame_of(depth: npt.NDArray, seed: int = 0, pose: npt.NDArray = DOWN) -> RGBDFrame:
    color = np.random.default_rng(seed).integers(1, 256, (*depth.shape, 3), dtype=np.uint8)
    return RGBDFrame(color, depth.astype(np.float32), SMALL, pose)


def random_frame(seed: int) -> RGBDFrame:
    """Surfaces between 5 cm below the table and 50 cm above it; a third without return."""
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.1, 0.65, (36, 48))
    depth[rng.random(depth.shape) < 0.2] = 0
    depth[rng.random(depth.shape) < 0.2] = np.nan
    return frame_of(depth, seed, tilted((-0.4, 0.05, 0.5), rng.uniform(0.6, 1.5)))


def points_of(frame: RGBDFrame) -> npt.NDArray[np.float64]:
    """(N, 6) x, y, z, r, g, b of the returns that belong on the map, one by one."""
    T = frame.T_world_camera
    points = ray_directions(frame.intrinsics) * frame.depth[..., None] @ T[:3, :3].T + T[:3, 3]
    keep = (frame.depth > 0) & (points[..., 2] > -0.01) & (points[..., 2] < COARSE.z_max)
    keep &= COARSE.contains(points[..., :2])
    points = np.concatenate([points, frame.color], -1)[keep]
    points[:, 2] = np.maximum(points[:, 2], 0)
    return points.astype(np.float64)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n_frames=st.integers(1, 3))
def test_the_highest_point_of_each_cell_wins(seed: int, n_frames: int) -> None:
    frames = [random_frame(seed + i) for i in range(n_frames)]
    result = project(frames, COARSE)
    points = np.concatenate([points_of(f) for f in frames])
    expected = np.full(COARSE.shape, np.nan)
    color = np.zeros((*COARSE.shape, 3))
    for (row, column), point in zip(COARSE.to_pixel(points[:, :2]), points, strict=True):
        if not point[2] <= expected[row, column]:
            expected[row, column], color[row, column] = point[2], point[3:]
    hit = np.isfinite(expected)
    # a point within rounding of a cell's border may fall to the neighbour
    close = np.isclose(result.height[hit], expected[hit], atol=1e-5)
    assert close.mean() > 0.98
    assert (result.color[hit] == color[hit]).all(1).mean() > 0.98
    assert not (result.color[~result.seen]).any()
    assert (result.height[result.seen] >= 0).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_unseen_never_becomes_table(seed: int) -> None:
    frame = random_frame(seed)
    result = project(frame, COARSE)
    hit = np.zeros(np.add(COARSE.shape, 2), bool)
    row, column = COARSE.to_pixel(points_of(frame)[:, :2]).T
    hit[row + 1, column + 1] = True
    n = COARSE.n_pixels
    around = [hit[i : i + n, j : j + n] for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    may_be_seen = hit[1:-1, 1:-1] | (np.sum(around, 0) >= 4)  # 5, less one for rounding
    assert not (result.seen & ~may_be_seen).any()
    assert result.height.dtype == np.float32
    assert np.isnan(result.height[~result.seen]).all()


def depth_of(height: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What the camera straight above sees of heights given for its own pixels."""
    return 0.6 - height


def test_noise_just_below_the_table_is_table_and_the_rest_is_left_out() -> None:
    for z, expected in ((-0.005, 0.0), (0.0, 0.0), (0.1, 0.1)):
        seen = project(frame_of(np.full((36, 48), depth_of(np.array(z)))), COARSE)
        assert seen.seen.any()
        assert np.allclose(seen.height[seen.seen], expected, atol=1e-6)
    for z in (-0.05, 0.45):
        assert not project(frame_of(np.full((36, 48), depth_of(np.array(z)))), COARSE).seen.any()


def holed(hole: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Heights of a 7 cm plateau, each pixel its own cell, of which some are not seen."""
    side = 0.53 / SMALL.fx
    workspace = Workspace(-0.1 - 10.5 * side, -10.5 * side, 21 * side, side)
    depth = np.full((36, 48), 0.53)
    v, u = np.nonzero(hole)
    depth[18 - (v - 10), 24 - (u - 10)] = 0  # rows of the image are columns of the map
    return project(frame_of(depth), workspace).height


def test_only_gaps_one_cell_wide_are_filled() -> None:
    hole = np.zeros((21, 21), bool)
    hole[10, 10] = True
    full = holed(hole)
    assert np.allclose(full, 0.07)
    line = np.zeros((21, 21), bool)
    line[10] = True
    assert np.isfinite(holed(line)[1:-1]).all()
    shadow = np.zeros((21, 21), bool)
    shadow[8:13, 8:13] = True
    assert np.isnan(holed(shadow)).sum() == 25


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"depth": np.full((36, 48), np.nan, np.float32)}, "no depth"),
        ({"depth": np.zeros((36, 48), np.float32)}, "no depth"),
        ({"depth": np.ones((30, 48), np.float32)}, "48 x 36"),
        ({"color": np.ones((36, 48), np.uint8)}, "48 x 36"),
        ({"T_world_camera": np.zeros((4, 4))}, "rigid"),
        ({"T_world_camera": np.full((4, 4), np.nan)}, "rigid"),
    ],
)
def test_a_broken_camera_is_said_to_be_one(change: dict, word: str) -> None:
    frame = dataclasses.replace(frame_of(np.ones((36, 48))), **change)
    with pytest.raises(UserError, match=word):
        project(frame, COARSE)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([-0.5, 0.16, 0.25]))
def test_heights_are_above_the_table_wherever_it_is(seed: int, table_z: float) -> None:
    frame, raised = random_frame(seed), random_frame(seed).T_world_camera.copy()
    raised[2, 3] += table_z
    there = dataclasses.replace(COARSE, table_z=table_z)
    a = project(frame, COARSE)
    b = project(dataclasses.replace(frame, T_world_camera=raised), there)
    assert (a.seen == b.seen).mean() > 0.99  # a point on the border of being left out may change
    both = a.seen & b.seen
    assert np.abs(a.height - b.height)[both].max(initial=0) < 1e-5
