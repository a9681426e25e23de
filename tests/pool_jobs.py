"""Jobs for pools under test, for other processes to import; without PyTorch these start quickly."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pushgrasp.errors import UserError
from pushgrasp.parallel.worker import Work


@dataclass(frozen=True)
class Setup:
    """A file that the parent rewrites, and a folder for marks."""

    weights: Path
    marks: Path


class Step(NamedTuple):
    """A result."""

    job: Any
    number: int
    pid: int
    weights: str
    at: float  # time.monotonic()


def count_to_ten(setup: Setup) -> Work:
    """Ten results per job, numbered, with the worker's process and the file as it reads it."""

    def work(job: Any) -> Iterator[Step]:
        for number in range(10):
            time.sleep(0.01)
            yield Step(job, number, os.getpid(), setup.weights.read_text(), time.monotonic())

    return work


def square(_: object) -> Callable[[int], int]:
    """One result per job, to be wrapped by `one_result`; later ones sooner."""

    def work(job: int) -> int:
        time.sleep(0.02 * ((job + 1) % 3))
        return job * job

    return work


def die_once(setup: Setup) -> Work:
    """The worker dies in job 1, the first time."""

    def work(job: int) -> Iterator[int]:
        mark = setup.marks / "died"
        if job == 1 and not mark.exists():
            mark.touch()
            os._exit(7)
        yield job

    return work


def die_always(_: object) -> Work:
    """The worker dies in any job."""

    def work(_: int) -> Iterator[int]:
        os._exit(9)
        yield

    return work


def never_start(_: object) -> Work:
    """The worker dies at once."""
    os._exit(3)


def refuse(_: object) -> Work:
    """Job 1 is bad input, after its first result."""

    def work(job: int) -> Iterator[int]:
        yield job
        if job == 1:
            raise UserError("no such thing")

    return work


def stumble(_: object) -> Work:
    """Every job has a bug."""

    def work(job: int) -> Iterator[int]:
        raise ZeroDivisionError("a bug")
        yield job

    return work


def cannot_prepare(_: object) -> Work:
    """The setup is bad input."""
    raise UserError("the setup is wrong")


def flood(_: object) -> Work:
    """Endless results, which fill the outbox."""

    def work(_: int) -> Iterator[bytes]:
        while True:
            yield bytes(100_000)

    return work


def sleep_for_ever(setup: Setup) -> Work:
    """Leave a file with the process's number, and work without a result."""

    def work(_: int) -> Iterator[int]:
        (setup.marks / str(os.getpid())).touch()
        while True:
            time.sleep(1.0)
        yield

    return work


def report_sigint(_: object) -> Work:
    """Send this process SIGINT, and return how it is handled."""

    def work(_: int) -> Iterator[str]:
        os.kill(os.getpid(), signal.SIGINT)
        is_blocked = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        yield f"{signal.getsignal(signal.SIGINT).name} {is_blocked}"  # type: ignore[union-attr]

    return work
