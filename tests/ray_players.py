"""Players that need no table, for actors to import: without torch they start in a moment."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pushgrasp.parallel.workers import Message, Order, Play, Sample, SceneEnd
from pushgrasp.training.replay_buffer import ACTION, pack_observation

SHAPE = (64, 64)


@dataclass(frozen=True)
class Published:
    """All that these players are set up with."""

    weights: Path


def counting(setup: Published) -> Play:
    """Ten samples a scene, numbered, with the player's process and the weights that it reads."""

    def play(order: Order) -> Iterator[Message]:
        for number in range(10):
            time.sleep(0.02)
            action = np.zeros((), ACTION)
            action["stage"], action["scene"], action["row"] = order.stage, order.scene, number
            empty = np.zeros(SHAPE)
            state = pack_observation(empty, empty.astype(int), empty > 0)
            known = {"pid": os.getpid(), "weights": float(setup.weights.read_bytes() or b"-1")}
            yield Sample(state, action, follows=number > 0, seconds=known)
        yield SceneEnd(order)

    return play


def failing(_: Published) -> Play:
    """One sample, and an error in the next scene."""

    def play(order: Order) -> Iterator[Message]:
        if order.scene > 0:
            raise ZeroDivisionError("the table has no legs")
        yield Sample(np.zeros((), ACTION), np.zeros((), ACTION))

    return play


def dying(_: Published) -> Play:
    """No sample."""
    os._exit(3)
