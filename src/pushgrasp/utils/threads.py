"""Thread settings: a process that shares the machine with others like it uses one thread."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
"""Environment of a process that is started for one core. Threads that spin while they wait make
PyTorch many times slower on few cores."""


def n_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS pins no process to cores


def use_one_thread() -> None:
    """Limit PyTorch and OpenCV to one thread in this process.

    Rollouts, trials and vectorised environments run in one process per core. One thread each also
    makes results repeatable: sums over several threads may differ in the last bit.
    """
    import cv2
    import torch

    torch.set_num_threads(1)
    # 0 runs OpenCV's loops in the calling thread. 1 would join the threads of its pool first, which
    # a forked process has lost.
    cv2.setNumThreads(0)


@contextmanager
def torch_threads(n: int) -> Generator[None, None, None]:
    """Let PyTorch use `n` threads, at least 1, within the block."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, n))
    try:
        yield
    finally:
        torch.set_num_threads(before)
