"""A pool of workers for training and evaluation: local processes or Ray actors.

The pool tracks the jobs of each worker, their results, and dead workers. A transport starts workers
and passes assignments and replies. Each worker has its own connection, so a worker that dies, at
any moment, affects no other: its earlier results are kept and it is replaced.
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..errors import SimulatorFault, UserError
from ..utils.threads import n_cores
from .worker import Assignment, Prepare, Reply

MAX_DEATHS = 5
"""Consecutive deaths of workers, without a result in between, after which the pool gives up."""
MAX_PER_CORE = 4
"""Largest number of local workers per core. Each needs half a gigabyte."""

Where = Literal["local", "ray"]
"""Processes on this machine, or actors on a Ray cluster."""


class WorkersLostError(RuntimeError):
    """Workers keep dying, so replacing them again would not help."""


class WorkerLink(Protocol):
    """The parent's connection to one worker."""

    def send(self, assignment: Assignment) -> None:
        """Send an assignment; if the worker has died, `read` reports it."""
        ...

    def read(self) -> tuple[list[Reply], str | None]:
        """Return the replies so far, in order, and the reason if the worker has died."""
        ...

    def stop(self) -> None:
        """Kill the worker."""
        ...


class Transport(Protocol):
    """Starts workers and waits for their replies."""

    def start(self) -> WorkerLink:
        """Start a worker."""
        ...

    def wait(self, links: Sequence[Any], timeout: float | None) -> Sequence[WorkerLink]:
        """Return the links that can be read, after at most `timeout` seconds."""
        ...


@dataclass(eq=False)
class _Worker:
    number: int  # never used twice
    link: WorkerLink
    assigned: dict[int, Assignment] = field(default_factory=dict)  # unfinished, oldest first


