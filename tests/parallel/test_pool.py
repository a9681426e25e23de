"""Pools of local processes: a dead worker loses only its current job, and nothing is doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pool_jobs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interrupts import processes_of, start_group, wait_until
from pool_jobs import Setup, Step

from pushgrasp.errors import UserError
from pushgrasp.parallel import pool as pool_module
from pushgrasp.parallel.pool import Pool, WorkersLostError
from pushgrasp.parallel.worker import Assignment, Reply, one_result


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    (tmp_path / "weights").write_text("")
    return Setup(tmp_path / "weights", tmp_path)


class Jobs:
    """Return a function that returns jobs (tag, 0), (tag, 1), ..."""

    def __init__(self, tag: str = "") -> None:
        self._tag, self._given = tag, 0

    def __call__(self) -> tuple[str, int]:
        self._given += 1
        return self._tag, self._given - 1


def gather(pool: Pool, jobs: Jobs, n: int) -> list[tuple[int, Step]]:
    """Collect at least n results, as a learner does."""
    got: list[tuple[int, Step]] = []
    end = time.monotonic() + 120
    while len(got) < n and time.monotonic() < end:
        pool.assign(jobs)
        got += pool.receive(0.2)
    return got


def check_results(got: Sequence[tuple[int, Step]], most_cut_short: int) -> None:
    """Check that each job's results come from one worker, in order, without gaps or doubles."""
    by_job: dict[Any, list[tuple[int, int]]] = {}
    for worker, step in got:
        by_job.setdefault(step.job, []).append((worker, step.number))
    for steps in by_job.values():
        assert len({worker for worker, _ in steps}) == 1
        assert [number for _, number in steps] == list(range(len(steps)))
    assert sum(len(steps) < 10 for steps in by_job.values()) <= most_cut_short


# --- jobs with many results, as in training ----------------------------------------------


def test_a_killed_worker_is_replaced_and_results_are_neither_lost_nor_doubled(setup: Setup) -> None:
    with Pool(n=2, backlog=2) as pool:
        pool.start(pool_jobs.count_to_ten, setup)
        jobs = Jobs()
        got = gather(pool, jobs, 40)
        victim, step = got[-1]
        os.kill(step.pid, signal.SIGKILL)
        wait_until(lambda: got.extend(gather(pool, jobs, 1)) or pool.deaths)
        n_before = len(got)
        got += gather(pool, jobs, 200)
        assert pool.deaths == 1
    assert victim not in {worker for worker, _ in got[n_before:]}
    assert len({worker for worker, _ in got[n_before:]}) == 2
    check_results(got, most_cut_short=2 + 1)  # in progress at the end, and the dead worker's


def test_cancelled_jobs_give_no_more_results(setup: Setup) -> None:
    with Pool(n=1, backlog=2) as pool:
        pool.start(pool_jobs.count_to_ten, setup)
        gather(pool, Jobs("old"), 5)
        pool.cancel()
        tags = [step.job[0] for _, step in gather(pool, Jobs("new"), 30)]
    assert tags == ["new"] * len(tags)


def test_workers_that_keep_dying_are_reported(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "MAX_DEATHS", 2)
    with Pool(n=1, backlog=2) as pool:
        pool.start(pool_jobs.never_start, setup)
        with pytest.raises(WorkersLostError, match=r"died 2 times in a row.*exit code 3"):
            gather(pool, Jobs(), 1)


def test_workers_that_keep_failing_are_reported_with_the_traceback(
    setup: Setup, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pool_module, "MAX_DEATHS", 2)
    with Pool(n=1) as pool:
        pool.start(pool_jobs.stumble, setup)
        with pytest.raises(WorkersLostError, match=r"(?s)in a row.*ZeroDivisionError: a bug"):
            gather(pool, Jobs(), 1)
    assert "a worker failed and is replaced" in capfd.readouterr().err


def test_a_busy_parent_does_not_block_a_worker(setup: Setup) -> None:
    """Results wait in the worker's outbox while the learner takes its gradient steps."""
    with Pool(n=1, backlog=2) as pool:
        setup.weights.write_text("x" * 200_000)  # a pipe holds less than one result
        pool.start(pool_jobs.count_to_ten, setup)
        jobs = Jobs()
        n_under_way = 20 - len(gather(pool, jobs, 5))
        time.sleep(3.0)
        back = time.monotonic()
        late = gather(pool, jobs, n_under_way)[:n_under_way]
    assert all(step.at < back for _, step in late)


# --- jobs with one result, as in evaluation ----------------------------------------------


@pytest.mark.parametrize("n", [1, 2])
def test_every_job_is_done_once_by_any_number_of_workers(n: int) -> None:
    with Pool(n=n, attempts=3) as pool:
        pool.start(partial(one_result, pool_jobs.square), None)
        assert sorted(pool.run(range(7))) == [i * i for i in range(7)]


def test_a_job_whose_worker_dies_is_retried(
    setup: Setup, capfd: pytest.CaptureFixture[str]
) -> None:
    with Pool(n=1, attempts=3, describe=lambda job: f"job {job}") as pool:
        pool.start(pool_jobs.die_once, setup)
        assert sorted(pool.run(range(3))) == [0, 1, 2]
    said = capfd.readouterr().err
    assert said == "job 1: its worker died (exit code 7); trying again\n"


def test_a_job_that_kills_every_worker_is_given_up() -> None:
    with Pool(n=1, attempts=2, describe=lambda job: f"job {job}") as pool:
        pool.start(pool_jobs.die_always, None)
        with pytest.raises(WorkersLostError, match=r"job 0: .*exit code 9\), 2 times in a row"):
            list(pool.run(range(1)))


