"""Evidence of a table of which too little is seen to fit its plane, or of none.

A table that things hide shows in gaps at its height, and nothing lies under it. One tilted plane,
surfaces under the table's height, or nothing near it: pose, depth or place are wrong.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..workspace import Workspace
from .table_plane import BELOW_M, INLIER_M, MOST_M, Plane, fit_table

Points = npt.NDArray[np.float64]  # (N, 3) m, as `table_plane.points_over` gives them

STEEPEST = np.pi / 2  # rad, tilt of a plane that is looked for
TILTED_SHARE = 0.30  # of the points that lie on one tilted plane: it is what the camera looks at
UNDER_M, MOST_UNDER = 0.012, 0.05  # m under the table, and the share of points that may be there
LEAST_SHARE = 0.02  # of the points that must lie at the table's height for it to be seen in gaps
OF_PLANE = 0.6  # likewise, of the share that lies on another plane, which things' tops may make
LOWEST_PERCENT = 2.0  # of the points: the lowest surface, robustly


def hidden_table(points: Points, plane: Plane | None, workspace: Workspace) -> str:
    """Recognise a table that is where it should be, but nearly hidden.

    Args:
        points: what the camera sees over the workspace.
        plane: the nearly horizontal plane that most points lie on, or None.
        workspace: where the table should be.
    Returns:
        A warning, to be put behind "the camera"; "" if nothing shows that the table is there.
    """
    if not len(points):
        return ""
    height = points[:, 2]
    at_table = float((np.abs(height) < INLIER_M).mean())
    rival = 0.0 if plane is None else plane.share
    over = plane is not None and plane.height > BELOW_M  # nothing lies under a table
    least = LEAST_SHARE if over else max(LEAST_SHARE, OF_PLANE * rival)
    if at_table < least or _share_under(height) > MOST_UNDER:
        return ""
    return "" if _tilted(points, rival, workspace) is not None else _warning(height)


def check_covered_table(points: Points, plane: Plane | None, workspace: Workspace) -> str:
    """Refuse a view that no table under the workspace explains.

    Args:
        points: as for `hidden_table`; at least one.
        plane, workspace: likewise.
    Returns:
        A warning, to be put behind "the camera": things may cover the whole table.
    Raises:
        UserError: with the figures and the likely cause.
    """
    start = "the frame shows no table where the workspace is: "
    steep = _tilted(points, 0.0 if plane is None else plane.share, workspace)
    if steep is not None:
        raise UserError(
            f"{start}{steep.share:.0%} of what it shows there is one plane, tilted by "
            f"{np.degrees(steep.tilt):.0f} degrees. Check the rotation of T_world_camera "
            "(calibrate again), the intrinsics, and that the picture is neither turned nor its "
            "depth constant"
        )
    height = points[:, 2]
    if (under := _share_under(height)) > MOST_UNDER:
        raise UserError(
            f"{start}{under:.0%} of what it shows there lies under the table's height, by up to "
            f"{-1e3 * np.percentile(height, 1.0):.0f} mm. Check T_world_camera, the intrinsics, "
            "the depth scale and the workspace's table_z"
        )
    if (lowest := _lowest(height)) > MOST_M:
        raise UserError(
            f"{start}the lowest surface there is {1e3 * lowest:.0f} mm above the table's height. "
            "Check T_world_camera, the depth scale and the workspace's table_z; if things hide "
            "the whole table, take some away"
        )
    return _warning(height)


def _tilted(points: Points, rival: float, workspace: Workspace) -> Plane | None:
    """Find a steep plane that most points lie on, far more than on another one."""
    steep = fit_table(points, workspace, steepest=STEEPEST)
    return steep if steep is not None and steep.share > max(TILTED_SHARE, 2 * rival) else None


def _share_under(height: npt.NDArray[np.float64]) -> float:
    return float((height < -UNDER_M).mean())


def _lowest(height: npt.NDArray[np.float64]) -> float:
    return float(np.percentile(height, LOWEST_PERCENT))


def _warning(height: npt.NDArray[np.float64]) -> str:
    share = float((np.abs(height) < INLIER_M).mean())
    return (
        f"sees hardly any table: {share:.0%} of what it shows of the workspace is at the table's "
        f"height, the lowest surface {1e3 * _lowest(height):.0f} mm above it; so its pose could "
        "not be checked"
    )
