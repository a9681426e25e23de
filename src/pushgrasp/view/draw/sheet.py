"""Drawing: text by Pillow, smooth lines by OpenCV, one set of colours.

The colours of marks are distinguishable for colour-blind readers (after IBM's palette). Marks have
a dark rim, so that they show on any object.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]
Picture = npt.NDArray[np.uint8]
"""(H, W, 3) sRGB."""

PAPER: Color = (250, 250, 248)
CARD: Color = (255, 255, 255)
LINE: Color = (222, 224, 228)
INK: Color = (28, 32, 40)
MUTED: Color = (106, 112, 124)
RIM: Color = (20, 22, 28)
UNSEEN: Color = (206, 208, 212)
UNSEEN_STRIPE: Color = (186, 189, 195)
GOAL: Color = (230, 36, 124)
TARGET: Color = (255, 184, 0)
ACTION: Color = (255, 255, 255)
GOOD: Color = (0, 114, 96)
BAD: Color = (176, 58, 10)


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Load a typeface that every installation has: it comes with Matplotlib."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts/ttf", name)), size)


def text_width(text: str, size: int, bold: bool = False) -> float:
    """Measure a line of text in pixels."""
    return font(size, bold).getlength(text)


def wrap(text: str, width: int, size: int, bold: bool = False) -> list[str]:
    """Break text at spaces into lines of at most `width` pixels."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


class Sheet:
    """A picture under construction; x to the right and y down, in pixels."""

    def __init__(self, width: int, height: int, color: Color = PAPER) -> None:
        self._image = Image.new("RGB", (width, height), color)
        self._draw = ImageDraw.Draw(self._image)

    def paste(self, picture: Picture, x: int, y: int) -> None:
        """Paste a picture with its upper left corner at (x, y)."""
        self._image.paste(Image.fromarray(np.ascontiguousarray(picture)), (x, y))

    def box(self, x: int, y: int, w: int, h: int, fill: Color | None, line: Color | None) -> None:
        """Draw a rectangle with slightly rounded corners."""
        self._draw.rounded_rectangle((x, y, x + w - 1, y + h - 1), 6, fill, line)

    def line(self, start: npt.ArrayLike, end: npt.ArrayLike, color: Color, width: int = 3) -> None:
        """Draw a line between two points, x and y, with a dark rim."""
        ends = [tuple(np.asarray(p, float).tolist()) for p in (start, end)]
        for paint, thick in ((RIM, width + 2), (color, width)):
            self._draw.line(ends, paint, thick)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: int = 18,
        color: Color = INK,
        *,
        bold: bool = False,
        anchor: str = "la",
    ) -> None:
        """Draw a line of text; `anchor` as in Pillow: la is its upper left corner."""
        self._draw.text((x, y), text, color, font(size, bold), anchor=anchor)

    def fitted(
        self, x: int, y: int, text: str, width: int, size: int, color: Color = INK, *,
        bold: bool = False,
    ) -> None:  # fmt: skip
        """Draw a line of text in the largest size up to `size` that fits into a width."""
        while size > 10 and text_width(text, size, bold) > width:
            size -= 1
        self.text(x, y, text, size, color, bold=bold, anchor="lm")

    def picture(self) -> Picture:
        """Return a copy of what has been drawn."""
        return np.asarray(self._image).copy()


def stroke(
    picture: Picture,
    points: npt.ArrayLike,
    color: Color,
    width: int = 3,
    *,
    closed: bool = False,
) -> None:
    """Draw a smooth line with a dark rim into a picture.

    Args:
        points: (n, 2) x and y in pixels.
    """
    fixed = np.round(np.asarray(points, np.float64).reshape(-1, 1, 2) * 16).astype(np.int32)
    for paint, thick in ((RIM, width + 2), (color, width)):
        cv2.polylines(picture, [fixed], closed, paint, thick, cv2.LINE_AA, shift=4)


def arrow(
    picture: Picture,
    start: npt.NDArray[np.floating],
    end: npt.NDArray[np.floating],
    color: Color,
    width: int = 4,
    head: float = 14.0,
) -> None:
    """Draw an arrow with a filled head and a dark rim into a picture.

    Args:
        start, end: (2,) x and y in pixels.
        head: length of the head, pixels; shorter for an arrow that is shorter than it.
    """
    length = float(np.linalg.norm(end - start))
    along, head = (end - start) / max(length, 1e-9), min(head, length)
    across = np.array([-along[1], along[0]])
    neck = end - head * along
    stroke(picture, np.array([start, neck]), color, width)
    tip = np.array([end, neck + 0.55 * head * across, neck - 0.55 * head * across])
    fixed = np.round(tip.reshape(-1, 1, 2) * 16).astype(np.int32)
    cv2.fillPoly(picture, [fixed], color, cv2.LINE_AA, shift=4)
    cv2.polylines(picture, [fixed], True, RIM, 1, cv2.LINE_AA, shift=4)


def hatch(shape: tuple[int, int]) -> Picture:
    """Draw the pattern that stands for unseen cells, (H, W, 3)."""
    row, column = np.indices(shape)
    stripe = (row + column) % 10 < 3
    return np.where(stripe[..., None], UNSEEN_STRIPE, UNSEEN).astype(np.uint8)


def colored(values: npt.NDArray[np.floating], low: float, high: float, name: str) -> Picture:
    """Map numbers to the colours of a Matplotlib colour map, (H, W, 3).

    Args:
        values: (H, W); NaN takes the lowest colour.
        low, high: ends of the scale.
        name: of the colour map.
    """
    table = (matplotlib.colormaps[name](np.linspace(0, 1, 256))[:, :3] * 255).astype(np.uint8)
    share = (np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-9)
    return table[np.clip(share * 255, 0, 255).astype(np.uint8)]
