"""Which part of a scene is the goal, by likelihood against what else is there.

A region's mean colour is known far better than a pixel's, so regions are compared: one is the
goal if its colour is the goal's in the light there is, and no other thing's is as near. What
cannot be decided is said in words.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ..workspace import Workspace
from .goal import Appearance
from .heightmap import Heightmap
from .light import CONFIRMED, View
from .segmentation import MIN_GOAL_PX, NOISE_LEFT, STEP, matches, rectangle, region_colors

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int32]

EXPOSURE = (0.4, 2.6)  # a region's brightness over the goal's that shade and exposure explain
PER_DOUBLING = np.radians(2.5)  # counted as an angle, for each further halving or doubling
OWN_PIXEL = np.radians(14.0)  # a pixel of a goal's region that is farther is a thing upon it
CLEARLY_NEARER = np.radians(1.5)  # of two regions the nearer one is the goal if it is by this
NEARLY = 2.2  # a region within this many tolerances is nearly of the goal's colour: it is named
LARGEST_THING = 0.16  # m; two parts that span more are two things
MIN_PART_PX = 30  # 1.2 cm2; smaller parts are not called another thing
MIN_MODES = 0.6  # share of a printed goal's colours that a thing must show
LEAST_MODES = 0.45  # likewise of the best one, which may be half covered
ENCLOSED = 0.7  # share of a patch's border that is with the goal: print on it


@dataclass(frozen=True)
class Match:
    """The goal in a scene."""

    mask: Mask  # (H, W) its visible pixels
    doubts: tuple[str, ...] = ()  # what a person should know, in words
    ambiguous: str = ""  # why the goal cannot be told from another thing; "" if it can


@dataclass(frozen=True)
class Regions:
    """Labelled regions and their colours; index 0 is background."""

    labels: Labels
    direction: npt.NDArray[np.float64]  # (R, 3)
    spread: npt.NDArray[np.float64]  # (R,) rad
    brightness: npt.NDArray[np.float64]  # (R,) mean length of the colours
    size: npt.NDArray[np.float64]  # (R,) cells

    @classmethod
    def of(cls, labels: Labels, smoothed: npt.NDArray[np.float32]) -> Regions:
        """Measure the regions of a label image."""
        cells = np.flatnonzero(labels)
        region = labels.reshape(-1)[cells]
        colors = smoothed.reshape(-1, 3)[cells]
        n = int(labels.max(initial=0)) + 1
        direction, spread, size = region_colors(region, colors, n)
        length = np.sqrt(np.einsum("ni,ni->n", colors, colors))
        brightness = np.bincount(region, length, n) / np.maximum(size, 1)
        return cls(labels, direction, spread, brightness, size)


def find_goal(
    heightmap: Heightmap,
    objects: Mask,
    labels: Labels,
    smoothed: npt.NDArray[np.float32],
    appearance: Appearance,
    view: View,
) -> Match:
    """Find the goal among the regions of a scene.

    Args:
        heightmap, objects, labels, smoothed: the scene, its objects, regions and colours.
        appearance: the goal's colours.
        view: how the light may have changed, and the camera's noise.
    Returns:
        Its pixels, maybe none; and what is in doubt.
    """
    regions = Regions.of(labels, smoothed)
    chosen = np.zeros(len(regions.size), bool)
    distance = np.full(len(regions.size), np.inf)
    light = view.lights[0]
    for light in view.lights:
        distance, modes = _distances(regions, appearance, light.gain)
        wobble = NOISE_LEFT * view.noise / np.maximum(regions.brightness, 1.0)
        tolerance = light.tolerance + wobble / np.sqrt(np.maximum(regions.size, 1)) + 0.5 * wobble
        chosen = distance < tolerance
        if len(appearance.weights) > 1:
            chosen &= _shows_modes(regions, chosen, modes, appearance)
        if chosen.any():
            break
    mask, extra = _pixels(objects, labels, smoothed, appearance, light.gain, chosen, view)
    if chosen.any():
        mask |= _print_on(labels, mask, heightmap.height, chosen)
    doubts: list[str] = []
    mask, ambiguous = _one_thing(mask, regions, distance, heightmap, doubts)
    if not (chosen.any() or extra) and len(regions.size) > 1:
        _name_nearest(regions, distance, light.tolerance, heightmap.workspace, doubts)
    return Match(mask, tuple(doubts), ambiguous)


def goal_pixels(
    colors: npt.NDArray[np.uint8], appearance: Appearance, view: View
) -> npt.NDArray[np.bool_]:
    """Which of some pixels show the goal, where no regions are known: in the hand.

    Pixels near the goal's colour count only if their mean colour is the goal's: a thing of
    another colour shows a few such pixels at its edges and in its shade, too.

    Args:
        colors: (N, 3) sRGB.
        appearance: the goal's colours.
        view: how the light may have changed.
    Returns:
        (N,) bool.
    """
    found = np.zeros(len(colors), bool)
    for light in view.lights:
        for color in appearance.colors * light.gain:
            near = matches(colors, color, tolerance=2 * light.tolerance)
            if not near.any():
                continue
            alike = colors[near].astype(np.float32)
            mean, _, _ = region_colors(np.zeros(len(alike), int), alike, 1)
            own = color / max(float(np.linalg.norm(color)), 1.0)
            if np.arccos(np.clip(mean[0] @ own, -1, 1)) < light.tolerance:
                found |= near
        if found.any():
            break
    return found


def _distances(
    regions: Regions, appearance: Appearance, gain: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Angle (R,) in rad of each region to the goal's nearest colour, and which colour (R,)."""
    colors = appearance.colors.astype(np.float64) * gain
    length = np.maximum(np.linalg.norm(colors, axis=1), 1.0)
    angle = np.arccos(np.clip(regions.direction @ (colors / length[:, None]).T, -1, 1))
    ratio = regions.brightness[:, None] / length
    low, high = np.log2(EXPOSURE)
    stops = np.log2(np.maximum(ratio, 1e-3))
    beyond = np.maximum(stops - high, 0) + np.maximum(low - stops, 0)
    angle = np.hypot(angle, PER_DOUBLING * beyond)
    angle[0] = np.inf
    angle[:, np.linalg.norm(appearance.colors, axis=1) == 0] = np.inf  # black has no direction
    return angle.min(1), angle.argmin(1)


