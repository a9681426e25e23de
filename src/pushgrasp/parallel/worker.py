"""The worker's side of a pool: process assigned jobs and send replies."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import SimulatorFault, UserError

OUTBOX = 32
"""Replies that a worker may queue while the parent is busy."""
NO_JOB = -1

Work = Callable[[Any], Iterator[Any]]
"""Does a job: yields its results one by one."""
Prepare = Callable[[Any], Work]
"""Called once per worker with the pool's setup. It must be a module-level function, since workers
are fresh interpreters; with Ray, the cluster's machines must have it too."""


@dataclass(frozen=True)
class Assignment:
    """A job as it is sent to a worker."""

    number: int  # unique in the pool
    generation: int  # a newer one cancels older ones
    job: Any


@dataclass(frozen=True)
class Reply:
    """A result of a job, the end of the job, or the error that ends the worker."""

    number: int  # of the assignment; NO_JOB for an error before the first
    result: Any = None
    is_end: bool = False
    error: Exception | None = None  # a RuntimeError holds the traceback of a bug


def one_result(prepare: Callable[[Any], Callable[[Any], Any]], setup: Any) -> Work:
    """Make Work from a function that returns the single result of a job.

    Args:
        prepare: returns the function, in every worker; `partial(one_result, prepare)` is a Prepare.
        setup: of the pool.
    """
    work = prepare(setup)
    return lambda job: iter((work(job),))


def serve(
    prepare: Prepare,
    setup: Any,
    take: Callable[[], Assignment],
    has_more: Callable[[], bool],
    send: Callable[[Reply], None],
) -> None:
    """Do assignments of the newest generation until one fails.

    Args:
        prepare, setup: see Prepare.
        take: waits for the next assignment.
        has_more: tells if one is waiting.
        send: takes replies in order; the last one holds the error.
    """
    number, waiting = NO_JOB, deque[Assignment]()
    try:
        work = prepare(setup)
        while True:
            while not waiting or has_more():
                waiting.append(take())
            while waiting[0].generation != waiting[-1].generation:
                waiting.popleft()
            current = waiting.popleft()
            number = current.number
            for result in work(current.job):
                send(Reply(number, result))
                while has_more():
                    waiting.append(take())
                if waiting and waiting[-1].generation != current.generation:
                    break
            send(Reply(number, is_end=True))
    except (UserError, SimulatorFault) as error:
        send(Reply(number, error=error))
    except Exception:
        send(Reply(number, error=RuntimeError(traceback.format_exc())))
