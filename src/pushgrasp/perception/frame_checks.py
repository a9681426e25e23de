"""Checks of what a first frame and the cameras show of the table, refused with the likely cause."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import Intrinsics, RGBDFrame
from ..workspace import Workspace
from .calibration_checks import likely_pose_mistake, share_in_view
from .likely_causes import along_the_ray, likely_cause, likely_focal_length
from .table_evidence import check_covered_table, hidden_table
from .table_plane import BELOW_M, Plane, fit_table, points_over

REFUSE_BELOW, WARN_BELOW = 0.60, 0.95  # share of the workspace that cameras have in view
MIN_SEEN = 0.15  # share of the points over the workspace that the table must have
CLEAR = 0.30  # likewise of a plane that things' tops seldom make; it is believed at once
MOST = 0.5  # likewise, wherever it lies
POINTS = 2000  # points of a frame that has the whole workspace in view
RARELY_LESS = 0.5  # share of the points on the table, below which depth along the ray is looked for


def check_view(frame: RGBDFrame, workspace: Workspace) -> tuple[Plane | None, str]:
    """Refuse a first frame that does not show a table where the workspace is.

    The usual mistakes are tried one after another; the one that would put the table in its
    place is named.

    Returns:
        The table's plane, uncorrected; None if too little of it is seen to be measured, with a
        warning that says so ("the camera" has to be put before it).
    Raises:
        UserError: the frame shows no table there, with the likely cause.
    """
    points = points_over(frame, workspace)
    plane = fit_table(points, workspace)
    if (plane is None or plane.share < RARELY_LESS) and along_the_ray(frame, plane, workspace):
        raise UserError(
            "the table looks like a bowl: the depth is the distance along each pixel's ray; it "
            "must be along the optical axis: divide by sqrt(1 + ((u - cx) / fx)^2 + ((v - cy) / "
            "fy)^2)"
        )
    found = plane is not None and plane.share > MIN_SEEN
    if plane is not None and found and not plane.too_far:
        clear = plane.share > CLEAR and (plane.height < BELOW_M or plane.share > MOST)
        if plane.fits or clear:
            return plane, ""
    if warning := hidden_table(points, plane, workspace):
        return None, warning
    if plane is not None and found and not plane.too_far:
        return plane, ""
    if cause := likely_cause(frame, workspace):
        raise UserError(f"the frame shows no table where the workspace is. {cause}")
    if cause := likely_focal_length(frame, plane, workspace):
        where = "is steep" if plane is None else f"lies {plane.describe()}"
        raise UserError(f"the table's plane {where}; {cause}")
    share = share_in_view([(frame.intrinsics, frame.T_world_camera)], workspace)
    if not share:
        raise UserError("the camera does not see the workspace; check its pose")
    if plane is None and len(points) < MIN_SEEN * POINTS * share:
        raise UserError(
            "the camera has almost no depth over the workspace; check its pose, its depth unit, "
            "and whether it is too near or too far for its range"
        )
    if plane is not None and found:  # too far off, as its correction will say
        return plane, ""
    return None, check_covered_table(points, plane, workspace)


def check_coverage(
    cameras: list[tuple[Intrinsics, npt.NDArray[np.float64]]], workspace: Workspace
) -> str:
    """Refuse cameras that see too little of the workspace.

    Returns:
        A warning; "" if they see enough.
    Raises:
        UserError: they see less than 60 % of it.
    """
    share = share_in_view(cameras, workspace)
    who = "the camera sees" if len(cameras) == 1 else f"the {len(cameras)} cameras see"
    if share < REFUSE_BELOW:
        hints = [likely_pose_mistake(pose, k, workspace) for k, pose in cameras]
        raise UserError(
            f"{who} {share:.0%} of the workspace; at least {REFUSE_BELOW:.0%} is needed. Check "
            f"the pose, or move the camera back.{max(hints, key=len)}"
        )
    if share < WARN_BELOW:
        return f"{who} only {share:.0%} of the workspace; what lies outside stays unseen"
    return ""
