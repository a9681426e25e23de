"""Rotated crops of the heightmap, the input of a Q-network, and where a pixel lies in them.

A crop is a square image around a centre, rotated so that the action's yaw points along its columns,
to the right. Centres and pixels are (row, column) in heightmap pixels, fractions
allowed; a whole number is a pixel's centre. A yaw turns +column towards +row.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ...workspace import Workspace


def crops(
    planes: Tensor,
    centers: Tensor,
    angles: Tensor,
    *,
    crop_px: int,
    crop_resolution: float,
    workspace: Workspace,
    flips: Tensor | None = None,
) -> Tensor:
    """Cut rotated crops out of images, bilinearly; outside the images they are 0.

    Args:
        planes: (B, C, H, W) images at the workspace's resolution; B may be 1 for all crops.
        centers: (N, 2) row and column of the crops' centres.
        angles: (N,) rad, yaws that point to the right in the crop.
        crop_px: side of a crop in its own pixels.
        crop_resolution: metres per pixel of the crop.
        workspace: gives the metres per pixel of the images.
        flips: (N, 2) bool, mirror the crop's rows (across the action's axis), its columns.
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


def to_crop(
    pixels: Tensor,
    centers: Tensor,
    angles: Tensor,
    *,
    crop_px: int,
    crop_resolution: float,
    workspace: Workspace,
    flips: Tensor | None = None,
) -> Tensor:
    """Map heightmap pixels into crops; the other arguments are those of `crops`.

    Args:
        pixels: (N, P, 2) row and column in the heightmap, P pixels per crop.
    Returns:
        (N, P, 2) row and column in the crop; outside 0..crop_px - 1 for pixels outside.
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
    """Test which places (..., 2) lie inside a crop: (...) bool."""
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
    """Compute the mean row and column (B, 2) of masks (B, H, W); the middle for empty masks."""
    weight = masks.float()
    n = weight.sum(dim=(1, 2))
    middle = torch.tensor([(s - 1) / 2 for s in masks.shape[1:]], device=masks.device)
    axes = [torch.arange(s, dtype=torch.float32, device=masks.device) for s in masks.shape[1:]]
    total = torch.stack([weight.sum(dim=2) @ axes[0], weight.sum(dim=1) @ axes[1]], dim=1)
    return torch.where(n[:, None] > 0, total / n.clamp(min=1)[:, None], middle)


def _normalised(index: Tensor, size: int) -> Tensor:
    """Normalise pixel indices for grid_sample: -1 and 1 are the image's outer edges."""
    return (2.0 * index + 1.0) / size - 1.0
