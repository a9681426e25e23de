"""The runs of a sheet of curves in figures: a table that is the legend, and bars of time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .chart import (
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
    shortened,
)
from .draw.sheet import CARD, INK, MUTED
from .history import GOAL_STAGE, MILESTONE, History

KINDS = {"scene": "#DDCC77", "robot": "#332288", "camera": "#88CCEE", "network": "#CC6677"}
"""What workers spend time on; colours by Paul Tol ("muted")."""
OTHER = "#999999"
ROW, BAR = 0.21, 0.19
"""Inches of height for a run in the table, and for a bar."""


def draw_table(sheet: Axes, runs: Sequence[History], stages: Sequence[str]) -> float:
    """The runs' names and figures; it is the legend of lines and stages. Returns where it ends."""
    right = WIDTH - RIGHT
    milestone, after = right, right - 1.5
    columns = [after - 0.78 * (len(stages) - 1 - i) for i in range(len(stages))]
    minutes = after - 0.78 * len(stages) - 0.05
    actions, recipe = minutes - 0.8, minutes - 2.9
    room = max(recipe - 0.15 - 1.35, 0.8)
    y = 0.62
    head = {"fontsize": SMALL, "color": rgb(MUTED), "va": "bottom", "linespacing": 1.1}
    sheet.text(1.35, y, "run", **head)
    sheet.text(after, y - 0.27, "last success of greedy actions", ha="right", **head)
    sheet.text(recipe, y, "recipe", **head)
    ends = {
        actions: "actions",
        minutes: "minutes",
        milestone: f"{100 * MILESTONE:.0f} % in\n{GOAL_STAGE}",
    }
    ends |= {x: stage.replace("-", "-\n", 1) for x, stage in zip(columns, stages, strict=True)}
    for x, text in ends.items():
        sheet.text(x, y, text, ha="right", **head)
    for i, x in enumerate(columns):
        sheet.add_patch(box(x - 0.62, y + 0.05, 0.62, 0.08, STAGES[i % len(STAGES)]))
    y += 0.33
    for i, run in enumerate(runs):
        sample(sheet, i, LEFT, 1.2, y)
        body = {"fontsize": TEXT, "color": rgb(INK), "va": "center", "parse_math": False}
        sheet.text(1.35, y, shortened(run.name, room), **body)
        sheet.text(recipe, y, shortened(run.recipe, actions - recipe - 0.75), **body)
        cells = {actions: f"{run.n_actions:,.0f}", minutes: f"{run.minutes:,.1f}"}
        last = run.last_success()
        cells |= {x: _percent(last.get(s)) for x, s in zip(columns, stages, strict=True)}
        reached = run.milestone()
        cells[milestone] = f"{reached[0]:,.0f} / {reached[1]:,.1f} min" if reached else "–"
        for x, text in cells.items():
            sheet.text(x, y, text, ha="right", **body)
        y += ROW
    return y


def draw_time(
    figure: Figure,
    sheet: Axes,
    runs: Sequence[History],
    bars: Sequence[tuple[int, Sequence[str]]],
    y: float,
) -> None:
    """Bars of the workers' time; each begins with its run's line and its stage."""
    left, height = 2.3, BAR * len(bars)
    sheet.text(LEFT, y - 0.12, "Where the workers' time goes", **heading())
    axes = axes_at(figure, left, y, WIDTH - RIGHT - left, height)
    axes.set(xlim=(0, 100), ylim=(len(bars), 0))
    axes.axis("off")
    shares = [runs[i].shares(stages) for i, stages in bars]
    kinds = [*KINDS, *sorted({kind for share in shares for kind in share}.difference(KINDS))]
    for row, ((i, stages), share) in enumerate(zip(bars, shares, strict=True)):
        middle = y + BAR * (row + 0.5)
        sample(sheet, i, LEFT, 1.1, middle)
        name = stages[0] if len(stages) == 1 else "all stages"
        sheet.text(
            1.2, middle, shortened(name, 1.05), fontsize=SMALL, va="center", parse_math=False
        )
        start = 0.0
        for kind in kinds:
            part = 100 * share.get(kind, 0.0)
            color = KINDS.get(kind, OTHER)
            axes.add_patch(box(start, row + 0.1, part, 0.8, color))
            if part > 3:
                ink = rgb(CARD if kind == "robot" else INK)
                axes.text(
                    start + part / 2, row + 0.5, f"{part:.0f} %", fontsize=SMALL, color=ink,
                    ha="center", va="center",
                )  # fmt: skip
            start += part
    x = WIDTH - RIGHT
    for kind in reversed(kinds):
        sheet.text(x, y - 0.12, kind, fontsize=SMALL, ha="right", parse_math=False)
        x -= inches(kind, SMALL) + 0.2
        sheet.add_patch(box(x, y - 0.22, 0.14, 0.11, KINDS.get(kind, OTHER)))
        x -= 0.15
    sheet.text(
        x, y - 0.12, "scenes are built, the robot moves, the camera looks, the network decides:",
        fontsize=SMALL, color=rgb(MUTED), ha="right",
    )  # fmt: skip


def _percent(share: float | None) -> str:
    return "–" if share is None or not np.isfinite(share) else f"{100 * share:.1f} %"
