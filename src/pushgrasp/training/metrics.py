"""Metrics of a training run, written as JSON lines and shown on boards."""

from __future__ import annotations

import errno
import json
import math
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..utils.files import reason, to_json
from .boards import Board, Picture, TensorBoard, WandB, board_values

if TYPE_CHECKING:  # PyTorch is slow to import, and readers of metrics do not need it
    from .messages import Message
    from .recipes import Recipe
    from .run import Run

METRICS = "metrics.jsonl"
RECENT = 300
"""Actions over which a success rate is computed."""

Line = dict[str, Any]
"""A line of `metrics.jsonl`, as `StageMetrics.report` makes it."""


def success_rate(actions: npt.NDArray[np.void], *, explored: bool) -> float:
    """Compute the share of the last actions that earned a positive reward.

    Args:
        actions: (n,) records of dtype `replay_buffer.ACTION`.
        explored: True for random actions, False for greedy ones. Greedy actions give the learning
            curve; a curve over both mostly shows the decay of epsilon.
    Returns:
        0 to 1, over at most RECENT actions; NaN if there are none.
    """
    rewards = actions["reward"][actions["explored"] == explored][-RECENT:]
    return float(np.mean(rewards > 0)) if len(rewards) else float("nan")


class StageMetrics:
    """Measures one stage of a run between reports, and adds up the run's elapsed time.

    Args:
        run: the run.
        index: of the stage.
    """

    def __init__(self, run: Run, index: int) -> None:
        self._run, self._index = run, index
        self._stage = run.recipe.stages[index]
        self._since, self._samples = time.monotonic(), run.samples[index]
        self._worker_seconds: Counter[str] = Counter()
        self._learner_seconds = 0.0
        self._losses: list[float] = []

    def count(self, message: Message) -> None:
        """Add the times in a worker's message."""
        self._worker_seconds.update(message.seconds)

    @contextmanager
    def learning(self) -> Generator[list[float]]:
        """Count the time of a block as the learner's; yields the list to append losses to."""
        start = time.monotonic()
        yield self._losses
        self._learner_seconds += time.monotonic() - start

    def report(self, worker_deaths: int) -> Line:
        """Return a line of metrics and reset all counts.

        Args:
            worker_deaths: number of workers replaced so far.
        """
        now, run = time.monotonic(), self._run
        wall = max(now - self._since, 1e-9)
        run.elapsed_s += now - self._since
        n = run.samples[self._index]
        worked = sum(self._worker_seconds.values())
        line = {
            "stage": self._stage.name,
            "stage_samples": n,
            "success_greedy": self._success(explored=False),
            "success_explored": self._success(explored=True),
            "loss": float(np.mean(self._losses)) if self._losses else float("nan"),
            "updates": run.updates[self._stage.trains],
            "epsilon": run.epsilon(self._index),
            "samples_per_s": (n - self._samples) / wall,
            "wall_s": run.elapsed_s,
            # Shares of the workers' time, then of the learner's.
            **{f"share_{k}": s / worked for k, s in sorted(self._worker_seconds.items()) if worked},
            "share_learning": self._learner_seconds / wall,
            "faults": run.faults,
            "worker_deaths": worker_deaths,
            "grasp_threshold": run.grasp_threshold,
        }
        self._since, self._samples = now, n
        self._worker_seconds.clear()
        self._learner_seconds, self._losses = 0.0, []
        return line

    def summary(self) -> str:
        """Return a short status for the progress line."""
        greedy = self._success(explored=False)
        known = "no greedy actions yet" if np.isnan(greedy) else f"{greedy:.0%} greedy success"
        return f"{known}, epsilon {self._run.epsilon(self._index):.2f}"

    def _success(self, *, explored: bool) -> float:
        return success_rate(self._run.stage_actions(self._index), explored=explored)


class MetricsLog:
    """Writes `metrics.jsonl` and shows the metrics on boards; a resumed run continues all.

    Args:
        directory: of the run.
        recipe: its hyperparameters, for the boards.
        wandb: project at Weights & Biases; None: TensorBoard only.
    """

    def __init__(
        self, directory: Path, recipe: Recipe | None = None, wandb: str | None = None
    ) -> None:
        self._path = directory / METRICS
        self._file = open(self._path, "a+b", buffering=0)  # noqa: SIM115, closed by `close`
        content = self._path.read_bytes()
        self._file.truncate(content.rfind(b"\n") + 1)  # drops a line cut off by a kill
        self._boards: list[Board] = [TensorBoard(directory, recipe)]
        if wandb is not None:
            self._boards.append(WandB(directory, recipe, wandb))

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, samples: int, values: Line) -> None:
        """Append one line.

        Args:
            samples: actions so far, the x axis.
            values: by name, numbers and strings; the boards get the numbers.
        Raises:
            OSError: the disk is full; the file then ends with its last complete line.
        """
        size = self._path.stat().st_size
        line = (to_json({"samples": samples, **values}) + "\n").encode()
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, "No space left on device")
        except OSError:
            self._file.truncate(size)
            raise
        shown = board_values(values)
        for board in self._boards:
            board.write(samples, shown)

    def show(self, samples: int, name: str, picture: Picture) -> None:
        """Show a picture, (H, W, 3) uint8 sRGB, on the boards."""
        for board in self._boards:
            board.show(samples, name, picture)

    def close(self) -> None:
        """Close all files."""
        self._file.close()
        for board in self._boards:
            board.close()


def read_metrics(directory: Path) -> tuple[list[Line], list[str]]:
    """Read a run's metrics, without damaged lines.

    An unfinished last line is ignored: it is being written, or the run was killed there.

    Args:
        directory: of the run.
    Returns:
        The lines, oldest first, and a sentence per damaged line.
    Raises:
        UserError: the file cannot be read.
    """
    path = directory / METRICS
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise UserError(f"cannot read {path}: {reason(error)}") from error
    lines: list[Line] = []
    damaged: list[str] = []
    for number, raw in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            lines.append(_parse(raw))
        except ValueError as error:
            is_json = not isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
            what = str(error) if is_json else "is no JSON"
            damaged.append(f"{path}: line {number} is damaged and left out: it {what}")
    return lines, damaged


def _parse(raw: bytes) -> Line:
    """Parse a line; raises ValueError, which says what is wrong."""
    line: Any = json.loads(raw)
    if not isinstance(line, dict):
        raise ValueError("is no object with named values")
    if not isinstance(line.get("stage"), str):
        raise ValueError("names no stage")
    for key in ("samples", "stage_samples", "wall_s"):
        value = line.get(key)
        if not _is_number(value) or not math.isfinite(value) or value < 0:
            raise ValueError(f"has no number of 0 or more as {key}")
    numbers = {"success_greedy", "loss", "epsilon", "samples_per_s"}
    for key in numbers.union(key for key in line if key.startswith("share_")):
        if line.get(key) is not None and not _is_number(line[key]):
            raise ValueError(f"has no number as {key}")
    return line


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
