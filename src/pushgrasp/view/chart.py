"""What charts are made of: places in inches, colours, pieces of lines and text that fits."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .draw.sheet import INK, RIM, Color, text_width

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
"""Okabe and Ito's, which colour-blind eyes keep apart, without the yellow."""
DASHES = (
    (),
    (5, 1.5),
    (1.2, 1.2),
    (7, 1.5, 1.2, 1.5),
    (10, 3),
    (3, 1.2, 1, 1.2, 1, 1.2),
    (2.5, 2.5),
)
"""Of the lines: strokes and gaps in line widths."""

STAGES = ("#E4E7EC", "#AEB9C7", "#F0CFA0", "#C9DDB8", "#DDC3E0", "#F6F0B5")
"""Tints for the stages in the order of their beginning."""
WIDTH, LEFT, RIGHT = 11.69, 0.75, 0.35
"""Inches: of the sheet, A4 on its side, and of its margins."""
SMALL, TEXT, TITLE = 7.5, 8.5, 10.0
"""Sizes of type, points."""


def axes_at(figure: Figure, x: float, y: float, width: float, height: float) -> Axes:
    """Axes at a place in inches from the sheet's upper left corner."""
    w, h = figure.get_size_inches()
    return figure.add_axes((x / w, 1 - (y + height) / h, width / w, height / h))


def sample(axes: Axes, run: int, left: float, right: float, y: float) -> None:
    """A piece of a run's line."""
    axes.plot((left, right), (y, y), color=COLORS[run], lw=1.8, dashes=DASHES[run], clip_on=False)


def box(x: float, y: float, width: float, height: float, color: str) -> Rectangle:
    """A filled rectangle with a thin rim."""
    return Rectangle((x, y), width, height, facecolor=color, edgecolor=rgb(RIM), lw=0.3)


def heading() -> dict[str, Any]:
    """How a panel's title is set."""
    return {"fontsize": TITLE, "fontweight": "bold", "color": rgb(INK)}


def inches(text: str, points: float) -> float:
    """Width of a line of text."""
    return text_width(text, 100) / 100 * points / 72


def shortened(text: str, width: float) -> str:
    """A text without its middle where it is wider than so many inches."""
    n = len(text)
    short = text
    while inches(short, TEXT) > width and n > 1:
        n -= 1
        short = f"{text[: (n + 1) // 2]}…{text[len(text) - n // 2 :]}"
    return short


def rgb(color: Color) -> tuple[float, float, float]:
    """A colour of `canvas` for matplotlib."""
    r, g, b = color
    return r / 255, g / 255, b / 255
