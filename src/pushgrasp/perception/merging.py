"""Merge neighbouring regions of cells that belong to one surface."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SAME_COLOR = np.radians(2.7)
"""Angle within which two colours are one: just under half of the 5.6 degrees between the two
closest colours that a scene may hold (`colors.ANCESTOR_COLORS`; the palette's are 10.5 apart
at the least). Noise of 3/255 turns the dimmest colour by 0.8 degrees in the light and 1.4 in
its own shade, before smoothing; a camera that sees colours less well may be given more."""
MIN_REGION_PX = 15  # px, 0.6 cm2; smaller regions belong to a neighbour or to nothing
NOISE_LEFT = 0.45  # share of the camera's noise that `segmentation.smooth_color` leaves
LARGEST_LINK = np.radians(6.0)  # neighbours farther apart in colour are never linked by noise
STEP = 0.006  # m; a larger difference between neighbouring cells is an edge of a surface
MERGE_SPREADS = 1.2  # regions merge that differ by less than their spreads, times this
LARGEST_MERGE = np.radians(12.0)


def same_color(brightness: npt.NDArray[np.float32], noise: float) -> npt.NDArray[np.float32]:
    """Cosine above which two smoothed neighbours of a brightness have one colour."""
    if not noise:
        return np.full_like(brightness, np.cos(SAME_COLOR))
    wobble = NOISE_LEFT * noise / np.maximum(brightness, 1.0)
    return np.cos(np.minimum(np.hypot(SAME_COLOR, 2.0 * wobble), LARGEST_LINK))


def absorb_small(
    region: npt.NDArray[np.int32], edges: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """Join regions under 15 cells to the large region that they share most edges with.

    Args:
        region: (N,) region of each cell.
        edges: (2, M) pairs of neighbouring cells.
    """
    for _ in range(3):  # a speck between two specks and an object needs two rounds
        small = np.bincount(region) < MIN_REGION_PX
        a, b = region[np.concatenate([edges, edges[::-1]], 1)]
        border = small[a] & ~small[b]
        if not border.any():
            break
        pair, shared = np.unique(np.stack([a[border], b[border]]), axis=1, return_counts=True)
        order = np.argsort(shared, kind="stable")  # the last write, the longest border, wins
        into = np.arange(len(small), dtype=region.dtype)
        into[pair[0][order]] = pair[1][order]
        region = into[region]
    return region


def merge_alike(
    region: npt.NDArray[np.int32],
    edges: npt.NDArray[np.int32],
    colors: npt.NDArray[np.float32],
    height: npt.NDArray[np.float32],
) -> npt.NDArray[np.int32]:
    """Merge neighbouring regions whose colours differ no more than each varies within itself.

    Args:
        region: (N,) region of each cell.
        edges: (2, M) pairs of neighbouring cells.
        colors: (N, 3) smoothed colours.
        height: (N,) m; only a border without a step in height can vanish.
    Returns:
        (N,) region of each cell, numbers may be missing.
    """
    a, b = region[edges]
    border = a != b
    if not border.any():
        return region
    n = int(region.max()) + 1
    low, high = np.minimum(a, b)[border].astype(np.int64), np.maximum(a, b)[border]
    level = np.abs(np.subtract(*height[edges[:, border]])) < STEP
    key, inverse = np.unique(low * n + high, return_inverse=True)
    smooth_share = np.bincount(inverse, level) / np.bincount(inverse)
    mean, spread, size = region_colors(region, colors, n)
    first, second = key // n, key % n
    angle = np.arccos(np.clip(np.einsum("ni,ni->n", mean[first], mean[second]), -1, 1))
    limit = np.minimum(MERGE_SPREADS * (spread[first] + spread[second]), LARGEST_MERGE)
    into = np.arange(n)
    for i in np.argsort(angle / np.maximum(limit, 1e-9), kind="stable"):
        if angle[i] >= limit[i] or smooth_share[i] < 0.5:
            continue
        p, q = (root(into, int(r)) for r in (first[i], second[i]))
        if p == q:
            continue
        turned = float(np.arccos(np.clip(mean[p] @ mean[q], -1, 1)))
        if turned >= min(MERGE_SPREADS * (spread[p] + spread[q]), LARGEST_MERGE):
            continue
        total = size[p] + size[q]
        w = size[q] / total
        spread[p] = np.sqrt((1 - w) * spread[p] ** 2 + w * spread[q] ** 2 + w * (1 - w) * turned**2)
        mean[p] = (1 - w) * mean[p] + w * mean[q]
        mean[p] /= max(float(np.linalg.norm(mean[p])), 1e-9)
        size[p], into[q] = total, p
    for r in range(n):
        into[r] = root(into, r)
    return into[region].astype(region.dtype)


def region_colors(
    region: npt.NDArray[np.integer], colors: npt.NDArray[np.float32], n: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Summarise regions' colours; clipped and nearly black pixels count little.

    Args:
        region: (N,) 0 to n - 1.
        colors: (N, 3) sRGB.
        n: number of regions.
    Returns:
        (n, 3) unit directions, (n,) spreads in rad (root mean square), (n,) sizes in cells.
    """
    brightest = colors.max(1)
    weight = np.where((brightest > 250) | (brightest < 12), 0.02, 1.0)
    length = np.maximum(np.sqrt(np.einsum("ni,ni->n", colors, colors)), 1.0)
    d = colors / length[:, None]
    total = np.maximum(np.bincount(region, weight, n), 1e-9)
    sums = [np.bincount(region, weight * d[:, i], n) for i in range(3)]
    mean = np.stack(sums, 1).astype(np.float64)  # of no cells numpy counts in integers
    norm = np.linalg.norm(mean, axis=1)
    mean /= np.maximum(norm, 1e-9)[:, None]
    spread = np.sqrt(np.maximum(2.0 * (1.0 - norm / total), 0.0))  # of small angles
    return mean, spread, np.bincount(region, minlength=n).astype(np.float64)


def root(into: npt.NDArray[np.integer], i: int) -> int:
    """Follow a forest of parents to the root of `i`."""
    while into[i] != i:
        i = int(into[i])
    return i
