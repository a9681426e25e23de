"""Table plane and depth scale, from one frame of a camera whose pose is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...interfaces import RGBDFrame
from ...perception.table_plane import Plane, fit_table, points_over
from ...workspace import Workspace

MOST_OFF = 0.05  # of a depth scale, from 1
WINDOWS = (0.02, 0.006, 0.003)  # share of the depth around the table's, narrower each time
ENOUGH = 2000  # pixels of the table
EXACT = 0.001  # a scale this near to 1 is left alone: 0.7 mm at 0.7 m


@dataclass(frozen=True)
class TableFit:
    """What a frame says of the table and of its own depth."""

    scale: float  # what measured depth is multiplied with
    plane: Plane | None  # of the table, with that scale; None: it is not seen


def fit_depth(frame: RGBDFrame, workspace: Workspace) -> TableFit:
    """Find the depth scale that puts the table where it is, and the plane that is left.

    The pose comes from the colour picture, so that it does not depend on depth. Things on the table
    do no harm as long as most of the workspace is free.

    Args:
        frame: with the calibrated pose.
        workspace: on the table, whose height it knows.
    Returns:
        Scale 1 if the table is not seen well enough.
    """
    k, T = frame.intrinsics, frame.T_world_camera
    v, u = np.nonzero(np.isfinite(frame.depth) & (frame.depth > 0))
    rays = np.stack([(u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones(len(u))], -1) @ T[:3, :3].T
    down = rays[:, 2] < -0.05
    to_table = np.full(len(u), np.inf)
    to_table[down] = (workspace.table_z - T[2, 3]) / rays[down, 2]  # m of depth
    finite = np.where(down, to_table, 0.0)[:, None]
    over = down & workspace.contains((T[:3, 3] + finite * rays)[:, :2])
    ratios = to_table[over] / frame.depth[v[over], u[over]]
    ratios = ratios[np.abs(ratios - 1) < MOST_OFF]
    if len(ratios) < ENOUGH:
        return TableFit(1.0, fit_table(points_over(frame, workspace), workspace))
    counts, edges = np.histogram(ratios, bins=100)
    scale = float(edges[np.argmax(counts)])  # most pixels show the table
    for window in WINDOWS:
        scale = float(np.median(ratios[np.abs(ratios - scale) < window]))
    scaled = RGBDFrame(frame.color, np.float32(scale) * frame.depth, k, T)
    return TableFit(scale, fit_table(points_over(scaled, workspace), workspace))
