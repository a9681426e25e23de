"""How a stage is going, measured while it goes on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .messages import Message
from .metrics import success_rate
from .run import Run, is_trained


class Meter:
    """Counts of one stage of a run since the last report. It also keeps the run's clock."""

    def __init__(self, run: Run, index: int) -> None:
        self._run, self._index = run, index
        self._stage = run.recipe.stages[index]
        self._since, self._samples = time.monotonic(), run.samples[index]
        self._seconds: Counter[str] = Counter()
        self._learning = 0.0
        self.losses: list[float] = []

    def received(self, message: Message) -> None:
        """Count how a worker spent its time."""
        self._seconds.update(message.seconds)

    @contextmanager
    def learning(self) -> Iterator[None]:
        """Count the time of a block as spent on learning."""
        start = time.monotonic()
        yield
        self._learning += time.monotonic() - start

    def report(self, deaths: int) -> dict[str, Any]:
        """A line of metrics; begins to count anew.

        Args:
            deaths: workers that had to be replaced.
        """
        now, run = time.monotonic(), self._run
        wall = max(now - self._since, 1e-9)
        run.elapsed_s += now - self._since
        n = run.samples[self._index]
        worked = sum(self._seconds.values())
        shares = {f"share_{k}": v / worked for k, v in sorted(self._seconds.items()) if worked}
        line = {
            "stage": self._stage.name,
            "stage_samples": n,
            "success_greedy": self._rate(explored=False),
            "success_explored": self._rate(explored=True),
            "loss": float(np.mean(self.losses)) if self.losses else float("nan"),
            "updates": run.updates[self._stage.trains],
            "epsilon": run.epsilon(self._index),
            "samples_per_s": (n - self._samples) / wall,
            "wall_s": run.elapsed_s,
            **shares,  # of the workers' time
            "share_learning": self._learning / wall,  # of the learner's
            "faults": run.faults,
            "worker_deaths": deaths,
            "grasp_threshold": run.grasp_threshold,
        }
        self._since, self._samples = now, n
        self._seconds.clear()
        self._learning, self.losses = 0.0, []
        return line

    def note(self) -> str:
        """A few words for the progress line."""
        greedy = self._rate(explored=False)
        known = "no greedy actions yet" if np.isnan(greedy) else f"{greedy:.0%} greedy success"
        return f"{known}, epsilon {self._run.epsilon(self._index):.2f}"

    def _rate(self, *, explored: bool) -> float:
        actions = self._run.replay.actions
        trained = actions[is_trained(actions, self._stage)]
        return success_rate(trained, self._index, explored=explored)
