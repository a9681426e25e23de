"""Carry labels of pixels into the map, and labels of the map into a picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from ..interfaces import RGBDFrame
from .heightmap import Heightmap, project_pixels, ray_directions
from .merging import MIN_REGION_PX, root
from .segmentation import MIN_GOAL_PX, MIN_HEIGHT
from .segmenter import Segments

SAME_HEIGHT = 0.015  # m; a pixel this near to its cell's height shows what the cell shows
JOIN_SHARE = 0.3  # of the smaller one's cells that two cameras' labels share: one thing


def to_map(
    segments: Sequence[Segments],
    frames: Sequence[RGBDFrame],
    heightmap: Heightmap,
    pixel: npt.NDArray[np.int32],
    objects: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Carry labels and the goal from the pictures into the map.

    Raised cells that no label covers are objects by their geometry: connected regions.

    Args:
        segments, frames: of each camera.
        heightmap, pixel: as `project_pixels` gives them.
        objects: (H, W) raised cells.
    Returns:
        (H, W) int32 labels, 1 for the largest, and (H, W) bool the goal.
    """
    offsets = np.cumsum([0, *(int(s.labels.max(initial=0)) for s in segments)])
    numbered = zip(segments, offsets, strict=False)
    flat = np.concatenate(
        [np.where(s.labels > 0, s.labels + o, 0).reshape(-1) for s, o in numbered]
    )
    wanted = np.concatenate([s.goal.reshape(-1) for s in segments])
    seen = (pixel >= 0) & objects
    labels = np.where(seen, flat[np.maximum(pixel, 0)], 0)
    if len(frames) > 1:
        labels = _joined(labels, segments, frames, heightmap, offsets)
    rest = objects & (labels == 0)
    _, geometry = cv2.connectedComponents(rest.view(np.uint8), connectivity=8)
    labels = np.where(rest, int(offsets[-1]) + np.asarray(geometry), labels)
    goal = seen & wanted[np.maximum(pixel, 0)]
    _, parts, stats, _ = cv2.connectedComponentsWithStats(goal.view(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= MIN_GOAL_PX
    large[0] = False
    return _by_size(labels), large[np.asarray(parts, np.intp)]


def _joined(
    labels: npt.NDArray[np.integer],
    segments: Sequence[Segments],
    frames: Sequence[RGBDFrame],
    heightmap: Heightmap,
    offsets: npt.NDArray[np.integer],
) -> npt.NDArray[np.integer]:
    """One label for a thing that several cameras see, by the cells that their labels share."""
    maps = []
    for found, frame, offset in zip(segments, frames, offsets, strict=False):
        own, pixel = project_pixels(frame, heightmap.workspace)
        with np.errstate(invalid="ignore"):
            same = np.abs(own.height - heightmap.height) < SAME_HEIGHT
        here = found.labels.reshape(-1)[np.maximum(pixel, 0)]
        maps.append(np.where(same & (pixel >= 0) & (here > 0), here + offset, 0))
    into = np.arange(int(offsets[-1]) + 1)
    sizes = [np.bincount(m.reshape(-1), minlength=len(into)) for m in maps]
    for i, a in enumerate(maps):
        for j in range(i):
            both = (a > 0) & (maps[j] > 0)
            pairs, shared = np.unique(
                np.stack([a[both], maps[j][both]]), axis=1, return_counts=True
            )
            for (p, q), n in zip(pairs.T, shared, strict=True):
                if n > JOIN_SHARE * min(sizes[i][p], sizes[j][q]):
                    first, second = root(into, int(p)), root(into, int(q))
                    into[max(first, second)] = min(first, second)
    roots = np.array([root(into, k) for k in range(len(into))])
    return roots[labels]


def _by_size(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """Number labels by falling size; those under MIN_REGION_PX are background."""
    sizes = np.bincount(labels.reshape(-1))
    sizes[0] = 0
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] >= MIN_REGION_PX]
    rank = np.zeros(len(sizes), np.int32)
    rank[order] = np.arange(1, len(order) + 1)
    return rank[labels]


def cells_of(
    frame: RGBDFrame, heightmap: Heightmap
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """(H, W) flat index of each pixel's cell, and which pixels show a thing, its sides too."""
    workspace = heightmap.workspace
    T = frame.T_world_camera
    points = (ray_directions(frame.intrinsics) * frame.depth[..., None]) @ T[:3, :3].T + T[:3, 3]
    cells = workspace.to_pixel(points[..., :2])
    n = workspace.n_pixels
    inside = ((cells >= 0) & (cells < n)).all(-1) & (frame.depth > 0)
    flat = np.where(inside, cells[..., 0] * n + cells[..., 1], 0)
    z = points[..., 2] - workspace.table_z
    with np.errstate(invalid="ignore"):
        under = z < heightmap.height.reshape(-1)[flat] + SAME_HEIGHT
    return flat, inside & under & (z > MIN_HEIGHT)
