"""Run jobs in forked copies of this process: each starts from the live simulation as it is.

Fork shares the memory, so a copy of a scene costs milliseconds, where building it anew costs
seconds. A fork does not copy threads, so a copy computes on one, and CUDA cannot be used in it.
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...utils.threads import use_one_thread

Arrays = Mapping[str, npt.NDArray[Any]]
Job = Callable[[], Arrays]


class ForkError(Exception):
    """A job raised or died; the message carries its last words."""


def run_forked(jobs: Sequence[Job], processes: int = 1) -> Generator[tuple[int, Arrays]]:
    """Run jobs in forked copies of this process and yield their results as they end.

    Args:
        jobs: each returns arrays, none of them of Python objects.
        processes: copies at a time.
    Yields:
        A job's index and what it returned.
    Raises:
        ForkError: a job raised or died. The others are ended first.
    """
    running: dict[int, tuple[int, int, list[bytes]]] = {}  # by pipe: job, process, what came
    waiting = list(enumerate(jobs))[::-1]
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                index, job = waiting.pop()
                pipe, pid = _start(job)
                running[pipe] = (index, pid, [])
            ready, _, _ = select.select(list(running), [], [])
            for pipe in ready:
                index, pid, chunks = running[pipe]
                if chunk := os.read(pipe, 1 << 20):
                    chunks.append(chunk)
                    continue
                del running[pipe]
                os.close(pipe)
                os.waitpid(pid, 0)
                yield index, _unpack(b"".join(chunks))
    finally:
        for pipe, (_, pid, _) in running.items():
            os.close(pipe)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _start(job: Job) -> tuple[int, int]:
    """Fork; returns the pipe that the result will come through, and the process."""
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return reader, pid
    os.close(reader)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its copies itself
    try:
        use_one_thread()  # PyTorch would wait for the threads of a pool that the copy lacks
        payload = io.BytesIO()
        np.savez(payload, allow_pickle=False, **job())
        message = b"+" + payload.getvalue()
    except BaseException:
        message = b"-" + traceback.format_exc().encode()
    with os.fdopen(writer, "wb") as out:
        out.write(message)
    os._exit(0)  # no clean-up of what belongs to the parent


def _unpack(message: bytes) -> Arrays:
    if not message:
        raise ForkError("a forked copy died without a word; was it killed for its memory?")
    if message[:1] == b"-":
        raise ForkError(message[1:].decode())
    with np.load(io.BytesIO(message[1:]), allow_pickle=False) as arrays:
        return dict(arrays)
