"""Pose of a fixed camera and of a board in the robot's hand, from pictures of the board.

Two unknown poses, T_base_camera and T_tool_board, are started in closed form (Shah 2013) and then
fitted together to all seen corners, robustly, by the reprojection error. Nothing has to be
measured by hand.

Source: M. Shah, "Solving the robot-world/hand-eye calibration problem using the Kronecker
product", J. Mechanisms Robotics 5(3), 2013.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from ...errors import UserError
from ...interfaces import Intrinsics

MIN_CORNERS = 10  # a picture with fewer says too little
MIN_VIEWS = 8
MIN_SPREAD = np.radians(20.0)  # of the tool's rotations, about two axes; less leaves depth open
MAX_RMS = 0.8  # px; 0.25 to 0.3 is usual, more means that the robot or the board is off
MAX_ERROR = 0.003  # m over the workspace, by leaving out one picture at a time
OUTLIER = 3.0  # times the median residual of the others: such a picture is named
MOST_LEFT_OUT = 0.25  # share of the pictures that may fit badly
ROBUST = 1.0  # px at which the loss turns linear

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """One picture of the board."""

    T_base_tool: FloatArray  # (4, 4) as the robot said when it was taken
    corners: FloatArray  # (N, 2) px, as in OpenCV
    points: FloatArray  # (N, 3) m, the same corners on the board
    name: str = ""


@dataclass(frozen=True)
class Calibration:
    """What a calibration found, and how good it is."""

    T_base_camera: FloatArray  # (4, 4)
    T_tool_board: FloatArray  # (4, 4)
    rms: float  # px
    residuals: tuple[float, ...]  # px, of each view
    spread: float  # rad, of the tool's rotations about their second axis
    errors: FloatArray  # (V,) m: how far a point of the workspace moves if a view is left out
    doubts: tuple[str, ...]  # sentences; none for a good one


def calibrate(
    views: Sequence[View], intrinsics: Intrinsics, workspace: FloatArray | None = None
) -> Calibration:
    """Fit the camera's and the board's pose.

    Args:
        views: pictures with the board seen, the tool turned differently in each.
        intrinsics: of the camera, without distortion.
        workspace: (M, 3) m, base frame, points at which errors are told; None: a square of 0.45 m
            where the boards were.
    Returns:
        The calibration. Its `doubts` say why it should not be trusted.
    Raises:
        UserError: there are too few usable views to solve anything.
    """
    usable = [view for view in views if len(view.corners) >= MIN_CORNERS]
    if len(usable) < MIN_VIEWS:
        raise UserError(
            f"the board is seen well in {len(usable)} pictures of {len(views)}; {MIN_VIEWS} are "
            f"needed, each with {MIN_CORNERS} corners: show it larger, flatter and better lit"
        )
    k = _matrix(intrinsics)
    seen = [_board_pose(view, k) for view in usable]
    start = _closed_form([view.T_base_tool for view in usable], seen)
    fitted = _refine(usable, k, *start)
    camera, board = fitted
    squares = [_residuals(view, k, camera, board) ** 2 for view in usable]
    residuals = tuple(float(np.sqrt(s.sum() / (len(s) / 2))) for s in squares)
    rms = float(np.sqrt(sum(s.sum() for s in squares) / (sum(map(len, squares)) / 2)))
    if workspace is None:
        workspace = _square_round(usable, board)
    errors = _leave_one_out(usable, k, camera, board, workspace)
    spread = _spread([view.T_base_tool for view in usable])
    doubts = _doubts(usable, residuals, rms, spread, errors)
    return Calibration(camera, board, rms, residuals, spread, errors, doubts)


def calibrate_without_misfits(
    views: Sequence[View], intrinsics: Intrinsics, workspace: FloatArray | None = None
) -> tuple[Calibration, list[str]]:
    """Fit as `calibrate` does, and again without the pictures that fit badly.

    At most MOST_LEFT_OUT of the pictures are left out: if more fit badly, something else is wrong.

    Returns:
        The calibration, and the names of what was left out.
    Raises:
        UserError: see `calibrate`.
    """
    usable = [view for view in views if len(view.corners) >= MIN_CORNERS]
    found, kept, left_out = calibrate(views, intrinsics, workspace), usable, []
    while len(kept) > MIN_VIEWS:
        worst = int(np.argmax(found.residuals))
        bad = found.residuals[worst] > max(OUTLIER * float(np.median(found.residuals)), MAX_RMS)
        if not bad or len(left_out) + 1 > MOST_LEFT_OUT * len(usable):
            break
        left_out.append(kept[worst].name)
        kept = [view for i, view in enumerate(kept) if i != worst]
        found = calibrate(kept, intrinsics, workspace)
    return found, left_out


def _matrix(k: Intrinsics) -> FloatArray:
    return np.array([[k.fx, 0, k.cx], [0, k.fy, k.cy], [0, 0, 1]], np.float64)


def _board_pose(view: View, k: FloatArray) -> FloatArray:
    """Return (4, 4) T_camera_board of one view alone."""
    points = view.points.reshape(-1, 1, 3).astype(np.float64)
    corners = view.corners.reshape(-1, 1, 2).astype(np.float64)
    _, rotation, translation = cv2.solvePnP(points, corners, k, None, flags=cv2.SOLVEPNP_IPPE)
    rotation, translation = cv2.solvePnPRefineLM(points, corners, k, None, rotation, translation)
    vector = np.concatenate([np.reshape(rotation, 3), np.reshape(translation, 3)])
    return pose_of(vector.astype(np.float64))


def _closed_form(
    tools: Sequence[FloatArray], boards: Sequence[FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Solve T_base_tool T_tool_board = T_base_camera T_camera_board (Shah).

    Returns:
        (4, 4) T_base_camera and T_tool_board.
    """
    total = np.zeros((9, 9))
    for A, B in zip(tools, boards, strict=True):
        total += np.kron(B[:3, :3], A[:3, :3])
    U, _, Vt = np.linalg.svd(total)
    # A X = Y B with X = T_tool_board, Y = T_base_camera: vec(Y) and vec(X), column by column
    X, Y = Vt[0].reshape(3, 3, order="F"), U[:, 0].reshape(3, 3, order="F")
    X, Y = _nearest_rotation(X), _nearest_rotation(Y)
    rows, right = [], []
    for A, B in zip(tools, boards, strict=True):
        rows.append(np.hstack([A[:3, :3], -np.eye(3)]))
        right.append(Y @ B[:3, 3] - A[:3, 3])
    t = np.linalg.lstsq(np.vstack(rows), np.concatenate(right), rcond=None)[0]
    board, camera = np.eye(4), np.eye(4)
    board[:3, :3], board[:3, 3] = X, t[:3]
    camera[:3, :3], camera[:3, 3] = Y, t[3:]
    return camera, board


