"""Recognise the goal in the hand while it is lifted clear of the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import Camera, Intrinsics, Region, Report, RGBDFrame
from .heightmap import measured
from .regions import box_region

GoalPixels = Callable[[RGBDFrame, npt.NDArray[np.integer]], npt.NDArray[np.bool_]]
"""Answers which of some pixels of a frame, given by flat indices (N,), show the goal: (N,) bool."""

MIN_GOAL_AREA = 44e-6
"""m2 of the goal's colour, facing the camera; 60 pixels of the standard camera. A block shows
some 1,500 mm2."""
MIN_SEEN_AREA = 44e-6  # m2 of any surface in the hand; less is not a view of it
REACH = 0.08  # m round the tool in which a thing is in the hand, though it may stick out
ABOVE = 0.05  # m above the finger tips that count as between the fingers
ALONE = 0.9  # share of the goal in all that shows between the fingers; less: another thing is there
ALONE_ABOVE = 0.03  # m above the finger tips up to which that is asked: above may be the palm


class GoalInHand(Enum):
    """Answer of a look into the hand."""

    HELD = "held"
    NOT_HELD = "not held"
    NOT_SEEN = "not seen"  # no camera sees the hand, or none has depth there


@dataclass(frozen=True)
class HandView:
    """Result of a look into the hand."""

    goal: GoalInHand
    reason: str = ""  # why the hand was not seen
    alone: bool = False  # the goal is held, and nothing else shows between the fingers

    @property
    def held(self) -> bool:
        """True if the goal was seen in the hand."""
        return self.goal is GoalInHand.HELD


def look_into_hand(cameras: Sequence[Camera], hand: Report, goal_pixels: GoalPixels) -> HandView:
    """Look for the goal between the fingers.

    Args:
        cameras: each takes a picture of the hand, if it can see it, until one shows the goal.
        hand: the robot's state, the hand lifted clear of other objects.
        goal_pixels: finds the goal in a picture.
    Returns:
        HELD if one camera sees the goal there; NOT_SEEN, with the reason, if none has the hand
        in view with depth.
    """
    tool = np.array(hand.position)
    unseen: list[str] = []
    for camera in cameras:
        try:
            region = hand_region(tool, camera.intrinsics, camera.T_world_camera)
        except UserError as error:
            unseen.append(str(error))
            continue
        frame = camera.capture(region)
        shown, areas = points_in_hand(
            frame, tool, hand.yaw, width=2 * REACH, breadth=2 * REACH, below=REACH
        )
        if areas.sum() < MIN_SEEN_AREA:
            unseen.append("its picture has no depth where the hand is")
        elif areas[goal_pixels(frame, shown)].sum() >= MIN_GOAL_AREA:
            between, areas = points_in_hand(
                frame, tool, hand.yaw, width=hand.width, breadth=2 * REACH, below=REACH,
                above=ALONE_ABOVE,
            )  # fmt: skip
            share = areas[goal_pixels(frame, between)].sum() / max(areas.sum(), 1e-9)
            return HandView(GoalInHand.HELD, alone=bool(share >= ALONE))
    if len(unseen) < len(cameras):
        return HandView(GoalInHand.NOT_HELD)
    return HandView(GoalInHand.NOT_SEEN, "no camera saw the hand: " + "; ".join(unseen))


def hand_region(
    tool_position: npt.ArrayLike,
    intrinsics: Intrinsics,
    T_world_camera: npt.NDArray[np.float64],
) -> Region:
    """Find the part of an image that shows the hand.

    Args:
        tool_position: (3,) m, world frame.
        intrinsics, T_world_camera: of the camera.
    Raises:
        UserError: the camera does not see the hand.
    """
    tool = np.asarray(tool_position, np.float64)
    return box_region(tool - 1.5 * REACH, tool + 1.5 * REACH, intrinsics, T_world_camera)


def points_in_hand(
    frame: RGBDFrame,
    tool_position: npt.ArrayLike,
    yaw: float,
    *,
    width: float = 0.11,
    breadth: float = 0.06,
    below: float = 0.06,
    above: float = ABOVE,
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.float32]]:
    """Select the pixels that show what is in the hand.

    The box lies between the fingers and just below them. The fingers may be in it too.

    Args:
        frame: a frame taken while the hand is clear of the table and of other objects.
        tool_position: (3,) m, world frame, midway between the finger tips' lowest points.
        yaw: rad, the jaw's closing direction.
        width: m, the box along the closing direction.
        breadth: m, across it.
        below, above: m from the finger tips down and up.
    Returns:
        Flat indices (N,) in the image, and the area (N,) in m2, square to the line of sight,
        that each pixel covers; empty when the hand is out of view or the frame has no depth.
    Raises:
        UserError: image sizes disagree, or a pose is no pose.
    """
    seen = measured(frame)
    offset = frame.T_world_camera[:3, 3] - np.asarray(tool_position, np.float64)
    x, y, z = seen.rays * seen.depth + offset.astype(np.float32)[:, None]
    c, s = np.cos(yaw), np.sin(yaw)
    along, across = c * x + s * y, c * y - s * x
    inside = (seen.depth > 0) & (np.abs(along) < width / 2) & (np.abs(across) < breadth / 2)
    inside &= (z > -below) & (z < above)
    k = frame.intrinsics
    index = seen.in_image(np.flatnonzero(inside))
    return index, seen.depth[inside] ** 2 / np.float32(k.fx * k.fy)
