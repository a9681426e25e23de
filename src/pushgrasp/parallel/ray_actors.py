"""Workers as actors on a Ray cluster.

An actor works in a thread and answers one call at a time, which brings assignments and fetches
replies. So replies arrive in order, and none twice. When an actor dies, replies not yet fetched are
lost.
"""

from __future__ import annotations

import dataclasses
import os
import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .ray_cluster import ENVIRONMENT, RayError, ray
from .worker import OUTBOX, Assignment, Prepare, Reply, serve

MAX_WAIT = 0.5
"""Seconds that a call waits for a reply before it returns without one."""


class RayWorker:
    """The actor.

    Args:
        prepare, setup, shared: see `pool.Pool.start`; the copy of the shared file is in memory,
            since a killed actor could not remove it from a disk.
        folder: the parent's working directory, for relative paths.
    """

    def __init__(self, prepare: Prepare, setup: Any, shared: str, folder: str) -> None:
        with suppress(OSError):  # another machine may not have it
            os.chdir(folder)
        self._inbox: queue.SimpleQueue[Assignment] = queue.SimpleQueue()
        self._outbox: queue.Queue[Reply] = queue.Queue(OUTBOX)
        if shared:
            self._file = os.memfd_create(shared)
            setup = dataclasses.replace(setup, **{shared: Path(f"/proc/self/fd/{self._file}")})
        waits, put = self._inbox.get, self._outbox.put
        arguments = (prepare, setup, waits, lambda: not self._inbox.empty(), put)
        self._thread = threading.Thread(target=serve, args=arguments, daemon=True)
        self._thread.start()

    def exchange(self, assignments: list[Assignment], content: bytes | None) -> list[Reply]:
        """Take assignments and return the replies since the last call.

        Args:
            assignments: new ones.
            content: new content of the shared file, or None.
        Returns:
            Replies in order; none after MAX_WAIT seconds.
        """
        if content is not None:
            self._replace_file(content)
        for assignment in assignments:
            self._inbox.put(assignment)
        replies: list[Reply] = []
        with suppress(queue.Empty):
            replies.append(self._outbox.get(timeout=MAX_WAIT))
            while len(replies) < OUTBOX:
                replies.append(self._outbox.get_nowait())
        return replies

    def _replace_file(self, content: bytes) -> None:
        fresh = os.memfd_create("fresh")
        with open(fresh, "wb") as file:
            file.write(content)
            file.flush()
            os.dup2(fresh, self._file)  # atomic, like a rename


class RayLink:
    """One worker and the current call to it; a `pool.WorkerLink`."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._unsent: list[Assignment] = []
        self._version: object = None  # of its copy of the shared file
        self.answer: Any = None  # reference to the call's result

    def call(self, version: object, content: Any) -> None:
        """Make a call unless there is one; `content` is a reference to the shared file's."""
        if self.answer is None:
            news = content if version != self._version else None
            self.answer = self._actor.exchange.remote(self._unsent, news)
            self._unsent, self._version = [], version

    def send(self, assignment: Assignment) -> None:
        """See `pool.WorkerLink`."""
        self._unsent.append(assignment)

    def read(self) -> tuple[list[Reply], str | None]:
        """See `pool.WorkerLink`; the arrays in replies are read-only."""
        answer, self.answer = self.answer, None
        try:
            return ray.get(answer), None
        except RayError as error:
            return [], str(error)

    def stop(self) -> None:
        """See `pool.WorkerLink`."""
        ray.kill(self._actor)


class Actors:
    """Starts actors, one CPU each; a `pool.Transport`."""

    def __init__(self, prepare: Prepare, setup: Any, shared: str) -> None:
        self._arguments = (prepare, setup, shared, os.getcwd())
        self._path: Path | None = getattr(setup, shared) if shared else None
        self._version: object = None
        self._content: Any = None  # reference to the latest shared file in the object store

    def start(self) -> RayLink:
        """Start an actor."""
        make = ray.remote(RayWorker).options(
            num_cpus=1, max_restarts=0, max_task_retries=0, runtime_env=ENVIRONMENT
        )
        return RayLink(make.remote(*self._arguments))

    def wait(self, links: Sequence[RayLink], timeout: float | None) -> list[RayLink]:
        """See `pool.Transport`."""
        self._look_for_file()
        for link in links:
            link.call(self._version, self._content)
        by_answer = {link.answer: link for link in links}
        ray.wait(list(by_answer), timeout=timeout)
        ready, _ = ray.wait(list(by_answer), num_returns=len(by_answer), timeout=0)
        return [by_answer[answer] for answer in ready]

    def _look_for_file(self) -> None:
        """Put a new version of the shared file into the object store."""
        if self._path is None:
            return
        with suppress(FileNotFoundError):  # there is none yet
            status = self._path.stat()
            version = (status.st_mtime_ns, status.st_ino)
            if version != self._version:
                self._content = ray.put(self._path.read_bytes())
                self._version = version
