"""A frame without a table is refused; a table that things nearly hide is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import BLUE, RED, Box, picture

from pushgrasp.errors import UserError
from pushgrasp.perception.perceive import observe
from pushgrasp.perception.table_evidence import check_covered_table, hidden_table
from pushgrasp.perception.table_plane import fit_table
from pushgrasp.workspace import Workspace

BLOCKS = (
    Box((-0.55, 0.08), (0.025, 0.025, 0.025), RED),
    Box((-0.47, 0.00), (0.03, 0.025, 0.040), BLUE),
)
GOOD, _ = picture(*BLOCKS)
WORKSPACE = Workspace()
AXES = ((1, 2), (2, 0), (0, 1))


def tilted(axis: int, degrees: float) -> npt.NDArray[np.float64]:
    """The camera's pose if the world were rotated about an axis through the workspace's centre."""
    a, (i, j) = np.radians(degrees), AXES[axis]
    turn, middle = np.eye(4), np.eye(4)
    turn[i, i] = turn[j, j] = np.cos(a)
    turn[i, j], turn[j, i] = -np.sin(a), np.sin(a)
    middle[0, 3] = -0.5
    return middle @ turn @ np.linalg.inv(middle) @ GOOD.T_world_camera


@pytest.mark.parametrize(("axis", "degrees"), [(0, 16), (0, 45), (1, 20), (1, 30), (1, -20)])
def test_a_table_tilted_by_more_than_a_correction_is_refused(axis: int, degrees: float) -> None:
    with pytest.raises(UserError, match=f"tilted by {abs(degrees)} degrees|focal length"):
        observe(replace(GOOD, T_world_camera=tilted(axis, degrees)), RED)


@pytest.mark.parametrize("depth", [0.3, 0.5, 0.7])
def test_a_constant_depth_is_refused(depth: float) -> None:
    with pytest.raises(UserError):
        observe(replace(GOOD, depth=np.full_like(GOOD.depth, depth)), RED)


def test_a_picture_turned_by_180_degrees_is_refused() -> None:
    turned = replace(GOOD, color=GOOD.color[::-1, ::-1].copy(), depth=GOOD.depth[::-1, ::-1].copy())
    with pytest.raises(UserError, match="turned"):
        observe(turned, RED)


def test_depth_without_any_surface_is_refused() -> None:
    noise = np.random.default_rng(0).uniform(0.3, 1.0, GOOD.depth.shape)
    with pytest.raises(UserError, match="lies under the table's height"):
        observe(replace(GOOD, depth=noise.astype(np.float32)), RED)


def cloud(
    covered: float, *, low: float = 0.02, high: float = 0.10, noise: float = 0.0015, seed: int = 0
) -> npt.NDArray[np.float64]:
    """Points over the workspace: the table, and so large a share of things on it."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform((-0.724, -0.224), (-0.276, 0.224), (2500, 2))
    z = np.where(rng.random(2500) < covered, rng.uniform(low, high, 2500), 0.0)
    return np.column_stack([xy, z + rng.normal(0, noise, 2500)])


@settings(max_examples=40, deadline=None)
@given(
    covered=st.floats(0.0, 0.95), noise=st.floats(0.0, 0.003), seed=st.integers(0, 10_000),
    high=st.floats(0.05, 0.15),
)  # fmt: skip
def test_a_crowded_table_in_its_place_is_never_refused(
    covered: float, noise: float, seed: int, high: float
) -> None:
    points = cloud(covered, high=high, noise=noise, seed=seed)
    plane = fit_table(points, WORKSPACE)
    if plane is None or plane.height > 0.01:  # level tops, with the table between them
        assert "hardly any table" in hidden_table(points, plane, WORKSPACE)
    else:
        assert abs(plane.height) < 0.002
        assert plane.tilt < np.radians(1.0)


def test_a_plane_of_things_tops_is_not_taken_for_the_table_that_shows_between_them() -> None:
    points = cloud(0.80, noise=0.001)
    tops = np.flatnonzero(points[:, 2] > 0.01)[:700]  # level lids, more of them than of the table
    points[tops, 2] = 0.025
    plane = fit_table(points, WORKSPACE)
    assert plane is None or abs(plane.height) < 0.002
    assert hidden_table(points, plane, WORKSPACE)


def test_things_that_cover_the_whole_table_are_told_and_a_table_far_below_them_is_refused() -> None:
    points = cloud(1.0, low=0.005, high=0.08)
    assert hidden_table(points, None, WORKSPACE) == ""
    assert "could not be checked" in check_covered_table(points, None, WORKSPACE)
    points[:, 2] += 0.06
    with pytest.raises(UserError, match=r"lowest surface there is 6\d mm above"):
        check_covered_table(points, None, WORKSPACE)


def test_a_nearly_hidden_table_is_told_in_the_observation() -> None:
    rng = np.random.default_rng(1)
    things = [
        Box((-0.71 + 0.060 * i, -0.21 + 0.060 * j), (0.027, 0.027, rng.uniform(0.01, 0.05)), BLUE)
        for i in range(8) for j in range(8)
    ]  # fmt: skip
    frame, _ = picture(*things, depth_noise=0.001)
    notes = observe(frame, None).notes
    assert len(notes) == 1
    assert "sees hardly any table" in notes[0]
