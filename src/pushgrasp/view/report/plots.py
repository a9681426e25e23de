"""The report's figures, made from a summary's groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ...evaluation.metrics import BANDS, Cause
from ..draw.words import plural
from .charts import (
    MOST_LINES,
    PANEL,
    BarPart,
    Estimate,
    Series,
    bar_plot,
    nice_top,
    point_plot,
    stacked_bars,
)
from .formats import NONE, number, numbers, percent, percents
from .rate_table import PAPER_METHODS, REPORTED, STYLES, Group, RateTable, title_of

WIDE = 1056
"""Width in pixels of a plot that spans the page."""
HARDER = tuple(reversed(BANDS))


@dataclass(frozen=True)
class Figure:
    """A plot and its title."""

    title: str  # may be empty
    chart: Markup


@dataclass(frozen=True)
class Failures:
    """Causes of failure as stacked bars."""

    figures: list[Figure]  # none if every trial was completed
    full_width: str  # percent of the trials that a bar as wide as its figure stands for
    causes: list[tuple[int, str]]  # colour and name of those that occur


def against_objects(table: RateTable, kind: str) -> list[Figure]:
    """Plot TCR, GSR and MN against the number of objects in one kind of procedural scenes."""
    names = table.kinds[kind]
    categories = [str(table.objects[name]) for name in names]
    figures: list[Figure] = []
    for metric, title in (("tcr", "TCR, %"), ("gsr", "GSR, %"), ("mn", "MN, actions")):
        series: list[Series] = []
        for policy in table.playing(names):
            points = [_point(table.cell(policy, name), metric, policy) for name in names]
            series.append(Series(policy, table.styles[policy], points))
        series += _reported(table, kind, names, metric)
        top = 100.0 if metric != "mn" else nice_top(_highest(series))
        label = f"{title} against the number of objects: {title_of(kind)}"
        shown = [f"{name} objects" for name in categories] if _in_rows(series) else categories
        notes = [_trials([table.cell(p, name) for p in table.playing(names)]) for name in names]
        chart = point_plot(shown, series, top=top, label=label, notes=notes)
        figures.append(Figure(f"{title} by number of objects", chart))
    return figures


def against_scenes(table: RateTable, kind: str, longest: int) -> list[Figure]:
    """Plot TCR in each scene of a fixed kind, at most so many scenes in a figure.

    Source: the challenging scenes are those of the paper's Fig. 5.
    """
    names = table.kinds[kind]
    parts = [names[i : i + longest] for i in range(0, len(names), longest)]
    return [_scene_bars(table, kind, part, WIDE if longest > 5 else PANEL) for part in parts]


def _scene_bars(table: RateTable, kind: str, names: list[str], most: int) -> Figure:
    series = [
        Series(
            policy, table.styles[policy],
            [_point(table.cell(policy, name), "tcr", policy) for name in names],
        )
        for policy in table.playing(names)
    ]  # fmt: skip
    short = [name.removeprefix(f"{kind}-").lstrip("0") or name for name in names]
    counts = [_trials([table.cell(p, name) for p in table.playing(names)]) for name in names]
    hidden = ["hidden" if table.is_hidden(name) else "" for name in names]
    notes = [", ".join(filter(None, both)) for both in zip(counts, hidden, strict=True)]
    width = max(PANEL, min(most, 44 + 104 * len(names)))
    label = f"TCR in each of {plural(len(names), 'scene')}: {title_of(kind)}"
    return Figure("", bar_plot(short, series, width=width, top=100, label=label, notes=notes))


def against_bands(table: RateTable) -> list[Figure]:
    """Plot TCR against the goal's visible fraction at the start, for each procedural group."""
    figures: list[Figure] = []
    for kind in table.procedural:
        for name in table.kinds[kind]:
            series: list[Series] = []
            playing = table.playing([name])
            by_policy = {
                policy: {band["band"]: band for band in table.cells[policy, name]["bands"]}
                for policy in playing
            }
            counts = {b: _trials([by_policy[p].get(b) for p in playing]) for b in HARDER}
            shown = [band for band in HARDER if counts[band]]
            for policy in playing:
                points = [_point(by_policy[policy].get(b), "tcr", policy, b) for b in shown]
                series.append(Series(policy, table.styles[policy], points))
            title, notes = table.title(kind, name), [counts[band] for band in shown]
            label = f"TCR by visible fraction: {title}"
            chart = point_plot(shown, series, top=100, label=label, notes=notes)
            figures.append(Figure(title, chart))
    return figures


