"""What a run says about itself: JSON lines, TensorBoard, and a line of progress."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..utils.files import to_json

RECENT = 300
"""Actions over which a rate is taken."""
PLAIN_PERIOD = 30.0
"""Seconds between lines of progress where there is no terminal."""


def success_rate(actions: npt.NDArray[np.void], stage: int, *, explored: bool) -> float:
    """Share of the last actions of a stage that earned something.

    Args:
        actions: (n,) records of dtype `replay.ACTION`.
        stage: index of the stage.
        explored: of the actions chosen at random, or of the network's own. The latter is the
            curve to look at; mixing them in only shows epsilon fall.
    Returns:
        0 to 1, over at most RECENT actions; NaN if there are none.
    """
    chosen = (actions["stage"] == stage) & (actions["explored"] == explored)
    rewards = actions["reward"][chosen][-RECENT:]
    return float(np.mean(rewards > 0)) if len(rewards) else float("nan")


class MetricsLog:
    """`metrics.jsonl` and TensorBoard files in a run's directory; both carry on at resume."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "metrics.jsonl"
        self._file = open(self._path, "a+b", buffering=0)  # noqa: SIM115, closed by `close`
        self._drop_partial_line()
        # Slow to import and of no use to rollout workers.
        from torch.utils.tensorboard.writer import SummaryWriter

        self._board = SummaryWriter(str(directory / "tensorboard"))

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, samples: int, values: dict[str, Any]) -> None:
        """Add one line.

        Args:
            samples: actions so far, the x axis.
            values: names and numbers or words; numbers go to TensorBoard, too.
        Raises:
            OSError: the disk is full; the file then ends with its last whole line.
        """
        size = self._path.stat().st_size
        line = (to_json({"samples": samples, **values}) + "\n").encode()
        try:
            if self._file.write(line) != len(line):
                raise OSError(28, "No space left on device")
        except OSError:
            self._file.truncate(size)
            raise
        for name, value in values.items():
            if isinstance(value, int | float) and np.isfinite(value):
                self._board.add_scalar(name, value, samples)
        self._board.flush()

    def close(self) -> None:
        """Finish both."""
        self._file.close()
        self._board.close()

    def _drop_partial_line(self) -> None:
        content = self._path.read_bytes()
        self._file.truncate(content.rfind(b"\n") + 1)


def read_metrics(directory: Path) -> list[dict[str, Any]]:
    """The lines of a run's `metrics.jsonl`, oldest first; a cut last line is left out."""
    lines = (directory / "metrics.jsonl").read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


class ProgressLine:
    """A bar with the time left on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bar: Progress | None = None
        self._last = -float("inf")
        self._began: tuple[tuple[str, int], float, int] | None = None

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
        """Say how far a stage is.

        Args:
            name: of the stage.
            done, total: actions.
            note: a few words on how it goes.
        """
        now = time.monotonic()
        began = self._began
        if began is None or began[0] != (name, total) or done < began[2]:  # another stage
            began = self._began = ((name, total), now, done)
            if self._bar is not None:
                for task in self._bar.tasks:
                    self._bar.stop_task(task.id)
                self._bar.add_task(name, total=total, completed=done, note=note)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[-1], completed=done, note=note)
        elif now - self._last >= PLAIN_PERIOD:
            self._last = now
            _, start, first = began
            speed = (done - first) / (now - start) if now > start else 0.0
            left = f"{(total - done) / speed / 60:.0f} min left" if speed > 0 else "starting"
            self.say(f"{name}: {done}/{total}, {left}, {note}")

    def say(self, sentence: str) -> None:
        """Print a sentence, above the bar if there is one."""
        self._console.print(sentence, highlight=False, soft_wrap=True)
