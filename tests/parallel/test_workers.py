"""Rollout processes: whichever dies, nothing is lost but its scene, and nothing is doubled."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest

from pushgrasp.parallel import workers as workers_module
from pushgrasp.parallel.workers import Message, Order, Sample, SceneEnd, Workers
from pushgrasp.training.replay_buffer import ACTION, pack_observation


def counting(_: object):
    """A worker that needs no table: ten samples a scene, numbered."""

    def play(order: Order) -> Iterator[Message]:
        for number in range(10):
            time.sleep(0.002)
            action = np.zeros((), ACTION)
            action["stage"], action["scene"] = order.stage, order.scene
            action["row"], action["column"] = number, os.getpid() % 30_000
            empty = np.zeros((4, 4))
            state = pack_observation(empty, empty.astype(int), empty > 0)
            yield Sample(state, action, follows=number > 0)
        yield SceneEnd(order)

    return play


def dying(_: object):
    os._exit(3)


class Orders:
    def __init__(self, stage: int = 0) -> None:
        self.stage, self.given = stage, 0

    def __call__(self) -> Order:
        self.given += 1
        return Order(self.stage, self.given - 1, 1.0)


def gather(workers: Workers, orders: Orders, n: int) -> list[tuple[int, Sample]]:
    got: list[tuple[int, Sample]] = []
    end = time.monotonic() + 60
    while len(got) < n and time.monotonic() < end:
        workers.feed(orders)
        got += [(w, m) for w, m in workers.receive(0.2) if isinstance(m, Sample)]
    return got


def test_a_killed_worker_is_replaced_and_samples_are_neither_lost_nor_doubled():
    with Workers(2, counting, None) as workers:
        orders = Orders()
        got = gather(workers, orders, 40)
        os.kill(workers.pids()[0], signal.SIGKILL)
        got += gather(workers, orders, 200)
        assert workers.deaths == 1
        assert len(workers.pids()) == 2
    keys = [(int(s.action["scene"]), int(s.action["row"])) for _, s in got]
    assert len(set(keys)) == len(keys)
    # Every scene's samples come in order without a gap, from one worker.
    by_scene: dict[int, list[tuple[int, int]]] = {}
    for worker, sample in got:
        by_scene.setdefault(int(sample.action["scene"]), []).append(
            (worker, int(sample.action["row"]))
        )
    for steps in by_scene.values():
        assert len({worker for worker, _ in steps}) == 1
        assert [row for _, row in steps] == list(range(len(steps)))
    assert sum(len(steps) < 10 for steps in by_scene.values()) <= 2 + 2  # killed; still going


def test_a_new_stage_makes_workers_drop_the_old_one():
    with Workers(1, counting, None) as workers:
        gather(workers, Orders(0), 5)
        workers.change_stage()
        stages = [int(s.action["stage"]) for _, s in gather(workers, Orders(1), 60)]
    assert stages == sorted(stages)
    assert stages.count(0) < 20


def test_workers_that_keep_dying_are_reported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers_module, "MAX_DEATHS", 2)
    with Workers(1, dying, None) as workers, pytest.raises(RuntimeError, match="exit code was 3"):
        for _ in range(20):
            workers.receive(5.0)
