"""The evaluations behind docs/results.md: play, publish, recompute.

    python bench/results.py --runs DIR --minutes 60     plays for an hour; the same again resumes
    python bench/results.py --runs DIR --publish        copies what was played to results/
    python bench/results.py --recompute                 rates, tables, pages of results/ from its
                                                        trials, after a change to the statistics

Trials are played in rounds, so that at any time all groups have some; each is the same whichever
are played, and in which order.
"""

from __future__ import annotations

import lzma
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import tyro
from browser import headless

from pushgrasp.cli.report import ReportCommand
from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.records import TrialRecord
from pushgrasp.evaluation.results import (
    COMPRESSED,
    SUMMARY,
    TABLE,
    TRIALS,
    in_order,
    read_settings,
    read_trials,
)
from pushgrasp.evaluation.runner import evaluate
from pushgrasp.evaluation.summary import summarise
from pushgrasp.evaluation.tables import write_table
from pushgrasp.policy.load import policy_sources
from pushgrasp.sim.config import RobotName
from pushgrasp.utils.files import read_json, write_atomic, write_json

SEED = 20270
"""Of all of them; no policy was trained or tuned on it."""
ROUNDS = (10, 30, 60, 100, 200, 350, 500)
PUBLISHED = Path("results")


@dataclass(frozen=True)
class Job:
    """Trials to play."""

    folder: str
    policies: tuple[str, ...]
    scene: str
    trials: int  # of each policy in each group
    objects: tuple[int, ...] = ()
    robot: RobotName = "gantry"
    noise: Literal["none", "d405"] = "none"
    suite: str | None = None  # instead of a scene

    def where(self) -> dict[str, Any]:
        """The part of an evaluation's settings that names the scenes."""
        return {"suite": self.suite} if self.suite else {"scenes": (self.scene,)}


TABLE_1 = (10, 20, 30)
JOBS = (
    Job("random", ("default", "paper"), "random", 500, TABLE_1),
    Job("random", ("paper-no-switching", "wang2024", "geometric"), "random", 200, TABLE_1),
    Job("random", ("paper-densenet121",), "random", 100, (10,)),
    Job("heap", ("default", "paper", "wang2024", "geometric"), "heap", 100, TABLE_1),
    Job("challenging", ("default", "paper"), "challenging", 100),
    Job("challenging", ("paper-no-switching", "wang2024", "geometric"), "challenging", 30),
    Job("novel", ("default", "paper", "wang2024", "geometric"), "novel", 30),
    Job(
        "novel-panda", ("default", "paper", "wang2024", "geometric"), "novel", 30, (),
        "panda", "d405",
    ),
    Job("random-ur5e", ("default", "geometric"), "random", 100, (10,), "ur5e"),
    Job("random-panda", ("default", "geometric"), "random", 100, (10,), "panda"),
)  # fmt: skip
SUITE_POLICIES = ("default", "paper", "geometric", "wang2024")