def failures(table: RateTable) -> Failures:
    """Plot the causes of failure: per group of procedural scenes, per kind of fixed ones."""
    rows = {
        _pool_title(table, kind, names): [
            (policy, *_causes(table, policy, names)) for policy in table.playing(names)
        ]
        for kind, names in _pools(table)
    }
    most = max((share for row in rows.values() for _, _, share, _ in row), default=0.0)
    if most == 0:
        return Failures([], "", [])
    top = min(nice_top(100 * most) / 100, 1.0)
    figures = [
        Figure(title, stacked_bars([(p, parts, total) for p, parts, _, total in row], top=top,
                             label=f"Causes of failure: {title}"))
        for title, row in rows.items()
    ]  # fmt: skip
    present = {c for group in table.cells.values() for c in group["causes"]}
    causes = [(style, c.label) for style, c in enumerate(Cause) if c.value in present]
    return Failures(figures, f"{100 * top:g}", causes)


def _pools(table: RateTable) -> list[tuple[str, list[str]]]:
    """List the groups whose failures are counted together, with their kind."""
    return [
        (kind, members)
        for kind, names in table.kinds.items()
        for members in ([[name] for name in names] if kind in table.procedural else [names])
    ]


def _pool_title(table: RateTable, kind: str, names: Sequence[str]) -> str:
    if kind in table.procedural:
        return table.title(kind, names[0])
    return f"{title_of(kind)}, {'all ' if len(names) > 1 else ''}{plural(len(names), 'scene')}"


def _causes(table: RateTable, policy: str, names: list[str]) -> tuple[list[BarPart], float, str]:
    """Return a bar's parts, the share of trials that failed, and their count in words."""
    groups = [g for name in names if (g := table.cell(policy, name)) is not None]
    trials = sum(g["trials"] for g in groups)
    failed = trials - sum(g["completed"] for g in groups)
    parts: list[BarPart] = []
    for style, cause in enumerate(Cause):
        n = sum(g["causes"].get(cause.value, 0) for g in groups)
        if n:
            words = f"{policy}: {cause.label}, {n} of {plural(trials, 'trial')}"
            parts.append(BarPart(n / trials, style, str(n), words))
    return parts, failed / trials, f"{failed:,} of {trials:,} failed"


def _in_rows(series: Sequence[Series]) -> bool:
    return len(series) > MOST_LINES


def _trials(groups: Sequence[Group | None]) -> str:
    """Count the trials behind each mark, "n = 60", or from fewest to most if policies differ."""
    counts = [group["trials"] for group in groups if group is not None and group["trials"]]
    if not counts:
        return ""
    low, high = min(counts), max(counts)
    return f"n = {low}" + (f" to {high}" if high > low else "")


def _point(
    rates: Group | dict[str, Any] | None, metric: str, policy: str, where: str = ""
) -> Estimate | None:
    """Return a rate of a group or band with its interval; shares in percent."""
    if rates is None or rates[metric] is None:
        return None
    scale = 1 if metric == "mn" else 100
    interval = rates[f"{metric}_ci95"]
    low, high = (None, None) if interval is None else (scale * end for end in interval)
    said = number(rates[metric]) if metric == "mn" else f"{percent(rates[metric])} %"
    ends = numbers(interval) if metric == "mn" else percents(interval)
    words = f"{policy}{f', {where}' if where else ''}: {said} ({ends or NONE}), "
    return Estimate(scale * rates[metric], low, high, words + plural(rates["trials"], "trial"))


def _reported(table: RateTable, kind: str, names: Sequence[str], metric: str) -> list[Series]:
    """Plot what the paper reports, in the colours of the policies that reimplement it."""
    series: list[Series] = []
    place = ("tcr", "gsr", "mn").index(metric)
    unit = "" if metric == "mn" else " %"
    for policy in PAPER_METHODS:
        points = [
            figures
            and Estimate(
                figures[place], None, None, f"{REPORTED[policy]}: {figures[place]:.2f}{unit}"
            )
            for figures in table.paper_figures(kind, policy, names)
        ]
        if any(points):
            series.append(Series(REPORTED[policy], STYLES[policy], points, hollow=True))
    return series


def _highest(series: Sequence[Series]) -> float:
    """Return the highest value or end of an interval."""
    points = [p for one in series for p in one.points if p is not None]
    return max((p.value if p.high is None else p.high for p in points), default=1.0)
