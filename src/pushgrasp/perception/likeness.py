"""How near regions' colours are to the goal's, in the light that there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .goal import Appearance
from .light import SRGB_OFFSET, Light
from .merging import region_colors

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int32]

EXPOSURE = (0.4, 2.6)  # a pixel's brightness over the goal's that shade and exposure explain
PER_DOUBLING = np.radians(25.0)  # counted as an angle, for each halving or doubling beyond a range


@dataclass(frozen=True)
class Range:
    """Brightness of a region's lit part over the goal's, where the table tells the light."""

    expected: tuple[float, float]  # beyond it a thing is taken with a word only
    possible: tuple[float, float]  # beyond it counts as an angle


OF_COLOR = Range((0.92, 1.40), (0.66, 2.8))
"""The goal is told by one colour, which may be its lit top's or the median of all its faces."""
OF_PICTURE = Range((0.92, 1.25), (0.74, 1.6))
"""The goal's lit part is known from a picture of it."""
OF_PRINT = Range((0.88, 1.25), (0.66, 2.1))
"""Likewise of several colours: a region may mix them."""
SLIVER_PX = 150  # px, 6 cm2; of a smaller region the lit part may be hidden
IN_SHADE = 0.8  # factor on the least brightness of such a region
MIN_MODES = 0.6  # share of a printed goal's colours that a thing must show
LEAST_MODES = 0.5  # likewise of the best one, which may be half covered


@dataclass(frozen=True)
class Regions:
    """Labelled regions and their colours; index 0 is background."""

    labels: Labels
    direction: npt.NDArray[np.float64]  # (R, 3)
    spread: npt.NDArray[np.float64]  # (R,) rad
    brightness: npt.NDArray[np.float64]  # (R,) mean length of the colours
    lit: npt.NDArray[np.float64]  # (R,) likewise, of the cells that are brighter than the mean
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
        upper = length >= brightness[region] - 0.5  # of even brightness all
        count = np.bincount(region, upper, n)
        lit = np.bincount(region, length * upper, n) / np.maximum(count, 1)
        return cls(labels, direction, spread, brightness, lit, size)

    @property
    def color(self) -> npt.NDArray[np.float64]:
        """Mean colours (R, 3), sRGB."""
        return self.direction * self.brightness[:, None]


@dataclass(frozen=True)
class Likeness:
    """How like the goal each region is, in one light."""

    to_each: npt.NDArray[np.float64]  # (R, K) rad to each of the goal's colours; see `distance`
    distance: npt.NDArray[np.float64]  # (R,) rad; a brightness that is not possible counts, too
    hue: npt.NDArray[np.float64]  # (R,) rad, the angle alone, to the colour that is nearest
    ratio: npt.NDArray[np.float64]  # (R,) brightness over the one expected
    beyond: npt.NDArray[np.float64]  # (R,) halvings or doublings outside the expected range


def brightness_range(appearance: Appearance) -> Range:
    """Give the range of brightness that fits how much is known of the goal's."""
    if appearance.lit is None:
        return OF_COLOR
    return OF_PICTURE if len(appearance.weights) == 1 else OF_PRINT


def compare(regions: Regions, appearance: Appearance, light: Light) -> Likeness:
    """Compare regions with the goal in a light; the background is infinitely far from it."""
    angle = color_distances(regions.color, appearance.colors, light)
    span = brightness_range(appearance)
    length = np.linalg.norm(appearance.colors * light.gain, axis=1)
    if appearance.lit is not None:
        length = length * appearance.lit
    ratio = regions.lit[:, None] / np.maximum(length, 1.0)
    low, high = light.exposure
    off = PER_DOUBLING * _beyond(ratio, span.possible[0] * low, span.possible[1] * high)
    distance = np.hypot(angle, off)
    distance[0] = np.inf
    rows = np.arange(len(distance))
    nearest = distance.argmin(1)
    shaded = np.where(regions.size < SLIVER_PX, IN_SHADE, 1.0)[:, None]  # a side of it, perhaps
    told = _beyond(ratio, span.expected[0] * low * shaded, span.expected[1] * high)
    hue = angle[rows, nearest]
    hue[0] = np.inf
    return Likeness(
        distance, distance[rows, nearest], hue, ratio[rows, nearest], told[rows, nearest]
    )


