"""The work cell: the standard one is the ancestors', others are moved and turned as a whole."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.perception.camera_file import look_at
from pushgrasp.sim.cell import HOME, Cell, Tote
from pushgrasp.workspace import Workspace

FRANKA = Workspace(x_min=0.276)  # where users of a Franka work, in its base frame
POINTS = st.tuples(*[st.floats(-1, 1)] * 3)


@st.composite
def workspaces(draw: st.DrawFn) -> Workspace:
    x, y, z = (draw(st.floats(-2, 2)) for _ in range(3))
    return Workspace(x, y, 0.002 * draw(st.integers(50, 300)), table_z=z)


def test_the_standard_cell_is_the_ancestors_to_the_last_bit() -> None:
    cell = Cell()
    assert (cell.camera_pose == look_at((-1.0, 0.0, 0.5), (-0.5, 0.0, 0.0))).all()
    assert cell.home == HOME == (-0.5, 0.46, 0.25)
    assert cell.post == ((-1.05, 0.0, 0.0), (-1.05, 0.0, 0.52))
    assert cell.gantry_range.tolist() == [[-0.95, -0.05], [-0.45, 0.60], [0.0, 0.60]]
    assert cell.place((0.05, 0.0, 0.2)) == (0.05, 0.0, 0.2)
    assert (cell.yaw, cell.wider, cell.walls) == (0.0, 0.0, [])


@given(workspaces(), POINTS, POINTS)
def test_a_cell_is_moved_and_turned_as_a_whole(workspace: Workspace, a: Any, b: Any) -> None:
    cell = Cell(workspace)
    assert cell.standard(cell.place(a)) == pytest.approx(a, abs=1e-9)
    before, after = (np.subtract(q, p) for p, q in ((a, b), (cell.place(a), cell.place(b))))
    sign = -1 if cell.yaw else 1
    assert after == pytest.approx(before * (sign, sign, 1), abs=1e-9)
    assert cell.place((-0.5, 0.0, 0.0)) == pytest.approx((*workspace.center, workspace.table_z))


def test_at_positive_x_the_robot_stands_at_the_origin_and_faces_the_workspace() -> None:
    cell = Cell(FRANKA)
    assert cell.yaw == math.pi
    assert cell.place((0.02, 0.0, 0.02)) == pytest.approx((-0.02, 0.0, 0.02))  # the Panda's base
    assert cell.home == pytest.approx((0.5, -0.46, 0.25))
    assert cell.camera_pose[:3, 3] == pytest.approx((1.0, 0.0, 0.5))
    assert cell.camera_pose[:3, 2] == pytest.approx((-math.sqrt(0.5), 0, -math.sqrt(0.5)))


@given(workspaces())
def test_the_gantry_reaches_the_workspace_and_home(workspace: Workspace) -> None:
    cell = Cell(workspace)
    (x0, x1), (y0, y1), (z0, z1) = cell.gantry_range
    assert x0 < workspace.x_min < workspace.x_min + workspace.size < x1
    assert y0 < workspace.y_min < workspace.y_min + workspace.size < y1
    assert z0 == pytest.approx(workspace.table_z)
    for value, low, high in zip(cell.home, (x0, y0, z0), (x1, y1, z1), strict=True):
        assert low < value < high
    outside = abs(cell.home[1] - workspace.center[1]) - workspace.size / 2
    assert outside > 0.2  # the hand hides nothing and drops nothing back


@given(workspaces())
def test_objects_wait_far_from_the_table(workspace: Workspace) -> None:
    cell = Cell(workspace)
    places = np.array([cell.parking(i) for i in range(5)])
    assert np.linalg.norm(places[:, :2] - workspace.center, axis=1).min() > 2
    assert np.linalg.norm(np.diff(places, axis=0), axis=1) == pytest.approx(0.3)


# --- the tote ------------------------------------------------------------------------------


def test_walls_stand_round_the_inside() -> None:
    tote = Tote(inner=(0.3, 0.2), height=0.1, thickness=0.006)
    cell = Cell(Workspace(0.276, 0.1, table_z=0.16), tote)
    low = np.array([np.subtract(c, h) for c, h in cell.walls])
    high = np.array([np.add(c, h) for c, h in cell.walls])
    assert low[:, 2] == pytest.approx(0.16)
    assert high[:, 2] == pytest.approx(0.26)
    cx, cy = cell.workspace.center

    def solid(dx: float, dy: float) -> int:
        point = np.array([cx + dx, cy + dy, 0.2])
        return int(((low < point) & (point < high)).all(1).sum())

    for sx, sy in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        assert solid(sx * 0.149, sy * 0.099) == 0
        assert solid(sx * 0.153, sy * 0.05) == solid(sx * 0.05, sy * 0.103) == 1
        assert solid(sx * 0.153, sy * 0.103) == 1  # the corners are closed, and only once
        assert solid(sx * 0.157, sy * 0.05) == 0


def test_room_is_between_the_walls_and_inside_the_workspace() -> None:
    cell = Cell(tote=Tote(inner=(0.3, 0.2)))
    x, y = cell.workspace.center
    assert cell.has_room_for((x + 0.1, y + 0.05), 0.05, 0.049)
    assert not cell.has_room_for((x + 0.1, y + 0.05), 0.05, 0.051)
    assert not Cell().has_room_for((x + 0.18, y), 0.05, 0.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"inner": (0.4, 0.1)}, r"tote: inner is \(0.4, 0.1\) m; it must be 0.15 to 0.6 m"),
        ({"height": 0.3}, "tote: height is 0.3 m"),
        ({"thickness": 0.0}, "tote: thickness is 0.0 m"),
        ({"height": float("nan")}, "tote: height is nan"),
        ({"color": "greyish"}, "unknown colour 'greyish'"),
    ],
)
def test_an_impossible_tote_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Tote(**settings)
