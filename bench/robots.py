"""The same scenes with each robot: success rates, numbers of actions, times."""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import common
import numpy as np
import tyro

from pushgrasp.errors import UserError
from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.intervals import mcnemar
from pushgrasp.evaluation.metrics import score
from pushgrasp.evaluation.plan import plan_trials
from pushgrasp.evaluation.records import TrialRecord
from pushgrasp.evaluation.results import read_trials
from pushgrasp.evaluation.runner import evaluate
from pushgrasp.evaluation.trial import scene_config
from pushgrasp.policy.load import policy_names
from pushgrasp.sim.robots.registry import ROBOTS
from pushgrasp.sim.scenes.build import build_scene


@dataclass(frozen=True)
class _Run:
    """Trials with one robot."""

    robot: str
    records: list[TrialRecord]  # by index
    wall_s: float  # of all, on all workers
    reused: bool  # read from an earlier run's folder


def main(
    results: Path,
    policy: str = "",
    robots: tuple[str, ...] = ROBOTS,
    scene: str = "random",
    objects: int = 10,
    trials: int = 100,
    workers: int | None = None,
    seed: int = 41,
    shapes: bool = True,
    out: Path | None = None,
) -> None:
    """Evaluate a policy with each robot on the same scenes, and compare with the first robot.

    Args:
        results: folder for the trials, with a subfolder per robot. Existing trials are not played
            again: remove the folders when the code has changed.
        policy: name or directory; default: the first built-in one.
        robots: names; the others are compared with the first.
        scene: as in `pushgrasp evaluate`, but only one group of scenes.
        objects: number of objects (procedural scenes only).
        trials: per robot.
        workers: processes; default: all cores.
        seed: of the run; one used neither in training nor in tuning.
        shapes: build the scenes again for a table by the goal's shape.
        out: file for the JSON.
    """
    config = EvaluationConfig(
        policies=(policy or policy_names()[0],), scenes=(scene,), objects=(objects,),
        trials=trials, seed=seed,
    )  # fmt: skip
    n_workers = workers or len(os.sched_getaffinity(0))
    runs = [_run(replace(config, robot=robot), n_workers, results / robot) for robot in robots]
    rows, figures = [], []
    for run in runs:
        figure = _figures(run, runs[0])
        figures.append(figure)
        rows.append(_row(figure))
    header = (
        "robot", "retrieved", "95 %", "difference, points", "both / only it / only the first",
        "p", "GSR", "MN", "refused", "faults", "wrong claims", "wall s per trial",
        "robot s per trial", "robot s per action",
    )  # fmt: skip
    reasons = sorted({reason for figure in figures for reason in figure["reasons"]})
    result: dict[str, Any] = {
        "setting": common.setting(), "policy": config.policies[0], "scene": scene,
        "objects": objects, "trials": trials, "seed": seed, "workers": n_workers,
        "results": figures,
    }  # fmt: skip
    if reasons:
        common.table(
            ("why not retrieved", *robots),
            [(why, *(figure["reasons"].get(why, 0) for figure in figures)) for why in reasons],
        )
        print()
    if shapes:
        result["by_shape"] = _by_shape(runs, config)
        common.table(
            ("goal", "trials", *robots),
            [(shape, *counts) for shape, counts in sorted(result["by_shape"].items())],
        )
        print()
    common.show(result, header, rows)
    common.save(result, out)


def _run(config: EvaluationConfig, workers: int, folder: Path) -> _Run:
    """Play the trials that are missing in the folder."""
    n_played, robot = 0, config.robot

    def tell(n: int, total: int, _record: TrialRecord) -> None:
        nonlocal n_played
        n_played += 1
        if n % 10 == 0:
            print(f"{robot}: {n} of {total}", file=sys.stderr)

    summary = evaluate(config, workers=workers, out=folder, resume=True, progress=tell)
    records, _ = read_trials(folder)
    if len({r.group for r in records}) > 1:
        raise UserError(f"{folder} holds more than one group of scenes; name one scene")
    records.sort(key=lambda r: r.index)
    return _Run(robot, records, summary["wall_s"], n_played == 0)


