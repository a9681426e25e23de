"""Trials on processes of their own, one thread each."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import traceback
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from ..errors import SimulatorFault, UserError
from ..evaluation.records import Key, TrialRecord, TrialSpec

MAX_DEATHS = 3
"""Processes that one trial may take with it before we give up."""

Play = Callable[[TrialSpec], TrialRecord]
Answer = TrialRecord | Exception


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    spec: TrialSpec | None = None  # what it is playing


def run_parallel(
    specs: Sequence[TrialSpec], n_workers: int, prepare: Callable[[Any], Play], setup: Any
) -> Generator[TrialRecord, None, None]:
    """Play trials on processes of their own.

    A process that dies is replaced and its trial played again. All end with the iterator.

    Args:
        specs: the trials.
        n_workers: how many processes.
        prepare: called with `setup` once in every process; a function of a module, since the
            processes start afresh.
        setup: anything that can be sent to a process.
    Yields:
        A record for each trial, in the order in which they end.
    Raises:
        UserError: from a trial, or of one whose processes keep dying.
        SimulatorFault: from a trial.
        RuntimeError: anything else that a trial raised.
    """
    context = multiprocessing.get_context("spawn")
    waiting, deaths = deque(specs), Counter[Key]()
    workers: list[_Worker] = []

    def start() -> None:
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, prepare, setup), daemon=True)
        process.start()
        theirs.close()  # so that its death closes the pipe
        workers.append(_Worker(process, ours))
        hand_out(workers[-1])

    def hand_out(worker: _Worker) -> None:
        worker.spec = waiting.popleft() if waiting else None
        if worker.spec is not None:
            try:
                worker.connection.send(worker.spec)
            except OSError:  # it died; waiting for its answer finds that out
                return

    def replace(worker: _Worker) -> None:
        worker.process.join()
        workers.remove(worker)
        spec = worker.spec
        if spec is None:
            return
        deaths[spec.key] += 1
        what = (
            f"trial {spec.index} of {spec.group}: its process died "
            f"(exit code {worker.process.exitcode})"
        )
        if deaths[spec.key] >= MAX_DEATHS:
            raise UserError(
                f"{what}, {MAX_DEATHS} times in a row; mend that (is there memory enough for "
                f"{n_workers} processes?) and go on with --resume"
            )
        print(f"{what}; the trial is played again", file=sys.stderr)
        waiting.appendleft(spec)
        start()

    try:
        for _ in range(n_workers):
            start()
        while busy := {w.connection: w for w in workers if w.spec is not None}:
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                try:
                    answer = worker.connection.recv()
                except (EOFError, OSError):
                    replace(worker)
                    continue
                if isinstance(answer, TrialRecord):
                    hand_out(worker)
                    yield answer
                else:
                    raise answer
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.process.join()
            worker.connection.close()


def _work(connection: Connection, prepare: Callable[[Any], Play], setup: Any) -> None:
    """A worker's life: a trial, its record, the next, until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started us
    answer = answering(prepare, setup)
    try:
        while True:
            connection.send(answer(connection.recv()))
    except (EOFError, OSError):
        return


def answering(prepare: Callable[[Any], Play], setup: Any) -> Callable[[TrialSpec], Answer]:
    """What plays a trial and gives its record, or the error that it ended in.

    Args:
        prepare, setup: as for `run_parallel`; called when the first trial comes.
    """
    play: Play | None = None

    def answer(spec: TrialSpec) -> Answer:
        nonlocal play
        try:
            play = play or prepare(setup)
            return play(spec)
        except (UserError, SimulatorFault) as error:
            return error
        except Exception:
            return RuntimeError(
                f"trial {spec.index} of {spec.group} failed:\n{traceback.format_exc()}"
            )

    return answer
