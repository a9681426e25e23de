"""`pushgrasp evaluate`: many trials and their rates."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..evaluation.metrics import TrialRecord
from ..evaluation.runner import evaluate
from ..sim.views import ViewConfig


def run_evaluation(
    *,
    policy: str,
    scenes: Sequence[str],
    objects: Sequence[int],
    goal: int | None,
    trials: int,
    seed: int,
    robot: str,
    view: ViewConfig,
    randomise: bool,
    workers: int | None,
    out: Path,
) -> int:
    """Many trials and their rates; see `cli.Evaluate` for the arguments."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    bar = Progress(*columns, console=console)
    task = bar.add_task("trials", total=None)
    n_good = 0

    def progress(done: int, total: int, record: TrialRecord) -> None:
        nonlocal n_good
        n_good += record.success
        bar.start()  # not before there is something to show: bad input is answered first
        bar.update(task, completed=done, total=total, description=f"{n_good} retrieved")

    try:
        summary = evaluate(
            policy, scenes, objects, trials=trials, seed=seed, out=out, goal=goal,
            robot=robot, view=view, randomise=randomise,
            workers=len(os.sched_getaffinity(0)) if workers is None else workers,
            progress=progress,
        )  # fmt: skip
    finally:
        bar.stop()
    table = Table("scenes", "trials", "TCR %", "95 %", "GSR %", "MN", "faults", box=None)
    for group in summary["groups"]:
        table.add_row(
            group["name"], str(group["trials"]), f"{100 * group['tcr']:.1f}",
            f"{100 * group['tcr_low']:.1f} to {100 * group['tcr_high']:.1f}",
            "–" if group["gsr"] is None else f"{100 * group['gsr']:.1f}",
            "–" if group["mn"] is None else f"{group['mn']:.2f}", str(group["faults"]),
        )  # fmt: skip
    console.print(table)
    console.print(f"trials.jsonl and summary.json are in {out}")
    return 0
