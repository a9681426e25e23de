"""`pushgrasp evaluate`: many trials and their rates."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..errors import UserError
from ..evaluation.config import EvaluationConfig

if TYPE_CHECKING:
    from ..evaluation.records import TrialRecord
    from ..evaluation.runner import Workers


@dataclass(frozen=True, kw_only=True)
class Evaluate(EvaluationConfig):
    """Run many trials in parallel and compute success rates."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder for trials.jsonl, summary.json and table.md: new, or one to --resume."""
    workers: Annotated[str | None, tyro.conf.arg(metavar="W|ray")] = None
    """Processes, or a Ray cluster; default: one per core. The result does not depend on it."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Resume the run in --out: play what is missing, or more trials, policies or scenes."""
    pictures: tyro.conf.FlagCreatePairsOff[bool] = False
    """Draw each trial's steps, for the report."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        return _run(self)


def _run(command: Evaluate) -> int:
    from ..evaluation.runner import evaluate
    from ..view.trial_strips import StripObserver

    console = Console(highlight=False, markup=False, soft_wrap=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    bar = Progress(*columns, console=console, speed_estimate_period=600)
    task = bar.add_task("trials", total=None)
    good: Counter[tuple[str, str]] = Counter()
    played: Counter[tuple[str, str]] = Counter()

    def progress(done: int, total: int, record: TrialRecord) -> None:
        group = record.policy, record.group
        played[group] += 1
        good[group] += record.success
        bar.start()  # not before there is something to show: bad input is answered first
        what = f"{record.policy} {record.group}: {good[group]} of {played[group]} retrieved"
        bar.update(task, completed=done, total=total, description=what)

    try:
        summary = evaluate(
            command, out=command.out, workers=_workers(command.workers), resume=command.resume,
            observe=StripObserver(command.out.absolute()) if command.pictures else None,
            progress=progress,
        )  # fmt: skip
    finally:
        bar.stop()
    console.print(_table(summary))
    console.print(f"trials.jsonl, summary.json and table.md are in {command.out}")
    return 0


def _workers(value: str | None) -> Workers:
    """What --workers says."""
    if value is None:
        return len(os.sched_getaffinity(0))
    if value == "ray":
        return "ray"
    try:
        return int(value)
    except ValueError:
        raise UserError(f"--workers {value}: it is a number of processes, or ray") from None


def _table(summary: dict[str, Any]) -> Table:
    """A row for each policy and group."""
    columns = ("policy", "scenes", "trials", "TCR %", "95 %", "GSR %", "MN", "faults")
    table = Table(*columns, box=None)
    for group in summary["groups"]:
        low, high = group["tcr_ci95"]
        n, wanted = group["trials"], group["wanted"]
        table.add_row(
            group["policy"], group["name"], str(n) if n == wanted else f"{n} of {wanted}",
            f"{100 * group['tcr']:.1f}", f"{100 * low:.1f} to {100 * high:.1f}",
            "–" if group["gsr"] is None else f"{100 * group['gsr']:.1f}",
            "–" if group["mn"] is None else f"{group['mn']:.2f}", str(group["faults"]),
        )  # fmt: skip
    return table
