"""Learning curves of training runs, side by side on one sheet that prints on A4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator
from matplotlib.transforms import Bbox

from ..training.metrics import RECENT
from .history import GOAL_STAGE, MILESTONE, UNITS, History, run_table, smoothed

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")  # Okabe, Ito
DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), "-.", (0, (10, 3)), (0, (3, 1, 1, 1, 1, 1)), ":")
STAGES = ("#E4E7EC", "#AEB9C7", "#F0CFA0", "#C9DDB8", "#DDC3E0", "#F6F0B5")
# Kinds of work: building scenes, moving, capturing, deciding; colours by Paul Tol.
KINDS = {"scene": "#DDCC77", "robot": "#9E94DB", "camera": "#88CCEE", "network": "#CC6677"}
MUTED, LINE = "#6A707C", "#DEE0E4"
STYLE: dict[Any, Any] = {
    "axes.edgecolor": LINE, "axes.titlelocation": "left", "axes.titlesize": 9, "font.size": 8,
    "grid.color": LINE, "legend.borderaxespad": 0, "legend.fontsize": 7, "legend.frameon": False,
    "text.parse_math": False, "xtick.labelsize": 7, "ytick.labelsize": 7,
}  # fmt: skip
SMOOTH = 9  # lines of metrics, one per 15 s, over which noisy curves are averaged


@rc_context(STYLE)
def draw_curves(runs: Sequence[History]) -> Figure:
    """Draw success, loss, speed, and how time is spent, for at most MAX_RUNS runs."""
    stages = list(dict.fromkeys(visit.stage for run in runs for visit in run.visits))
    bars = [(run, [stage]) for run in runs for stage in run.last_success()]
    bars = bars if len(bars) <= 8 else [(run, stages) for run in runs]  # 8 fit on the sheet
    inches = [0.3 + 0.2 * len(runs), 0.16 * len(runs), 2.6, 1.9, 0.2 * len(bars)]
    figure = Figure((11.69, max(8.27, sum(inches) + 2.6)), dpi=200, layout="constrained")
    grid = figure.add_gridspec(5, 2, height_ratios=inches)
    _draw_table(figure.add_subplot(grid[0, :]), runs, stages)
    for column, unit in enumerate(UNITS):
        strip, success, noisy = (figure.add_subplot(grid[row, column]) for row in (1, 2, 3))
        _draw_stages(strip, runs, stages, column)
        _draw_success(success, runs, column)
        _draw_noisy(noisy, runs, column, ("loss", "samples_per_s")[column])
        end = max(float(visit.x(column)[-1]) for run in runs for visit in run.visits)
        for axes in (strip, success, noisy):
            axes.set(xlim=(0, 1.02 * end), xlabel="" if axes is strip else unit)
            axes.xaxis.set_major_formatter("{x:,g}")
    _draw_time(figure.add_subplot(grid[4, :]), bars)
    lines = [Line2D([], [], color=COLORS[i], ls=DASHES[i]) for i in range(len(runs))]
    names = [run.short_name for run in runs]
    figure.legend(lines, names, loc="outside upper left", ncols=min(len(runs), 4), fontsize=9)
    return figure


def _draw_table(axes: Axes, runs: Sequence[History], stages: Sequence[str]) -> None:
    head, rows = run_table(runs, stages)
    widths = [max(map(len, column)) + 2.0 for column in zip(head, *rows, strict=True)]
    table = axes.table(rows, None, "left", widths, colLabels=head, colLoc="left", bbox=Bbox.unit())
    table.auto_set_font_size(False)
    for (row, _), cell in table.get_celld().items():
        cell.visible_edges = "horizontal"
        cell.set(edgecolor=LINE, fontsize=min(8, 1100 / sum(widths)))
        cell.get_text().set(color=COLORS[row - 1] if row else MUTED)
    axes.set_title("Success of the last greedy actions of each stage")
    axes.axis("off")


def _draw_stages(axes: Axes, runs: Sequence[History], stages: Sequence[str], unit: int) -> None:
    """Draw a bar per run with its stages."""
    colors = {stage: STAGES[i % len(STAGES)] for i, stage in enumerate(stages)}
    for row, run in enumerate(runs):
        for visit in run.visits:
            start, length = visit.start[unit], visit.end[unit] - visit.start[unit]
            axes.barh(row, length, 0.8, start, color=colors[visit.stage], ec=MUTED, lw=0.3)
    axes.set_yticks(range(len(runs)), [str(run.number) for run in runs])
    axes.set(ylim=(len(runs) - 0.5, -0.5), frame_on=False)
    axes.tick_params(labelbottom=False, bottom=False, left=False)
    if unit == 0:
        key = [Line2D([], [], color=color, lw=6, label=stage) for stage, color in colors.items()]
        axes.legend(handles=key, loc="lower left", bbox_to_anchor=(0, 1.02), ncols=5)


def _draw_success(axes: Axes, runs: Sequence[History], unit: int) -> None:
    for i, run in enumerate(runs):
        for visit in run.visits:
            _plot(axes, i, visit.x(unit), 100 * visit.column("success_greedy"))
        if reached := run.milestone():
            axes.plot(reached[unit], 100 * MILESTONE, "o", mfc="white", mec=COLORS[i], zorder=4)
    ring = f"ring: {100 * MILESTONE:.0f} % in {GOAL_STAGE}; line: next stage"
    _finish(axes, runs, unit, f"Success of greedy actions ({ring})", "no greedy action yet")
    axes.axhline(100 * MILESTONE, color=MUTED, lw=0.8, ls="--")
    axes.set(ylim=(0, 100), ylabel=f"% of the last {RECENT}")


def _draw_noisy(axes: Axes, runs: Sequence[History], unit: int, key: str) -> None:
    """Draw the values thin and their running mean bold."""
    for i, run in enumerate(runs):
        for visit in run.visits:
            x, y = visit.x(unit), visit.column(key)
            axes.plot(x, y, color=COLORS[i], lw=0.5, alpha=0.35)
            _plot(axes, i, x, smoothed(y, SMOOTH))
    if key == "loss" and 0 < axes.dataLim.minposy < np.inf:
        axes.set_yscale("log", nonpositive="mask")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set(major_formatter="{x:g}", minor_formatter="")
    else:
        axes.set_ylim(bottom=0)
    loss = f"Loss ({' or '.join(sorted({run.loss for run in runs}))})"
    title = f"{loss if key == 'loss' else 'Actions per second'}; bold: mean of {SMOOTH} lines"
    _finish(axes, runs, unit, title, "nothing yet")


def _draw_time(axes: Axes, bars: Sequence[tuple[History, list[str]]]) -> None:
    shares = [run.shares(stages) for run, stages in bars]
    kinds = [*KINDS, *sorted({kind for share in shares for kind in share}.difference(KINDS))]
    left = np.zeros(len(bars))
    for kind in kinds:
        parts, color = [100 * share.get(kind, 0.0) for share in shares], KINDS.get(kind, MUTED)
        drawn = axes.barh(range(len(bars)), parts, 0.8, left, color=color, label=kind)
        axes.bar_label(drawn, [f"{p:.0f} %" if p > 3 else "" for p in parts], label_type="center")
        left += parts
    names = [f"{run.number} {s[0] if len(s) == 1 else 'all stages'}" for run, s in bars]
    axes.set_yticks(range(len(bars)), names)
    axes.set(xlim=(0, 100), ylim=(len(bars) - 0.5, -0.5), xticks=[])
    axes.set(title="How workers spend their time", frame_on=False)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1.02), ncols=len(kinds))


def _plot(axes: Axes, run: int, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> None:
    """Plot a curve with gaps where a value is missing, and a dot where one stands alone."""
    padded = np.pad(np.isfinite(y), 1)
    alone = padded[1:-1] & ~(padded[:-2] | padded[2:])
    axes.plot(x, y, color=COLORS[run], lw=1.5, ls=DASHES[run], zorder=3)
    axes.plot(x[alone], y[alone], ".", color=COLORS[run], ms=4, zorder=3)


def _finish(axes: Axes, runs: Sequence[History], unit: int, title: str, empty: str) -> None:
    """Mark the starts of stages, and note an empty plot."""
    if not np.isfinite(axes.dataLim.extents).all():
        axes.text(0.5, 0.5, empty, transform=axes.transAxes, ha="center", color=MUTED)
    for i, run in enumerate(runs):
        for visit in run.visits[1:]:
            axes.axvline(visit.start[unit], color=COLORS[i], lw=0.7, alpha=0.6)
    axes.set_title(title)
    axes.grid(True)
