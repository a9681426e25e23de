"""The table's plane: found, corrected for, or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import BLUE, RED, Box, picture

from pushgrasp.errors import UserError
from pushgrasp.perception.perceive import Perception, observe
from pushgrasp.perception.table_plane import correction, fit_table
from pushgrasp.workspace import Workspace

BLOCKS = (
    Box((-0.55, 0.08), (0.025, 0.025, 0.025), RED),
    Box((-0.47, 0.00), (0.03, 0.025, 0.040), BLUE),
)
WORKSPACE = Workspace()


@pytest.mark.parametrize("z", [0.0, 0.0015, -0.0015])
def test_a_table_within_2_mm_is_left_alone(z: float) -> None:
    frame, _ = picture(*BLOCKS, table_z=z)
    assert observe(frame, RED).notes == ()


@pytest.mark.parametrize("z", [0.005, 0.010, 0.025, -0.009, -0.020])
def test_a_table_a_little_off_is_corrected_for_and_told(z: float) -> None:
    flat, _ = picture(*BLOCKS)
    frame, _ = picture(*BLOCKS, table_z=z)
    seen, expected = observe(frame, RED), observe(flat, RED)
    assert f"{1e3 * abs(z):.1f} mm {'above' if z > 0 else 'below'}" in seen.notes[0]
    assert np.nanmedian(seen.heightmap.height) < 1e-3
    assert seen.labels.max() == expected.labels.max() == 2
    assert abs(int(seen.goal.sum()) - int(expected.goal.sum())) < 0.1 * expected.goal.sum()
    assert np.nanmax(seen.heightmap.height) == pytest.approx(0.08, abs=2e-3)


@pytest.mark.parametrize("up", [0.0, 0.012])
def test_a_tilted_table_is_levelled(up: float) -> None:
    """Its low edge may lie where the table should be, though most of it is higher."""
    frame, _ = picture(*BLOCKS, depth_noise=0.001)
    tilt = np.radians(2.0)
    wrong = np.eye(4)
    wrong[:3, :3] = [[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]]
    middle = np.array([-0.5, 0, 0])
    wrong[:3, 3] = middle - wrong[:3, :3] @ middle + np.array([0, 0, up])
    tilted = type(frame)(frame.color, frame.depth, frame.intrinsics, wrong @ frame.T_world_camera)
    seen = observe(tilted, RED)
    assert "2.0 degrees" in seen.notes[0]
    assert seen.labels.max() == 2


@pytest.mark.parametrize("z", [0.160, -0.050, 0.035])
def test_a_table_far_off_is_refused_with_the_figures(z: float) -> None:
    frame, _ = picture(*BLOCKS, table_z=z)
    with pytest.raises(UserError, match=f"{1e3 * abs(z):.1f} mm"):
        observe(frame, RED)


def test_the_table_may_stand_where_the_workspace_says() -> None:
    frame, _ = picture(*BLOCKS, table_z=0.16)
    seen = observe(frame, RED, Workspace(table_z=0.16))
    assert seen.notes == ()
    assert seen.labels.max() == 2


def test_the_correction_of_the_first_frame_is_kept() -> None:
    frame, _ = picture(*BLOCKS, table_z=0.010)
    perception = Perception(RED)
    assert perception.look(frame).notes
    again = perception.look(frame)
    assert again.notes == ()
    assert again.labels.max() == 2


@settings(max_examples=40, deadline=None)
@given(
    height=st.floats(-0.03, 0.03),
    tilt=st.floats(0, np.radians(4.9)),
    heading=st.floats(0, 2 * np.pi),
    share=st.floats(0, 0.6),
)
def test_any_plane_under_any_clutter_is_found_and_brought_to_the_table(
    height: float, tilt: float, heading: float, share: float
) -> None:
    rng = np.random.default_rng(0)
    xy = rng.uniform((-0.724, -0.224), (-0.276, 0.224), (2000, 2))
    slope = np.tan(tilt) * np.array([np.cos(heading), np.sin(heading)])
    z = height + (xy - WORKSPACE.center) @ slope + rng.normal(0, 0.001, 2000)
    clutter = rng.random(2000) < share
    z[clutter] += rng.uniform(0.02, 0.12, clutter.sum())
    points = np.column_stack([xy, z])
    plane = fit_table(points, WORKSPACE)
    assert plane is not None
    assert plane.height == pytest.approx(height, abs=1e-3)
    assert plane.tilt == pytest.approx(tilt, abs=np.radians(0.3))
    if not plane.too_far:
        fix = correction(plane, WORKSPACE)
        assert np.allclose(fix[:3, :3] @ fix[:3, :3].T, np.eye(3))
        level = points[~clutter] @ fix[:3, :3].T + fix[:3, 3]
        assert np.abs(level[:, 2]).mean() < 2e-3


def test_no_plane_is_found_in_too_little_or_in_disorder() -> None:
    rng = np.random.default_rng(0)
    assert fit_table(np.zeros((20, 3)), WORKSPACE) is None
    cloud = rng.uniform((-0.724, -0.224, -0.3), (-0.276, 0.224, 0.3), (2000, 3))
    assert fit_table(cloud, WORKSPACE) is None
