"""A worker's side of a pool: it works through the jobs that it is assigned, and replies."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import SimulatorFault, UserError

OUTBOX = 32
"""Replies that wait in a worker while the parent is busy, so that the worker need not."""
NO_JOB = -1

Work = Callable[[Any], Iterator[Any]]
"""Does a job: yields its results one by one."""
Prepare = Callable[[Any], Work]
"""Called with the pool's setup once in every worker. A module-level function, since workers are
fresh interpreters; with Ray, one that the cluster's machines have, too."""


@dataclass(frozen=True)
class Assignment:
    """A job as it is sent to a worker."""

    number: int  # unique in the pool
    generation: int  # newer ones cancel older ones
    job: Any


@dataclass(frozen=True)
class Reply:
    """A result of a job, the end of the job, or the error that ends the worker."""

    number: int  # of the assignment; NO_JOB for an error before the first
    result: Any = None
    is_end: bool = False
    error: Exception | None = None  # a RuntimeError holds the traceback of a bug


def one_result(prepare: Callable[[Any], Callable[[Any], Any]], setup: Any) -> Work:
    """Make the work of jobs with one result each from a function that returns it.

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
    """Work through assignments, of the newest generation only, until one of them fails.

    Args:
        prepare, setup: see Prepare.
        take: waits for the next assignment.
        has_more: tells if one is waiting.
        send: takes replies in order; the last one has an error.
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
