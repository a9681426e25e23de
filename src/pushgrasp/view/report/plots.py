"""The report's plots, made from a summary's groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...evaluation.metrics import BANDS, Cause
from ...evaluation.tables import PAPER
from .board import REPORTED, STYLES, THEIRS, Board, Group, title_of
from .charts import PANEL, Part, Point, Series, bars, dots, nice_top, sample, stacks
from .markup import Html, el, join
from .words import NONE, number, numbers, percent, percents, plural

WIDE = 1056
"""Pixels, the width of a plot that goes across the page."""
HARDER = tuple(reversed(BANDS))


def key(board: Board) -> Html:
    """Which colour and shape is whose; hollow ones are the paper's own figures."""
    items = [
        el("li", sample(board.styles[name]), el("span", name, class_="name"))
        for name in board.policies
    ]
    if "random" in board.kinds:
        items += [
            el("li", sample(STYLES[policy], hollow=True), words)
            for policy, words in REPORTED.items()
        ]
    return el("ul", *items, class_="key")


def against_objects(board: Board) -> Html:
    """TCR, GSR and MN against the number of objects, for each kind of dropped scenes."""
    return join(*(_against_objects(board, kind) for kind in board.dropped))


def _against_objects(board: Board, kind: str) -> Html:
    names = board.kinds[kind]
    categories = [str(board.objects[name]) for name in names]
    policies = board.playing(names)
    figures: list[Html] = []
    for metric, title in (("tcr", "TCR, %"), ("gsr", "GSR, %"), ("mn", "MN, actions")):
        series: list[Series] = []
        for policy in policies:
            points = [_point(board.cells.get((policy, name)), metric, policy) for name in names]
            series.append(Series(policy, board.styles[policy], points))
        series += _theirs(board, names, metric) if kind == "random" else []
        top = 100.0 if metric != "mn" else nice_top(_highest(series))
        label = f"{title} against the number of objects: {title_of(kind)}"
        chart = dots(categories, series, top=top, label=label)
        figures.append(_figure(f"{title} by number of objects", chart))
    return join(el("h3", title_of(kind)), el("div", *figures, class_="panels"))


def against_scenes(board: Board) -> Html:
    """TCR in each fixed scene, as bars; the challenging ones are the paper's Fig. 5."""
    parts: list[Html] = []
    for kind in board.fixed:
        names = board.kinds[kind]
        rest = ": the paper’s Fig. 5" if kind == "challenging" else ""
        hidden = any(_is_hidden(board, name) for name in names)
        note = "; hidden: no pixel of the goal shows at the start" if hidden else ""
        parts += [
            el("h3", f"{title_of(kind)}{rest}"),
            el("p", f"TCR, %, by scene; bars in the order of the key{note}", class_="mute"),
        ]
        for class_, most, longest in (("wide", WIDE, 12), ("narrow", PANEL, 5)):
            shares = [names[i : i + longest] for i in range(0, len(names), longest)]
            charts = [
                _scene_bars(board, kind, share, max(PANEL, min(most, 44 + 104 * len(share))))
                for share in shares
            ]
            parts.append(el("div", *charts, class_=f"panels {class_}"))
    return join(*parts)


def _scene_bars(board: Board, kind: str, names: list[str], width: int) -> Html:
    policies = board.playing(names)
    series = [
        Series(
            policy, board.styles[policy],
            [_point(board.cells.get((policy, name)), "tcr", policy) for name in names],
        )
        for policy in policies
    ]  # fmt: skip
    short = [name.removeprefix(f"{kind}-").lstrip("0") or name for name in names]
    notes = ["hidden" if _is_hidden(board, name) else "" for name in names]
    notes = notes if any(notes) else []
    label = f"TCR in each of {plural(len(names), 'scene')}: {title_of(kind)}"
    return el("figure", bars(short, series, width=width, top=100, label=label, notes=notes))


def against_bands(board: Board) -> Html:
    """TCR against how much of the goal shows at the start."""
    figures: list[Html] = []
    for kind in board.dropped:
        for name in board.kinds[kind]:
            series: list[Series] = []
            for policy in board.playing([name]):
                bands = {band["band"]: band for band in board.cells[policy, name]["bands"]}
                points = [_point(bands.get(b), "tcr", policy, b) for b in HARDER]
                series.append(Series(policy, board.styles[policy], points))
            title = f"{title_of(kind)}, {plural(board.objects[name], 'object')}"
            chart = dots(HARDER, series, top=100, label=f"TCR by visible fraction: {title}")
            figures.append(_figure(title, chart))
    return el("div", *figures, class_="panels")


