"""The one pixel-to-metre mapping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.workspace import N_ROTATIONS, Workspace, read_workspace, rotation_angle

WORKSPACES = st.builds(
    lambda x, y, n, resolution: Workspace(x, y, n * resolution, resolution),
    st.floats(-2, 2),
    st.floats(-2, 2),
    st.integers(1, 120),
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


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"size": 0.602}, r"size is 0\.602 m; .*at most 0\.6 m"),
        ({"size": 0.0}, "size is 0.0 m"),
        ({"size": -0.2}, "size is -0.2 m"),
        ({"size": 448}, r"size is 448 m; .*is it in millimetres"),
        ({"x_min": -724}, r"x_min is -724 m; .*is it in millimetres"),
        ({"size": 0.4471}, r"not a whole number of pixels of 2 mm; .* 0\.448 m"),
        ({"resolution": 0.0}, "resolution is 0.0 m per pixel"),
        ({"resolution": 0.5}, "resolution is 0.5 m per pixel"),
        ({"x_min": np.nan}, "x_min is nan"),
        ({"table_z": np.inf}, "table_z is inf"),
        ({"z_max": 0.0}, "z_max is 0.0"),
    ],
)
def test_an_impossible_workspace_is_refused(values: dict[str, float], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Workspace(**values)


def write(folder: Path, value: Any) -> Path:
    path = folder / "workspace.json"
    path.write_text(json.dumps(value))
    return path


def test_a_workspace_is_read_from_a_file(tmp_path: Path) -> None:
    place = {"x_min": 0.276, "y_min": -0.224, "size": 0.448}
    assert read_workspace(write(tmp_path, place)) == Workspace(0.276, -0.224, 0.448)
    high = read_workspace(write(tmp_path, {**place, "size": 0.3, "table_z": 0.16}))
    assert (high.shape, high.table_z, high.z_max) == ((150, 150), 0.16, 0.4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"table": 0.1}, "unknown field 'table'"),
        ({"size": None}, "size is None"),
        ({"size": 0.7}, "workspace.json: workspace: size is 0.7 m"),
        ({"resolution": 0.004}, "trained for 0.002 m"),
        ({"x_min": "left"}, "x_min is 'left'"),
    ],
)
def test_a_workspace_file_is_read_strictly(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    place = {"x_min": 0.276, "y_min": -0.224, "size": 0.448}
    with pytest.raises(UserError, match=words):
        read_workspace(write(tmp_path, place | change))
    with pytest.raises(UserError, match="lacks the field 'y_min'"):
        read_workspace(write(tmp_path, {"x_min": 0.2, "size": 0.4}))
