"""Checks of frames and cameras; what cannot be right is refused with its likely cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import Intrinsics, RGBDFrame
from ..workspace import Workspace
from .table_plane import MOST_M, Plane, fit_table, points_over

REFUSE_BELOW, WARN_BELOW = 0.60, 0.95  # share of the workspace that cameras have in view
MIN_SEEN = 0.15  # share of the points over the workspace that the table must have
POINTS = 2000  # points of a frame that has the whole workspace in view
FARTHEST = 20.0  # m; a camera that stands farther from the robot has a pose in another unit
DEEPEST = 60.0  # m; likewise, for the middle of its depths
ROTATION_ERROR = 2e-3  # by which a rotation may miss being one; poses are rounded

Change = Callable[[RGBDFrame], RGBDFrame]


def check_frame(frame: RGBDFrame) -> RGBDFrame:
    """Refuse a frame that cannot be right, whatever it shows.

    Returns:
        The frame; its pose as an array, if it was given as lists.
    Raises:
        UserError: with the likely cause.
    """
    k = frame.intrinsics
    color, depth = np.asarray(frame.color), np.asarray(frame.depth)
    if depth.ndim == 3 and depth.shape[2] == 1:
        raise UserError(
            f"the depth has shape {depth.shape}; it must be {k.height} x {k.width}: give "
            "depth[..., 0]"
        )
    if depth.shape == (k.width, k.height) != (k.height, k.width):
        raise UserError(
            f"the depth has {k.width} rows and {k.height} columns: it is transposed; rows come "
            "first"
        )
    if depth.shape != (k.height, k.width) or color.shape != (k.height, k.width, 3):
        raise UserError(
            f"the frame has colour {color.shape} and depth {depth.shape}, but its intrinsics say "
            f"{k.width} x {k.height} pixels; align the images to one camera"
        )
    if color.dtype != np.uint8:
        to_do = (
            "multiply by 255 and convert to uint8"
            if color.dtype.kind == "f" and float(np.nanmax(color)) <= 1.0
            else "give uint8 from 0 to 255"
        )
        raise UserError(f"the colours are {color.dtype}, up to {np.nanmax(color):g}; {to_do}")
    pose = _pose(frame.T_world_camera)
    _check_depth_unit(depth)
    if pose is frame.T_world_camera:
        return frame
    return replace(frame, T_world_camera=pose)


def _pose(given: npt.ArrayLike) -> npt.NDArray[np.float64]:
    try:
        pose = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        pose = np.zeros(0)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise UserError(
            "T_world_camera is not a 4 x 4 rigid transformation of finite numbers; check the "
            "calibration"
        )
    rotation = pose[:3, :3]
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=ROTATION_ERROR):
        raise UserError(
            "T_world_camera is not a 4 x 4 rigid transformation: its rotation scales or shears; "
            "check the calibration"
        )
    if np.linalg.det(rotation) < 0:
        raise UserError(
            "T_world_camera mirrors: its rotation has determinant -1. One axis is flipped; the "
            "camera's x points right, y down and z forward"
        )
    if not np.allclose(pose[3], (0, 0, 0, 1), atol=1e-6):
        raise UserError(
            "T_world_camera is not a 4 x 4 rigid transformation: its last row must be 0 0 0 1; "
            "is the matrix transposed?"
        )
    if (far := float(np.linalg.norm(pose[:3, 3]))) > FARTHEST:
        raise UserError(
            f"T_world_camera puts the camera {far:.0f} m from the robot; are its lengths in "
            "millimetres? They must be metres"
        )
    return pose


def _check_depth_unit(depth: npt.NDArray[np.generic]) -> None:
    sample = np.asarray(depth[::12, ::12], np.float64)
    sample = sample[np.isfinite(sample) & (sample > 0)]
    if sample.size and (middle := float(np.median(sample))) > DEEPEST:
        raise UserError(
            f"the depth's median is {middle:.0f}; is it in millimetres, or raw counts? It must be "
            "metres: multiply by the camera's depth scale (0.001 for millimetres, 0.0001 for the "
            "counts of a RealSense D405)"
        )


def check_view(frame: RGBDFrame, workspace: Workspace) -> Plane | None:
    """Refuse a first frame that does not show a table where the workspace is.

    The usual mistakes are tried one after another; the one that would put the table in its
    place is named.

    Returns:
        The table's plane, uncorrected; None if too little of it is seen to be measured.
    Raises:
        UserError: the frame shows no table there, with the likely cause.
    """
    points = points_over(frame, workspace)
    plane = fit_table(points, workspace)
    if plane is not None and not plane.too_far and plane.share > MIN_SEEN:
        return plane
    for what, change in _MISTAKES:
        other = _plane_if(frame, change, workspace)
        if other is not None and abs(other.height) < MOST_M and other.tilt < np.radians(3):
            raise UserError(f"the frame shows no table where the workspace is. {what}")
    share = share_in_view([(frame.intrinsics, frame.T_world_camera)], workspace)
    if not share:
        raise UserError("the camera does not see the workspace; check its pose")
    if plane is None and len(points) < MIN_SEEN * POINTS * share:
        raise UserError(
            "the camera has almost no depth over the workspace; check its pose, its depth unit, "
            "and whether it is too near or too far for its range"
        )
    return plane


def _plane_if(frame: RGBDFrame, change: Change, workspace: Workspace) -> Plane | None:
    """The table's plane if the frame were changed."""
    changed = change(frame)
    return fit_table(points_over(changed, workspace), workspace)


