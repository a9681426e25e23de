"""Jobs in forked copies: their results, their errors, and nothing left behind."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import psutil
import pytest
import torch

from pushgrasp.training.lookahead.forks import Arrays, ForkError, run_forked
from pushgrasp.utils.threads import torch_threads


def test_results_come_back_with_their_index() -> None:
    jobs = [lambda i=i: {"square": np.array(i * i), "text": np.array("a")} for i in range(7)]
    results = dict(run_forked(jobs, processes=3))
    assert {i: int(r["square"]) for i, r in results.items()} == {i: i * i for i in range(7)}


def test_a_copy_changes_nothing_here() -> None:
    shared = np.zeros(3)

    def job() -> Arrays:
        shared[:] = 1.0
        return {"own": shared}

    ((_, result),) = run_forked([job])
    assert result["own"].tolist() == [1, 1, 1]
    assert shared.tolist() == [0, 0, 0]


def test_large_results_are_whole() -> None:
    big = np.arange(2_000_000)
    ((_, result),) = run_forked([lambda: {"big": big}])
    assert (result["big"] == big).all()


def test_a_job_that_raises_says_why() -> None:
    def job() -> Arrays:
        raise ValueError("the 7th cube")

    with pytest.raises(ForkError, match="the 7th cube"):
        list(run_forked([job]))


def test_objects_are_refused_instead_of_pickled() -> None:
    with pytest.raises(ForkError, match="pickle"):
        list(run_forked([lambda: {"objects": np.array([{}], object)}]))


def test_a_job_that_dies_is_noticed() -> None:
    def job() -> Arrays:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    with pytest.raises(ForkError, match="died"):
        list(run_forked([job]))


def test_what_is_left_is_ended_with_the_loop() -> None:
    def sleeper() -> Arrays:
        time.sleep(60)
        return {}

    def children() -> set[int]:
        return {child.pid for child in psutil.Process().children()}

    before = children()  # other tests' servers of processes stay
    start = time.monotonic()
    running = run_forked([lambda: {"first": np.array(1)}, sleeper, sleeper], processes=3)
    next(running)
    assert children() - before
    running.close()
    assert time.monotonic() - start < 10
    assert not children() - before  # none is left, not even as a zombie


def test_a_copy_computes_after_pytorch_has_started_its_threads() -> None:
    with torch_threads(2):
        square = torch.rand(400, 400)
        (square @ square).tanh()  # starts the pool of threads, which a copy lacks
        job = lambda: {"sum": np.array(float((square @ square).tanh().sum()))}  # noqa: E731
        results = list(run_forked([job, job], processes=2))
    assert len(results) == 2
