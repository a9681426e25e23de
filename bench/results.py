"""The evaluations behind docs/results.md: what is played, with which seed, and how it is published.

    python bench/results.py --runs DIR --minutes 60     plays for an hour; again goes on
    python bench/results.py --runs DIR --publish        packs what was played into results/

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
from typing import Literal

import tyro
from browser import headless

from pushgrasp.cli.report import write_report
from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.records import TrialRecord
from pushgrasp.evaluation.results import COMPRESSED, SUMMARY, TABLE, TRIALS
from pushgrasp.evaluation.runner import evaluate
from pushgrasp.sim.config import RobotName
from pushgrasp.utils.files import write_atomic

SEED = 20270
"""Of all of them; no policy was trained or tuned on it."""
ROUNDS = (10, 30, 60, 100, 200, 350, 500)
PUBLISHED = Path("results")


@dataclass(frozen=True)
class Lot:
    """Trials that are wanted."""

    folder: str
    policies: tuple[str, ...]
    scene: str
    trials: int  # of each policy in each group
    objects: tuple[int, ...] = ()
    robot: RobotName = "gantry"
    noise: Literal["none", "d405"] = "none"


TABLE_1 = (10, 20, 30)
LOTS = (
    Lot("random", ("default", "paper"), "random", 500, TABLE_1),
    Lot("random", ("paper-no-switching", "wang2024", "geometric"), "random", 200, TABLE_1),
    Lot("heap", ("default", "paper", "wang2024"), "heap", 200, TABLE_1),
    Lot("challenging", ("default", "paper"), "challenging", 100),
    Lot("challenging", ("paper-no-switching", "wang2024", "geometric"), "challenging", 30),
    Lot("novel", ("default", "paper", "wang2024"), "novel", 30),
    Lot("novel-panda", ("default", "paper", "wang2024"), "novel", 30, (), "panda", "d405"),
)


def main(
    runs: Path,
    only: tuple[str, ...] = (),
    minutes: float = 1e6,
    workers: int = 2,
    up_to: int = max(ROUNDS),
    without: tuple[str, ...] = (),
    publish: bool = False,
) -> None:
    """Play the trials that are missing, or publish those that were played.

    Args:
        runs: folder of the results, one folder each.
        only: names of those folders; all of them if none is given.
        minutes: stop after so long; nothing is lost.
        workers: processes.
        up_to: no more than so many trials of each policy in each group.
        without: policies that are left for another time.
        publish: compress the trials into results/ here, with tables and report.
    """
    lots = [
        replace(lot, policies=tuple(name for name in lot.policies if name not in without))
        for lot in LOTS
        if not only or lot.folder in only
    ]
    if publish:
        for name in dict.fromkeys(lot.folder for lot in lots):
            if (runs / name / SUMMARY).is_file():
                _publish(runs / name)
        return
    try:
        with _time_limit(60 * minutes):
            for lot, trials in _rounds(lots, up_to):
                print(f"{lot.folder}: {', '.join(lot.policies)}: {trials} trials each", flush=True)
                config = EvaluationConfig(
                    policies=lot.policies, scenes=(lot.scene,), objects=lot.objects,
                    trials=trials, seed=SEED, robot=lot.robot, noise=lot.noise,
                )  # fmt: skip
                evaluate(
                    config, workers=workers, out=runs / lot.folder, resume=True, progress=_tell
                )
    except KeyboardInterrupt as stop:
        print(f"stopped: {stop}", file=sys.stderr)


def _rounds(lots: list[Lot], up_to: int) -> Iterator[tuple[Lot, int]]:
    """All lots with few trials, then with more."""
    before = 0
    for n in ROUNDS:
        for lot in lots:
            if before < min(lot.trials, up_to):
                yield lot, min(n, lot.trials, up_to)
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
    """Copy a run to results/: trials compressed, tables, a page, a picture of its plots."""
    folder = PUBLISHED / run.name
    for name in ("settings.json", SUMMARY, TABLE):
        write_atomic(folder / name, (run / name).read_bytes())
    write_atomic(folder / COMPRESSED, lzma.compress((run / TRIALS).read_bytes(), preset=9))
    page = folder / "report.html"
    write_report([folder], out=page, pictures=False)
    with headless() as browser:
        view = browser.new_page(
            viewport={"width": 1120, "height": 800}, color_scheme="light", offline=True
        )
        view.goto(page.absolute().as_uri())
        # of no use in a picture: the heading, and words on what the pointer shows
        view.locator("#plots > h2, #plots > .lead").evaluate_all(
            "ns => ns.forEach(n => n.remove())"
        )
        write_atomic(folder / "plots.png", view.locator("#plots").screenshot())


if __name__ == "__main__":
    tyro.cli(main)