def _shows_modes(
    regions: Regions, chosen: Mask, modes: npt.NDArray[np.intp], appearance: Appearance
) -> Mask:
    """(R,) regions that belong to a thing which shows enough of a printed goal's colours."""
    member = chosen[regions.labels] & (regions.labels > 0)
    _, things = cv2.connectedComponents(member.astype(np.uint8), connectivity=8)
    things = np.asarray(things, np.intp)
    k = len(appearance.weights)
    cells = np.flatnonzero(member)
    thing, mode = things.reshape(-1)[cells], modes[regions.labels.reshape(-1)[cells]]
    counts = np.bincount(thing * k + mode, minlength=(int(things.max()) + 1) * k).reshape(-1, k)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    score = np.minimum(shares, appearance.weights).sum(1)
    enough = score >= max(min(MIN_MODES, 0.8 * float(score.max(initial=0))), LEAST_MODES)
    kept = np.zeros(len(regions.size), bool)
    kept[regions.labels.reshape(-1)[cells[enough[thing]]]] = True
    return kept


def _pixels(
    objects: Mask,
    labels: Labels,
    smoothed: npt.NDArray[np.float32],
    appearance: Appearance,
    gain: npt.NDArray[np.float32],
    chosen: npt.NDArray[np.bool_],
    view: View,
) -> tuple[Mask, bool]:
    """Pixels of the chosen regions, and small patches of the goal's very colour elsewhere."""
    cells = np.flatnonzero(objects)
    colors = smoothed.reshape(-1, 3)[cells]
    mine = chosen[labels.reshape(-1)[cells]]
    size = np.sqrt(np.einsum("ni,ni->n", colors, colors))
    least = np.cos(OWN_PIXEL + view.noise / np.maximum(size, 8.0)) * size
    exact, own = np.zeros(len(cells), bool), np.zeros(len(cells), bool)
    plain = len(appearance.weights) == 1
    for color in appearance.colors * gain:
        if plain:  # one colour of a printed goal alone says little
            exact |= matches(colors, color, tolerance=CONFIRMED)
        length = max(float(np.linalg.norm(color)), 1.0)
        own |= colors @ (color / length).astype(np.float32) > least
    mask = np.zeros(labels.shape, bool)
    mask.reshape(-1)[cells] = exact | (mine & own)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= MIN_GOAL_PX
    large[0] = False
    mask = large[np.asarray(parts, np.intp)]
    return mask, bool((mask.reshape(-1)[cells] & ~mine).any())


def _print_on(labels: Labels, mask: Mask, height: npt.NDArray[np.float32], chosen: Mask) -> Mask:
    """Regions that lie in the goal's surface and are enclosed by it: labels, print, highlights."""
    result = np.zeros(mask.shape, bool)
    cut = rectangle(mask, 1)  # what is enclosed lies in the goal's rectangle
    if not result[cut].size:
        return result
    labels, mask, height = labels[cut], mask[cut], height[cut]
    n = max(int(labels.max()) + 1, len(chosen))
    with_goal, in_all = np.zeros(n), np.zeros(n)
    for here, there in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:, 1:], np.s_[:, :-1]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[1:], np.s_[:-1]),
    ):
        border = (labels[here] > 0) & (labels[here] != labels[there])
        own = labels[here][border]
        with np.errstate(invalid="ignore"):
            level = np.abs(height[here][border] - height[there][border]) < STEP
        in_all += np.bincount(own, minlength=n)
        with_goal += np.bincount(own, level & mask[there][border], minlength=n)
    enclosed = (with_goal > ENCLOSED * in_all) & (in_all > 0)
    enclosed[: len(chosen)] &= ~chosen
    result[cut] = enclosed[labels] & (labels > 0)
    return result


def _one_thing(
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


def _name_nearest(
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
