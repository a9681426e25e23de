"""`pushgrasp plot`: learning curves of training runs side by side."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table

from ..errors import UserError
from ..utils.files import to_json, write_atomic
from ..utils.output import check_output_file
from .options import Switch

if TYPE_CHECKING:
    from ..view.history import History

FORMATS = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class PlotCommand:
    """Draw the learning curves of training runs side by side.

    Examples:
      pushgrasp plot runs/mine
      pushgrasp plot runs/a runs/b runs/c --out curves.pdf
    """

    runs: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="DIR ...", help_behavior_hint="(required)"),
    ]
    """Folders of training runs, finished or not."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("curves.png")
    """The picture: .png, .svg or .pdf; an earlier one is replaced."""
    json: Switch = False
    """Print one JSON object instead of a table."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        check_output_file(self.out, "--out", *FORMATS)
        if not self.runs:
            raise UserError("no run is named; name the folders of one or more")

        from ..view.curves import draw_curves
        from ..view.history import read_histories

        runs = read_histories(self.runs)
        for sentence in (sentence for run in runs for sentence in run.damaged):
            print(f"warning: {sentence}", file=sys.stderr)
        picture = io.BytesIO()
        draw_curves(runs).savefig(picture, format=self.out.suffix.lstrip(".").lower())
        write_atomic(self.out, picture.getvalue())
        if self.json:
            print(
                to_json({"picture": self.out, "runs": [run_summary(run) for run in runs]}, indent=2)
            )
            return 0
        console = Console(highlight=False, markup=False, soft_wrap=True)
        console.print(_table(runs))
        console.print(f"The picture is {self.out}")
        return 0


def run_summary(run: History) -> dict[str, Any]:
    """Describe a run as `pushgrasp plot --json` prints it."""
    from ..view.history import GOAL_STAGE, MILESTONE

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
    """Lay out one column per run, since terminals are narrow and stages many."""
    from ..view.history import run_table

    head, rows = run_table(runs)
    table = Table(box=None)
    for name, *cells in zip(head, *rows, strict=True):
        if not table.columns:
            for title in ("", *cells):
                table.add_column(title)
        else:
            table.add_row(name, *cells)
    return table
