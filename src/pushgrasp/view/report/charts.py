"""Plots as SVG: points and bars with intervals, stacked bars.

Colours are classes of page.css, so that a plot follows a dark screen. A policy has a colour and
a shape; values reported in a paper are hollow, in the colour of the policy they belong to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

PANEL = 340
"""Pixels, the width of a plot that a phone shows without shrinking it."""
_LEFT, _RIGHT, _TOP = 38, 6, 12
_HEIGHT = 190  # pixels of the plot proper
_N_STYLES = 8
MOST_LINES = 3
"""Series that `point_plot` joins by lines; of more each has rows of its own."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float | None  # None: no interval is known
    high: float | None
    words: str  # shown when the pointer hovers over it


@dataclass(frozen=True)
class Series:
    """Values of one policy, one for each category."""

    name: str
    style: int  # which colour and shape
    points: Sequence[Estimate | None]  # None: no trial
    hollow: bool = False  # figures that a paper reports


@dataclass(frozen=True)
class BarPart:
    """One part of a stacked bar."""

    share: float  # 0 to 1 of the trials
    style: int
    text: str  # written in it where it fits
    words: str  # shown when the pointer hovers over it


def el(name: str, *children: str, **attributes: object) -> Markup:
    """Make an element of HTML or SVG.

    Args:
        name: of the element.
        children: any but Markup is escaped.
        attributes: `class_` is class and `text_anchor` is text-anchor; None is left out; floats
            are rounded to a hundredth, enough for a pixel.
    """
    written = Markup().join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _attribute(value))
        for key, value in attributes.items()
        if value is not None
    )
    return Markup("<{}{}>{}</{}>").format(name, written, Markup().join(children), name)