def failures(board: Board) -> Html:
    """Why trials were not completed, as stacked bars, and what their colours mean."""
    sets = [(_title(board, kind, names), names) for kind, names in _pools(board)]
    rows = {
        title: [(p, *_causes(board, p, names)) for p in board.playing(names)]
        for title, names in sets
    }
    most = max((share for row in rows.values() for _, _, share, _ in row), default=0.0)
    if most == 0:
        return el("p", "Every trial was completed.")
    top = min(nice_top(100 * most) / 100, 1.0)
    figures = [
        _figure(title, stacks([(p, parts, total) for p, parts, _, total in row], top=top,
                              label=f"Causes of failure: {title}"))
        for title, row in rows.items()
    ]  # fmt: skip
    present = {c for group in board.cells.values() for c in group["causes"]}
    items = [
        el("li", el("i", class_=f"swatch c{style}"), cause.label)
        for style, cause in enumerate(Cause)
        if cause.value in present
    ]
    scale = f"Numbers of trials; a bar’s full width is {100 * top:g} % of them."
    return join(
        el("p", scale, class_="mute"), el("ul", *items, class_="key"),
        el("div", *figures, class_="panels"),
    )  # fmt: skip


def _pools(board: Board) -> list[tuple[str, list[str]]]:
    """Groups whose failures are counted together: each of dropped scenes, all of a fixed kind."""
    return [
        (kind, members)
        for kind, names in board.kinds.items()
        for members in ([[name] for name in names] if kind in board.dropped else [names])
    ]


def _causes(board: Board, policy: str, names: list[str]) -> tuple[list[Part], float, str]:
    """Pieces of a bar, the share of trials that failed, and their count in words."""
    groups = [g for name in names if (g := board.cells.get((policy, name))) is not None]
    trials = sum(g["trials"] for g in groups)
    failed = trials - sum(g["completed"] for g in groups)
    parts: list[Part] = []
    for style, cause in enumerate(Cause):
        n = sum(g["causes"].get(cause.value, 0) for g in groups)
        if n:
            words = f"{policy}: {cause.label}, {n} of {plural(trials, 'trial')}"
            parts.append(Part(n / trials, style, str(n), words))
    return parts, failed / trials, f"{failed:,} of {trials:,} failed"


def _title(board: Board, kind: str, names: Sequence[str]) -> str:
    if kind in board.dropped:
        return f"{title_of(kind)}, {plural(board.objects[names[0]], 'object')}"
    return f"{title_of(kind)}, {'all ' if len(names) > 1 else ''}{plural(len(names), 'scene')}"


def _is_hidden(board: Board, name: str) -> bool:
    """Whether the goal of a fixed scene is fully hidden at the start of most trials."""
    groups = [g for (_, n), g in board.cells.items() if n == name]
    hidden = sum(b["trials"] for g in groups for b in g["bands"] if b["band"] == "hidden")
    return 2 * hidden > sum(g["trials"] for g in groups)


def _point(
    rates: Group | dict[str, Any] | None, metric: str, policy: str, where: str = ""
) -> Point | None:
    """A rate of a group or a band as a point, shares as per cent."""
    if rates is None or rates[metric] is None:
        return None
    scale = 1 if metric == "mn" else 100
    interval = rates[f"{metric}_ci95"]
    low, high = (None, None) if interval is None else (scale * end for end in interval)
    said = number(rates[metric]) if metric == "mn" else f"{percent(rates[metric])} %"
    ends = numbers(interval) if metric == "mn" else percents(interval)
    words = f"{policy}{f', {where}' if where else ''}: {said} ({ends or NONE}), "
    return Point(scale * rates[metric], low, high, words + plural(rates["trials"], "trial"))


def _theirs(board: Board, names: Sequence[str], metric: str) -> list[Series]:
    """What the paper reports, in the colours of the policies made after its own."""
    series: list[Series] = []
    place = ("tcr", "gsr", "mn").index(metric)
    for policy, approach in THEIRS.items():
        points: list[Point | None] = []
        for name in names:
            figures = PAPER[approach].get(board.objects[name])
            said = (
                "" if figures is None else f"{figures[place]:.2f}{'' if metric == 'mn' else ' %'}"
            )
            point = figures and Point(figures[place], None, None, f"{REPORTED[policy]}: {said}")
            points.append(point or None)
        if any(points):
            series.append(Series(REPORTED[policy], STYLES[policy], points, hollow=True))
    return series


def _highest(series: Sequence[Series]) -> float:
    """The highest value or end of an interval."""
    points = [p for one in series for p in one.points if p is not None]
    return max((p.value if p.high is None else p.high for p in points), default=1.0)


def _figure(title: str, chart: Html) -> Html:
    return el("figure", el("figcaption", title), chart)