class Pool:
    """Workers that do jobs; a context manager. `start` starts the workers.

    Args:
        where: see Where. With Ray, the context connects to the cluster.
        n: number of workers; None: one per core of this machine, or per CPU of the cluster.
        backlog: jobs assigned to a worker at a time; with 2 it need not wait for the parent.
        attempts: 1: jobs have any number of results, and jobs of a dead worker are dropped.
            More: jobs have one result each, and are tried this often if their workers die.
        describe: names a job in messages.
    Attributes:
        n: number of workers.
        deaths: number of workers replaced.
    Raises:
        UserError: n is less than 1; on entering, Ray is missing or its cluster unusable.
    """

    def __init__(
        self,
        where: Where = "local",
        n: int | None = None,
        *,
        backlog: int = 1,
        attempts: int = 1,
        describe: Callable[[Any], str] = str,
    ) -> None:
        cores = n_cores()
        self.n = cores if n is None else n
        if self.n < 1:
            raise UserError(f"{n} workers: at least one is needed")
        if where == "local" and self.n > MAX_PER_CORE * cores:
            self.n = MAX_PER_CORE * cores
            print(f"warning: {n} workers for {cores} cores; {self.n} are used", file=sys.stderr)
        self.deaths = 0
        self._where, self._given_n = where, n
        self._backlog, self._attempts, self._describe = backlog, attempts, describe
        self._workers: list[_Worker] = []
        self._retries: deque[Assignment] = deque()
        self._lost: Counter[int] = Counter()  # deaths by the number of the assignment
        self._n_started = self._n_assigned = self._generation = self._deaths_in_a_row = 0
        self._error: Exception | None = None
        self._cluster = ExitStack()

    def __enter__(self) -> Pool:
        if self._where == "ray":
            from .ray_cluster import cluster

            n_cpus = self._cluster.enter_context(cluster(self._given_n))
            self.n = self._given_n or n_cpus
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for worker in self._workers:
                worker.link.stop()
        finally:
            self._workers = []
            self._cluster.close()

    def start(
        self, prepare: Prepare, setup: Any, *, at_most: int | None = None, shared: str = ""
    ) -> None:
        """Start the workers.

        Args:
            prepare, setup: see `worker.Prepare`.
            at_most: limit on their number.
            shared: field of the dataclass `setup` with the path of a file that this process
                replaces from time to time; remote workers get a copy of each version.
        """
        if self._where == "ray":
            from .ray_actors import Actors

            transport: Transport = Actors(prepare, setup, shared)
        else:
            from .processes import Processes

            transport = Processes(prepare, setup)
        self.n = self.n if at_most is None else min(self.n, at_most)
        self.start_with(transport)

    def start_with(self, transport: Transport) -> None:
        """Start the workers with another transport."""
        self._transport = transport
        for _ in range(self.n):
            self._start_one()

    def run(self, jobs: Iterable[Any]) -> Generator[Any, None, None]:
        """Do all jobs; yields their results in order of arrival.

        Raises:
            See `receive`.
        """
        left = iter(jobs)
        is_busy = self.assign(lambda: next(left, None))
        while is_busy:
            results = self.receive()
            is_busy = self.assign(lambda: next(left, None))
            for _, result in results:
                yield result

    def assign(self, next_job: Callable[[], Any]) -> bool:
        """Fill up every worker's backlog.

        Args:
            next_job: returns a job, or None if none is left.
        Returns:
            True if there are jobs in progress or an error to raise.
        """
        for worker in self._workers:
            while len(worker.assigned) < self._backlog:
                if self._retries:
                    assignment = self._retries.popleft()
                elif (job := next_job()) is not None:
                    assignment = Assignment(self._n_assigned, self._generation, job)
                    self._n_assigned += 1
                else:
                    break
                worker.assigned[assignment.number] = assignment
                worker.link.send(assignment)
        return self._error is not None or any(worker.assigned for worker in self._workers)

    def cancel(self) -> None:
        """Cancel all current jobs; workers drop them at the next assignment."""
        self._generation += 1
        self._retries.clear()
        for worker in self._workers:
            worker.assigned = {}

    def receive(self, timeout: float | None = None) -> list[tuple[int, Any]]:
        """Collect results and replace dead workers.

        Args:
            timeout: seconds to wait for the first result; None: no limit.
        Returns:
            Pairs of a worker's number, which is never reused, and a result.
        Raises:
            WorkersLostError: the worker of a job's last attempt died, or workers keep dying.
            UserError, SimulatorFault: from a job.
            RuntimeError: a bug in a job, with its traceback; only with several attempts.
            Results that arrived before the error are returned first.
        """
        results: list[tuple[int, Any]] = []
        dead: list[tuple[_Worker, str]] = []
        by_link = {worker.link: worker for worker in self._workers}
        for link in self._transport.wait(list(by_link), timeout) if self._error is None else ():
            worker = by_link[link]
            replies, death = link.read()
            for reply in replies:
                if reply.error is not None:
                    death = self._take_error(worker, reply.number, reply.error)
                elif reply.number in worker.assigned:  # else it was cancelled
                    if not reply.is_end:
                        results.append((worker.number, reply.result))
                    if reply.is_end or self._attempts > 1:
                        del worker.assigned[reply.number]
            if death is not None:
                dead.append((worker, death))
        if results:
            self._deaths_in_a_row = 0
        if dead:
            self._replace(dead)
        if self._error is not None and not results:
            raise self._error
        return results

    def _start_one(self) -> None:
        self._workers.append(_Worker(self._n_started, self._transport.start()))
        self._n_started += 1

    def _take_error(self, worker: _Worker, number: int, error: Exception) -> str:
        """Handle an error that ended a worker; returns its text."""
        if isinstance(error, UserError | SimulatorFault):
            self._error = error
        elif self._attempts > 1:  # trying again would not help
            assigned = worker.assigned.get(number)
            what = self._describe(assigned.job) if assigned else "a worker"
            self._error = RuntimeError(f"{what} failed:\n{error}")
        else:
            print(f"a worker failed and is replaced:\n{error}", file=sys.stderr)
        return str(error)

    def _replace(self, dead: Sequence[tuple[_Worker, str]]) -> None:
        self.deaths += len(dead)
        self._deaths_in_a_row += 1  # once for all: a machine may be lost with all its workers
        for worker, reason in dead:
            worker.link.stop()
            self._workers.remove(worker)
            if worker.assigned and self._attempts > 1 and self._error is None:
                self._try_again(list(worker.assigned.values()), reason)
        if self._deaths_in_a_row >= MAX_DEATHS and self._error is None:
            self._error = WorkersLostError(
                f"workers died {MAX_DEATHS} times in a row without a result in between (is there "
                f"enough memory for {self.n} workers?); the last one: {dead[-1][1]}"
            )
        for _ in dead if self._error is None else ():
            self._start_one()

    def _try_again(self, assigned: Sequence[Assignment], reason: str) -> None:
        """Queue a dead worker's assignments again; the first one was in progress."""
        self._lost[assigned[0].number] += 1
        what = f"{self._describe(assigned[0].job)}: its worker died ({reason})"
        if self._lost[assigned[0].number] >= self._attempts:
            self._error = WorkersLostError(
                f"{what}, {self._attempts} times in a row (is there enough memory for {self.n} "
                "workers?)"
            )
            return
        print(f"{what}; trying again", file=sys.stderr)
        self._retries.extend(assigned)
