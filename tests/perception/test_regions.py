"""Image regions against projected points."""

from __future__ import annotations

import numpy as np
import pytest

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Intrinsics, Region
from pushgrasp.perception.camera_file import look_at
from pushgrasp.perception.regions import box_region, box_share, workspace_region
from pushgrasp.workspace import Workspace


def test_a_region_holds_every_point_of_its_box() -> None:
    camera, pose = Intrinsics(), look_at((-1.0, 0.0, 0.5), (-0.5, 0.0, 0.0))
    region = workspace_region(Workspace(), camera, pose)
    assert region.width < camera.width
    assert region.height < camera.height
    rng = np.random.default_rng(0)
    points = rng.uniform((-0.724, -0.224, 0), (-0.276, 0.224, 0.12), (500, 3))
    x, y, z = ((points - pose[:3, 3]) @ pose[:3, :3]).T
    u, v = camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy
    assert (u >= region.column).all()
    assert (u < region.column + region.width).all()
    assert (v >= region.row).all()
    assert (v < region.row + region.height).all()
    whole = Region(0, 0, camera.height, camera.width)
    assert box_region((-2, -0.1, 0), (-0.5, 0.1, 0.1), camera, pose) == whole
    for box in ((-3, -1, 0), (-2, 1, 0.2)), ((-0.6, 3, 0), (-0.5, 4, 0.1)):
        with pytest.raises(UserError, match="pose"):
            box_region(*box, camera, pose)


def test_the_region_follows_the_workspace() -> None:
    here = workspace_region(Workspace(), Intrinsics(), look_at((-1.0, 0.0, 0.5), (-0.5, 0.0, 0.0)))
    there = Workspace(x_min=0.276, y_min=0.776, table_z=0.25)
    pose = look_at((0.0, 1.0, 0.75), (0.5, 1.0, 0.25))
    assert workspace_region(there, Intrinsics(), pose) == here


def test_the_share_of_a_box_in_the_image() -> None:
    camera = Intrinsics(100, 100, 100.0, 100.0, 49.5, 49.5)
    down = look_at((0.0, 0.0, 1.0), (0.0, 0.0, 0.0))  # sees 1 m by 1 m of the table
    assert box_share((-0.4, -0.4, 0.0), (0.4, 0.4, 0.01), camera, down) == 1
    assert box_share((-0.5, -0.5, 0.0), (1.5, 0.5, 0.001), camera, down) == pytest.approx(0.5)
    assert box_share((0.6, -0.4, 0.0), (1.4, 0.4, 0.01), camera, down) == 0
    assert box_share((-0.1, -0.1, 1.1), (0.1, 0.1, 1.3), camera, down) == 0  # behind it
