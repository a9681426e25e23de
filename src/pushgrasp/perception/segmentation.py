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
from .merging import MIN_REGION_PX, SAME_COLOR, absorb_small, merge_alike, same_color

MIN_HEIGHT = 0.006  # m; over the noise of a depth camera, a quarter of the flattest block
SURE_HEIGHT = 0.009  # m; just under the flattest thing, a wrench of 10 mm
SURE_PX = 3  # px that an object has above that; patches of the table's noise seldom do
DIMMEST, BRIGHTEST = 0.35, 1.3
"""Brightness over the goal's own colour; shading gives 0.55 to 1, other lamps more."""
MIN_GOAL_PX = 3  # px; smaller specks are noise
SMOOTH_PX = 2  # px, radius over which colours are smoothed


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
    brightest: float = BRIGHTEST,
) -> npt.NDArray[np.bool_]:
    """Find the colours that are the goal's under some light.

    Args:
        colors: (..., 3) sRGB, 0 to 255, integers or not.
        goal_rgb: (3,) the goal's colour, sRGB.
        tolerance: rad between the colours' directions.
        brightest: most brightness over the goal's.
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
    bright_enough = (along > DIMMEST * brightness) & (along < brightest * brightness)
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
    same = cosine > same_color(np.minimum(bright[edges[0]], bright[edges[1]]), noise)
    graph = coo_array((np.ones(same.sum(), np.int8), edges[:, same]), shape=2 * (len(cells),))
    _, region = connected_components(graph, directed=False)
    region = absorb_small(region, edges)
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
