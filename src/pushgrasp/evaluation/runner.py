"""Play the trials of a run on worker processes; the result does not depend on how many."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ..errors import UserError
from ..parallel.pool import Pool, WorkersLostError
from ..parallel.worker import one_result
from ..policy.load import load_policy
from ..sim.robots.registry import gripper
from ..utils.files import read_json, write_atomic, write_json
from .config import EvaluationConfig
from .groups import run_suites, scene_groups
from .plan import plan_trials
from .player import Observe, PlayerSetup, load_player
from .policies import policy_entries
from .records import TrialRecord, TrialSpec
from .results import SUMMARY, TABLE, ResultsFolder, open_results
from .settings import commits, describe, played_by
from .summary import summarise
from .tables import write_table

Workers = int | Literal["ray"]
"""Processes on this machine, one thread each; or "ray": one per CPU of a Ray cluster."""
ATTEMPTS = 3
"""Attempts at a trial whose worker dies."""
Progress = Callable[[int, int, TrialRecord], None]
"""Called after each trial with the number of trials done (earlier runs included), the number
planned, and the trial's record."""


def evaluate(
    config: EvaluationConfig,
    *,
    out: str | Path,
    workers: Workers = 1,
    resume: bool = False,
    device: str = "auto",
    observe: Observe | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Play trials with policies and compute their rates.

    Args:
        config: which policies, scenes and conditions; all policies meet the same scenes.
        out: folder for the results; see `results`. New or empty, unless the run is resumed.
        workers: see Workers.
        resume: if there is a run in `out`, play what is missing. It may have fewer trials,
            policies, scenes or numbers of objects than are asked for now; all else is as it was.
        device: where the policies' networks compute; see `load_policy`.
        observe: watches each trial, in the process that plays it; see Observe.
        progress: see Progress.
    Returns:
        The contents of summary.json: see `summary.summarise`; with `wall_s` and
        `trials_per_minute` of the last command that played.
    Raises:
        UserError: bad settings, no such scene or policy, no place for the results, or a full
            disk. Trials that were played are kept.
        SimulatorFault: every attempt at a trial ended in a fault of the simulator.
        KeyboardInterrupt: with a sentence; the summary so far is written.
    """
    if workers != "ray" and workers < 1:
        raise UserError(f"workers {workers}: at least one process is needed, or ray")
    policies = policy_entries(config.policies)
    groups = scene_groups(config)
    specs = plan_trials(config, [policy.name for policy in policies], groups)
    for policy in policies:  # a wrong one is found before anything is written
        load_policy(policy.source, gripper(config.robot), device=device)
    settings = describe(config, policies, groups, run_suites(config))
    with open_results(out, settings, resume=resume) as results:
        sources = {policy.name: policy.source for policy in policies}
        setup = PlayerSetup(sources, device, observe)
        return _play_missing(results, specs, workers, setup, progress)


def _play_missing(
    results: ResultsFolder,
    specs: Sequence[TrialSpec],
    workers: Workers,
    setup: PlayerSetup,
    progress: Progress | None,
) -> dict[str, Any]:
    """Play the trials that a results folder lacks, and write the summary of all."""
    records, damaged = results.read()
    if records and len(commits(results.settings)) > 1:
        where = f"warning: the trials in {results.folder} are from more than one commit"
        print(f"{where}: {played_by(results.settings)}", file=sys.stderr)
    for sentence in damaged:
        print(f"warning: {sentence}", file=sys.stderr)
    known = {record.key for record in records}
    missing = [spec for spec in specs if spec.key not in known]
    start, n_played = time.perf_counter(), 0
    try:
        with closing(play_trials(missing, workers, setup)) as played:
            for record in played:
                results.append(record)
                n_played += 1
                if progress is not None:
                    done = len(specs) - len(missing) + n_played
                    progress(done, len(specs), record)
    except BaseException as stop:
        with suppress(UserError):  # the first failure is the one to tell
            _write_summary(results, n_played, time.perf_counter() - start)
        if isinstance(stop, KeyboardInterrupt):
            n = len(specs) - len(missing) + n_played
            raise KeyboardInterrupt(
                f"{n} of {len(specs)} trials are played and kept; the same command with "
                "--resume continues"
            ) from stop
        raise
    return _write_summary(results, n_played, time.perf_counter() - start)


def play_trials(
    specs: Sequence[TrialSpec], workers: Workers, setup: PlayerSetup
) -> Generator[TrialRecord, None, None]:
    """Play trials in worker processes, which end with the iterator.

    Args:
        specs: the trials.
        workers: see Workers.
        setup: of the workers.
    Yields:
        A record for each trial, in the order in which they end.
    Raises:
        UserError: from a trial, or its worker died at every attempt.
        SimulatorFault: from a trial.
        RuntimeError: a trial failed otherwise; with the traceback.
    """
    if not specs:
        return
    where, n = ("ray", None) if workers == "ray" else ("local", workers)
    try:
        with Pool(where, n, attempts=ATTEMPTS, describe=_describe) as pool:
            pool.start(partial(one_result, load_player), setup, at_most=len(specs))
            yield from pool.run(specs)
    except WorkersLostError as error:
        raise UserError(f"{error}; resume the run once that is mended") from error


def _describe(spec: TrialSpec) -> str:
    return f"trial {spec.index} of {spec.group}"


def _write_summary(results: ResultsFolder, n_played: int, wall_s: float) -> dict[str, Any]:
    """Compute the rates from the file, so that they do not depend on who played which trial."""
    records, damaged = results.read()
    path = results.folder / SUMMARY
    times = {"wall_s": wall_s, "trials_per_minute": 60 * n_played / wall_s if wall_s else None}
    if not n_played and path.is_file():
        earlier = read_json(path)
        times = {key: earlier.get(key) for key in times}
    summary = {**summarise(results.settings, records, len(damaged)), **times}
    write_json(path, summary)
    write_atomic(results.folder / TABLE, write_table(summary))
    return summary
