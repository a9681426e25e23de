"""Distinguish the goal from other things of its colour, and name both for people."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ..workspace import Workspace
from .heightmap import Heightmap
from .light import CONFIRMED
from .likeness import Mask, Regions
from .merging import STEP

CLEARLY_NEARER = np.radians(1.5)  # of two regions the nearer one is the goal if it is by this
NEARLY = 2.2  # a region within this many tolerances is nearly of the goal's colour: it is named
LARGEST_THING = 0.16  # m; two parts that span more are two things
MIN_PART_PX = 30  # 1.2 cm2; smaller parts are not called another thing


def keep_one_thing(
    mask: Mask,
    regions: Regions,
    distance: npt.NDArray[np.float64],
    heightmap: Heightmap,
    doubts: list[str],
) -> tuple[Mask, str]:
    """Keep one thing of several that lie apart; say so where they are alike."""
    n, parts, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    parts = np.asarray(parts, np.intp)
    big = [i for i in range(1, n) if stats[i, cv2.CC_STAT_AREA] >= MIN_PART_PX]
    if len(big) < 2:
        return mask, ""
    off = {i: _part_distance(parts == i, regions, distance) for i in big}
    best = min(big, key=lambda i: off[i])
    ambiguous = ""
    for other in big:
        if other == best or not _are_apart(parts == best, parts == other, heightmap):
            continue
        a, b = (describe_region(parts == i, regions, heightmap.workspace) for i in (best, other))
        if off[other] - off[best] > CLEARLY_NEARER:
            mask = mask & (parts != other)
            doubts.append(f"{a} is taken for the goal; {b} is nearly of its colour")
        elif not ambiguous:
            ambiguous = f"the goal cannot be told from another thing: {a}, and {b}"
    return mask, ambiguous


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


def name_nearest(
    regions: Regions,
    distance: npt.NDArray[np.float64],
    tolerance: float,
    workspace: Workspace,
    doubts: list[str],
) -> None:
    """Say of a thing of nearly the goal's colour that it is not taken for the goal."""
    distance = np.where(regions.size >= MIN_PART_PX, distance, np.inf)
    nearest = int(distance.argmin())
    if distance[nearest] < NEARLY * tolerance:
        what = describe_region(regions.labels == nearest, regions, workspace)
        off, most = np.degrees((distance[nearest], tolerance))
        doubts.append(
            f"the goal is not seen; {what}, has nearly its colour ({off:.1f} degrees off, "
            f"{most:.1f} allowed) and is not taken for it"
        )


def name_doubtful(
    mask: Mask,
    regions: Regions,
    distance: npt.NDArray[np.float64],
    tolerance: float,
    workspace: Workspace,
    doubts: list[str],
) -> None:
    """Say how far the colour of what is taken for the goal is off, if it is by much."""
    off = _part_distance(mask, regions, distance)
    if off > CONFIRMED:
        doubts.append(
            f"{describe_region(mask, regions, workspace)}, is taken for the goal though its colour "
            f"is {np.degrees(off):.1f} degrees off ({np.degrees(tolerance):.1f} allowed)"
        )
