"""Find the goal in a scene, by likelihood against what else is there.

A region's mean colour is known far better than a pixel's, so regions are compared: one is the
goal if its colour is the goal's in the light there is, and no other thing's is as near. What
cannot be decided is said in words.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .doubts import name_doubtful, name_nearest, name_patch
from .goal import Appearance
from .heightmap import Heightmap
from .light import CONFIRMED, SRGB_OFFSET, Light, View
from .likeness import (
    EXPOSURE,
    SLIVER_PX,
    Labels,
    Mask,
    Regions,
    brightness_range,
    color_distances,
    compare,
    shows_modes,
)
from .merging import NOISE_LEFT, STEP
from .rivals import keep_one_thing
from .segmentation import MIN_GOAL_PX, matches, rectangle

OWN_PIXEL = np.radians(14.0)  # a pixel of a goal's region that is farther is a thing upon it
CLEAN = 0.3  # of 255; a camera with less noise is a simulated one, without blur
IN_HAND = (0.85, 1.2)  # factors on brightness by which the light in the hand may be another one
MIN_PATCH_PX = 6  # px; smaller patches of the goal's colour outside its regions say nothing
ENCLOSED = 0.7  # share of a patch's border that is with the goal: print on it


@dataclass(frozen=True)
class Match:
    """The goal in a scene."""

    mask: Mask  # (H, W) its visible pixels
    doubts: tuple[str, ...] = ()  # what a person should know, in words
    ambiguous: str = ""  # why the goal cannot be told from another thing; "" if it can


def find_goal(
    heightmap: Heightmap,
    objects: Mask,
    labels: Labels,
    smoothed: npt.NDArray[np.float32],
    appearance: Appearance,
    view: View,
    *,
    by_shape: bool = False,
) -> Match:
    """Find the goal among the regions of a scene.

    Args:
        heightmap, objects, labels, smoothed: the scene, its objects, regions and colours.
        appearance: the goal's colours.
        view: how the light may have changed, and the camera's noise.
        by_shape: the regions are split by shape, so that touching things can be two.
    Returns:
        Its pixels, maybe none; and what is in doubt.
    """
    regions = Regions.of(labels, smoothed)
    chosen = np.zeros(len(regions.size), bool)
    light, likeness = view.lights[0], compare(regions, appearance, view.lights[0])
    tolerance = np.zeros(len(regions.size))
    for light in view.lights:
        likeness = compare(regions, appearance, light)
        wobble = NOISE_LEFT * view.noise / np.maximum(regions.brightness, 1.0)
        tolerance = light.tolerance + wobble / np.sqrt(np.maximum(regions.size, 1)) + 0.5 * wobble
        chosen = likeness.distance < tolerance
        if len(appearance.weights) > 1:
            chosen &= shows_modes(regions, chosen, likeness.to_each, tolerance, appearance)
        if chosen.any():
            break
    other = (likeness.hue < tolerance) & (likeness.distance >= tolerance)  # of its hue only
    where = objects & ~other[labels]
    mask, extra = _pixels(where, regions, smoothed, appearance, light, chosen, view)
    if chosen.any():
        mask |= _print_on(labels, mask, heightmap.height, chosen)
    doubts: list[str] = []
    mask, two = keep_one_thing(
        mask, regions, likeness.distance, heightmap, doubts, by_shape=by_shape
    )
    ambiguous = f"the goal cannot be told from another thing: {two}" if two else ""
    if not (chosen.any() or extra) and len(regions.size) > 1:
        doubts += name_nearest(regions, likeness, light.tolerance, heightmap.workspace)
    taken = mask & chosen[regions.labels]
    little = (extra and not chosen.any()) or mask.sum() < SLIVER_PX
    if little and mask.any() and view.noise > CLEAN and not (doubts or ambiguous):
        doubts += name_patch(mask, heightmap.workspace)
    if taken.any() and not (doubts or ambiguous):
        averaged = np.sqrt(SLIVER_PX / max(int(taken.sum()), SLIVER_PX))  # noise of a mean colour
        doubted = light.doubted + averaged * view.noise / 255
        doubts += name_doubtful(taken, regions, likeness, doubted, heightmap.workspace)
    return Match(mask, tuple(doubts), ambiguous)


def goal_pixels(
    colors: npt.NDArray[np.uint8], appearance: Appearance, view: View
) -> npt.NDArray[np.bool_]:
    """Select the pixels that show the goal where no regions are known: in the hand.

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
        for mode, color in enumerate(appearance.colors):
            near = matches(colors, color * light.gain, tolerance=2 * light.tolerance)
            near |= matches(
                colors + SRGB_OFFSET,
                (color + SRGB_OFFSET) * light.encoded_gain,
                tolerance=2 * light.tolerance,
                brightest=EXPOSURE[1],
            )
            if not near.any():
                continue
            alike = colors[near].astype(np.float32)
            off = color_distances(alike.mean(0)[None], color[None], light)[0, 0]
            if off < light.tolerance and _as_bright(alike, appearance, mode, light):
                found |= near
        if found.any():
            break
    return found


