"""Two policies in the same scenes, by how much of the goal is visible at the start.

    python bench/by_band.py --results results/random --a paper --b paper-no-switching

shows the effect of switching to another target: the two differ in nothing else. The perturbed
copies of a fixed scene count as one scene, each procedural scene as its own.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import common
import tyro

from pushgrasp.evaluation.metrics import BANDS, band, compare
from pushgrasp.evaluation.records import TrialRecord
from pushgrasp.evaluation.results import read_trials
from pushgrasp.sim.scenes.layouts import PROCEDURAL


def main(results: tuple[Path, ...], a: str, b: str, out: Path | None = None) -> None:
    """Pool the groups of some results, and compare band by band.

    Args:
        results: folders of `pushgrasp evaluate`; packed ones, too.
        a: a policy in them.
        b: another.
        out: file for the JSON.
    """
    played: dict[str, list[TrialRecord]] = {a: [], b: []}
    for folder in results:
        records, _ = read_trials(folder)
        for record in records:
            if record.policy in played:
                played[record.policy].append(record)
    figures: list[dict[str, Any]] = []
    for name in (*BANDS, "all"):
        mine, theirs = (_within(name, trials) for trials in played.values())
        if mine and theirs and (pairs := compare(name, mine, theirs, _scene)):
            done = [pairs.mn_pairs + alone for alone in (pairs.only_a, pairs.only_b)]
            figures.append({"band": name, "completed": done, **asdict(pairs)})
    result = {"setting": common.setting(), "a": a, "b": b, "results": figures}
    header = (
        "goal visible at the start", "pairs", "scenes", f"{a} completed", f"{b} completed",
        f"only {a}", f"only {b}", "p", f"MN of {a} less {b}",
    )  # fmt: skip
    common.show(result, header, [_row(figure) for figure in figures])
    common.save(result, out)


def _scene(trial: TrialRecord) -> tuple[str, int]:
    """Tell which trials are of one scene: all of a fixed one."""
    return trial.group, trial.index if trial.scene in PROCEDURAL else 0


def _within(name: str, trials: list[TrialRecord]) -> list[TrialRecord]:
    return [t for t in trials if name in ("all", band(t.visible_fraction))]


def _row(figure: dict[str, Any]) -> tuple[Any, ...]:
    shares = [f"{n / figure['pairs']:.1%}" for n in figure["completed"]]
    more = "–"
    if figure["mn_ci95"] is not None:
        low, high = figure["mn_ci95"]
        more = f"{figure['mn_difference']:+.2f} ({low:+.2f} to {high:+.2f})"
    only = (figure["only_a"], figure["only_b"])
    return (
        figure["band"],
        figure["pairs"],
        figure["scenes"],
        *shares,
        *only,
        f"{figure['p']:.2g}",
        more,
    )


if __name__ == "__main__":
    tyro.cli(main)
