"""Objects and the goal in a heightmap, from colour and height alone.

Shading and distance change how bright a surface is, hardly the direction of its colour in
RGB space; so colours are compared by the angle between them.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .heightmap import Heightmap

MIN_HEIGHT = 0.006  # m; over the noise of a depth camera, a quarter of the flattest block
SURE_HEIGHT = 0.009  # m; just under the flattest thing, a wrench of 10 mm
SURE_PX = 3  # px that an object has above that; patches of the table's noise seldom do
SAME_COLOR = np.radians(2.7)
"""Angle within which two colours are one: just under half of the 5.6 degrees between the two
closest colours that a scene may hold (`colors.ANCESTOR_COLORS`; the palette's are 10.5 apart
at the least). Noise of 3/255 turns the dimmest colour by 0.8 degrees in the light and 1.4 in
its own shade, before smoothing; a camera that sees colours less well may be given more."""
DIMMEST, BRIGHTEST = 0.35, 1.3
"""Brightness over the goal's own colour; shading gives 0.55 to 1, other lamps more."""
MIN_GOAL_PX = 3  # px; smaller specks are noise
MIN_REGION_PX = 15  # px, 0.6 cm2; smaller regions belong to a neighbour or to nothing


SMOOTH_PX = 2  # px, radius over which colours are smoothed
NOISE_LEFT = 0.45  # share of the camera's noise that `smooth_color` leaves
LARGEST_LINK = np.radians(6.0)  # neighbours farther apart in colour are never linked by noise
STEP = 0.006  # m; a larger difference between neighbouring cells is an edge of a surface
MERGE_SPREADS = 1.2  # regions merge that differ by less than their spreads, times this
LARGEST_MERGE = np.radians(12.0)


def object_mask(heightmap: Heightmap) -> npt.NDArray[np.bool_]:
    """(H, W) bool: cells that were seen and belong to something higher than the table.

    Those above 6 mm, in connected regions of which 3 cells are above 9 mm: a depth camera's
    noise lifts patches of the table over one threshold, hardly ever over both.
    """
    with np.errstate(invalid="ignore"):  # NaN is above nothing
        raised, sure = heightmap.height > MIN_HEIGHT, heightmap.height > SURE_HEIGHT
    labels = np.asarray(cv2.connectedComponents(raised.view(np.uint8))[1], np.intp)
    stands = np.bincount(labels[sure], minlength=int(labels.max()) + 1) >= SURE_PX
    stands[0] = False
    return stands[labels]


def matches(
    colors: npt.NDArray[np.generic],
    goal_rgb: npt.ArrayLike,
    *,
    tolerance: float = SAME_COLOR,
) -> npt.NDArray[np.bool_]:
    """Which colours are the goal's under some light.

    Args:
        colors: (..., 3) sRGB, 0 to 255, integers or not.
        goal_rgb: (3,) the goal's colour, sRGB.
        tolerance: rad between the colours' directions.
    Returns:
        (...) bool.
    """
    goal = np.asarray(goal_rgb, np.float32)
    brightness = float(np.linalg.norm(goal))
    if brightness == 0:  # black has no direction: nothing can match it
        return np.zeros(colors.shape[:-1], bool)
    pixels = colors.astype(np.float32)
    along = pixels @ (goal / brightness)
    length = np.sqrt(np.einsum("...i,...i->...", pixels, pixels))
    bright_enough = (along > DIMMEST * brightness) & (along < BRIGHTEST * brightness)
    return bright_enough & (along > np.cos(tolerance) * length)


def goal_mask(
    heightmap: Heightmap,
    goal_rgb: tuple[int, int, int],
    *,
    tolerance: float = SAME_COLOR,
    objects: npt.NDArray[np.bool_] | None = None,
    smoothed: npt.NDArray[np.float32] | None = None,
) -> npt.NDArray[np.bool_]:
    """Find the goal's visible pixels.

    Args:
        heightmap: the scene.
        goal_rgb: the goal's colour, sRGB, 0 to 255.
        tolerance: rad between a pixel's colour and the goal's; see `SAME_COLOR`.
        objects, smoothed: the scene's `object_mask` and `smooth_color`, where they are known.
    Returns:
        (H, W) bool, specks under 3 pixels left out.
    """
    objects = object_mask(heightmap) if objects is None else objects
    smoothed = smooth_color(heightmap.color) if smoothed is None else smoothed
    mask = objects & matches(smoothed, goal_rgb, tolerance=tolerance)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= MIN_GOAL_PX
    large[0] = False
    return large[np.asarray(labels, np.intp)]