def _nearest_rotation(M: FloatArray) -> FloatArray:
    M = M * np.sign(np.linalg.det(M))
    U, _, Vt = np.linalg.svd(M)
    R = U @ Vt
    return R * np.sign(np.linalg.det(R))


def _refine(
    views: Sequence[View], k: FloatArray, camera: FloatArray, board: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Minimise the reprojection error of all corners over both poses."""

    def residuals(x: FloatArray) -> FloatArray:
        c, b = pose_of(x[:6]), pose_of(x[6:])
        return np.concatenate([_residuals(view, k, c, b) for view in views])

    start = np.concatenate([vector_of(camera), vector_of(board)])
    fit = least_squares(residuals, start, loss="soft_l1", f_scale=ROBUST, x_scale="jac")
    return pose_of(fit.x[:6]), pose_of(fit.x[6:])


def _residuals(view: View, k: FloatArray, camera: FloatArray, board: FloatArray) -> FloatArray:
    """Return (2 N,) px between seen and predicted corners."""
    pixels = predicted(view, camera, board) @ k[:2, :2].T + k[:2, 2]
    return (pixels - view.corners).reshape(-1)


def predicted(view: View, camera: FloatArray, board: FloatArray) -> FloatArray:
    """Return (N, 2): x / z and y / z of a view's corners in the camera's frame."""
    T = np.linalg.inv(camera) @ view.T_base_tool @ board
    x = view.points @ T[:3, :3].T + T[:3, 3]
    return x[:, :2] / x[:, 2:]


def _leave_one_out(
    views: Sequence[View], k: FloatArray, camera: FloatArray, board: FloatArray, points: FloatArray
) -> FloatArray:
    """Return (V,) m: the largest shift of a workspace point when one view is left out.

    The shift is scaled by sqrt(V) as a jackknife does: it estimates the error of all views
    together, not the small change by one of them.
    """
    in_camera = (points - camera[:3, 3]) @ camera[:3, :3]
    shifts = []
    for i in range(len(views)):
        others = [view for j, view in enumerate(views) if j != i]
        c, _ = _refine(others, k, camera, board)
        shifts.append(np.linalg.norm(in_camera @ c[:3, :3].T + c[:3, 3] - points, axis=1).max())
    return np.sqrt(len(views)) * np.array(shifts)


def _spread(tools: Sequence[FloatArray]) -> float:
    """Return rad: how far the tool was turned about the second most turned axis.

    Rotations about one axis alone leave the camera's place along it open.
    """
    first = Rotation.from_matrix(tools[0][:3, :3]).inv()
    turns = np.array([(first * Rotation.from_matrix(T[:3, :3])).as_rotvec() for T in tools])
    turns -= turns.mean(axis=0)
    axes = np.linalg.svd(turns, full_matrices=False)[2]
    along = turns @ axes[1]
    return float(along.max() - along.min())


def _doubts(
    views: Sequence[View],
    residuals: Sequence[float],
    rms: float,
    spread: float,
    errors: FloatArray,
) -> tuple[str, ...]:
    doubts = []
    if spread < MIN_SPREAD:
        doubts.append(
            f"the tool was tilted by {np.degrees(spread):.0f} degrees in all, "
            f"{np.degrees(MIN_SPREAD):.0f} are needed: turn it about two axes"
        )
    middle = float(np.median(residuals))
    for view, residual in zip(views, residuals, strict=True):
        if residual > max(OUTLIER * middle, MAX_RMS):
            doubts.append(
                f"{view.name or 'one picture'} fits badly ({residual:.1f} px, the others "
                f"{middle:.1f}): its pose is wrong, or the robot moved; leave it out"
            )
    if rms > MAX_RMS and not any("fits badly" in doubt for doubt in doubts):
        doubts.append(
            f"the corners miss by {rms:.1f} px, {MAX_RMS} are usual at most: check the square's "
            "size, the intrinsics, and that the board is stiff and firm in the hand"
        )
    worst = float(np.sqrt(np.mean(errors**2)))
    if worst > MAX_ERROR:
        doubts.append(
            f"the workspace is known to {1e3 * worst:.1f} mm only, {1e3 * MAX_ERROR:.0f} are "
            "needed: take more pictures, tilted more, nearer to the camera"
        )
    return tuple(doubts)


def _square_round(views: Sequence[View], board: FloatArray) -> FloatArray:
    center = np.mean([(view.T_base_tool @ board)[:3, 3] for view in views], axis=0)
    side = np.linspace(-0.224, 0.224, 5)
    x, y = np.meshgrid(side, side)
    return center + np.stack([x, y, np.zeros_like(x)], -1).reshape(-1, 3)


def pose_of(x: FloatArray) -> FloatArray:
    """Return (4, 4) from a rotation vector and a position."""
    T = np.eye(4)
    T[:3, :3] = Rotation.from_rotvec(x[:3]).as_matrix()
    T[:3, 3] = x[3:]
    return T


def vector_of(T: FloatArray) -> FloatArray:
    """Return a rotation vector and a position, (6,), from a (4, 4) pose."""
    return np.concatenate([Rotation.from_matrix(T[:3, :3]).as_rotvec(), T[:3, 3]])