def test_results_before_an_error_are_returned_first() -> None:
    got: list[int] = []
    with Pool(n=1, attempts=3) as pool:
        pool.start(pool_jobs.refuse, None)
        with pytest.raises(UserError, match="no such thing"):
            got.extend(pool.run(range(5)))
            pool.assign(Jobs())
            pool.receive(20.0)
    assert got[:2] in ([0], [0, 1])


def test_a_bug_in_a_job_is_raised_with_its_name_and_traceback() -> None:
    with Pool(n=1, attempts=3, describe=lambda job: f"job {job}") as pool:
        pool.start(pool_jobs.stumble, None)
        with pytest.raises(RuntimeError, match=r"(?s)job 0 failed:.*ZeroDivisionError: a bug"):
            list(pool.run(range(1)))


def test_a_setup_that_is_bad_input_is_raised() -> None:
    with Pool(n=2, attempts=3) as pool:
        pool.start(pool_jobs.cannot_prepare, None)
        with pytest.raises(UserError, match="the setup is wrong"):
            list(pool.run(range(3)))


# --- bookkeeping, without processes ------------------------------------------------------


@dataclass(eq=False)
class FakeLink:
    """A worker that dies after a number of replies."""

    lives: int
    assigned: list[Assignment] = field(default_factory=list)
    is_dead: bool = False

    def send(self, assignment: Assignment) -> None:
        self.assigned.append(assignment)

    def read(self) -> tuple[list[Reply], str | None]:
        if self.lives == 0:
            return [], "it had no life left"
        self.lives -= 1
        if not self.assigned:
            return [], None
        first = self.assigned.pop(0)
        return [Reply(first.number, first.job), Reply(first.number, is_end=True)], None

    def stop(self) -> None:
        assert not self.is_dead
        self.is_dead = True


class FakeTransport:
    def __init__(self, lives: Sequence[int]) -> None:
        self._lives, self.links = iter(lives), list[FakeLink]()

    def start(self) -> FakeLink:
        self.links.append(FakeLink(next(self._lives, 10**6)))
        return self.links[-1]

    def wait(self, links: Sequence[FakeLink], timeout: float | None) -> Sequence[FakeLink]:
        return links


@given(
    lives=st.lists(st.integers(0, 3), max_size=12),
    n_workers=st.integers(1, 4),
    backlog=st.integers(1, 3),
    n_jobs=st.integers(0, 12),
)
def test_every_job_has_one_result_whichever_workers_die(
    lives: list[int], n_workers: int, backlog: int, n_jobs: int
) -> None:
    transport = FakeTransport(lives)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool_module, "MAX_DEATHS", 100)
        with Pool(n=n_workers, backlog=backlog, attempts=100) as pool:
            pool.start_with(transport)
            assert sorted(pool.run(range(n_jobs))) == list(range(n_jobs))
    assert all(link.is_dead for link in transport.links)
    assert pool.deaths == len(transport.links) - pool.n


# --- this machine ------------------------------------------------------------------------


def test_workers_are_limited_to_a_few_per_core(capfd: pytest.CaptureFixture[str]) -> None:
    cores = len(os.sched_getaffinity(0))
    most = pool_module.MAX_PER_CORE * cores
    assert Pool(n=1000).n == most
    assert f"warning: 1000 workers for {cores} cores; {most} are used" in capfd.readouterr().err
    assert Pool(n=most).n == most
    assert Pool().n == cores
    assert not capfd.readouterr().err


def test_no_workers_are_refused() -> None:
    with pytest.raises(UserError, match="0 workers: at least one is needed"):
        Pool(n=0)


def test_workers_ignore_ctrl_c() -> None:
    """Also while they start."""
    with Pool(n=1, attempts=3) as pool:
        pool.start(pool_jobs.report_sigint, None)
        assert list(pool.run(range(1))) == ["SIG_IGN False"]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_no_worker_is_left_when_the_pool_ends(setup: Setup) -> None:
    with Pool(n=2) as pool:
        pool.start(pool_jobs.sleep_for_ever, setup)
        pool.assign(Jobs())
        wait_until(lambda: len(marks(setup)) == 2)
    assert not any(Path("/proc", pid).exists() for pid in marks(setup))


def marks(setup: Setup) -> list[str]:
    return [path.name for path in setup.marks.iterdir() if path.name.isdigit()]


PARENT = """
import sys, time
from functools import partial
from pathlib import Path
import pool_jobs
from pushgrasp.parallel.pool import Pool

folder = Path(sys.argv[1])
with Pool(n=2) as pool:
    pool.start(getattr(pool_jobs, sys.argv[2]), pool_jobs.Setup(folder / "weights", folder))
    pool.assign(lambda: 0)
    print("ready", flush=True)
    time.sleep(1000)
"""


@pytest.mark.parametrize("work", ["flood", "sleep_for_ever"])
def test_no_worker_outlives_a_killed_parent(work: str, tmp_path: Path) -> None:
    """One worker waits for room in a full outbox, the other never sends anything."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    parent = start_group(
        [sys.executable, "-c", PARENT, str(tmp_path), work],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    assert parent.stdout is not None
    try:
        assert parent.stdout.readline() == "ready\n"
        wait_until(
            lambda: len(processes_of(parent.pid)) >= 4
        )  # with multiprocessing's resource tracker
        time.sleep(2.0)  # long enough to fill an outbox
        parent.kill()
        parent.wait()
        wait_until(lambda: not processes_of(parent.pid), patience=20.0)
    finally:
        for pid in processes_of(parent.pid):
            os.kill(pid, signal.SIGKILL)
        parent.stdout.close()
