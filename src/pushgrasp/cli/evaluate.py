"""`pushgrasp evaluate`: run many trials and compute their rates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..errors import UserError
from ..evaluation.config import EvaluationConfig
from ..utils.threads import n_cores
from .options import Device, Folder, Switch

if TYPE_CHECKING:
    from ..evaluation.records import TrialRecord
    from ..evaluation.runner import Workers


@dataclass(frozen=True, kw_only=True)
class EvaluateCommand:
    """Run many trials in parallel and compute success rates.

    Examples:
      pushgrasp evaluate --policy default geometric --objects 10 20 --trials 100 --out runs/two
      pushgrasp evaluate --scenes challenging --trials 30 --pictures --out runs/challenging
      pushgrasp evaluate --scenes novel --robot panda --randomise --out runs/novel
      pushgrasp evaluate --suite packed/suite.json --policy default --out runs/packed
    """

    out: Folder
    """Folder for trials.jsonl, summary.json and table.md: new, or one to --resume."""
    workers: Annotated[
        str | None, tyro.conf.arg(metavar="W|ray", help_behavior_hint="(default: one per core)")
    ] = None
    """Worker processes, or a Ray cluster. The result does not depend on it."""
    device: Device = "auto"
    """Where networks run: cpu, cuda, cuda:1; auto: a GPU for densenet121, else the CPU."""
    resume: Switch = False
    """Resume the run in --out: play what is missing, or more trials, policies or scenes."""
    pictures: Switch = False
    """Draw each trial's steps, for the report."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """Policies, scenes, and how many trials of each."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        return _run(self)


def _run(command: EvaluateCommand) -> int:
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
            command.evaluation, out=command.out, workers=_workers(command.workers),
            resume=command.resume, device=command.device, progress=progress,
            observe=StripObserver(command.out.absolute()) if command.pictures else None,
        )  # fmt: skip
    finally:
        if bar.live.is_started:  # stopping prints an empty line
            bar.stop()
    console.print(_table(summary))
    console.print(f"trials.jsonl, summary.json and table.md are in {command.out}")
    return 0


def _workers(value: str | None) -> Workers:
    """Parse --workers."""
    if value is None:
        return n_cores()
    if value == "ray":
        return "ray"
    try:
        return int(value)
    except ValueError:
        raise UserError(f"--workers {value}: it is a number of processes, or ray") from None


def _table(summary: dict[str, Any]) -> Table:
    """Lay out a row for each policy and group, and for each family of fixed scenes."""
    columns = ("policy", "scenes", "trials", "TCR %", "95 %", "GSR %", "MN", "faults")
    table = Table(*columns, box=None)
    for group in (*summary["groups"], *summary["families"]):
        n, wanted = group["trials"], group["wanted"]
        ends = [f"{100 * end:.1f}" for end in group["tcr_ci95"] or ()]
        table.add_row(
            group["policy"], group["name"], str(n) if n == wanted else f"{n} of {wanted}",
            f"{100 * group['tcr']:.1f}", " to ".join(ends) or "–",
            "–" if group["gsr"] is None else f"{100 * group['gsr']:.1f}",
            "–" if group["mn"] is None else f"{group['mn']:.2f}", str(group["faults"]),
        )  # fmt: skip
    return table
