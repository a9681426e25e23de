"""Noise of the camera and colour of the light, estimated from a picture.

The table is known to be in view. If its colour in the light of reference is known too, the
ratio of the two is the change of illuminant (von Kries): a gain per channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ..interfaces import RGBDFrame
from .colors import TABLE_COLOR, format_color
from .heightmap import Heightmap

Color = npt.NDArray[np.float32]  # (3,)

SRGB_OFFSET = 14.0
"""Of 255. sRGB encodes light L as 1.055 L^(1/2.4) - 0.055: plus 0.055, it is a power of the light,
so a factor on the light is a factor on it."""
CONFIRMED = np.radians(2.7)
"""Tolerance on a region's colour where the table shows that the light is the one of reference:
just under half of the 5.6 degrees between the two closest colours of `colors`."""
UNKNOWN = np.radians(4.0)  # where the table's own colour is not known
READ_ELSEWHERE = np.radians(4.5)
"""Tolerance where the table's colour is given: the goal's was read off another picture, in which
the goal stood elsewhere in the light of several lamps."""
DOUBTED = np.radians(0.8)  # what is farther off is taken with a word only, in the same light
DOUBTED_ELSEWHERE = np.radians(1.6)  # likewise, if the light was estimated or is not known
UNKNOWN_EXPOSURE = (0.65, 1.3)  # factors on brightness where the light is not known
PER_SHIFT = 0.4  # tolerance added per angle by which the light has turned the table's colour
LARGEST_TOLERANCE = np.radians(6.5)
PLAUSIBLE_SHIFT = np.radians(12.0)
"""A table farther from `TABLE_COLOR` is another table, not the same one in another light."""
LARGEST_SHIFT = np.radians(20.0)  # farther, a given table is another one, too
PLAUSIBLE_EXPOSURE = (0.45, 2.0)  # likewise, factor on its brightness
TABLE_LEVEL = 0.004  # m; higher cells are not used as table
STRIDE = 4  # px; the table's colour is read off every fourth row and column
MIN_TABLE_PX = 200  # 8 cm2; with less table in view the light is not estimated


@dataclass(frozen=True)
class Light:
    """One hypothesis about the light of a picture, relative to the light of reference."""

    gain: Color  # factor per channel on a colour of reference
    tolerance: float  # rad, how far a region's colour may be from the one expected
    encoded_gain: Color  # factor per channel on a colour of reference plus SRGB_OFFSET
    doubted: float = UNKNOWN  # rad; a colour that is farther off is taken with a word only
    exposure: tuple[float, float] = (1.0, 1.0)  # factors on brightness that may be, besides


@dataclass(frozen=True)
class View:
    """Light and camera of a frame, as estimated from it."""

    lights: tuple[Light, ...]  # most credible first
    noise: float = 0.0  # standard deviation per channel, of 255
    table: Color | None = None  # the table's median colour; None: too little of it is seen
    unknown: str = ""  # why the light could not be estimated, and what to do; "" if it was


_ONE = np.ones(3, np.float32)
_ANY = Light(_ONE, UNKNOWN, _ONE, DOUBTED_ELSEWHERE, UNKNOWN_EXPOSURE)
SAME_LIGHT = View((Light(_ONE, CONFIRMED, _ONE, DOUBTED),))


def color_noise(frames: Sequence[RGBDFrame]) -> float:
    """Estimate the camera's noise from second differences along rows.

    Returns:
        Standard deviation per channel, 0 to 255; of several cameras the worst.
    Source: after Immerkaer, Fast noise variance estimation, 1996, with a median for edges.
    """
    worst = 0.0
    for frame in frames:
        rows = np.flatnonzero((frame.depth[:, ::8] > 0).any(1))[::16]
        if not len(rows):
            continue
        lines = frame.color[rows][:, :, :2].astype(np.int16)
        curve = np.abs(lines[:, 2:] - 2 * lines[:, 1:-1] + lines[:, :-2])
        inside = (frame.depth[rows] > 0)[:, 1:-1]
        values = curve[inside]
        if values.size:  # the median of whole numbers, by interpolation between them
            counts = np.bincount(values.reshape(-1), minlength=2)
            below = np.cumsum(counts)
            half = values.size / 2
            at = int(np.searchsorted(below, half))
            share = (half - (below[at] - counts[at])) / max(counts[at], 1)
            median = max(at - 0.5 + share, 0.0)
            worst = max(worst, 1.4826 * median / np.sqrt(6.0))
    return worst


def table_color(heightmap: Heightmap, objects: npt.NDArray[np.bool_]) -> Color | None:
    """Measure the table's colour beside the objects.

    Returns:
        (3,) median, sRGB 0..255; None with too little table in view.
    """
    coarse = np.s_[1::STRIDE, 1::STRIDE]
    near = cv2.dilate(objects.view(np.uint8), np.ones((9, 9), np.uint8)) > 0
    with np.errstate(invalid="ignore"):
        bare = (heightmap.height[coarse] < TABLE_LEVEL) & ~near[coarse]
    colors = heightmap.color[coarse][bare]
    if len(colors) * STRIDE**2 < MIN_TABLE_PX:
        return None
    return np.median(colors, axis=0).astype(np.float32)


def estimate(table: Color | None, reference: Color | None, *, noise: float = 0.0) -> View:
    """Weigh how the light may have changed since the goal's colour was read.

    Args:
        table: the table's colour now, None if it is not seen.
        reference: the table's colour in the light in which the goal's colour was read. None:
            not given; then it is `TABLE_COLOR` if the table could be that one.
        noise: of the camera.
    Returns:
        One light, or two where the reference is a guess: the one of reference, and the one
        that the table shows.
    """
    if table is None:
        why = "too little of the table is seen"
        return View((_ANY,), noise, table, _unknown(why))
    given = reference is not None
    reference = np.asarray(TABLE_COLOR if reference is None else reference, np.float32)
    gain = (table + 1.0) / (reference + 1.0)
    exposure = float(np.linalg.norm(table) / max(float(np.linalg.norm(reference)), 1.0))
    shift = angle_between(table, reference)
    low, high = PLAUSIBLE_EXPOSURE
    same_table = shift < PLAUSIBLE_SHIFT and low < exposure < high
    if not same_table and not (given and shift < LARGEST_SHIFT):
        now = format_color((int(table[0]), int(table[1]), int(table[2])))
        why = f"of the table here ({now}) the colour in another light is not known"
        if given:
            r, g, b = (int(v) for v in reference)
            why = f"no light makes a table of {format_color((r, g, b))}, as was told, look {now}"
        return View((_ANY,), noise, table, _unknown(why))
    tolerance = min((READ_ELSEWHERE if given else CONFIRMED) + PER_SHIFT * shift, LARGEST_TOLERANCE)
    encoded = (table + SRGB_OFFSET) / (reference + SRGB_OFFSET)
    shown = Light(gain.astype(np.float32), tolerance, encoded.astype(np.float32), DOUBTED_ELSEWHERE)
    if given:
        return View((shown,), noise, table)
    span = (min(1.0, exposure), max(1.0, exposure))
    return View((Light(_ONE, CONFIRMED, _ONE, DOUBTED, span), shown), noise, table)


def _unknown(why: str) -> str:
    return (
        f"the light could not be estimated: {why}. A goal's colour that was read in another light "
        "or picture cannot be trusted; tell the table's colour in that light (--table-color, "
        "Goal(table=...)), or show the goal by a photo with the table round it (--goal PHOTO "
        "--goal-region), or by a mask in the first frame (--goal-mask)"
    )


def angle_between(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Angle in rad between two colours' directions in RGB space; 0 for black."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.arccos(np.clip(a @ b / lengths, -1, 1))) if lengths else 0.0
