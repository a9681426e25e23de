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

EXPOSURE = (0.4, 2.6)  # a region's brightness over the goal's that shade and exposure explain
PER_DOUBLING = np.radians(2.5)  # counted as an angle, for each further halving or doubling
MIN_MODES = 0.6  # share of a printed goal's colours that a thing must show
LEAST_MODES = 0.5  # likewise of the best one, which may be half covered


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

    @property
    def color(self) -> npt.NDArray[np.float64]:
        """Mean colours (R, 3), sRGB."""
        return self.direction * self.brightness[:, None]


def goal_distances(
    regions: Regions, appearance: Appearance, light: Light
) -> npt.NDArray[np.float64]:
    """Compute how far each region's colour is from each of the goal's.

    A brightness that shade and exposure do not explain counts as an angle, too.

    Returns:
        (R, K) rad; infinite for the background.
    """
    angle = color_distances(regions.color, appearance.colors, light)
    length = np.maximum(np.linalg.norm(appearance.colors * light.gain, axis=1), 1.0)
    ratio = regions.brightness[:, None] / length
    low, high = np.log2(EXPOSURE)
    stops = np.log2(np.maximum(ratio, 1e-3))
    beyond = np.maximum(stops - high, 0) + np.maximum(low - stops, 0)
    angle = np.hypot(angle, PER_DOUBLING * beyond)
    angle[0] = np.inf
    return angle


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
        distance: (R, K) rad, as `goal_distances`.
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
