"""What a decision is made from."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Intrinsics, RGBDFrame
from pushgrasp.perception.heightmap import Heightmap
from pushgrasp.perception.observation import Observation
from pushgrasp.perception.perceive import observe
from pushgrasp.workspace import Workspace

WORKSPACE = Workspace()


def picture_from_above() -> RGBDFrame:
    """A camera 1 m above the middle, image rows along -y; a red block 5 cm high on grey."""
    color = np.full((480, 640, 3), 120, np.uint8)
    depth = np.full((480, 640), 1.0, np.float32)
    color[220:260, 300:340] = (220, 30, 30)
    depth[220:260, 300:340] = 0.95
    pose = np.eye(4)
    pose[:3, :3] = np.diag([1.0, -1.0, -1.0])
    pose[:3, 3] = (*WORKSPACE.center, 1.0)
    return RGBDFrame(color, depth, Intrinsics(), pose)


def test_observe_finds_the_goal_by_its_colour() -> None:
    seen = observe(picture_from_above(), (220, 30, 30), WORKSPACE)
    assert seen.goal.sum() > 300
    assert (seen.objects & ~seen.goal).sum() < 0.1 * seen.goal.sum()
    assert len(np.unique(seen.labels[seen.goal])) <= 2
    rows, columns = np.nonzero(seen.goal)
    assert abs(rows.mean() - 111.5) < 3
    assert abs(columns.mean() - 111.5) < 3


def test_observe_finds_no_goal_of_another_colour() -> None:
    seen = observe(picture_from_above(), (30, 30, 220))
    assert not seen.goal.any()
    assert seen.objects.any()


def test_an_action_on_a_raised_table_is_in_the_world_frame() -> None:
    frame = picture_from_above()
    raised = frame.T_world_camera.copy()
    raised[2, 3] += 0.25
    frame = dataclasses.replace(frame, T_world_camera=raised)
    seen = observe(frame, (220, 30, 30), Workspace(table_z=0.25))
    assert seen.heightmap.height[112, 112] == pytest.approx(0.05, abs=1e-4)
    assert seen.action("grasp", 0, 112, 112).position[2] == pytest.approx(0.30, abs=1e-4)


def test_images_of_another_size_are_refused() -> None:
    shape = WORKSPACE.shape
    heightmap = Heightmap(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32), WORKSPACE)
    mask = np.zeros(shape, bool)
    Observation(heightmap, mask.astype(np.int32), mask, mask)
    with pytest.raises(UserError, match=r"goal mask has shape \(10, 10\).*\(224, 224\)"):
        Observation(heightmap, mask.astype(np.int32), mask, np.zeros((10, 10), bool))