def _beyond(
    ratio: npt.NDArray[np.float64], low: float | npt.NDArray[np.float64], high: float
) -> npt.NDArray[np.float64]:
    """Halvings or doublings by which ratios lie outside a range."""
    stops = np.log2(np.maximum(ratio, 1e-3))
    return np.maximum(stops - np.log2(high), 0) + np.maximum(np.log2(low) - stops, 0)


def color_distances(
    colors: npt.NDArray[np.floating], expected: npt.NDArray[np.floating], light: Light
) -> npt.NDArray[np.float64]:
    """Compute the angles between colours and those expected of the goal in a light.

    Shading scales the light, and a camera encodes it with the gamma of sRGB, which is a power law
    of the value plus an offset; other cameras scale the values themselves. The model that fits
    better counts.

    Args:
        colors: (N, 3) sRGB.
        expected: (K, 3) sRGB in the light of reference.
        light: the light now, relative to that.
    Returns:
        (N, K) rad; infinite for a black colour of the goal, which has no direction.
    """
    plain = _angles(colors, expected * light.gain)
    encoded = _angles(colors + SRGB_OFFSET, (expected + SRGB_OFFSET) * light.encoded_gain)
    angle = np.minimum(plain, encoded)
    angle[:, np.linalg.norm(expected, axis=1) == 0] = np.inf
    return angle


def like_goal(
    smoothed: npt.NDArray[np.float32], where: Mask, appearance: Appearance, lights: Sequence[Light]
) -> Mask:
    """Select cells whose colour is one of the goal's in one of some lights, whatever they are of.

    Args:
        smoothed: (H, W, 3) sRGB.
        where: (H, W) the cells that are asked about.
        appearance, lights: the goal's colours, and the lights that there may be.
    Returns:
        (H, W) bool.
    """
    result = np.zeros(where.shape, bool)
    for light in lights:
        near = color_distances(smoothed[where], appearance.colors, light).min(1) < light.tolerance
        result[where] |= near
    return result


def _angles(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    a = a / np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-9)
    b = b / np.maximum(np.linalg.norm(b, axis=1, keepdims=True), 1e-9)
    return np.arccos(np.clip(a @ b.T, -1, 1))


def shows_modes(
    regions: Regions,
    chosen: npt.NDArray[np.bool_],
    distance: npt.NDArray[np.float64],
    tolerance: npt.NDArray[np.float64],
    appearance: Appearance,
) -> npt.NDArray[np.bool_]:
    """Select regions of things that show enough of a printed goal's colours.

    A region shows each colour that it is near enough to, in the shares in which the goal has them.

    Args:
        regions, chosen: (R,) the regions that may be the goal's.
        distance: (R, K) rad, as `Likeness.to_each`.
        tolerance: (R,) rad.
        appearance: the goal's K colours.
    Returns:
        (R,) bool.
    """
    weights = np.asarray(appearance.weights, np.float64)
    shown = (distance < tolerance[:, None]) * weights
    shown /= np.maximum(shown.sum(1, keepdims=True), 1e-9)
    member = chosen[regions.labels] & (regions.labels > 0)
    _, things = cv2.connectedComponents(member.astype(np.uint8), connectivity=8)
    cells = np.flatnonzero(member)
    thing, region = (
        np.asarray(things, np.intp).reshape(-1)[cells],
        regions.labels.reshape(-1)[cells],
    )
    n = len(regions.size)
    pairs, counts = np.unique(thing * n + region, return_counts=True)
    areas = np.zeros((int(things.max()) + 1, len(weights)))
    np.add.at(areas, pairs // n, counts[:, None] * shown[pairs % n])
    shares = areas / np.maximum(areas.sum(1, keepdims=True), 1e-9)
    score = np.minimum(shares, weights).sum(1)
    enough = score >= max(min(MIN_MODES, 0.8 * float(score.max(initial=0))), LEAST_MODES)
    kept = np.zeros(n, bool)
    kept[pairs[enough[pairs // n]] % n] = True
    return kept
