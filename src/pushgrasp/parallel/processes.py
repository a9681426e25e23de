"""Worker processes on this machine."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from .worker import OUTBOX, Assignment, Prepare, Reply, serve


class Process:
    """One worker and its pipe; a `pool.WorkerLink`."""

    def __init__(self, prepare: Prepare, setup: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, prepare, setup), daemon=True)
        with _blocked_sigint():
            self._process.start()
        theirs.close()  # so that its death closes the pipe

    def send(self, assignment: Assignment) -> None:
        """See `pool.WorkerLink`."""
        with suppress(OSError):  # it died: `read` reports it
            self.connection.send(assignment)

    def read(self) -> tuple[list[Reply], str | None]:
        """See `pool.WorkerLink`."""
        replies: list[Reply] = []
        try:
            while len(replies) < OUTBOX and self.connection.poll():
                replies.append(self.connection.recv())
        except (EOFError, OSError):
            self._process.join(1.0)  # for its exit code
            return replies, f"exit code {self._process.exitcode}"
        return replies, None

    def stop(self) -> None:
        """See `pool.WorkerLink`."""
        self._process.kill()
        self._process.join()
        self.connection.close()


class Processes:
    """Starts worker processes; a `pool.Transport`."""

    def __init__(self, prepare: Prepare, setup: Any) -> None:
        self._prepare, self._setup = prepare, setup

    def start(self) -> Process:
        """Start a process."""
        return Process(self._prepare, self._setup)

    def wait(self, links: Sequence[Process], timeout: float | None) -> list[Process]:
        """See `pool.Transport`."""
        by_connection = {link.connection: link for link in links}
        return [by_connection[ready] for ready in wait(list(by_connection), timeout)]  # type: ignore[index]


@contextmanager
def _blocked_sigint() -> Generator[None, None, None]:
    """Let processes started in the block inherit a blocked SIGINT.

    The parent handles Ctrl-C, and a process cannot ignore it before its imports are done.
    """
    resource_tracker.ensure_running()  # starting it would unblock SIGINT
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(connection: Connection, prepare: Prepare, setup: Any) -> None:
    """Run a worker until the parent ends this process or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    outbox: queue.Queue[Reply | None] = queue.Queue(OUTBOX)
    sender = threading.Thread(target=_send_all, args=(connection, outbox), daemon=True)
    sender.start()
    serve(prepare, setup, connection.recv, connection.poll, outbox.put)
    outbox.put(None)
    sender.join()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _send_all(connection: Connection, outbox: queue.Queue[Reply | None]) -> None:
    """Send the replies in the outbox, in order, up to a None."""
    with suppress(OSError):  # the parent is gone: `_end_with_parent` ends this process
        while (reply := outbox.get()) is not None:
            connection.send(reply)
