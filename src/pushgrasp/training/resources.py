"""Warnings before memory or disk run out."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import psutil

from .run import Run

WORKER_BYTES = 0.5e9
"""Memory per rollout worker with the compact networks: 0.27 GB measured after a minute of heaps,
and 0.15 GB of code that all workers share."""
RECORDS_PER_ACTION = 2.5
"""Recorded actions per action of the trained primitive in stages with both pushes and grasps: the
3,000 of the `paper` recipe came with 4,400 of the other primitive."""
LOW_BYTES = 500e6
"""Free bytes of memory or disk below which a warning is due."""
LOW_SHARE = 0.05
"""Share of the machine's memory below which free memory is low, too."""

Say = Callable[[str], None]


class ResourceMonitor:
    """Warns of low memory and disk, once each per run.

    It knows the machine's memory, not the limit of a container.

    Args:
        run: the run.
        say: prints a sentence.
    """

    def __init__(self, run: Run, say: Say) -> None:
        self._run, self._say = run, say
        self._warned: set[str] = set()

    def check_start(self, n_workers: int) -> None:
        """Warn if memory or disk will probably not suffice.

        Args:
            n_workers: rollout workers on this machine.
        """
        needed, free = (1 + n_workers) * WORKER_BYTES, psutil.virtual_memory().available
        if needed > free:
            self._say(
                f"warning: {n_workers} workers and the learner need about {needed / 1e9:.1f} GB of "
                f"memory, and {free / 1e9:.1f} GB are available; fewer workers need less"
            )
        run = self._run
        n_records = sum(
            round((RECORDS_PER_ACTION if stage.mixes else 1) * max(0, stage.n_samples - done))
            for stage, done in zip(run.recipe.stages, run.samples, strict=True)
        )
        missing = run.replay.missing_space(n_records)
        if missing:
            self._say(
                f"warning: the replay of {n_records} more actions needs {missing / 1e9:.1f} GB "
                f"more than is free at {run.directory}"
            )

    def check(self) -> None:
        """Warn if little is left now."""
        memory = psutil.virtual_memory()
        if memory.available < max(LOW_BYTES, LOW_SHARE * memory.total):
            self._once(
                "memory",
                f"only {memory.available / 1e9:.1f} GB of memory are left; a run that the system "
                "kills can be resumed, and fewer workers need less",
            )
        free = shutil.disk_usage(self._run.directory).free
        if free < LOW_BYTES:
            self._once(
                "disk",
                f"only {free / 1e9:.1f} GB of disk are left at {self._run.directory}; training "
                "stops when it is full, and can be resumed once there is room",
            )

    def _once(self, what: str, sentence: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            self._say(f"warning: {sentence}")
