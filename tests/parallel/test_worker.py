"""The worker's side: replies in order, only the newest generation, errors last."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pool_jobs
import pytest

from pushgrasp.errors import SimulatorFault, UserError
from pushgrasp.parallel.worker import NO_JOB, Assignment, Prepare, Reply, Work, serve


class Stop(BaseException):
    """Ends a worker from the outside."""


def replies_to(prepare: Prepare, batches: Sequence[Sequence[Assignment]]) -> list[Reply]:
    """Return all replies to assignments that arrive in batches, one batch per reply."""
    inbox, left, sent = deque[Assignment](), deque(batches), list[Reply]()

    def arrive() -> None:
        inbox.extend(left.popleft() if left else ())

    def take() -> Assignment:
        if not inbox:
            arrive()
        if not inbox:
            raise Stop
        return inbox.popleft()

    def send(reply: Reply) -> None:
        sent.append(reply)
        arrive()

    with suppress(Stop):
        serve(prepare, None, take, lambda: bool(inbox), send)
    return sent


def letters(_: object) -> Work:
    def work(job: str) -> Iterator[str]:
        yield from job

    return work


def test_jobs_are_done_in_order_and_their_ends_are_reported() -> None:
    sent = replies_to(letters, [[Assignment(0, 0, "ab"), Assignment(1, 0, "c")]])
    assert sent == [
        Reply(0, "a"), Reply(0, "b"), Reply(0, is_end=True), Reply(1, "c"), Reply(1, is_end=True),
    ]  # fmt: skip


def test_a_newer_generation_ends_the_job_under_way_and_those_that_wait() -> None:
    old = [Assignment(0, 0, "abcdef"), Assignment(1, 0, "gh")]
    sent = replies_to(letters, [old, [], [Assignment(2, 1, "xy")]])
    assert [(r.number, r.result) for r in sent if not r.is_end] == [
        (0, "a"), (0, "b"), (2, "x"), (2, "y"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [UserError, SimulatorFault])
def test_an_error_for_the_user_is_passed_on_as_it_is(kind: type[Exception]) -> None:
    def prepare(_: object) -> Work:
        def work(job: str) -> Iterator[str]:
            yield job
            raise kind("because")

        return work

    first, last = replies_to(prepare, [[Assignment(5, 0, "a"), Assignment(6, 0, "b")]])
    assert first == Reply(5, "a")
    assert (last.number, type(last.error), str(last.error)) == (5, kind, "because")


def test_a_bug_is_passed_on_with_its_traceback() -> None:
    (reply,) = replies_to(pool_jobs.stumble, [[Assignment(0, 0, 1)]])
    assert isinstance(reply.error, RuntimeError)
    assert "pool_jobs.py" in str(reply.error)
    assert "ZeroDivisionError: a bug" in str(reply.error)


def test_an_error_before_the_first_job_belongs_to_no_job() -> None:
    (reply,) = replies_to(pool_jobs.cannot_prepare, [[Assignment(0, 0, 1)]])
    assert reply.number == NO_JOB
    assert str(reply.error) == "the setup is wrong"