def main(
    runs: Path | None = None,
    only: tuple[str, ...] = (),
    minutes: float = 1e6,
    workers: int = 2,
    up_to: int = max(ROUNDS),
    without: tuple[str, ...] = (),
    suites: tuple[Path, ...] = (),
    publish: bool = False,
    recompute: bool = False,
) -> None:
    """Play the trials that are missing, or publish those that were played.

    Args:
        runs: folder of the evaluations, a subfolder each.
        only: names of those folders; all of them if none is given.
        minutes: stop after so long; nothing is lost.
        workers: processes.
        up_to: no more than so many trials of each policy in each group.
        without: policies that are left for another time.
        suites: files of suites whose scenes are not part of this project, 30 trials per scene.
        publish: compress the trials into results/ here, with tables and report.
        recompute: rates, tables and reports of results/ from the trials there; plays nothing.
    """
    theirs = [Job(suite.stem, SUITE_POLICIES, "", 30, suite=str(suite)) for suite in suites]
    known = policy_sources()
    jobs = [replace(job, policies=_playing(job, without, known)) for job in (*JOBS, *theirs)]
    jobs = [job for job in jobs if job.policies and (not only or job.folder in only)]
    names = dict.fromkeys(job.folder for job in jobs)
    if recompute:
        for name in names:
            if only or (PUBLISHED / name).is_dir():  # not every evaluation is published
                _recompute(PUBLISHED / name)
        return
    if runs is None:
        raise SystemExit("--runs DIR is needed: the folder of the evaluations")
    if publish:
        for name in names:
            if name in {job.folder for job in theirs}:
                print(f"{name} is not published, only its figures: {runs / name / TABLE}")
            elif (runs / name / SUMMARY).is_file():
                _publish(runs / name)
        return
    try:
        with _time_limit(60 * minutes):
            for job, trials in _rounds(jobs, up_to):
                print(f"{job.folder}: {', '.join(job.policies)}: {trials} trials each", flush=True)
                config = EvaluationConfig(
                    policies=job.policies, objects=job.objects, trials=trials, seed=SEED,
                    robot=job.robot, noise=job.noise, **job.where(),
                )  # fmt: skip
                evaluate(
                    config, workers=workers, out=runs / job.folder, resume=True, progress=_tell
                )
    except KeyboardInterrupt as stop:
        print(f"stopped: {stop}", file=sys.stderr)


def _playing(job: Job, without: tuple[str, ...], known: list[str]) -> tuple[str, ...]:
    """The policies of a job that are there and not left out."""
    for name in job.policies:
        if name not in known:
            print(f"{job.folder}: there is no policy {name} here; it is left out", file=sys.stderr)
    return tuple(name for name in job.policies if name in known and name not in without)


def _rounds(jobs: list[Job], up_to: int) -> Iterator[tuple[Job, int]]:
    """All jobs with few trials, then with more."""
    before = 0
    for n in ROUNDS:
        for job in jobs:
            if before < min(job.trials, up_to):
                yield job, min(n, job.trials, up_to)
        before = n


def _tell(done: int, total: int, record: TrialRecord) -> None:
    if done % 10 == 0 or done == total:
        print(f"  {done}/{total} {record.policy} {record.group}", flush=True)


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Interrupts what is inside, as Ctrl-C does."""

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    earlier = signal.signal(signal.SIGALRM, stop)
    signal.alarm(min(int(seconds), 2**31 - 1))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, earlier)


def _publish(run: Path) -> None:
    """Copy a run to results/, its trials compressed, and add tables, page and plots."""
    folder = PUBLISHED / run.name
    for name in ("settings.json", SUMMARY):
        write_atomic(folder / name, (run / name).read_bytes())
    write_atomic(folder / COMPRESSED, lzma.compress((run / TRIALS).read_bytes(), preset=9))
    _recompute(folder)


def _recompute(folder: Path) -> None:
    """Write the rates, tables, page and plots of a published folder anew from its trials."""
    settings = read_settings(folder)
    records, damaged = read_trials(folder)
    if damaged:
        raise SystemExit("\n".join(damaged))
    times = {key: read_json(folder / SUMMARY).get(key) for key in ("wall_s", "trials_per_minute")}
    summary = {**summarise(settings, in_order(settings, records)), **times}
    write_json(folder / SUMMARY, summary)
    write_atomic(folder / TABLE, write_table(summary))
    page = folder / "report.html"
    ReportCommand((folder,), out=page).run()  # with the strips of a few trials
    with headless() as browser:
        view = browser.new_page(
            viewport={"width": 1120, "height": 800}, color_scheme="light", offline=True
        )
        view.goto(page.absolute().as_uri())
        # of no use in a picture: the heading, and words on what the pointer shows
        view.locator("#plots > h2, #plots > .lead").evaluate_all(
            "ns => ns.forEach(n => n.remove())"
        )
        view.locator("#plots").evaluate(
            "n => { n.style.padding = '16px 24px'; n.style.border = 0; }"
        )
        write_atomic(folder / "plots.png", view.locator("#plots").screenshot())


if __name__ == "__main__":
    tyro.cli(main)