def _attribute(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def point_plot(
    categories: Sequence[str],
    series: Sequence[Series],
    *,
    top: float,
    label: str,
    notes: Sequence[str] = (),
) -> Markup:
    """Plot points with intervals, joined by lines; more than a few series as `row_plot`.

    Args:
        categories: names along x.
        series: side by side at each category.
        top: of the y axis, which begins at 0.
        label: what the plot shows, for screen readers.
        notes: a second line under each category.
    """
    if len(series) > MOST_LINES:
        return row_plot(categories, series, top=top, label=label, notes=notes)
    width = PANEL
    step = (width - _LEFT - _RIGHT) / len(categories)
    apart = min(7.0, 0.3 * step / max(len(series), 1))
    y = _axis(top)
    parts = [
        el("rect", x=_LEFT + i * step, y=_TOP, width=step, height=_HEIGHT, class_="stripe")
        for i in range(0, len(categories), 2)
    ]
    parts.append(_grid(width, top))
    parts += [
        _text(_LEFT + (i + 0.5) * step, _TOP + _HEIGHT + 18, name, "middle", longest=step)
        for i, name in enumerate(categories)
    ]
    parts += [
        _text(_LEFT + (i + 0.5) * step, _TOP + _HEIGHT + 33, note, "middle", "small")
        for i, note in enumerate(notes)
    ]
    for k, one in enumerate(series):
        shift = (k - (len(series) - 1) / 2) * apart
        xs = [_LEFT + (i + 0.5) * step + shift for i in range(len(categories))]
        known = [(x, p) for x, p in zip(xs, one.points, strict=True) if p is not None]
        look = f"s{one.style % _N_STYLES}{' hollow' if one.hollow else ''}"
        line = " ".join(f"{x:.1f},{y(p.value):.1f}" for x, p in known)
        marks = [el("polyline", points=line, class_="line")] if len(known) > 1 else []
        marks += [
            el("g", el("title", p.words), _whisker(x, p, y), marker(one.style, x, y(p.value)))
            for x, p in known
        ]
        parts.append(el("g", *marks, class_=look))
    return _svg(width, _TOP + _HEIGHT + (44 if notes else 28), label, *parts)


def row_plot(
    categories: Sequence[str],
    series: Sequence[Series],
    *,
    top: float,
    label: str,
    notes: Sequence[str] = (),
) -> Markup:
    """Plot a row for each series under each category, values along x: nothing crosses.

    Args:
        categories, series, top, label, notes: as for `point_plot`; top is of the x axis.
    """
    left, right, row, head = 138.0, PANEL - 12.0, 15, 22
    block = head + row * len(series) + 6
    height = block * len(categories)

    def x(value: float) -> float:
        return left + (right - left) * min(max(value / top, 0.0), 1.0)

    parts: list[Markup] = []
    for i in range(5):
        value = top * i / 4
        parts.append(el("line", x1=x(value), x2=x(value), y1=head - 6, y2=height, class_="rule"))
        parts.append(_text(x(value), height + 16, f"{value:g}", "middle", "small"))
    for i, name in enumerate(categories):
        base = i * block
        note = f" ({notes[i]})" if notes and notes[i] else ""
        parts.append(_text(0, base + 15, f"{name}{note}", "start", "head"))
        for k, one in enumerate(series):
            y, point = base + head + row * (k + 0.5), one.points[i]
            look = f"s{one.style % _N_STYLES}{' hollow' if one.hollow else ''}"
            named = _text(left - 10, y + 4, one.name, "end", "small", longest=1.2 * left)
            marks: list[Markup] = []
            if point is not None:
                if point.low is not None and point.high is not None:
                    marks.append(el("line", x1=x(point.low), x2=x(point.high), y1=y, y2=y,
                                    class_="whisker"))  # fmt: skip
                marks.append(marker(one.style, x(point.value), y))
                marks.insert(0, el("title", point.words))
                marks.append(el("rect", x=left, y=y - row / 2, width=right - left, height=row,
                                class_="hit"))  # fmt: skip
            parts.append(el("g", named, *([el("g", *marks)] if marks else []), class_=look))
    return _svg(PANEL, height + 24, label, *parts)


def bar_plot(
    categories: Sequence[str],
    series: Sequence[Series],
    *,
    width: int,
    top: float,
    label: str,
    notes: Sequence[str] = (),
) -> Markup:
    """Plot bars with intervals, those of a category side by side.

    Args:
        categories, series, top, label: as for `point_plot`.
        width: pixels.
        notes: a second line under each category.
    """
    step = (width - _LEFT - _RIGHT) / len(categories)
    thick = min(16.0, 0.82 * step / max(len(series), 1))
    y = _axis(top)
    parts = [_grid(width, top)]
    for i, name in enumerate(categories):
        middle = _LEFT + (i + 0.5) * step
        parts.append(_text(middle, _TOP + _HEIGHT + 18, name, "middle", longest=step))
        if notes:
            parts.append(_text(middle, _TOP + _HEIGHT + 33, notes[i], "middle", "small"))
        for k, one in enumerate(series):
            point = one.points[i]
            if point is None:
                continue
            x = middle + (k - len(series) / 2) * thick
            height = max(y(0) - y(point.value), 1.0)
            bar = el(
                "rect", x=x + 0.5, y=y(0) - height, width=thick - 1, height=height, class_="bar",
            )  # fmt: skip
            whisker = _whisker(x + thick / 2, point, y)
            look = f"s{one.style % _N_STYLES}"
            parts.append(el("g", el("title", point.words), bar, whisker, class_=look))
    return _svg(width, _TOP + _HEIGHT + (44 if notes else 28), label, *parts)


def stacked_bars(
    rows: Sequence[tuple[str, Sequence[BarPart], str]],
    *,
    top: float,
    label: str,
    width: int = PANEL,
) -> Markup:
    """Plot stacked horizontal bars, each under its name.

    Args:
        rows: name, pieces and what is written at the right end.
        top: share at the right end, 0 to 1.
        label: as for `point_plot`.
    """
    high = 42
    parts: list[Markup] = []
    for i, (name, pieces, total) in enumerate(rows):
        base = i * high
        parts.append(_text(0, base + 13, name, "start", longest=width - 90))
        parts.append(_text(width, base + 13, total, "end", "small"))
        parts.append(el("rect", x=0, y=base + 19, width=width, height=16, class_="track"))
        x = 0.0
        for piece in pieces:
            wide = piece.share / top * width
            box = el("rect", x=x, y=base + 19, width=wide, height=16, class_=f"part c{piece.style}")
            inside = [_text(x + wide / 2, base + 31, piece.text, "middle", "on-part")]
            fits = wide > 7 * len(piece.text) + 4
            parts.append(el("g", el("title", piece.words), box, *(inside if fits else [])))
            x += wide
    return _svg(width, len(rows) * high, label, *parts)


def marker(style: int, x: float, y: float) -> Markup:
    """Draw a policy's marker, about 9 pixels across."""
    shape = _SHAPES[style % _N_STYLES]
    if not shape:
        return el("circle", cx=x, cy=y, r=4, class_="mark")
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in shape)
    return el("polygon", points=points, class_="mark")


