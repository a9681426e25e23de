"""Distinguish the goal from other things of its colour, and name both for people."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ..workspace import Workspace
from .depth_split import edge_share, split_by_depth
from .heightmap import Heightmap
from .likeness import Labels, Mask, Regions
from .merging import STEP

CLEARLY_NEARER = np.radians(1.5)  # of two regions the nearer one is the goal if it is by this
NEARLY = 2.2  # a region within this many tolerances is nearly of the goal's colour: it is named
LARGEST_THING = 0.16  # m; two parts that span more are two things
MIN_PART_PX = 30  # 1.2 cm2; smaller parts are not called another thing
MAY_TWIN_PX, MAY_TWIN_EDGE = 60, 0.5
"""Cells of the smaller of two touching pieces, and share of their border on edges: in piles, 83 %
of such pairs of things are named, and parts of one thing for 15 % of the goals."""
TWIN_PX, TWIN_EDGE = 150, 0.7
"""Likewise, to refuse: 78 % of the pairs that both show 6 cm2, and 2 % of the goals (arches)."""


def keep_one_thing(
    mask: Mask,
    regions: Regions,
    distance: npt.NDArray[np.float64],
    heightmap: Heightmap,
    doubts: list[str],
    *,
    by_shape: bool = False,
) -> tuple[Mask, str]:
    """Keep one thing of several; say so where they are alike.

    Args:
        mask: (H, W) the goal's cells, or those of things like it.
        regions: of the scene.
        distance: (R,) rad, of each region's colour to the goal's.
        heightmap: the scene.
        doubts: sentences are appended here.
        by_shape: things that touch are distinguished, too, where height and labels show two.
    Returns:
        The cells that are kept, and the two things that cannot be told from each other, in words;
        "" if there is one.
    """
    parts, whole = _parts(mask, regions.labels, heightmap, by_shape=by_shape)
    big = np.flatnonzero(np.bincount(parts.reshape(-1)) >= MIN_PART_PX)
    big = [int(i) for i in big if i > 0]
    if len(big) < 2:
        return mask, ""
    off = {i: _part_distance(parts == i, regions, distance) for i in big}
    best = min(big, key=lambda i: off[i])
    two = ""
    for other in big:
        a, b = parts == best, parts == other
        touching = whole[best] == whole[other]
        if other == best or not (
            _may_be_two(a, b, heightmap) if touching else _are_apart(a, b, heightmap)
        ):
            continue
        first, second = (describe_region(m, regions, heightmap.workspace) for m in (a, b))
        if off[other] - off[best] > CLEARLY_NEARER:
            mask = mask & ~b
            doubts.append(f"{first} is taken for the goal; {second} is nearly of its colour")
        elif touching and not _are_two(a, b, heightmap):
            doubts.append(f"{first}, and {second}, touch; both are taken for the goal")
        elif not two:
            two = f"{first}, and {second}" + (", which touch" if touching else "")
    return mask, two


def _may_be_two(a: Mask, b: Mask, heightmap: Heightmap) -> bool:
    """Check if the shape of two pieces that touch lets them be two things."""
    enough = min(int(a.sum()), int(b.sum())) >= MAY_TWIN_PX
    return enough and edge_share(a, b, heightmap.height) >= MAY_TWIN_EDGE


def _are_two(a: Mask, b: Mask, heightmap: Heightmap) -> bool:
    """Check if it nearly proves that they are."""
    enough = min(int(a.sum()), int(b.sum())) >= TWIN_PX
    return enough and edge_share(a, b, heightmap.height) >= TWIN_EDGE


def _parts(
    mask: Mask, labels: Labels, heightmap: Heightmap, *, by_shape: bool
) -> tuple[npt.NDArray[np.intp], dict[int, int]]:
    """Number the parts of a mask from 1, and give the connected piece that each belongs to."""
    n, pieces = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    pieces = np.asarray(pieces, np.intp)
    if not by_shape:
        return pieces, {i: i for i in range(n)}
    parts = pieces.copy()
    whole = {i: i for i in range(n)}
    shapes = split_by_depth(mask.astype(np.int32), heightmap.height)
    for piece in range(1, n):
        own = pieces == piece
        found = [s for s in np.unique(shapes[own]) if (own & (shapes == s)).sum() >= MIN_PART_PX]
        named = {int(np.bincount(labels[own & (shapes == s)]).argmax()) for s in found}
        if len(named) < 2:  # the segmenter takes them for one
            continue
        for s in found[1:]:
            whole[len(whole)] = piece
            parts[own & (shapes == s)] = len(whole) - 1
    return parts, whole


def name_two_labels(
    mask: Mask, labels: Labels, smoothed: npt.NDArray[np.float32], workspace: Workspace
) -> str:
    """Say which two things a mask covers; "" if it covers one.

    Args:
        mask: (H, W) what should be one thing.
        labels: (H, W) things.
        smoothed: (H, W, 3) colours.
        workspace: of the map.
    """
    covered = np.bincount(labels[mask], minlength=int(labels.max(initial=0)) + 1)
    share = covered / np.maximum(np.bincount(labels.reshape(-1), minlength=len(covered)), 1)
    several = [i for i in range(1, len(covered)) if covered[i] >= MIN_PART_PX and share[i] > 0.5]
    if len(several) < 2:
        return ""
    first, second = sorted(several, key=lambda i: -covered[i])[:2]
    regions = Regions.of(labels, smoothed)
    a, b = (describe_region(mask & (labels == i), regions, workspace) for i in (first, second))
    return f"{a}, and {b}"


def _part_distance(part: Mask, regions: Regions, distance: npt.NDArray[np.float64]) -> float:
    """Angle in rad of most of a part's cells to the goal's colour."""
    counts = np.bincount(regions.labels[part], minlength=len(distance))
    label = int(counts[1:].argmax()) + 1 if len(counts) > 1 else 0
    return float(distance[label]) if np.isfinite(distance[label]) else 0.0


def _are_apart(a: Mask, b: Mask, heightmap: Heightmap) -> bool:
    """Bare table lies between two parts, and nothing else that is raised or unseen joins them."""
    with np.errstate(invalid="ignore"):
        bare = heightmap.height < STEP
    rows, columns = np.nonzero(a | b)
    span = np.hypot(np.ptp(rows), np.ptp(columns)) * heightmap.workspace.resolution
    _, islands = cv2.connectedComponents((~bare).view(np.uint8), connectivity=8)
    islands = np.asarray(islands)
    if span <= LARGEST_THING and np.intersect1d(islands[a], islands[b]).size:
        return False
    near = np.asarray(cv2.distanceTransform((~a).view(np.uint8), cv2.DIST_L2, 3))
    there = np.unravel_index(np.where(b, near, np.inf).argmin(), b.shape)
    own = np.argwhere(a)
    here = own[((own - np.array(there)) ** 2).sum(1).argmin()]
    steps = int(np.hypot(*(here - np.array(there)))) + 1
    line = np.rint(np.linspace(here, there, steps + 1)).astype(int)
    return int(bare[line[:, 0], line[:, 1]].sum()) >= 4 or span > LARGEST_THING


def describe_region(mask: Mask, regions: Regions, workspace: Workspace) -> str:
    """Name a region for people: where it is, how large, and its colour."""
    rows, columns = np.nonzero(mask)
    x, y = workspace.to_xy(rows.mean(), columns.mean())
    area = len(rows) * (100 * workspace.resolution) ** 2
    label = int(np.bincount(regions.labels[mask]).argmax())
    r, g, b = np.clip(regions.direction[label] * regions.brightness[label], 0, 255).astype(int)
    return f"the thing at ({x:.3f}, {y:.3f}) m of {area:.0f} cm2, colour #{r:02x}{g:02x}{b:02x}"
