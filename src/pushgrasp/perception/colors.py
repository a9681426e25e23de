"""Colours that a colour segmentation can tell apart, and their names.

Shading changes the brightness of a surface, not the direction of its colour in RGB space.
So the palette was spread by direction: a repulsion of 30 points over the positive octant,
with every channel at least a tenth of the largest, greys and the table kept 11 degrees
away, and a few plain names held near where a reader expects them. Any two are 10.5 degrees
apart or more. The order is farthest-first: any first n of them are well apart.
"""

from __future__ import annotations

import re

from ..errors import UserError

PALETTE: dict[str, str] = {
    "red": "#eb1818",
    "blue": "#1818eb",
    "green": "#14c814",
    "yellow": "#f0d62a",
    "cyan": "#16d7d6",
    "magenta": "#e617bd",
    "pink": "#f59ab8",
    "brown": "#b06f3f",
    "orange": "#f58a1c",
    "purple": "#a414c8",
    "cornflower": "#5069e1",
    "grass": "#64c314",
    "mint": "#61e1a2",
    "pistachio": "#9dc85a",
    "fern": "#4dbe47",
    "lavender": "#8548d7",
    "coral": "#f0556c",
    "azure": "#178fe6",
    "emerald": "#14c87c",
    "sky": "#57c2eb",
    "malachite": "#16d749",
    "cobalt": "#164ce1",
    "orchid": "#dc5bdb",
    "vermilion": "#eb4a17",
    "rose": "#e6177b",
    "violet": "#7b17e6",
    "crimson": "#d71642",
    "ultramarine": "#4115d7",
    "lime": "#a8d716",
    "neon": "#46eb18",
}
"""Object colours by name, sRGB."""

ANCESTOR_COLORS: tuple[str, ...] = (
    "#4e79a7",
    "#59a14f",
    "#9c755f",
    "#f28e2b",
    "#edc948",
    "#bab0ac",
    "#ff5759",
    "#b07aa1",
    "#76b7b2",
    "#ff9da7",
)
"""The ten colours of the ancestors' preset scenes; their closest pair, brown and light pink,
is 5.6 degrees apart."""

TABLE_COLOR: tuple[int, int, int] = (58, 63, 74)
"""The table, sRGB 0 to 255: dark, and away from every object colour in direction too."""


def parse_color(text: str) -> tuple[int, int, int]:
    """Read a colour as a person writes it.

    Args:
        text: a name of the palette, in any case, or "#rrggbb".
    Returns:
        (r, g, b), 0 to 255, sRGB.
    Raises:
        UserError: neither; the message lists the names.
    """
    word = text.strip().lower()
    code = PALETTE.get(word, word)
    if not re.fullmatch(r"#[0-9a-f]{6}", code):
        raise UserError(
            f"unknown colour {text!r}; write #rrggbb or one of: {', '.join(sorted(PALETTE))}"
        )
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def format_color(rgb: tuple[int, int, int]) -> str:
    """(r, g, b), 0 to 255, as "#rrggbb"; the inverse of `parse_color`."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def color_name(rgb: tuple[int, int, int]) -> str:
    """The palette's name for exactly this colour, or "#rrggbb"."""
    code = format_color(rgb)
    return next((name for name, value in PALETTE.items() if value == code), code)
