"""Turned windows on the heightmap: what a Q-network sees, and where a pixel lies in it.

A window is a square image round a centre, turned so that the action's yaw points along its
columns, to the right. Centres and pixels are (row, column) in heightmap pixels, fractions
allowed; a whole number is a pixel's centre. A yaw turns +column towards +row.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ...workspace import Workspace


def windows(
    planes: Tensor,
    centers: Tensor,
    angles: Tensor,
    *,
    crop_px: int,
    crop_resolution: float,
    workspace: Workspace,
    flips: Tensor | None = None,
) -> Tensor:
    """Cut turned windows out of images, bilinearly; what lies outside them is 0.

    Args:
        planes: (B, C, H, W) images at the workspace's resolution; B may be 1 for all windows.
        centers: (N, 2) row and column of the windows' centres.
        angles: (N,) yaws in radians that shall point to the right.
        crop_px: side of a window in its own pixels.
        crop_resolution: metres a pixel of the window.
        workspace: gives the metres a pixel of the images.
        flips: (N, 2) bool, mirror the window's rows (across the action's axis), its columns.
    Returns:
        (N, C, crop_px, crop_px).
    """
    offset = torch.arange(crop_px, dtype=torch.float32, device=planes.device) - (crop_px - 1) / 2
    offset = offset * (crop_resolution / workspace.resolution)
    across, along = torch.meshgrid(offset, offset, indexing="ij")
    across, along = across.expand(len(angles), -1, -1), along.expand(len(angles), -1, -1)
    if flips is not None:
        sign = (1.0 - 2.0 * flips.to(across.dtype))[:, :, None, None]
        across, along = across * sign[:, 0], along * sign[:, 1]
    sin, cos = (f(angles.float())[:, None, None] for f in (torch.sin, torch.cos))
    center = centers.float()[:, :, None, None]
    row = center[:, 0] + along * sin + across * cos
    column = center[:, 1] + along * cos - across * sin
    grid = torch.stack([_normalised(column, planes.shape[3]), _normalised(row, planes.shape[2])], 3)
    source = planes.expand(len(angles), -1, -1, -1)
    return functional.grid_sample(source, grid.to(planes.dtype), align_corners=False)


def to_window(
    pixels: Tensor,
    centers: Tensor,
    angles: Tensor,
    *,
    crop_px: int,
    crop_resolution: float,
    workspace: Workspace,
    flips: Tensor | None = None,
) -> Tensor:
    """Where heightmap pixels lie in windows; the other arguments are those of `windows`.

    Args:
        pixels: (N, P, 2) row and column in the heightmap, P pixels for each window.
    Returns:
        (N, P, 2) row and column in the window; outside 0..crop_px - 1 for pixels outside.
    """
    offset = (pixels.float() - centers.float()[:, None]) * (workspace.resolution / crop_resolution)
    sin, cos = torch.sin(angles.float())[:, None], torch.cos(angles.float())[:, None]
    along = offset[..., 0] * sin + offset[..., 1] * cos
    across = offset[..., 0] * cos - offset[..., 1] * sin
    place = torch.stack([across, along], dim=-1)
    if flips is not None:
        place = place * (1.0 - 2.0 * flips.to(place.dtype))[:, None]
    return place + (crop_px - 1) / 2


def inside(places: Tensor, crop_px: int) -> Tensor:
    """Which of the places (..., 2) in a window lie on it: (...) bool."""
    return ((places >= 0) & (places <= crop_px - 1)).all(dim=-1)


def at_pixels(maps: Tensor, places: Tensor) -> Tensor:
    """Read maps at fractional places, bilinearly.

    Args:
        maps: (N, h, w).
        places: (N, P, 2) row and column; beyond the border the border's value holds.
    Returns:
        (N, P) float32.
    """
    row = _normalised(places[..., 0], maps.shape[1])
    column = _normalised(places[..., 1], maps.shape[2])
    grid = torch.stack([column, row], dim=-1)[:, None]
    read = functional.grid_sample(
        maps[:, None].float(), grid, padding_mode="border", align_corners=False
    )
    return read[:, 0, 0]


def centroid(masks: Tensor) -> Tensor:
    """Mean row and column of masks (B, H, W): (B, 2); the image's middle for empty masks."""
    weight = masks.float()
    n = weight.sum(dim=(1, 2))
    middle = torch.tensor([(s - 1) / 2 for s in masks.shape[1:]], device=masks.device)
    axes = [torch.arange(s, dtype=torch.float32, device=masks.device) for s in masks.shape[1:]]
    total = torch.stack([weight.sum(dim=2) @ axes[0], weight.sum(dim=1) @ axes[1]], dim=1)
    return torch.where(n[:, None] > 0, total / n.clamp(min=1)[:, None], middle)


def _normalised(index: Tensor, size: int) -> Tensor:
    """Pixel indices as grid_sample wants them: -1 and 1 are the image's outer edges."""
    return (2.0 * index + 1.0) / size - 1.0
