"""Rollout processes: who plays which scene, and what comes back.

Every worker has a pipe of its own, so that one that dies, at any moment, harms no other: what
it had sent whole is kept, the rest of its scene is forgotten, and another takes its place.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

BACKLOG = 2
"""Scenes that a worker has been told of; with one in hand it never waits for the learner."""
OUTBOX = 32
"""Messages that wait in a worker while the learner takes its gradient steps: a pipe holds less
than one."""
MAX_DEATHS = 5
"""Workers that may die one after another, with no sample between them, before we give up."""


@dataclass(frozen=True)
class Order:
    """Play one scene."""

    stage: int  # index into the recipe's stages
    scene: int  # number of the scene in its stage; its seed follows from it
    epsilon: float  # chance of a random action
    grasp_threshold: float = 0.5  # Q_g*, from which a goal need not be pushed for


@dataclass(frozen=True)
class Sample:
    """One action and the state it was chosen in."""

    observation: npt.NDArray[np.void]  # () record of `replay.observation_dtype`
    action: npt.NDArray[np.void]  # () record of dtype `replay.ACTION`
    follows: bool = False  # the state is the one that this scene's last sample led to
    seconds: dict[str, float] = field(default_factory=dict)  # spent since then, by kind


@dataclass(frozen=True)
class SceneEnd:
    """A scene is over."""

    order: Order
    fault: str = ""  # why the simulator gave it up; its last action is not counted
    seconds: dict[str, float] = field(default_factory=dict)


class WorkersLostError(RuntimeError):
    """Rollout workers die one after another; more of them would, too."""


Message = Sample | SceneEnd
Play = Callable[[Order], Iterator[Message]]
"""Plays a scene: yields a Sample for each action, then a SceneEnd."""


@dataclass
class _Worker:
    number: int  # never used twice
    process: BaseProcess
    connection: Connection
    orders: int = 0  # given and not yet done


class Workers:
    """A number of processes that play scenes; use it as a context manager.

    Args:
        n: how many.
        prepare: called once in every process with `setup`; returns what plays scenes there.
            A module-level function, since the processes start afresh.
        setup: anything that can be sent to a process.
    """

    def __init__(self, n: int, prepare: Callable[[Any], Play], setup: Any) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._prepare, self._setup = prepare, setup
        self._started = self._deaths_in_a_row = 0
        self._workers: list[_Worker] = []
        self.deaths = 0
        for _ in range(n):
            self._start()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def feed(self, next_order: Callable[[], Order]) -> None:
        """Give orders to all workers that are about to run out of them."""
        for worker in self._workers:
            while worker.orders < BACKLOG:
                try:
                    worker.connection.send(next_order())
                except OSError:  # it died; `receive` finds out and replaces it
                    break
                worker.orders += 1

    def change_stage(self) -> None:
        """Forget the orders under way: the next one fed makes workers drop older stages."""
        for worker in self._workers:
            worker.orders = 0

    def receive(self, timeout: float) -> list[tuple[int, Message]]:
        """Collect what has arrived, and replace workers that died.

        Args:
            timeout: seconds to wait for the first message.
        Returns:
            Pairs of a worker's number, never the same for two processes, and its message.
        Raises:
            WorkersLostError: workers keep dying; their own error is on stderr.
        """
        arrived: list[tuple[int, Message]] = []
        by_connection = {worker.connection: worker for worker in self._workers}
        for connection in wait(list(by_connection), timeout):
            worker = by_connection[connection]  # type: ignore[index]
            messages, alive = _read_all(worker.connection)
            for message in messages:
                if isinstance(message, SceneEnd):
                    worker.orders = max(0, worker.orders - 1)
                else:
                    self._deaths_in_a_row = 0
                arrived.append((worker.number, message))
            if not alive:
                self._replace(worker)
        return arrived

    def pids(self) -> list[int]:
        """The processes' identifiers."""
        return [worker.process.pid or 0 for worker in self._workers]

    def close(self) -> None:
        """Stop all workers; what they have not sent is lost."""
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(5)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.connection.close()
        self._workers = []

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work, args=(theirs, self._prepare, self._setup), daemon=True
        )
        process.start()
        theirs.close()  # so that its death closes the pipe
        self._workers.append(_Worker(self._started, process, ours))
        self._started += 1

    def _replace(self, worker: _Worker) -> None:
        self.deaths += 1
        self._deaths_in_a_row += 1
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        self._workers.remove(worker)
        if self._deaths_in_a_row >= MAX_DEATHS:
            raise WorkersLostError(
                f"{MAX_DEATHS} rollout workers died one after another; the last exit code was "
                f"{worker.process.exitcode}"
            )
        self._start()


def _read_all(connection: Connection) -> tuple[list[Message], bool]:
    """What a worker has sent, and whether it is still there."""
    messages: list[Message] = []
    try:
        while len(messages) < OUTBOX and connection.poll():
            messages.append(connection.recv())
    except (EOFError, OSError):
        return messages, False
    return messages, True


def play_orders(
    play: Play,
    next_order: Callable[[], Order],
    has_order: Callable[[], bool],
    send: Callable[[Message], None],
) -> NoReturn:
    """A worker's life: it plays what it is told to, of the newest stage only.

    Args:
        play: plays a scene.
        next_order: waits for an order.
        has_order: whether one is waiting.
        send: takes what is played, in order.
    Raises:
        Whatever its arguments raise; nothing else ends it.
    """
    orders: deque[Order] = deque()
    while True:
        while not orders or has_order():
            orders.append(next_order())
        while orders[0].stage != orders[-1].stage:
            orders.popleft()
        order = orders.popleft()
        for message in play(order):
            send(message)
            while has_order():
                orders.append(next_order())
            if orders and orders[-1].stage != order.stage:
                break


def _work(connection: Connection, prepare: Callable[[Any], Play], setup: Any) -> None:
    """What a process does until the learner is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the learner's to handle
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    play = prepare(setup)
    outbox: queue.Queue[Message] = queue.Queue(OUTBOX)
    threading.Thread(target=_send_all, args=(connection, outbox), daemon=True).start()
    try:
        play_orders(play, connection.recv, connection.poll, outbox.put)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _send_all(connection: Connection, outbox: queue.Queue[Message]) -> None:
    """Send what is put into the outbox, in order, until the learner is gone."""
    try:
        while True:
            connection.send(outbox.get())
    except OSError:
        # Nobody empties the outbox any more: a player waiting for room in it would wait for ever.
        os._exit(0)
