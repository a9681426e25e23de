"""Looks into a hand that holds a flat thing."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from pushgrasp.interfaces import Intrinsics, Region, Report, RGBDFrame
from pushgrasp.perception.camera_file import look_at
from pushgrasp.perception.hand import GoalInHand, HandView, look_into_hand, points_in_hand
from pushgrasp.perception.heightmap import ray_directions

SMALL = Intrinsics(48, 36, 40.0, 40.0, 24.0, 18.0)
DOWN = look_at((0, 0, 0.6), (0, 0, 0))
RED = (220, 30, 30)
HAND = Report((0.0, 0.0, 0.22), 0.0, 0.05)


def frame_of(depth: float, intrinsics: Intrinsics = SMALL) -> RGBDFrame:
    shape = (intrinsics.height, intrinsics.width)
    color = np.full((*shape, 3), 90, np.uint8)
    return RGBDFrame(color, np.full(shape, depth, np.float32), intrinsics, DOWN)


class Still:
    """A camera that always gives the same frame."""

    def __init__(self, frame: RGBDFrame) -> None:
        self.intrinsics, self.T_world_camera = frame.intrinsics, frame.T_world_camera
        self._frame = frame

    def capture(self, region: Region | None = None) -> RGBDFrame:
        return self._frame


def red_pixels(frame: RGBDFrame, shown: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    return (frame.color.reshape(-1, 3)[shown] == RED).all(1)


def holding(patch_m: float, intrinsics: Intrinsics) -> RGBDFrame:
    """A red square in a grey hand at 0.4 m."""
    frame = frame_of(0.4, intrinsics)
    x, y = np.moveaxis(ray_directions(intrinsics)[..., :2], 2, 0) * 0.4
    frame.color[(np.abs(x) < patch_m / 2) & (np.abs(y) < patch_m / 2)] = RED
    return frame


def test_only_what_is_between_the_fingers_is_in_the_hand() -> None:
    frame = frame_of(0.4)  # all at z 0.2
    x, y = (ray_directions(SMALL)[..., :2] * 0.4).reshape(-1, 2).T
    for yaw in (0.0, 0.7):
        along = np.cos(yaw) * -y + np.sin(yaw) * -x  # image right is -y, image down is -x
        across = np.cos(yaw) * -x - np.sin(yaw) * -y
        n = int(((np.abs(along) < 0.055) & (np.abs(across) < 0.03)).sum())
        assert len(points_in_hand(frame, (0, 0, 0.22), yaw)[0]) == n > 20
    assert len(points_in_hand(frame, (0, 0, 0.27), 0.0)[0]) == 0
    assert len(points_in_hand(frame, (0, 0, 0.14), 0.0)[0]) == 0
    assert len(points_in_hand(frame, (0, 0, 0.22), 0.0, width=0.05)[0]) < n


@pytest.mark.parametrize("side", [320, 1280])  # pixels: the count must not matter
def test_the_goal_is_held_by_the_area_that_shows_whatever_the_resolution(side: int) -> None:
    camera = Intrinsics(side, side, side, side, side / 2, side / 2)
    seen = look_into_hand([Still(holding(0.010, camera))], HAND, red_pixels)
    assert seen == HandView(GoalInHand.HELD)
    assert seen.held
    assert not seen.alone  # the hand's grey shows beside it
    speck = look_into_hand([Still(holding(0.004, camera))], HAND, red_pixels)
    assert speck == HandView(GoalInHand.NOT_HELD)
    assert not speck.held


def test_the_goal_is_alone_if_nothing_else_shows_between_the_fingers() -> None:
    camera = Intrinsics(320, 320, 320, 320, 160, 160)
    whole = look_into_hand([Still(holding(0.2, camera))], HAND, red_pixels)
    assert whole == HandView(GoalInHand.HELD, alone=True)
    beside = holding(0.2, camera)
    beside.color[:, :150] = 90  # a third of what shows between fingers 50 mm apart
    assert look_into_hand([Still(beside)], HAND, red_pixels) == HandView(GoalInHand.HELD)


@pytest.mark.parametrize("depth", [0.0, np.nan])
def test_a_hand_without_depth_is_not_seen(depth: float) -> None:
    seen = look_into_hand([Still(frame_of(depth))], HAND, red_pixels)
    assert seen.goal is GoalInHand.NOT_SEEN
    assert not seen.held
    assert "no depth" in seen.reason


def test_a_hand_out_of_the_picture_is_not_seen_and_another_camera_may_see_it() -> None:
    away = dataclasses.replace(frame_of(0.4), T_world_camera=look_at((3, 0, 0.3), (4, 0, 0)))
    seen = look_into_hand([Still(away)], HAND, red_pixels)
    assert seen.goal is GoalInHand.NOT_SEEN
    assert "looks away" in seen.reason
    assert look_into_hand([Still(away), Still(holding(0.02, SMALL))], HAND, red_pixels).held
    both = look_into_hand([Still(away), Still(frame_of(0.4))], HAND, red_pixels)
    assert both.goal is GoalInHand.NOT_HELD
