"""A pool of workers, processes on this machine or Ray actors, that training and evaluation share.

The pool keeps the books: which worker has which jobs, what it has sent, and who died. A transport
starts workers and moves assignments and replies. Every worker has a connection of its own, so one
that dies, at any moment, harms no other: what it had sent is kept, and another takes its place.
"""

from __future__ import annotations

import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..errors import SimulatorFault, UserError
from .worker import Assignment, Prepare, Reply

MAX_DEATHS = 5
"""Times in a row that workers may die without a result in between."""
MAX_PER_CORE = 4
"""Local workers per core. Each takes half a gigabyte, and more than cores gain nothing."""

Where = Literal["local", "ray"]
"""Processes on this machine, or actors on a Ray cluster."""


class WorkersLostError(RuntimeError):
    """Workers keep dying; replacing them again would not help."""


class Link(Protocol):
    """The parent's connection to one worker."""

    def send(self, assignment: Assignment) -> None:
        """Send an assignment; if the worker has died, `read` tells."""
        ...

    def read(self) -> tuple[list[Reply], str | None]:
        """Return what has arrived, in order, and if the worker has died, the reason."""
        ...

    def stop(self) -> None:
        """End the worker at once."""
        ...


class Transport(Protocol):
    """Starts workers, and waits for them."""

    def start(self) -> Link:
        """Start a worker."""
        ...

    def wait(self, links: Sequence[Any], timeout: float | None) -> Sequence[Link]:
        """Return the links that have something to read, at the latest after `timeout` seconds."""
        ...


@dataclass(eq=False)
class _Worker:
    number: int  # never used twice
    link: Link
    assigned: dict[int, Assignment] = field(default_factory=dict)  # and not done, oldest first


class Pool:
    """Workers that do jobs; a context manager, which starts no worker yet.

    Args:
        where: see Where. With Ray, the cluster is connected while the context lasts.
        n: number of workers; None: one per core of this machine, or per CPU of the cluster.
        backlog: jobs that a worker holds; with 2 it need not wait for the parent in between.
        attempts: 1: jobs have any number of results, and those of a dead worker are forgotten.
            More: jobs have one result each, and are tried so often if their workers die.
        describe: names a job in messages.
    Attributes:
        n: number of workers.
        deaths: workers that were replaced.
    Raises:
        UserError: n is less than 1; on entering, there is no Ray or no cluster to be used.
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
        cores = len(os.sched_getaffinity(0))
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
        self._again: deque[Assignment] = deque()
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
            at_most: a limit on their number.
            shared: name of the field of the dataclass `setup` with the path of a file that this
                process replaces now and then; workers elsewhere get a copy of each version.
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
        """Start the workers by another transport."""
        self._transport = transport
        for _ in range(self.n):
            self._start_one()

    def run(self, jobs: Iterable[Any]) -> Generator[Any, None, None]:
        """Do all jobs, and yield their results in the order in which they arrive.

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
            next_job: returns a job, or None when there is none left.
        Returns:
            True if there is something to receive.
        """
        for worker in self._workers:
            while len(worker.assigned) < self._backlog:
                if self._again:
                    assignment = self._again.popleft()
                elif (job := next_job()) is not None:
                    assignment = Assignment(self._n_assigned, self._generation, job)
                    self._n_assigned += 1
                else:
                    break
                worker.assigned[assignment.number] = assignment
                worker.link.send(assignment)
        return self._error is not None or any(worker.assigned for worker in self._workers)

    def cancel(self) -> None:
        """Forget all jobs under way; workers drop them when the next one is assigned."""
        self._generation += 1
        self._again.clear()
        for worker in self._workers:
            worker.assigned = {}

    def receive(self, timeout: float | None = None) -> list[tuple[int, Any]]:
        """Collect results, and replace workers that died.

        Args:
            timeout: seconds to wait for the first one; None: as long as it takes.
        Returns:
            Pairs of a worker's number, never the same for two workers, and a result.
        Raises:
            WorkersLostError: a job's last attempt has ended its worker, or workers keep dying.
            UserError, SimulatorFault: from a job.
            RuntimeError: from a job, unless there is only one attempt; holds the traceback.
            All results that came before the error are returned first.
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
        """Note an error that ends the pool; returns why the worker ended."""
        if isinstance(error, UserError | SimulatorFault):
            self._error = error
        elif self._attempts > 1:  # it would fail again
            assigned = worker.assigned.get(number)
            what = self._describe(assigned.job) if assigned else "a worker"
            self._error = RuntimeError(f"{what} failed:\n{error}")
        else:
            print(f"a worker failed and is replaced:\n{error}", file=sys.stderr)
        return str(error)

    def _replace(self, dead: Sequence[tuple[_Worker, str]]) -> None:
        self.deaths += len(dead)
        self._deaths_in_a_row += 1  # together: a machine may be lost with all its workers
        for worker, reason in dead:
            worker.link.stop()
            self._workers.remove(worker)
            if worker.assigned and self._attempts > 1 and self._error is None:
                self._try_again(list(worker.assigned.values()), reason)
        if self._deaths_in_a_row >= MAX_DEATHS and self._error is None:
            self._error = WorkersLostError(
                f"workers died {MAX_DEATHS} times in a row without a result in between (is there "
                f"enough memory for {self.n} of them?); the last one: {dead[-1][1]}"
            )
        for _ in dead if self._error is None else ():
            self._start_one()

    def _try_again(self, assigned: Sequence[Assignment], reason: str) -> None:
        """Assign again what a dead worker had; the first of it was under way."""
        self._lost[assigned[0].number] += 1
        what = f"{self._describe(assigned[0].job)}: its worker died ({reason})"
        if self._lost[assigned[0].number] >= self._attempts:
            self._error = WorkersLostError(
                f"{what}, {self._attempts} times in a row (is there enough memory for {self.n} "
                "workers?)"
            )
            return
        print(f"{what}; it is done again", file=sys.stderr)
        self._again.extend(assigned)