def _as_bright(
    colors: npt.NDArray[np.float32], appearance: Appearance, mode: int, light: Light
) -> bool:
    """Check that pixels in the hand are not far brighter or darker than the goal can be there."""
    length = np.linalg.norm(colors, axis=1)
    lit = float(length[length >= length.mean() - 0.5].mean())
    expected = float(np.linalg.norm(appearance.colors[mode] * light.gain))
    if appearance.lit is not None:
        expected *= float(appearance.lit[mode])
    low, high = brightness_range(appearance).possible
    low, high = low * light.exposure[0] * IN_HAND[0], high * light.exposure[1] * IN_HAND[1]
    return low * expected < lit < high * expected


def _pixels(
    objects: Mask,
    regions: Regions,
    smoothed: npt.NDArray[np.float32],
    appearance: Appearance,
    light: Light,
    chosen: npt.NDArray[np.bool_],
    view: View,
) -> tuple[Mask, bool]:
    """Select the pixels of the chosen regions, and small patches of the goal's exact colour."""
    cells = np.flatnonzero(objects)
    colors = smoothed.reshape(-1, 3)[cells]
    region = regions.labels.reshape(-1)[cells]
    mine = chosen[region]
    size = np.sqrt(np.einsum("ni,ni->n", colors, colors))
    least = np.cos(OWN_PIXEL + view.noise / np.maximum(size, 8.0)) * size
    own = np.einsum("ni,ni->n", colors, regions.direction[region]) > least
    exact = np.zeros(len(cells), bool)
    plain = len(appearance.weights) == 1
    for color in appearance.colors * light.gain:
        if plain:  # one colour of a printed goal alone says little
            exact |= matches(colors, color, tolerance=CONFIRMED)
        length = max(float(np.linalg.norm(color)), 1.0)
        own |= colors @ (color / length).astype(np.float32) > least
    mask = np.zeros(regions.labels.shape, bool)
    mask.reshape(-1)[cells] = exact | (mine & own)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    parts = np.asarray(parts, np.intp)
    large = stats[:, cv2.CC_STAT_AREA] >= MIN_GOAL_PX
    if view.noise > CLEAN:  # its blur mixes colours at the edges of other things
        in_region = np.bincount(parts.reshape(-1)[cells[mine]], minlength=len(large)) > 0
        large &= in_region | (stats[:, cv2.CC_STAT_AREA] >= MIN_PATCH_PX)
    large[0] = False
    mask = large[parts]
    return mask, bool((mask.reshape(-1)[cells] & ~mine).any())


def _print_on(labels: Labels, mask: Mask, height: npt.NDArray[np.float32], chosen: Mask) -> Mask:
    """Select regions that lie in the goal's surface and are enclosed: labels, print, highlights."""
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
