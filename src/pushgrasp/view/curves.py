"""Learning curves of training runs, side by side on one sheet that can be printed on A4."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ..training.metrics import RECENT
from .chart import (
    COLORS,
    DASHES,
    LEFT,
    RIGHT,
    SMALL,
    STAGES,
    TEXT,
    WIDTH,
    axes_at,
    box,
    heading,
    inches,
    rgb,
    sample,
)
from .draw.sheet import CARD, INK, LINE, MUTED
from .history import MILESTONE, History, Visit
from .runtable import BAR, ROW, draw_table, draw_time

FORMATS = ("png", "svg", "pdf")
_MIN_HEIGHT = 8.27  # inches; with WIDTH that of A4
_BETWEEN = 0.8  # inches, of the panels
_SMOOTH = 9
"""Lines of metrics, 15 s each, over which noisy curves are averaged."""
_MAX_BARS = 6
"""Bars of time that fit; when there are more, the stages of a run share one."""


def draw_curves(runs: Sequence[History]) -> Figure:
    """Success, loss, speed, and where the time goes.

    Args:
        runs: at most MAX_RUNS, told apart by their names.
    """
    stages = list(dict.fromkeys(v.stage for run in runs for v in run.visits))
    bars = [(i, [stage]) for i, run in enumerate(runs) for stage in run.last_success()]
    if len(bars) > _MAX_BARS:
        bars = [(i, stages) for i in range(len(runs))]
    strip = 0.18 * len(runs)
    fixed = 0.95 + ROW * len(runs) + (0.54 + strip) + 0.8 + 0.75 + (BAR * len(bars) + 0.35)
    free = max(_MIN_HEIGHT - fixed, 2.95)
    figure = Figure((WIDTH, fixed + free), dpi=200, facecolor=rgb(CARD))
    FigureCanvasAgg(figure)
    sheet = axes_at(figure, 0, 0, WIDTH, fixed + free)
    sheet.set(xlim=(0, WIDTH), ylim=(fixed + free, 0))
    sheet.axis("off")

    y = draw_table(sheet, runs, stages) + 0.5
    width = (WIDTH - LEFT - RIGHT - _BETWEEN) / 2
    columns = ((LEFT, "actions"), (LEFT + width + _BETWEEN, "minutes"))
    for x, unit in columns:
        sheet.text(x, y - 0.07, f"Success of greedy actions, by {unit}", **heading())
        end = 1.02 * max(float(getattr(v, unit).max()) for run in runs for v in run.visits)
        _draw_stages(axes_at(figure, x, y, width, strip), runs, stages, unit, end)
        axes = _panel(figure, x, y + strip + 0.04, width, 0.58 * free, unit, end)
        _draw_success(axes, runs, unit)
        below = y + strip + 0.04 + 0.58 * free + 0.8
        title = f"Loss ({' or '.join(sorted({run.loss for run in runs}))})"
        title = title if unit == "actions" else "Actions a second"
        sheet.text(x, below - 0.15, title, **heading())
        note = f"bold: mean of {_SMOOTH} lines of metrics, about {_SMOOTH / 4:.0f} min"
        sheet.text(x + width, below - 0.15, note, fontsize=SMALL, color=rgb(MUTED), ha="right")
        axes = _panel(figure, x, below, width, 0.42 * free, unit, end)
        _draw_noisy(axes, runs, unit, "loss" if unit == "actions" else "samples_per_s")
    y += strip + 0.04 + free + 0.8 + 0.75
    draw_time(figure, sheet, runs, bars, y)
    return figure


def picture_bytes(figure: Figure, kind: str) -> bytes:
    """A figure as a file's content; `kind` is one of FORMATS."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind)
    return buffer.getvalue()


def _draw_stages(
    axes: Axes, runs: Sequence[History], stages: Sequence[str], unit: str, end: float
) -> None:
    """A row for each run that shows which stage was on, named where the name fits."""
    axes.set(xlim=(0, end), ylim=(len(runs), 0))
    axes.axis("off")
    width = axes.figure.get_size_inches()[0] * axes.get_position().width  # type: ignore[union-attr]
    for row, run in enumerate(runs):
        sample(axes, row, -0.055 * end, -0.01 * end, row + 0.5)
        for visit in run.visits:
            start, stop = _span(visit, unit)
            color = STAGES[stages.index(visit.stage) % len(STAGES)]
            axes.add_patch(box(start, row + 0.08, stop - start, 0.84, color))
            if inches(visit.stage, SMALL) + 0.06 < (stop - start) / end * width:
                middle = (start + stop) / 2, row + 0.5
                axes.text(
                    *middle, visit.stage, fontsize=SMALL, color=rgb(INK), ha="center",
                    va="center", parse_math=False,
                )  # fmt: skip