def key_sample(style: int, *, hollow: bool = False) -> Markup:
    """Draw a policy's line and marker, for a key."""
    line = el("polyline", points="0,8 24,8", class_="line")
    look = f"s{style % _N_STYLES}{' hollow' if hollow else ''}"
    mark = marker(style, 12, 8)
    return el("svg", line, mark, class_=look, width=24, height=16, aria_hidden="true")


def nice_top(highest: float) -> float:
    """Return the end of an axis from 0 whose quarters are round numbers."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(power * m for m in (1, 2, 4, 6, 8, 10) if power * m >= highest * 0.999)


def _axis(top: float) -> Callable[[float], float]:
    return lambda value: _TOP + _HEIGHT * (1 - min(max(value / top, 0.0), 1.0))


def _grid(width: int, top: float) -> Markup:
    y = _axis(top)
    lines: list[Markup] = []
    for i in range(5):
        value = top * i / 4
        lines.append(el("line", x1=_LEFT, x2=width - _RIGHT, y1=y(value), y2=y(value)))
        lines.append(_text(_LEFT - 8, y(value) + 4, f"{value:g}", "end", "small"))
    return el("g", *lines, class_="grid")


def _whisker(x: float, point: Estimate, y: Callable[[float], float]) -> Markup:
    if point.low is None or point.high is None:
        return Markup()
    return el("line", x1=x, x2=x, y1=y(point.low), y2=y(point.high), class_="whisker")


def _text(
    x: float, y: float, text: str, anchor: str, class_: str | None = None, longest: float = 1e9
) -> Markup:
    """Draw a line of text, shortened to at most so many pixels."""
    most = max(int(longest / 7.2), 1)
    shown = text if len(text) <= most else text[: most - 1] + "…"
    return el("text", shown, x=x, y=y, text_anchor=anchor, class_=class_)


def _svg(width: float, height: float, label: str, *parts: Markup) -> Markup:
    return el(
        "svg", *parts, role="img", width=width, height=height,
        viewBox=f"0 0 {width:g} {height:g}", aria_label=label,
    )  # fmt: skip


def _polygon(n: int, radius: float, turn: float, inner: float = 0.0) -> list[tuple[float, float]]:
    """Return the corners of a regular polygon, or of a star if an inner radius is given."""
    radii = [radius, inner] if inner else [radius]
    count = n * len(radii)
    angles = [turn + 2 * math.pi * i / count for i in range(count)]
    return [
        (radii[i % len(radii)] * math.sin(a), -radii[i % len(radii)] * math.cos(a))
        for i, a in enumerate(angles)
    ]


_SHAPES: tuple[list[tuple[float, float]], ...] = (
    [],  # a circle
    _polygon(4, 5, math.pi / 4),
    _polygon(4, 5.5, 0),
    _polygon(3, 5.5, 0),
    _polygon(3, 5.5, math.pi),
    _polygon(4, 6, math.pi / 4, 2),
    _polygon(5, 6, 0, 2.6),
    _polygon(6, 4.8, 0),
)
