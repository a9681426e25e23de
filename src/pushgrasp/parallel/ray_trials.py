"""Trials on a Ray cluster: what `processes` does on this machine, on many."""

from __future__ import annotations

import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import Any

from ..errors import UserError
from ..evaluation.records import Key, TrialRecord, TrialSpec
from .processes import MAX_DEATHS, Answer, Play, answering
from .ray_cluster import ENVIRONMENT, RayError, cluster, ray


class RayPlayer:
    """The actor: plays one trial after another.

    Args:
        prepare, setup: as for `run_on_ray`.
        folder: where we work, from which relative names are meant if it is there, too.
    """

    def __init__(self, prepare: Callable[[Any], Play], setup: Any, folder: str) -> None:
        with suppress(OSError):
            os.chdir(folder)
        self._answer = answering(prepare, setup)

    def play(self, spec: TrialSpec) -> Answer:
        """See `processes.answering`."""
        return self._answer(spec)


def run_on_ray(
    specs: Sequence[TrialSpec], prepare: Callable[[Any], Play], setup: Any
) -> Generator[TrialRecord, None, None]:
    """Play trials on the cluster that RAY_ADDRESS names, else on one started here.

    There is an actor for each of the cluster's CPUs. One that dies is replaced and its trial
    played again. All end with the iterator, and so does a cluster that was started here.

    Args:
        specs: the trials.
        prepare: called with `setup` once in every actor; a function of a module that the
            cluster's machines have, too.
        setup: anything that can be sent to an actor.
    Yields:
        A record for each trial, in the order in which they end.
    Raises:
        UserError, SimulatorFault, RuntimeError: as of `processes.run_parallel`.
    """
    if not specs:
        return
    with cluster() as n_cpus:
        make = ray.remote(RayPlayer).options(
            num_cpus=1, max_restarts=0, max_task_retries=0, runtime_env=ENVIRONMENT
        )
        waiting, deaths = deque(specs), Counter[Key]()
        actors: list[Any] = []
        busy: dict[Any, tuple[Any, TrialSpec]] = {}  # what is under way, by its reference

        def start() -> None:
            actors.append(make.remote(prepare, setup, os.getcwd()))
            hand_out(actors[-1])

        def hand_out(actor: Any) -> None:
            if waiting:
                spec = waiting.popleft()
                busy[actor.play.remote(spec)] = actor, spec

        def replace(actor: Any, spec: TrialSpec, error: Exception) -> None:
            actors.remove(actor)
            ray.kill(actor)
            deaths[spec.key] += 1
            what = f"trial {spec.index} of {spec.group}: its actor died ({error})"
            if deaths[spec.key] >= MAX_DEATHS:
                raise UserError(
                    f"{what}, {MAX_DEATHS} times in a row; mend that and go on with --resume"
                ) from error
            print(f"{what}; the trial is played again", file=sys.stderr)
            waiting.appendleft(spec)
            start()

        try:
            for _ in range(min(n_cpus, len(specs))):
                start()
            while busy:
                reference = ray.wait(list(busy))[0][0]
                actor, spec = busy.pop(reference)
                try:
                    answer: Answer = ray.get(reference)
                except RayError as error:
                    replace(actor, spec, error)
                    continue
                if isinstance(answer, Exception):
                    raise answer
                hand_out(actor)
                yield answer
        finally:
            for actor in actors:
                ray.kill(actor)
