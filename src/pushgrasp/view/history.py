"""Histories of training runs, read from their metrics."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..training.metrics import Line, read_metrics
from ..utils.files import read_json

CONFIG = "config.json"
GOAL_STAGE = "grasp-goal"
MILESTONE = 0.8
"""Greedy success rate in the goal stage; runs are compared by the time they take to reach it."""
MAX_RUNS = 7
"""Runs whose lines can be distinguished in one picture."""
UNITS = ("actions", "minutes")
ENOUGH = 100
"""Fewest greedy actions of a stage, estimated from epsilon, for its success rate to count."""

_LONGEST = 34  # characters of a name in tables and legends


@dataclass(frozen=True)
class Visit:
    """The metrics of a run's stay in one stage, to its end or an interruption."""

    stage: str
    lines: Sequence[Line]
    start: tuple[int, float]  # actions and minutes of the run when it began

    @property
    def end(self) -> tuple[int, float]:
        """Actions and minutes of the run at the last line."""
        return _place(self.lines[-1])

    def x(self, unit: int) -> npt.NDArray[np.float64]:
        """Return (n,) actions or minutes of the run at each line; see UNITS."""
        return self.column("samples") if unit == 0 else self.column("wall_s") / 60

    def column(self, key: str) -> npt.NDArray[np.float64]:
        """Return (n,) values of a key; NaN where a line has none."""
        values = (line.get(key) for line in self.lines)
        return np.array([math.nan if value is None else value for value in values], float)


@dataclass(frozen=True)
class History:
    """The metrics of a run, by stage."""

    name: str
    number: int  # among those read together, from 1
    directory: Path
    recipe: str
    loss: str  # kind
    visits: Sequence[Visit]
    damaged: Sequence[str]  # what was left out, a sentence each

    @property
    def short_name(self) -> str:
        """Number and name, without the middle of a long name."""
        half, name = _LONGEST // 2, self.name
        return f"{self.number} {name if len(name) <= _LONGEST else f'{name[:half]}…{name[-half:]}'}"

    @property
    def n_actions(self) -> int:
        """Of the whole run."""
        return self.visits[-1].end[0]

    @property
    def minutes(self) -> float:
        """Of the whole run."""
        return self.visits[-1].end[1]

    def last_success(self) -> dict[str, float]:
        """Return the last greedy success rate of each stage, 0 to 1, in the order of the stages;
        NaN if no action was greedy."""
        last: dict[str, float] = {}
        for visit in self.visits:
            rates = visit.column("success_greedy")
            known = rates[np.isfinite(rates)]
            last[visit.stage] = known[-1] if len(known) else last.get(visit.stage, math.nan)
        return last

    def milestone(self) -> tuple[int, float] | None:
        """Return actions and minutes of the run when the goal stage first had MILESTONE greedy
        success, over at least ENOUGH greedy actions; None if it never had."""
        for visit in self.visits:
            if visit.stage != GOAL_STAGE:
                continue
            steps = np.diff(visit.x(0), prepend=visit.start[0])
            n_greedy = np.nancumsum(steps * (1 - visit.column("epsilon")))
            good = (visit.column("success_greedy") >= MILESTONE) & (n_greedy >= ENOUGH)
            if good.any():
                return _place(visit.lines[int(np.argmax(good))])
        return None

    def shares(self, stages: Collection[str]) -> dict[str, float]:
        """Return the shares of the workers' time in some stages by kind, which add up to 1; each
        line is weighted by its duration. Empty if no line has shares."""
        spent: dict[str, float] = {}
        for visit in self.visits:
            if visit.stage not in stages:
                continue
            durations = np.diff(visit.x(1), prepend=visit.start[1]).clip(0)
            for line, duration in zip(visit.lines, durations, strict=True):
                for key, value in line.items():
                    kind = key.removeprefix("share_")
                    if kind not in (key, "learning") and value is not None:  # that is the learner's
                        spent[kind] = spent.get(kind, 0.0) + value * duration
        total = sum(spent.values())
        return {kind: seconds / total for kind, seconds in spent.items()} if total > 0 else {}


