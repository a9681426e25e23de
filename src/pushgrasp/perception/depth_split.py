"""Objects of one colour, segmented by their shape: height steps, creases, and a watershed."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .merging import root
from .segmentation import rectangle

STEP = 0.008  # m between neighbouring cells: the edge of a thing
BEND_PX = 2  # px on either side over which a crease is looked for
CREASE = 0.003  # m by which the middle of a crease lies under the line between its sides
CORE = 0.5  # of a piece's largest distance from its edges: what is farther in is its core
MIN_CORE_PX = 1.0  # px from an edge or crease that the middle of a thing must have
PEAK_PX = 21  # px, over which the largest distance from edges is looked for
MERGE = 0.35  # pieces merge whose border lies on edges for less than this share
MIN_PX = 20  # smaller pieces join a neighbour


def split_by_depth(
    labels: npt.NDArray[np.int32], height: npt.NDArray[np.float32]
) -> npt.NDArray[np.int32]:
    """Split regions of one colour where heights step or surfaces meet in a crease.

    Edges are steps in height and creases, where a surface bends upwards. What lies well inside
    all edges is a seed; seeds grow over the height's gradient until they meet (watershed).

    Args:
        labels: (H, W) 0 background, 1..n regions of one colour.
        height: (H, W) m; NaN where unseen.
    Returns:
        (H, W) int32 labels, 1 for the largest region.
    """
    objects = labels > 0
    if not objects.any():
        return labels
    cut = rectangle(objects, 2 * BEND_PX)
    result = np.zeros_like(labels)
    result[cut] = _split(labels[cut], height[cut])
    return result


def edge_share(
    a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_], height: npt.NDArray[np.float32]
) -> float:
    """Compute how much of the border between two pieces is a step in height or a crease.

    Args:
        a, b: (H, W) the pieces.
        height: (H, W) m; NaN where unseen.
    Returns:
        0 to 1; 0 if they do not touch.
    """
    cut = rectangle(a | b, 2 * BEND_PX)
    a, b, h = a[cut], b[cut], height[cut]
    h = np.where(np.isfinite(h), h, 0).astype(np.float32)
    edges = _edges((a | b).astype(np.int32), np.asarray(cv2.medianBlur(h, 3), np.float32))
    ring = np.ones((3, 3), np.uint8)
    sides = [(cv2.dilate(p.view(np.uint8), ring) > 0) & q for p, q in ((a, b), (b, a))]
    return float(np.mean([edges[s].mean() if s.any() else 0.0 for s in sides]))


def _split(labels: npt.NDArray[np.int32], height: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    objects = labels > 0
    h = np.where(np.isfinite(height), height, 0).astype(np.float32)
    smooth = np.asarray(cv2.medianBlur(h, 3), np.float32)
    edges = _edges(labels, smooth)
    inside = cv2.distanceTransform((objects & ~edges).view(np.uint8), cv2.DIST_L2, 3)
    inside = np.asarray(inside, np.float32)
    # a seed is what lies farther in than CORE of the largest distance of its piece
    _, pieces = cv2.connectedComponents((inside > 0).view(np.uint8), connectivity=4)
    pieces = np.asarray(pieces, np.intp)
    peak = ndimage.grey_dilation(inside, size=(PEAK_PX, PEAK_PX))
    core = (inside >= CORE * peak) & (inside >= MIN_CORE_PX)
    n_seeds, seeds = cv2.connectedComponents(core.view(np.uint8), connectivity=8)
    if n_seeds <= 1:
        return labels
    gradient = cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    surface = objects & ~edges
    cost = np.minimum(gradient / STEP, 4) + 2.0 / (1.0 + inside)
    cost = np.where(surface, 1 + np.rint(30 * cost), 255).astype(np.uint8)
    markers = np.where(surface, seeds, -1).astype(np.int32)
    grown = ndimage.watershed_ift(cost, markers, structure=np.ones((3, 3), int))
    grown = np.maximum(grown, 0)
    # rims, on which pieces would flow along each other, belong to the nearest piece
    near: Any = ndimage.distance_transform_edt(  # declared as optional
        grown == 0, return_distances=False, return_indices=True
    )
    grown = np.where(objects, grown[tuple(near)], 0)
    # a piece never crosses a colour's border: each pair of colour and seed is a region
    pair = labels.astype(np.int64) * (n_seeds + 1) + grown
    _, region = np.unique(pair, return_inverse=True)
    region = region.reshape(labels.shape) + 1
    region[~objects] = 0
    region = _merge(region, edges)
    return _tidy(region, objects)


def _merge(region: npt.NDArray[np.intp], edges: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Merge neighbouring pieces between which there is hardly an edge."""
    on_edge = cv2.dilate(edges.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    n = int(region.max()) + 1
    keys, evidence = [], []
    for here, there in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        a, b = region[here], region[there]
        border = (a != b) & (a > 0) & (b > 0)
        low, high = np.minimum(a, b)[border], np.maximum(a, b)[border]
        keys.append(low.astype(np.int64) * n + high)
        evidence.append(on_edge[here][border] | on_edge[there][border])
    key, inverse = np.unique(np.concatenate(keys), return_inverse=True)
    count = np.bincount(inverse)
    share = np.bincount(inverse, np.concatenate(evidence)) / np.maximum(count, 1)
    into = np.arange(n)
    for i in np.argsort(share, kind="stable"):
        if share[i] >= MERGE:
            break
        if count[i] < 3:
            continue
        a, b = root(into, int(key[i] // n)), root(into, int(key[i] % n))
        into[max(a, b)] = min(a, b)
    roots = np.array([root(into, k) for k in range(n)])
    return roots[region]


def _edges(labels: npt.NDArray[np.int32], height: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """(H, W) cells at a step in height, in a crease, or at another colour's border."""
    lowest = cv2.erode(height, np.ones((3, 3), np.uint8))
    edges = height - lowest > STEP
    border = cv2.dilate(labels.astype(np.float32), np.ones((3, 3))) != labels
    edges |= border & (labels > 0)
    k = BEND_PX
    padded = np.pad(height, k, mode="edge")
    rows, columns = height.shape
    for i, j in ((0, k), (k, 0), (k - 1, k - 1), (k - 1, 1 - k)):
        here = padded[k + i : k + i + rows, k + j : k + j + columns]
        there = padded[k - i : k - i + rows, k - j : k - j + columns]
        bend = (here + there) / 2 - height
        edges |= (bend > CREASE) & (np.minimum(here, there) > height - STEP)
    return edges


def _tidy(region: npt.NDArray[np.intp], objects: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Join pieces under MIN_PX to the neighbour with the longest border; order by size."""
    sizes = np.bincount(region.reshape(-1))
    for small in np.argsort(sizes, kind="stable"):
        if small == 0 or not 0 < sizes[small] < MIN_PX:
            continue
        mask = region == small
        around = (cv2.dilate(mask.view(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~mask
        beside = np.bincount(region[around], minlength=len(sizes))
        beside[0] = 0
        if beside.any():
            into = int(beside.argmax())
            region[mask] = into
            sizes[into] += sizes[small]
        else:
            region[mask] = 0
        sizes[small] = 0
    sizes[0] = 0
    rank = np.zeros(len(sizes), np.int32)
    order = np.argsort(-sizes, kind="stable")
    kept = order[sizes[order] > 0]
    rank[kept] = np.arange(1, len(kept) + 1)
    return np.where(objects, rank[region], 0).astype(np.int32)