def _draw_success(axes: Axes, runs: Sequence[History], unit: str) -> None:
    axes.set(ylim=(0, 100), ylabel=f"% of the last {RECENT}")
    axes.axhline(100 * MILESTONE, color=rgb(MUTED), lw=0.8, dashes=(2, 2), zorder=1)
    axes.set_yticks(range(0, 101, 20))
    known = False
    for i, run in enumerate(runs):
        for visit in run.visits:
            known |= _line(axes, i, getattr(visit, unit), 100 * visit.column("success_greedy"))
        reached = run.milestone()
        if reached:
            x = reached[0 if unit == "actions" else 1]
            axes.plot(
                x, 100 * MILESTONE, "o", ms=6, mfc=rgb(CARD), mec=COLORS[i], mew=1.5, zorder=4
            )
    _finish(axes, runs, unit, "" if known else "no greedy action yet")


def _draw_noisy(axes: Axes, runs: Sequence[History], unit: str, key: str) -> None:
    """Each line of metrics pale, their running mean bold."""
    known = False
    for i, run in enumerate(runs):
        for visit in run.visits:
            x, y = getattr(visit, unit), visit.column(key)
            _line(axes, i, x, y, lw=0.5, alpha=0.35, dashes=())
            known |= _line(axes, i, x, smoothed(y, _SMOOTH))
    if key == "loss" and known and axes.dataLim.minposy < np.inf:
        axes.set_yscale("log", nonpositive="mask")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(bottom=0)
    _finish(axes, runs, unit, "" if known else "nothing yet")


def smoothed(values: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.float64]:
    """(N,) running means over n neighbours, fewer at the ends; NaN stays NaN and counts not."""
    known = np.isfinite(values)
    kernel = np.ones(n)
    sums, counts = (
        np.convolve(v, kernel)[n // 2 : n // 2 + len(values)]
        for v in (np.where(known, values, 0.0), known.astype(float))
    )
    return np.where(known, sums / np.maximum(counts, 1), np.nan)


def _line(
    axes: Axes, run: int, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], **style: Any
) -> bool:
    """A curve with gaps where a value is missing, dots where one stands alone; whether there is
    anything to see."""
    known = np.isfinite(y)
    padded = np.pad(known, 1)
    alone = known & ~(padded[:-2] | padded[2:])
    look: dict[str, Any] = {
        "color": COLORS[run],
        "lw": 1.5,
        "dashes": DASHES[run],
        "zorder": 3,
    } | style
    axes.plot(x, np.where(known, y, np.nan), **look)
    if alone.any():
        axes.plot(x[alone], y[alone], ".", color=COLORS[run], ms=4, zorder=3)
    return bool(known.any())


def _finish(axes: Axes, runs: Sequence[History], unit: str, empty: str) -> None:
    """Mark where stages begin, and say it when there is nothing to see."""
    for i, run in enumerate(runs):
        for visit in run.visits[1:]:
            axes.axvline(_span(visit, unit)[0], color=COLORS[i], lw=0.7, alpha=0.6, zorder=2)
    if empty:
        axes.text(
            0.5, 0.5, empty, transform=axes.transAxes, ha="center", va="center",
            fontsize=TEXT, color=rgb(MUTED),
        )  # fmt: skip


def _span(visit: Visit, unit: str) -> tuple[float, float]:
    i = 0 if unit == "actions" else 1
    return visit.start[i], visit.end[i]


def _panel(
    figure: Figure, x: float, y: float, width: float, height: float, unit: str, end: float
) -> Axes:
    axes = axes_at(figure, x, y, width, height)
    axes.set_xlim(0, end)
    axes.set_xlabel(unit, fontsize=TEXT, color=rgb(INK))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.label.set(fontsize=TEXT, color=rgb(INK))
    axes.tick_params(which="both", labelsize=SMALL, color=rgb(LINE), labelcolor=rgb(INK))
    axes.grid(color=rgb(LINE), lw=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set(color=rgb(LINE))
    return axes
