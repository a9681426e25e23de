"""Lens distortion that a calibration's corners give away; pictures must be those of a pinhole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import least_squares

from ...interfaces import Intrinsics
from .solve import Calibration, FloatArray, View, pose_of, predicted, vector_of

BETTER = 0.6  # share of the residuals that is left if distortion explains them
VISIBLE = 0.5  # px of shift in the picture's corner below which it does not matter
MIN_CORNERS = 10


def find_distortion(
    views: Sequence[View], intrinsics: Intrinsics, found: Calibration
) -> tuple[float, float, float]:
    """Fit radial distortion together with both poses.

    Args:
        views: as `solve.calibrate` got them.
        intrinsics: of a pinhole.
        found: without distortion.
    Returns:
        k1 and k2 (Brown's model, as in OpenCV), and the px by which they move a corner of the
        picture; zeros if they explain little.
    """
    usable = [view for view in views if len(view.corners) >= MIN_CORNERS]
    k = intrinsics

    def residuals(x: FloatArray) -> FloatArray:
        camera, board = pose_of(x[:6]), pose_of(x[6:12])
        parts: list[FloatArray] = []
        for view in usable:
            p = predicted(view, camera, board)
            parts.append((_pixels(p, x[12], x[13], k) - view.corners).reshape(-1))
        return np.concatenate(parts)

    start = np.concatenate(
        [vector_of(found.T_base_camera), vector_of(found.T_tool_board), [0.0, 0.0]]
    )
    fit = least_squares(residuals, start, loss="soft_l1", x_scale="jac")
    before, after = (np.sqrt(np.mean(residuals(x) ** 2)) for x in (start, fit.x))
    k1, k2 = float(fit.x[12]), float(fit.x[13])
    corner = np.array([[-k.cx / k.fx, -k.cy / k.fy]])
    shift = float(np.linalg.norm(_pixels(corner, k1, k2, k) - _pixels(corner, 0.0, 0.0, k)))
    if after > BETTER * before or shift < VISIBLE:
        return 0.0, 0.0, 0.0
    return k1, k2, shift


def _pixels(p: FloatArray, k1: float, k2: float, k: Intrinsics) -> FloatArray:
    """Return (N, 2) px of points at (N, 2) x / z, y / z."""
    r2 = (p**2).sum(1, keepdims=True)
    return p * (1 + k1 * r2 + k2 * r2**2) * (k.fx, k.fy) + (k.cx, k.cy)