def _figures(run: _Run, first: _Run) -> dict[str, Any]:
    """Compute a robot's rates and times, and their differences from the first robot's."""
    records = run.records
    group = score(run.robot, records)
    robot_s = sum(r.robot_s for r in records)
    reasons = Counter(common.kind(r.reason) for r in records if not r.success)
    return {
        "robot": run.robot,
        "trials": group.trials,
        "retrieved": group.completed,
        "tcr_95": group.tcr_ci95,
        "gsr": group.gsr,
        "mn": group.mn,
        "actions": sum(r.actions for r in records),
        "refusals": sum(r.refusals for r in records),
        "faults": group.faults,
        "wrong_claims": group.wrong_claims,
        "missed_claims": group.missed_claims,
        "reasons": reasons,
        "wall_s_per_trial": common.spread([r.wall_s for r in records]),
        "wall_s": run.wall_s,
        "robot_s_per_trial": robot_s / len(records),
        "robot_s_per_action": robot_s / max(1, sum(r.actions for r in records)),
        "reused": run.reused,
        "paired": None if run is first else _paired(run.records, first.records),
    }


def _paired(ours: list[TrialRecord], theirs: list[TrialRecord]) -> dict[str, Any]:
    """Count the outcomes of trials in which both robots met the same scene.

    Trials that a simulator fault moved to another scene for one of them are left out. The interval
    of the difference is Agresti and Min's (2005), p is from McNemar's exact test.
    """
    pairs = [
        (a.success, b.success)
        for a, b in zip(ours, theirs, strict=True)
        if (a.index, a.seed) == (b.index, b.seed)
    ]
    both, only, only_first = (pairs.count(p) for p in ((True, True), (True, False), (False, True)))
    n, b, c = len(pairs) + 2, only + 0.5, only_first + 0.5
    middle, half = (b - c) / n, 1.96 * np.sqrt(b + c - (b - c) ** 2 / n) / n
    return {
        "pairs": len(pairs),
        "both": both,
        "only_it": only,
        "only_first": only_first,
        "difference": (only - only_first) / max(1, len(pairs)),
        "difference_95": [middle - half, middle + half],
        "p": mcnemar(only, only_first),
    }


def _row(figure: dict[str, Any]) -> tuple[Any, ...]:
    paired = figure["paired"]
    compared: tuple[str, ...] = ("", "", "")
    if paired:
        low, high = paired["difference_95"]
        compared = (
            f"{100 * paired['difference']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})",
            f"{paired['both']} / {paired['only_it']} / {paired['only_first']} of {paired['pairs']}",
            f"{paired['p']:.2g}",
        )
    low, high = figure["tcr_95"]
    return (
        figure["robot"],
        f"{figure['retrieved']} of {figure['trials']}",
        f"{100 * low:.1f} to {100 * high:.1f} %",
        *compared,
        "–" if figure["gsr"] is None else f"{100 * figure['gsr']:.1f} %",
        "–" if figure["mn"] is None else f"{figure['mn']:.2f}",
        figure["refusals"],
        figure["faults"],
        figure["wrong_claims"],
        f"{figure['wall_s_per_trial']['median']:.1f}",
        f"{figure['robot_s_per_trial']:.1f}",
        f"{figure['robot_s_per_action']:.1f}",
    )


def _by_shape(runs: list[_Run], config: EvaluationConfig) -> dict[str, list[int]]:
    """Count trials and retrieved goals by the goal's shape, over scenes that all robots met."""
    specs = plan_trials(config)
    counts: dict[str, list[int]] = {}
    for spec, *records in zip(specs, *(run.records for run in runs), strict=True):
        if len({r.seed for r in records}) > 1:
            continue
        built = build_scene(scene_config(spec, records[0].seed))
        row = counts.setdefault(built.world.objects[built.goal].shape.name, [0] * (1 + len(runs)))
        for i, n in enumerate((1, *(int(r.success) for r in records))):
            row[i] += n
    return counts


if __name__ == "__main__":
    tyro.cli(main)