def _depth(factor: float) -> Change:
    return lambda frame: replace(frame, depth=np.asarray(frame.depth * factor, np.float32))


def _turned(frame: RGBDFrame) -> RGBDFrame:
    pose = frame.T_world_camera.copy()
    pose[:3, :3] = pose[:3, :3] @ np.diag([1.0, -1.0, -1.0])
    return replace(frame, T_world_camera=pose)


def _inverse(frame: RGBDFrame) -> RGBDFrame:
    return replace(frame, T_world_camera=np.linalg.inv(frame.T_world_camera))


_MISTAKES: tuple[tuple[str, Change], ...] = (
    (
        "Its depth divided by ten would: multiply raw counts by the camera's own depth scale "
        "(0.0001 for a RealSense D405)",
        _depth(0.1),
    ),
    (
        "Ten times its depth would: multiply raw counts by the camera's own depth scale (0.001 "
        "for a RealSense D435)",
        _depth(10.0),
    ),
    ("Its depth divided by 1000 would: it is in millimetres; it must be metres", _depth(0.001)),
    (
        "Its pose with y and z flipped would: it is in OpenGL's convention (y up, z back); the "
        "camera's x must point right, y down and z forward",
        _turned,
    ),
    (
        "The inverse of its pose would: T_camera_world was given for T_world_camera",
        _inverse,
    ),
)


def share_in_view(
    cameras: list[tuple[Intrinsics, npt.NDArray[np.float64]]], workspace: Workspace
) -> float:
    """Share of the workspace, at the table's height, that some camera has in its picture."""
    n = 48
    at = workspace.n_pixels * (np.arange(n) + 0.5) / n - 0.5
    xy = workspace.to_xy(*np.meshgrid(at, at, indexing="ij")).reshape(-1, 2)
    points = np.column_stack([xy, np.full(len(xy), workspace.table_z)])
    seen = np.zeros(len(points), bool)
    for k, pose in cameras:
        x, y, z = ((points - pose[:3, 3]) @ pose[:3, :3]).T
        with np.errstate(divide="ignore", invalid="ignore"):
            u, v = x / z * k.fx + k.cx, y / z * k.fy + k.cy
        seen |= (z > 0) & (u > -0.5) & (u < k.width - 0.5) & (v > -0.5) & (v < k.height - 0.5)
    return float(seen.mean())


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
        raise UserError(
            f"{who} {share:.0%} of the workspace; at least {REFUSE_BELOW:.0%} is needed. Check "
            "the pose, or move the camera back"
        )
    if share < WARN_BELOW:
        return f"{who} only {share:.0%} of the workspace; what lies outside stays unseen"
    return ""