def label_objects(
    heightmap: Heightmap,
    *,
    objects: npt.NDArray[np.bool_] | None = None,
    smoothed: npt.NDArray[np.float32] | None = None,
    noise: float = 0.0,
) -> npt.NDArray[np.int32]:
    """Segment objects: connected regions of one colour.

    Cells are linked where neighbours have one colour, as far as the camera's noise lets it be
    known. Then neighbouring regions of one surface are merged whose colours differ no more than
    each of them varies within itself: shading, grain and highlights do not make an object.

    No palette is used. An object that another one cuts in two makes two regions; two
    touching objects of one colour make one.

    Args:
        heightmap: the scene.
        objects, smoothed: the scene's `object_mask` and `smooth_color`, where they are known.
        noise: of the camera, standard deviation per channel, 0 to 255.
    Returns:
        (H, W) int32, 0 for background, 1 to n for the regions from the largest to the
        smallest. A region under 15 pixels joins the neighbour that it touches most, or the
        background if it touches none.
    """
    objects = object_mask(heightmap) if objects is None else objects
    smoothed = smooth_color(heightmap.color) if smoothed is None else smoothed
    labels = np.zeros(objects.shape, np.int32)
    cut = rectangle(objects)
    here = objects[cut]
    cells = np.flatnonzero(here)
    if not len(cells):
        return labels
    colors = smoothed[cut].reshape(-1, 3)[cells]
    bright = np.maximum(np.linalg.norm(colors, axis=1), 1.0)
    d = colors / bright[:, None]
    edges = _neighbours(here, cells)
    cosine = np.einsum("ni,ni->n", d[edges[0]], d[edges[1]])
    same = cosine > _same_color(np.minimum(bright[edges[0]], bright[edges[1]]), noise)
    graph = coo_array((np.ones(same.sum(), np.int8), edges[:, same]), shape=2 * (len(cells),))
    _, region = connected_components(graph, directed=False)
    region = _absorb_small(region, edges)
    region = merge_alike(region, edges, colors, heightmap.height[cut].reshape(-1)[cells])

    sizes = np.bincount(region)
    by_size = np.argsort(-sizes, kind="stable")
    rank = np.zeros(len(sizes), np.int32)
    rank[by_size] = np.arange(1, len(sizes) + 1)
    rank[sizes < MIN_REGION_PX] = 0
    numbered = np.zeros(here.shape, np.int32)
    numbered.reshape(-1)[cells] = rank[region]
    labels[cut] = numbered
    return labels


def rectangle(mask: npt.NDArray[np.bool_], margin: int = 0) -> tuple[slice, slice]:
    """Find the rows and columns that hold a mask, and some more; of an empty one nothing."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return np.s_[0:0, 0:0]
    return np.s_[
        max(rows[0] - margin, 0) : rows[-1] + margin + 1,
        max(columns[0] - margin, 0) : columns[-1] + margin + 1,
    ]


def _neighbours(
    objects: npt.NDArray[np.bool_], cells: npt.NDArray[np.intp]
) -> npt.NDArray[np.int32]:
    """(2, M) pairs of cells side by side or one above the other, as indices into `cells`."""
    number = np.full(objects.shape, -1, np.int32)
    number.reshape(-1)[cells] = np.arange(len(cells), dtype=np.int32)
    pairs = []
    for here, there in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
    ):
        both = objects[here] & objects[there]
        pairs.append(np.stack([number[here][both], number[there][both]]))
    return np.concatenate(pairs, 1)


def smooth_color(
    color: npt.NDArray[np.uint8], where: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.float32]:
    """Average the camera's noise out inside surfaces, not across edges.

    Args:
        color: (H, W, 3) sRGB.
        where: (H, W) cells whose colours are needed; None for all.
    Returns:
        (H, W, 3), 0 to 255.

    16 is a difference, summed over the channels, between noise of 3/255 in two pixels (10)
    and the step between the two closest object colours (about 30 in the light).
    """
    smooth = color.astype(np.float32)
    # only the rectangle that holds these cells is smoothed
    cut = np.s_[:, :] if where is None else rectangle(where, SMOOTH_PX)
    if not smooth[cut].size:
        return smooth
    part = np.ascontiguousarray(smooth[cut])
    smooth[cut] = cv2.bilateralFilter(part, d=2 * SMOOTH_PX + 1, sigmaColor=16.0, sigmaSpace=2.0)
    return smooth


def _same_color(brightness: npt.NDArray[np.float32], noise: float) -> npt.NDArray[np.float32]:
    """Cosine above which two smoothed neighbours of a brightness have one colour."""
    if not noise:
        return np.full_like(brightness, np.cos(SAME_COLOR))
    wobble = NOISE_LEFT * noise / np.maximum(brightness, 1.0)
    return np.cos(np.minimum(np.hypot(SAME_COLOR, 2.0 * wobble), LARGEST_LINK))


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
        p, q = (_root(into, int(r)) for r in (first[i], second[i]))
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
        into[r] = _root(into, r)
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


def _root(into: npt.NDArray[np.intp], r: int) -> int:
    while into[r] != r:
        r = int(into[r])
    return r


def _absorb_small(
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