def read_histories(directories: Sequence[Path]) -> list[History]:
    """Read the runs in some folders, each with a different name.

    Raises:
        UserError: there are more than MAX_RUNS; a folder is given twice, holds no run, or its run
            has done nothing yet.
    """
    if len(directories) > MAX_RUNS:
        raise UserError(
            f"{len(directories)} runs are too many for one picture; name {MAX_RUNS} or fewer"
        )
    places = [path.expanduser().resolve() for path in directories]
    for i, place in enumerate(places):
        if place in places[:i]:
            raise UserError(f"{directories[i]} is given twice; name each run once")
    return [
        read_history(place, name, number)
        for number, (place, name) in enumerate(zip(places, _names(places), strict=True), start=1)
    ]


def read_history(directory: Path, name: str, number: int = 1) -> History:
    """Read a run's history.

    Args:
        directory: of the run.
        name: what to call it.
        number: among those read together.
    Raises:
        UserError: there is no run, or it has done nothing yet.
    """
    if not (directory / CONFIG).is_file():
        raise UserError(
            f"{directory} holds no training run ({CONFIG} is missing); name a folder that "
            "`pushgrasp train --out` has made"
        )
    config = read_json(directory / CONFIG)
    recipe = config.get("recipe") if isinstance(config, dict) else None
    if not isinstance(recipe, dict) or not isinstance(recipe.get("name"), str):
        raise UserError(f"{directory / CONFIG} is no training run's configuration")
    lines, damaged = read_metrics(directory)
    visits = _visits(lines)
    if not visits:
        bad = f" that can be read ({len(damaged)} are damaged)" if damaged else " yet"
        raise UserError(
            f"{directory} has no metrics{bad}; training writes a line every 15 s and at its end"
        )
    return History(
        name, number, directory, recipe["name"], str(recipe.get("loss")), visits, damaged
    )


def run_table(
    runs: Sequence[History], stages: Sequence[str] | None = None
) -> tuple[list[str], list[list[str]]]:
    """Format a row per run, for tables.

    Args:
        runs: a row each.
        stages: those with a column; None: all.
    Returns:
        Titles of the columns, and rows.
    """
    if stages is None:
        stages = list(dict.fromkeys(stage for run in runs for stage in run.last_success()))
    head = ["run", "recipe", *UNITS, *stages, f"{100 * MILESTONE:.0f} % in {GOAL_STAGE}"]
    rows: list[list[str]] = []
    for run in runs:
        last, reached = run.last_success(), run.milestone()
        rates = [f"{100 * last[s]:.1f} %" if last.get(s, -1) >= 0 else "–" for s in stages]
        after = f"{reached[0]:,} / {reached[1]:,.1f} min" if reached else "not yet"
        size = f"{run.n_actions:,}", f"{run.minutes:,.1f}"
        rows.append([run.short_name, run.recipe, *size, *rates, after])
    return head, rows


def smoothed(values: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.float64]:
    """Average (N,) values over n neighbours, fewer at the ends; NaN stays and does not count."""
    known = np.isfinite(values)
    sums, counts = (
        np.convolve(v, np.ones(n))[n // 2 : n // 2 + len(values)]
        for v in (np.where(known, values, 0.0), known.astype(float))
    )
    return np.where(known, sums / np.maximum(counts, 1), np.nan)


def _visits(lines: Sequence[Line]) -> list[Visit]:
    """Group lines by stage. A recipe may have two stages of one name in a row, or return to one.
    Visits without a new action, as when a resumed run skips what is done, are left out."""

    def stage_of(line: Line) -> tuple[str, int]:
        return line["stage"], line["samples"] - line["stage_samples"]

    visits: list[Visit] = []
    place = (0, 0.0)
    for (stage, _), group in groupby(lines, stage_of):
        visit = Visit(stage, list(group), place)
        if visit.end[0] > place[0]:
            visits.append(visit)
        place = (max(place[0], visit.end[0]), visit.end[1])
    return visits


def _place(line: Line) -> tuple[int, float]:
    return line["samples"], line["wall_s"] / 60


def _names(places: Sequence[Path]) -> list[str]:
    """Name different paths by their shortest ends that differ."""

    def name(place: Path) -> str:
        ends = [place.parts[-n:] for n in range(1, len(place.parts) + 1)]
        unique = (end for end in ends if sum(p.parts[-len(end) :] == end for p in places) == 1)
        return "/".join(next(unique, place.parts))

    return [name(place) for place in places]
