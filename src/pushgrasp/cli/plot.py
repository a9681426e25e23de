"""`pushgrasp plot`: learning curves of training runs side by side."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ..errors import UserError
from ..utils.files import to_json, write_atomic
from ..view.chart import MAX_RUNS
from ..view.curves import FORMATS, draw_curves, picture_bytes
from ..view.history import GOAL_STAGE, MILESTONE, History, read_histories


def plot_runs(directories: Sequence[Path], *, out: Path, as_json: bool) -> int:
    """Draw runs into one file and sum them up; see `cli.Plot` for the arguments."""
    kind = out.suffix.lstrip(".").lower()
    if kind not in FORMATS:
        names = ", ".join(f".{name}" for name in FORMATS)
        raise UserError(f"--out {out}: the file's name must end in one of {names}")
    if not directories:
        raise UserError("no run is named; name the folders of one or more")
    if len(directories) > MAX_RUNS:
        raise UserError(
            f"{len(directories)} runs cannot be told apart in one picture; "
            f"name {MAX_RUNS} or fewer at a time"
        )
    runs = read_histories(directories)
    for sentence in (sentence for run in runs for sentence in run.damaged):
        print(f"warning: {sentence}", file=sys.stderr)
    write_atomic(out, picture_bytes(draw_curves(runs), kind))
    if as_json:
        print(to_json({"picture": out, "runs": [summary(run) for run in runs]}, indent=2))
        return 0
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(_table(runs))
    console.print(f"The picture is {out}")
    return 0


def summary(run: History) -> dict[str, Any]:
    """A run as `pushgrasp plot --json` prints it."""
    reached = run.milestone()
    return {
        "name": run.name,
        "directory": run.directory,
        "recipe": run.recipe,
        "samples": run.n_actions,
        "wall_minutes": run.minutes,
        "success_greedy": run.last_success(),  # the last of each stage; null: nothing greedy yet
        "reached": {
            "stage": GOAL_STAGE,
            "success_greedy": MILESTONE,
            "samples": reached[0] if reached else None,
            "minutes": reached[1] if reached else None,
        },
        "damaged_lines": len(run.damaged),
    }


def _table(runs: Sequence[History]) -> Table:
    """A column a run, since terminals are narrow and stages many."""
    table = Table("", *(run.name for run in runs), box=None)
    table.add_row("recipe", *(run.recipe for run in runs))
    table.add_row("actions", *(str(run.n_actions) for run in runs))
    table.add_row("minutes", *(f"{run.minutes:.1f}" for run in runs))
    lasts = [run.last_success() for run in runs]
    for stage in dict.fromkeys(stage for last in lasts for stage in last):
        rates = [
            f"{100 * last[stage]:.1f} %" if last.get(stage, -1) >= 0 else "–" for last in lasts
        ]
        table.add_row(f"success at the end of {stage}", *rates)
    reached = [run.milestone() for run in runs]
    after = [f"{r[0]} actions, {r[1]:.1f} min" if r else "not yet" for r in reached]
    table.add_row(f"{100 * MILESTONE:.0f} % in {GOAL_STAGE} after", *after)
    return table
