"""What a training run has written of itself, read so that one bad line does not hide the rest."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..utils.files import read_json

CONFIG, METRICS = "config.json", "metrics.jsonl"
GOAL_STAGE = "grasp-goal"
MILESTONE = 0.8
"""Greedy success in the goal stage, the time to which runs are compared by."""
MAX_RUNS = 7
"""Runs whose lines can be distinguished in one picture."""
ENOUGH = 100
"""Greedy actions of a stage, estimated by epsilon, from which its success means something."""

Line = dict[str, Any]


@dataclass(frozen=True)
class Visit:
    """The lines of one stage, from its start to its end or to an interruption."""

    stage: str
    lines: Sequence[Line]
    start: tuple[int, float]  # actions and minutes of the run when it began

    @property
    def end(self) -> tuple[int, float]:
        """Actions and minutes of the run at its last line."""
        return _place(self.lines[-1])

    @property
    def actions(self) -> npt.NDArray[np.float64]:
        """(n,) of the run, at each line."""
        return self.column("samples")

    @property
    def minutes(self) -> npt.NDArray[np.float64]:
        """(n,) of the run, at each line."""
        return self.column("wall_s") / 60

    def column(self, key: str) -> npt.NDArray[np.float64]:
        """(n,) values of a key; NaN where a line has none."""
        values = (line.get(key) for line in self.lines)
        return np.array([math.nan if value is None else value for value in values], float)


@dataclass(frozen=True)
class History:
    """A run as its metrics tell it."""

    name: str
    directory: Path
    recipe: str
    loss: str  # kind
    visits: Sequence[Visit]
    damaged: Sequence[str]  # what was left out, a sentence each

    @property
    def n_actions(self) -> int:
        """Of the whole run."""
        return self.visits[-1].end[0]

    @property
    def minutes(self) -> float:
        """Of the whole run."""
        return self.visits[-1].end[1]

    def last_success(self) -> dict[str, float]:
        """Stage by stage in the order of their beginning: the last greedy success, 0 to 1; NaN if
        no action was greedy."""
        last: dict[str, float] = {}
        for visit in self.visits:
            rates = visit.column("success_greedy")
            known = rates[np.isfinite(rates)]
            last[visit.stage] = known[-1] if len(known) else last.get(visit.stage, math.nan)
        return last

    def milestone(self) -> tuple[int, float] | None:
        """Actions and minutes of the run when the goal stage first had MILESTONE greedy success;
        None if it never had. The luck of a stage's first few greedy actions does not count."""
        for visit in self.visits:
            if visit.stage != GOAL_STAGE:
                continue
            steps = np.diff(visit.actions, prepend=visit.start[0])
            n_greedy = np.nancumsum(steps * (1 - visit.column("epsilon")))
            good = (visit.column("success_greedy") >= MILESTONE) & (n_greedy >= ENOUGH)
            if good.any():
                return _place(visit.lines[int(np.argmax(good))])
        return None

    def shares(self, stages: Collection[str]) -> dict[str, float]:
        """How the workers spent their time in some stages: shares by kind that add up to 1, each
        line counted by its duration; empty if no line tells."""
        spent: dict[str, float] = {}
        for visit in self.visits:
            if visit.stage not in stages:
                continue
            durations = np.diff(visit.minutes, prepend=visit.start[1]).clip(0)
            for line, duration in zip(visit.lines, durations, strict=True):
                for key, value in line.items():
                    kind = key.removeprefix("share_")
                    if kind not in (key, "learning") and value is not None:  # that is the learner's
                        spent[kind] = spent.get(kind, 0.0) + value * duration
        total = sum(spent.values())
        return {kind: seconds / total for kind, seconds in spent.items()} if total > 0 else {}


def read_histories(directories: Sequence[Path]) -> list[History]:
    """The runs in some folders, named so that they can be told apart.

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
    return [read_history(place, name) for place, name in zip(places, _names(places), strict=True)]


def read_history(directory: Path, name: str) -> History:
    """A run's history.

    Args:
        directory: of the run.
        name: what to call it.
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
    lines, damaged = _read_lines(directory / METRICS)
    visits = _visits(lines)
    if not visits:
        bad = f" that can be read ({len(damaged)} are damaged)" if damaged else " yet"
        raise UserError(
            f"{directory} has no metrics{bad}; training writes a line every 15 s and at its end"
        )
    return History(name, directory, recipe["name"], str(recipe.get("loss")), visits, damaged)


def _read_lines(path: Path) -> tuple[list[Line], list[str]]:
    """The good lines of a file, and what is wrong with the others. A last line without an end is
    being written, or was when the run was killed."""
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    good, damaged = [], []
    for number, raw in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            line = json.loads(raw)  # raises ValueError for what is not text or not JSON
            _check(line)
            good.append(line)
        except ValueError as error:
            is_json = not isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
            what = str(error) if is_json else "is no JSON"
            damaged.append(f"{path}: line {number} is damaged and left out: it {what}")
    return good, damaged


def _check(line: Any) -> None:
    """Whether a line can be drawn; ValueError says what it does not have."""
    if not isinstance(line, dict):
        raise ValueError("is no object with named values")
    if not isinstance(line.get("stage"), str):
        raise ValueError("names no stage")
    for key in ("samples", "stage_samples", "wall_s"):
        value = line.get(key)
        if not _is_number(value) or not math.isfinite(value) or value < 0:
            raise ValueError(f"has no number of 0 or more as {key}")
    drawn = {"success_greedy", "loss", "epsilon", "samples_per_s"}
    for key in drawn.union(key for key in line if key.startswith("share_")):
        if line.get(key) is not None and not _is_number(line[key]):
            raise ValueError(f"has no number as {key}")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _visits(lines: Sequence[Line]) -> list[Visit]:
    """Lines by stage. A recipe may have two stages of one name in a row, or come back to one.
    Visits without a new action, as when a resumed run passes through what is done, are left out."""

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
    """The ends of paths, as long as it takes to tell each from all the others."""
    names = []
    for place in places:
        parts = place.parts
        for n in range(1, len(parts) + 1):
            name = "/".join(parts[-n:])
            if sum(other.parts[-n:] == parts[-n:] for other in places) == 1:
                break
        names.append(name)
    return names
