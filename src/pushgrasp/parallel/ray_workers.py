"""Rollout workers on a Ray cluster: what `workers` does in processes, on many machines.

Every worker is an actor that plays in a thread of its own. It answers one call after the
other, each of which brings it orders and fetches what it has played, so that samples come in
order and none twice. When an actor dies, only what the calls before have fetched exists.
"""

from __future__ import annotations

import dataclasses
import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from .ray_cluster import ENVIRONMENT
from .workers import (
    BACKLOG,
    MAX_DEATHS,
    OUTBOX,
    Message,
    Order,
    Play,
    SceneEnd,
    WorkersLostError,
    play_orders,
)

PATIENCE = 0.5
"""Seconds that a worker waits for something to send before it answers, and can be told more."""


class RayPlayer:
    """The actor: plays in a thread, and answers meanwhile.

    Args:
        prepare, setup: as for `RayWorkers`; `setup.weights` is replaced by a place here.
    """

    def __init__(self, prepare: Callable[[Any], Play], setup: Any) -> None:
        self._inbox: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._outbox: queue.Queue[Message] = queue.Queue(OUTBOX)
        self._failure: Exception | None = None
        # In memory, since a killed actor could not clean up a disk.
        self._weights = os.memfd_create("weights")
        setup = dataclasses.replace(setup, weights=Path(f"/proc/self/fd/{self._weights}"))
        self._thread = threading.Thread(target=self._play, args=(prepare, setup), daemon=True)
        self._thread.start()

    def exchange(self, orders: list[Order], weights: bytes | None) -> list[Message]:
        """Take orders and hand over what has been played since the last call.

        Args:
            orders: scenes to play after those known.
            weights: a newly published file's content, from now on at `setup.weights`.
        Returns:
            Messages in the order in which they were played; none if none came in PATIENCE.
        Raises:
            Exception: what ended the playing, once all that was played before is handed over.
        """
        if weights is not None:
            self._replace_weights(weights)
        for order in orders:
            self._inbox.put(order)
        is_over = not self._thread.is_alive()  # asked first: its last words are in the outbox
        messages: list[Message] = []
        try:
            messages.append(self._outbox.get(timeout=PATIENCE))
            while len(messages) < OUTBOX:
                messages.append(self._outbox.get_nowait())
        except queue.Empty:
            pass
        if is_over and not messages:
            raise self._failure or RuntimeError("the worker stopped playing")
        return messages

    def _play(self, prepare: Callable[[Any], Play], setup: Any) -> None:
        try:
            play_orders(
                prepare(setup),
                self._inbox.get,
                lambda: not self._inbox.empty(),
                self._outbox.put,
            )
        except Exception as failure:
            self._failure = failure

    def _replace_weights(self, weights: bytes) -> None:
        fresh = os.memfd_create("weights")
        with open(fresh, "wb") as file:
            file.write(weights)
            file.flush()
            os.dup2(fresh, self._weights)  # at once, as a rename would


@dataclass
class _Worker:
    number: int  # never used twice
    actor: Any
    told: list[Order] = field(default_factory=list)  # given out and not yet done
    unsent: list[Order] = field(default_factory=list)  # of them, those that it has not got yet
    version: tuple[int, int] | None = None  # of the weights that it has
    answer: Any = None  # reference to what the call under way will return


class RayWorkers:
    """A number of actors that play scenes; the same to the learner as `workers.Workers`.

    Args:
        n: how many.
        prepare: called once in every actor with `setup`; returns what plays scenes there.
            A function of a module that the cluster's machines have, too.
        setup: a dataclass that can be sent to an actor, such as `actor.Setup`. The file
            `weights` in it is read here, and sent to the actors whenever it changes.
    """

    def __init__(self, n: int, prepare: Callable[[Any], Play], setup: Any) -> None:
        self._prepare, self._setup = prepare, setup
        self._started = self._deaths_in_a_row = 0
        self._workers: list[_Worker] = []
        self._version: tuple[int, int] | None = None
        self._weights: Any = None  # reference to the newest in the object store
        self.deaths = 0
        for _ in range(n):
            self._start()

    def __enter__(self) -> RayWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def feed(self, next_order: Callable[[], Order]) -> None:
        """Give orders to all workers that are about to run out of them."""
        for worker in self._workers:
            while len(worker.told) < BACKLOG:
                order = next_order()
                worker.told.append(order)
                worker.unsent.append(order)

    def change_stage(self) -> None:
        """Forget the orders under way: the next one fed makes workers drop older stages."""
        for worker in self._workers:
            worker.told, worker.unsent = [], []

    def receive(self, timeout: float) -> list[tuple[int, Message]]:
        """Collect what has arrived, and replace workers that died.

        Args:
            timeout: seconds to wait for the first answer.
        Returns:
            Pairs of a worker's number, never the same for two actors, and its message; the
            arrays in it cannot be written to.
        Raises:
            WorkersLostError: workers keep dying; with the last one's error.
        """
        self._look_for_weights()
        for worker in self._workers:
            if worker.answer is None:
                self._call(worker)
        answers = [worker.answer for worker in self._workers]
        ray.wait(answers, timeout=timeout)
        ready, _ = ray.wait(answers, num_returns=len(answers), timeout=0)
        arrived: list[tuple[int, Message]] = []
        dead: list[tuple[_Worker, RayError]] = []
        for worker in [w for w in self._workers if w.answer in ready]:
            try:
                messages: list[Message] = ray.get(worker.answer)
            except RayError as error:
                dead.append((worker, error))
                continue
            worker.answer = None
            for message in messages:
                if not isinstance(message, SceneEnd):
                    self._deaths_in_a_row = 0
                elif message.order in worker.told:
                    worker.told.remove(message.order)
                arrived.append((worker.number, message))
        if dead:
            self._replace(dead)
        return arrived

    def close(self) -> None:
        """Stop all workers; what they have not sent is lost."""
        for worker in self._workers:
            ray.kill(worker.actor)
        self._workers = []

    def _start(self) -> None:
        actor = ray.remote(RayPlayer).options(
            num_cpus=1, max_restarts=0, max_task_retries=0, runtime_env=ENVIRONMENT
        )
        self._workers.append(_Worker(self._started, actor.remote(self._prepare, self._setup)))
        self._started += 1

    def _call(self, worker: _Worker) -> None:
        weights = self._weights if worker.version != self._version else None
        worker.answer = worker.actor.exchange.remote(worker.unsent, weights)
        worker.unsent, worker.version = [], self._version

    def _look_for_weights(self) -> None:
        """Put the learner's newest weights where all machines can read them."""
        try:
            status = self._setup.weights.stat()
        except FileNotFoundError:  # none published yet
            return
        version = (status.st_mtime_ns, status.st_ino)
        if version != self._version:
            self._weights = ray.put(self._setup.weights.read_bytes())
            self._version = version

    def _replace(self, dead: list[tuple[_Worker, RayError]]) -> None:
        self.deaths += len(dead)
        self._deaths_in_a_row += 1  # together: a machine lost with all its workers
        for worker, _ in dead:
            ray.kill(worker.actor)
            self._workers.remove(worker)
        if self._deaths_in_a_row >= MAX_DEATHS:
            raise WorkersLostError(
                f"rollout workers died {MAX_DEATHS} times one after another; the last error "
                f"was: {dead[-1][1]}"
            )
        for _ in dead:
            self._start()
