"""What is drawn in space: the points of a picture, the ways of an action."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..interfaces import Action, RGBDFrame
from ..perception.heightmap import ray_directions
from ..primitives import moves, push_path
from ..workspace import Workspace
from .draw.panels import Lengths

_MARGIN = 0.05  # m round the workspace that a cloud shows too
_TOP = 0.4  # m above the table; the raised hand is in the cloud
_EVERY = 2  # of a picture's rows and columns is in the cloud


def action_ways(
    action: Action, lengths: Lengths, workspace: Workspace
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    """Where a push's tool, or a grasp's two pads, move in the plane, and how low.

    Returns:
        Starts and ends, (n, 2) m, world frame, and the tool's lowest height in m.
    """
    low = min(m.position[2] for m in moves(action, lengths.primitive, workspace))
    if action.primitive == "push":
        start, end = push_path(action, lengths.primitive, workspace)
        return np.array([start]), np.array([end]), low
    middle = np.array(action.position[:2])
    reach = lengths.gripper.max_width / 2 * np.array([np.cos(action.yaw), np.sin(action.yaw)])
    return np.array([middle - reach, middle + reach]), np.array([middle, middle]), low


def on_map(xy: npt.NDArray[np.float64], workspace: Workspace) -> npt.NDArray[np.float64]:
    """(n, 2) m, world frame, as x and y on a map, in pixels from its upper left corner."""
    column, row = (xy - (workspace.x_min, workspace.y_min)).T / workspace.resolution
    return np.stack([column, workspace.n_pixels - row], axis=1)


def point_cloud(
    frame: RGBDFrame, workspace: Workspace
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """(N, 3) points in m, world frame, on and round the workspace, and their (N, 3) colours."""
    some = np.s_[::_EVERY, ::_EVERY]
    color, depth = frame.color[some], frame.depth[some]
    rays = ray_directions(frame.intrinsics)[some]
    valid = (depth > 0) & (depth < np.inf)  # False for NaN
    points = (rays[valid] * depth[valid][:, None]) @ frame.T_world_camera[:3, :3].T
    points += frame.T_world_camera[:3, 3]
    near = workspace.contains(points[:, :2], _MARGIN) & (points[:, 2] < _TOP)
    return points[near].astype(np.float32), color[valid][near]
