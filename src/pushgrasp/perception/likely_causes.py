"""Likely causes of a first frame that shows no table in its place: tried one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..interfaces import Intrinsics, RGBDFrame
from ..workspace import Workspace
from .calibration_checks import POSE_MISTAKES
from .heightmap import ray_directions
from .table_plane import MOST_M, Plane, fit_table, points_over

NEARLY_LEVEL = np.radians(3.0)  # tilt of the table if the mistake were mended
SAME_FACTOR = 1.12  # a depth unit is named if the factor misses it by less
AGREE = 0.2  # spread of the factors that single pixels ask for, over their median
MIN_PIXELS = 200  # of a frame's sample that must lie over the workspace
STRIDE = 8  # px
FOCALS = np.geomspace(0.4, 2.5, 600).tolist()  # factors on the focal length that are tried
FEW_FOCALS = (0.8, 1.25, 0.65, 1.55, 0.5, 2.0)  # likewise, to find a plane at all
FOCAL_TILT, FOCAL_HEIGHT = np.radians(0.25), 0.004  # rad, m that the best of them may leave
LEAST_CHANGE = 0.01  # a focal length that is nearer is the right one
MUCH_FLATTER = 1.5  # times as many points on the plane: depth was along the ray
RAY_HEIGHT, RAY_TILT = 0.008, np.radians(1.0)  # m, rad by which that plane may be off
MIN_FLAT = 0.3  # share of the points on that plane at least

UNITS = (
    ("it is in millimetres", 1e-3),
    ("it is in centimetres", 1e-2),
    ("these are the counts of 0.1 mm of a RealSense D405", 1e-4),
    ("these are the counts of 0.25 mm of a RealSense L515", 2.5e-4),
    ("it is in inches", 0.0254),
    ("it is in feet", 0.3048),
    ("it is in counts of 0.25 mm (RealSense L515) times 0.001; times 0.00025 is right", 0.25),
)

Change = Callable[[RGBDFrame], RGBDFrame]


def likely_cause(frame: RGBDFrame, workspace: Workspace) -> str:
    """Name the mistake without which a frame would show a table where the workspace is.

    Returns:
        A sentence; "" if no usual mistake explains it.
    """
    for what, change in _MISTAKES:
        plane = _plane_if(frame, change, workspace)
        if plane is not None and abs(plane.height) < MOST_M and plane.tilt < NEARLY_LEVEL:
            return what
    factor = depth_factor(frame.depth, frame.intrinsics, frame.T_world_camera, workspace)
    if factor is not None and (words := unit_words(factor)):
        return f"Its depth multiplied by {factor:.3g} would: {words}"
    return ""


def likely_focal_length(frame: RGBDFrame, plane: Plane | None, workspace: Workspace) -> str:
    """Name the focal length with which the table would lie in its place.

    Args:
        frame: the first frame.
        plane: of the table, as the frame's own focal length shows it; None if it is too steep.
        workspace: where the table should be.
    Returns:
        A sentence; "" if no focal length would do.
    """
    k = frame.intrinsics
    known = 1.0  # factor on the focal length with which the plane was found
    if plane is None:
        for known in FEW_FOCALS:
            plane = _plane_if(frame, _focal(known), workspace)
            if plane is not None:
                break
    if plane is None:
        return ""
    planes = [(f, *_with_focal(plane, frame, f / known, workspace)) for f in FOCALS]
    factor, tilt, height = min(planes, key=lambda p: p[1])
    if tilt > FOCAL_TILT or abs(height) > FOCAL_HEIGHT or abs(np.log(factor)) < LEAST_CHANGE:
        return ""
    return (
        f"a focal length of about {factor * k.fx:.0f} pixels instead of {k.fx:.0f} would put it "
        "there: are these the intrinsics of this camera at this resolution?"
    )


def _with_focal(
    plane: Plane, frame: RGBDFrame, factor: float, workspace: Workspace
) -> tuple[float, float]:
    """Tilt (rad) and height (m) of a plane if the focal length were changed by a factor.

    That divides x and y of every point in the camera's frame by the factor, so a plane stays one.
    """
    rotation, position = frame.T_world_camera[:3, :3], frame.T_world_camera[:3, 3]
    middle = np.array([*workspace.center, workspace.table_z])
    on_plane = middle + np.array([0.0, 0.0, plane.height])
    normal = rotation.T @ plane.normal
    offset = normal @ (rotation.T @ (on_plane - position))
    changed = rotation @ (normal * (factor, factor, 1.0))  # unnormalised, with the same offset
    if abs(changed[2]) < 1e-6:
        return np.pi / 2, np.inf
    height = (offset - changed @ (middle - position)) / changed[2]
    return float(np.arccos(min(abs(changed[2]) / np.linalg.norm(changed), 1.0))), float(height)


def along_the_ray(frame: RGBDFrame, plane: Plane | None, workspace: Workspace) -> bool:
    """Check if depth was measured along each pixel's ray instead of along the optical axis.

    A table would then look like a bowl.
    """
    other = fit_table(_along_axis(points_over(frame, workspace), frame, workspace), workspace)
    return (
        other is not None
        and other.share > max(MUCH_FLATTER * (0.0 if plane is None else plane.share), MIN_FLAT)
        and abs(other.height) < RAY_HEIGHT
        and other.tilt < RAY_TILT
    )


def depth_factor(
    depth: npt.NDArray[np.generic],
    k: Intrinsics,
    pose: npt.NDArray[np.float64],
    workspace: Workspace,
) -> float | None:
    """Find the factor on the depth that would put the table in its place.

    Returns:
        The factor; None if the pixels over the workspace do not agree on one.
    """
    rays = ray_directions(k)[::STRIDE, ::STRIDE].reshape(-1, 3) @ pose[:3, :3].T
    measured = np.asarray(depth[::STRIDE, ::STRIDE], np.float64).reshape(-1)
    down = rays[:, 2] < -1e-3
    expected = np.where(down, (workspace.table_z - pose[2, 3]) / np.where(down, rays[:, 2], -1), 0)
    on_table = pose[:2, 3] + expected[:, None] * rays[:, :2]
    use = (expected > 0) & workspace.contains(on_table) & (measured > 0) & np.isfinite(measured)
    if use.sum() < MIN_PIXELS:
        return None
    factors = expected[use] / measured[use]
    low, middle, high = np.percentile(factors, (20, 50, 80))
    return float(middle) if high - low < AGREE * middle else None


def unit_words(factor: float) -> str:
    """Name the unit of a depth that has to be multiplied by a factor; "" for no usual one."""
    for words, metres in UNITS:
        if 1 / SAME_FACTOR < factor / metres < SAME_FACTOR:
            return words
    return ""


def _plane_if(frame: RGBDFrame, change: Change, workspace: Workspace) -> Plane | None:
    """The table's plane if the frame were changed."""
    return fit_table(points_over(change(frame), workspace), workspace)


def _depth(factor: float) -> Change:
    return lambda frame: replace(frame, depth=np.asarray(frame.depth * factor, np.float32))


def _focal(factor: float) -> Change:
    def change(frame: RGBDFrame) -> RGBDFrame:
        k = frame.intrinsics
        return replace(frame, intrinsics=replace(k, fx=k.fx * factor, fy=k.fy * factor))

    return change


def _along_axis(
    points: npt.NDArray[np.float64], frame: RGBDFrame, workspace: Workspace
) -> npt.NDArray[np.float64]:
    """Move points (N, 3), as `points_over` gives them, to where depth along the ray puts them."""
    eye = frame.T_world_camera[:3, 3] - (0.0, 0.0, workspace.table_z)
    offset = points - eye
    depth = offset @ frame.T_world_camera[:3, 2]
    return eye + offset * (depth / np.linalg.norm(offset, axis=1))[:, None]


def _posed(change: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]) -> Change:
    return lambda frame: replace(frame, T_world_camera=change(frame.T_world_camera))


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
    *((f"The likely cause is its pose: {what}", _posed(change)) for what, change in POSE_MISTAKES),
)
