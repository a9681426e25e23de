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
    goal_rgb: tuple[int, int, int],
    *,
    tolerance: float = SAME_COLOR,
) -> npt.NDArray[np.bool_]:
    """Which colours are the goal's under some light.

    Args:
        colors: (..., 3) sRGB, 0 to 255, integers or not.
        goal_rgb: the goal's colour, sRGB.
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
) -> npt.NDArray[np.int32]:
    """Segment objects: connected regions of one colour.

    No palette is used. An object that another one cuts in two makes two regions; two
    touching objects of one colour make one.

    Args:
        heightmap: the scene.
        objects, smoothed: the scene's `object_mask` and `smooth_color`, where they are known.
    Returns:
        (H, W) int32, 0 for background, 1 to n for the regions from the largest to the
        smallest. A region under 15 pixels joins the neighbour that it touches most, or the
        background if it touches none.
    """
    objects = object_mask(heightmap) if objects is None else objects
    smoothed = smooth_color(heightmap.color) if smoothed is None else smoothed
    direction = smoothed / np.maximum(np.linalg.norm(smoothed, axis=2, keepdims=True), 1.0)
    cells = np.flatnonzero(objects)
    if not len(cells):
        return np.zeros(objects.shape, np.int32)

    number = np.full(objects.shape, -1, np.int32)
    number.reshape(-1)[cells] = np.arange(len(cells))
    pairs, alike = [], []
    for here, there in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
    ):
        both = objects[here] & objects[there]
        pairs.append(np.stack([number[here][both], number[there][both]]))
        cosine = np.einsum("ni,ni->n", direction[here][both], direction[there][both])
        alike.append(cosine > np.cos(SAME_COLOR))
    edges, same = np.concatenate(pairs, 1), np.concatenate(alike)
    graph = coo_array((np.ones(same.sum(), np.int8), edges[:, same]), shape=2 * (len(cells),))
    _, region = connected_components(graph, directed=False)
    region = _absorb_small(region, edges)

    sizes = np.bincount(region)
    by_size = np.argsort(-sizes, kind="stable")
    rank = np.zeros(len(sizes), np.int32)
    rank[by_size] = np.arange(1, len(sizes) + 1)
    rank[sizes < MIN_REGION_PX] = 0
    labels = np.zeros(objects.shape, np.int32)
    labels.reshape(-1)[cells] = rank[region]
    return labels


def smooth_color(color: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(H, W, 3) colours with the camera's noise averaged out inside surfaces, not across edges.

    16 is a difference, summed over the channels, between noise of 3/255 in two pixels (10)
    and the step between the two closest object colours (about 30 in the light).
    """
    smooth = cv2.bilateralFilter(color.astype(np.float32), d=5, sigmaColor=16.0, sigmaSpace=2.0)
    return np.asarray(smooth, np.float32)


def _absorb_small(region: npt.NDArray[np.int32], edges: npt.NDArray[np.int32]) -> npt.NDArray:
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
