"""Summarise the pixels of a thing by a few colours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .light import SRGB_OFFSET

MAX_MODES = 5  # colours by which a printed thing is known
MODE_SPREAD = np.radians(6.0)  # a mode is split while its colours are farther apart than this
MIN_MODE = 0.06  # share of the picture; a smaller mode is print too fine to be seen


def color_modes(
    pixels: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Summarise a thing's pixels by few colours: one for a plain thing, more for print.

    Pixels are split along the direction in which their colours differ most, until a mode's are
    alike but for shading.

    Args:
        pixels: (N, 3) sRGB; at most some 4,000 of them are looked at.
    Returns:
        (K, 3) colours and (K,) shares, the commonest first.
    """
    sample = pixels[:: max(len(pixels) // 4000, 1)].astype(np.float32)
    clear = (sample.max(1) < 252) & (sample.max(1) > 20)
    if clear.sum() > 0.2 * len(sample):  # clipped and black pixels have no true direction
        sample = sample[clear]
    groups = [sample]
    while len(groups) < MAX_MODES:
        spreads = [_spread(g) if len(g) > MIN_MODE * len(sample) else 0.0 for g in groups]
        worst = int(np.argmax(spreads))
        if spreads[worst] < MODE_SPREAD:
            break
        parts = _split(groups[worst])
        if min(len(part) for part in parts) == 0:
            break
        groups[worst : worst + 1] = parts
    groups = [g for g in groups if len(g) >= MIN_MODE * len(sample)] or [sample]
    groups.sort(key=len, reverse=True)
    shares = np.array([len(g) for g in groups], np.float32)
    colors = np.array([np.median(g, axis=0) for g in groups], np.float32)
    return colors, shares / shares.sum()


def lit_parts(
    pixels: npt.NDArray[np.uint8], colors: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Measure how bright the lit part of a thing is.

    Args:
        pixels: (N, 3) sRGB.
        colors: (K, 3) as `color_modes` gives them.
    Returns:
        (K,) mean brightness of each mode's brighter half over the mode's own.
    """
    sample = pixels[:: max(len(pixels) // 4000, 1)].astype(np.float32)
    mode = (_directions(sample) @ _directions(colors).T).argmax(1)
    length = np.linalg.norm(sample, axis=1)
    own = np.maximum(np.linalg.norm(colors, axis=1), 1.0)
    n = len(colors)
    mean = np.bincount(mode, length, n) / np.maximum(np.bincount(mode, minlength=n), 1)
    upper = length >= mean[mode] - 0.5
    count = np.bincount(mode, upper, n)
    lit = np.bincount(mode, length * upper, n) / np.maximum(count, 1) / own
    return np.where(count > 0, lit, 1.0).astype(np.float32)


def _directions(colors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    powers = colors + np.float32(SRGB_OFFSET)  # shade does not change the direction of these
    return powers / np.linalg.norm(powers, axis=1, keepdims=True)


def _spread(colors: npt.NDArray[np.float32]) -> float:
    """Angle in rad from the median colour that nine tenths of the pixels keep."""
    middle = np.median(colors, axis=0)
    cosine = _directions(colors) @ _directions(middle[None])[0]
    return float(np.arccos(np.clip(np.percentile(cosine, 10), -1, 1)))


def _split(colors: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """Two-means of the directions, started along their principal axis."""
    d = _directions(colors)
    centred = d - d.mean(0)
    axis = np.linalg.svd(centred.T @ centred)[0][:, 0]
    second = centred @ axis > 0
    for _ in range(8):
        if second.all() or not second.any():
            break
        a, b = d[~second].mean(0), d[second].mean(0)
        second = ((d - a) ** 2).sum(1) > ((d - b) ** 2).sum(1)
    return [colors[~second], colors[second]]
