"""The one pixel-to-metre mapping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.workspace import N_ROTATIONS, Workspace, rotation_angle

WORKSPACES = st.builds(
    lambda x, y, n, resolution: Workspace(x, y, n * resolution, resolution),
    st.floats(-2, 2),
    st.floats(-2, 2),
    st.integers(1, 500),
    st.sampled_from([0.001, 0.002, 0.003, 0.005]),
)


def test_the_standard_workspace_is_the_ancestors() -> None:
    workspace = Workspace()
    assert workspace.shape == (224, 224)
    assert np.allclose(workspace.center, (-0.5, 0.0))
    assert np.allclose(workspace.to_xy(0, 0), (-0.723, -0.223))  # a pixel is its centre
    assert np.allclose(workspace.to_xy(223, 223), (-0.277, 0.223))
    assert np.allclose(workspace.to_xy(111.5, 111.5), workspace.center)


def test_columns_follow_x_and_rows_follow_y() -> None:
    workspace = Workspace()
    assert np.allclose(workspace.to_xy(10, 11) - workspace.to_xy(10, 10), (0.002, 0))
    assert np.allclose(workspace.to_xy(11, 10) - workspace.to_xy(10, 10), (0, 0.002))
    assert workspace.to_pixel((-0.5 + 0.02, -0.1)).tolist() == [62, 122]


@settings(max_examples=50, deadline=None)
@given(WORKSPACES, st.data())
def test_a_pixel_comes_back_from_its_centre(workspace: Workspace, data: st.DataObject) -> None:
    pixels = st.integers(-5, workspace.n_pixels + 5)
    row, column = data.draw(pixels), data.draw(pixels)
    assert workspace.to_pixel(workspace.to_xy(row, column)).tolist() == [row, column]
    inside = min(row, column) >= 0 and max(row, column) < workspace.n_pixels
    assert bool(workspace.contains(workspace.to_xy(row, column))) == inside


@settings(max_examples=50, deadline=None)
@given(WORKSPACES, st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_a_point_lies_in_its_pixel(workspace: Workspace, u: float, v: float) -> None:
    point = np.array([workspace.x_min, workspace.y_min]) + workspace.size * np.array([u, v])
    pixel = workspace.to_pixel(point)
    assert pixel.min() >= 0
    assert pixel.max() < workspace.n_pixels
    distance = np.abs(workspace.to_xy(*pixel) - point).max()
    assert distance <= workspace.resolution / 2 + 1e-9


def test_arrays_keep_their_shape() -> None:
    workspace = Workspace()
    rows, columns = np.mgrid[:4, :6]
    xy = workspace.to_xy(rows, columns)
    assert xy.shape == (4, 6, 2)
    pixels = workspace.to_pixel(xy)
    assert pixels.dtype == np.int64
    assert (pixels == np.stack([rows, columns], -1)).all()
    assert workspace.contains(xy).shape == (4, 6)


@settings(max_examples=50, deadline=None)
@given(WORKSPACES, st.floats(0.001, 0.05))
def test_a_margin_widens_or_narrows(workspace: Workspace, margin: float) -> None:
    x, y = workspace.x_min - margin / 2, workspace.center[1]
    assert not workspace.contains((x, y))
    assert workspace.contains((x, y), margin)
    edge = (workspace.x_min + margin / 2, y)
    assert not workspace.contains(edge, -margin)


@pytest.mark.parametrize("bad", [(np.nan, 0.0), (-0.5, np.nan)])
def test_nan_lies_nowhere(bad: tuple[float, float]) -> None:
    assert not Workspace().contains(bad)


def test_rotations_cover_the_circle_and_turn_columns_towards_rows() -> None:
    angles = np.asarray(rotation_angle(np.arange(N_ROTATIONS)))
    assert angles[0] == 0
    assert np.allclose(np.diff(angles), np.radians(22.5))
    quarter = rotation_angle(4)
    workspace = Workspace()
    ahead = np.array(workspace.center) + 0.05 * np.array([np.cos(quarter), np.sin(quarter)])
    row, column = workspace.to_pixel(ahead) - workspace.to_pixel(workspace.center)
    assert (abs(row - 25), abs(column)) <= (1, 1)
