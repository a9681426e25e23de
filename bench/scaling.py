"""Trials a minute of an evaluation, by the number of objects and of worker processes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import common
import tyro

from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.runner import evaluate


def main(
    policy: str = "default",
    objects: tuple[int, ...] = (10, 20, 30),
    workers: tuple[int, ...] = (1, 2),
    trials: int = 20,
    seed: int = 3,
    out: Path | None = None,
) -> None:
    """Play the same trials with each number of workers.

    The clock starts with the first trial that ends, since starting the workers takes some seconds
    whatever the number of trials, and runs until all have ended, idle workers included.

    Args:
        policy: name or folder.
        objects: in a scene; a row each.
        workers: processes; the first is what the others are compared with.
        trials: of each number of objects.
        seed: of the trials.
        out: file for the JSON.
    """
    figures: list[dict[str, Any]] = []
    for n in objects:
        rates = [_trials_a_minute(policy, n, w, trials, seed) for w in workers]
        figures.append({"objects": n, "trials_a_minute": rates})
    result = {"setting": common.setting(), "trials": trials, "seed": seed, "workers": workers}
    header = ("objects", *(f"{w} worker{'s'[: w > 1]}" for w in workers), "times as many")
    common.show({**result, "results": figures}, header, [_row(figure) for figure in figures])
    common.save({**result, "results": figures}, out)


def _trials_a_minute(policy: str, n_objects: int, workers: int, trials: int, seed: int) -> float:
    ended: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        evaluate(
            EvaluationConfig(policies=(policy,), objects=(n_objects,), trials=trials, seed=seed),
            workers=workers, out=Path(folder) / "run",
            progress=lambda *_: ended.append(time.perf_counter()),
        )  # fmt: skip
    return 60 * (len(ended) - 1) / (ended[-1] - ended[0])


def _row(figure: dict[str, Any]) -> tuple[Any, ...]:
    rates = figure["trials_a_minute"]
    return (
        figure["objects"],
        *(f"{rate:.1f}" for rate in rates),
        " / ".join(f"{rate / rates[0]:.2f}" for rate in rates[1:]),
    )


if __name__ == "__main__":
    tyro.cli(main)
