"""Progress line of a run, and the model card of its policy."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..utils.files import write_atomic
from ..utils.provenance import commit
from .metrics import Line, read_metrics
from .run import Run

PLAIN_PERIOD = 30.0
"""Seconds between lines of progress if the output is no terminal."""
CARD_ROWS = 12
"""Points of the learning curve in the model card."""


class ProgressLine:
    """A bar with the remaining time on a terminal; a line every PLAIN_PERIOD elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bar: Progress | None = None
        self._last = -float("inf")
        self._stage: tuple[str, int] | None = None
        self._start = (0.0, 0)  # time and actions when the stage began, or was resumed

    def __enter__(self) -> ProgressLine:
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
                console=self._console,
            )
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, name: str, done: int, total: int, note: str) -> None:
        """Show the progress of a stage.

        Args:
            name: of the stage.
            done, total: actions.
            note: short status.
        """
        now = time.monotonic()
        if self._stage != (name, total) or done < self._start[1]:
            self._stage, self._start = (name, total), (now, done)
            if self._bar is not None:
                for task in self._bar.tasks:
                    self._bar.stop_task(task.id)
                self._bar.add_task(name, total=total, completed=done, note=note)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[-1], completed=done, note=note)
        elif now - self._last >= PLAIN_PERIOD:
            self._last = now
            start, first = self._start
            speed = (done - first) / (now - start) if now > start else 0.0
            left = f"{(total - done) / speed / 60:.0f} min left" if speed > 0 else "starting"
            self.say(f"{name}: {done}/{total}, {left}, {note}")

    def say(self, sentence: str) -> None:
        """Print a sentence, above the bar if there is one."""
        self._console.print(sentence, highlight=False, soft_wrap=True)


def write_card(run: Run, folder: Path) -> list[str]:
    """Write a policy's README.md: how it was trained, and its learning curve.

    Returns:
        A sentence per damaged line of metrics, which the curve leaves out.
    Raises:
        UserError: it cannot be written.
    """
    recipe = run.recipe
    facts = {
        "Recipe": recipe.name,
        "Network": f"{recipe.network.name}, {_n_weights(run) / 1e6:.2f} M weights",
        "Seed": run.seed,
        "Actions": ", ".join(
            f"{n} {stage.name}" for stage, n in zip(recipe.stages, run.samples, strict=True)
        ),
        "Gradient steps": ", ".join(f"{n} {name}" for name, n in run.updates.items()),
        "Wall time": f"{run.elapsed_s / 60:.0f} min",
        "Q_g*": f"{run.grasp_threshold:.2f}",
        "Scenes aborted by simulator faults": run.faults,
        "Commit": commit() or "unknown",
    }
    lines, damaged = read_metrics(run.directory)
    text = [
        f"# {folder.parent.name}",
        "",
        f"A pushgrasp policy: {_parts(run)} a goal out of clutter. Trained in simulation by",
        "`pushgrasp train`; load it with `Policy.from_pretrained`.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in facts.items()),
        "",
        "## Learning curve",
        "",
        "Success rate over the last 300 greedy (not random) actions. A grasp succeeds with the",
        "goal in hand, a push if it raises Q_g by more than 0.1.",
        "",
        "| stage | actions | minutes | success | loss |",
        "|---|---:|---:|---:|---:|",
        *(_row(line) for line in _thinned(lines)),
        "",
    ]
    write_atomic(folder / "README.md", "\n".join(text))
    return damaged


def _thinned(lines: Sequence[Line]) -> list[Line]:
    """Return about CARD_ROWS lines, evenly spaced, and the last one of each stage."""
    step = max(1, len(lines) // CARD_ROWS)
    last = {
        (line["stage"], line["samples"] - line["stage_samples"]): i for i, line in enumerate(lines)
    }
    return [line for i, line in enumerate(lines) if i % step == 0 or i in last.values()]


def _row(line: Line) -> str:
    success, loss = line.get("success_greedy"), line.get("loss")
    return (
        f"| {line['stage']} | {line['stage_samples']} | {line['wall_s'] / 60:.0f} | "
        f"{'' if success is None else f'{success:.0%}'} | {'' if loss is None else f'{loss:.3f}'} |"
    )


def _parts(run: Run) -> str:
    trained = [name for name, n in run.updates.items() if n]
    if len(trained) == len(run.updates):
        return "two Q-networks that push and grasp"
    return f"a Q-network to {trained[0]}" if trained else "untrained Q-networks to push and grasp"


def _n_weights(run: Run) -> int:
    return sum(p.numel() for network in run.networks.values() for p in network.parameters())
