"""Time of training by kind of work, and the load of the cores."""

from __future__ import annotations

import dataclasses
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import common
import tyro

from pushgrasp.training.config import TrainingConfig
from pushgrasp.training.metrics import read_metrics
from pushgrasp.training.recipe_file import find_recipe
from pushgrasp.training.recipes import Recipe
from pushgrasp.training.train import train

KINDS = ("scene", "robot", "camera", "network")


def main(
    name: str = "default",
    seconds: float = 120.0,
    init_from: str | None = None,
    seed: int = 1000,
    out: Path | None = None,
) -> None:
    """Train for some time in each stage of a recipe, and measure the load.

    Args:
        name: of the recipe.
        seconds: per stage.
        init_from: a policy to start from, so that later stages run as in a complete run.
        seed: of the runs.
        out: file for the JSON.
    """
    figures = []
    for index, stage in enumerate(find_recipe(name).stages):
        alone = dataclasses.replace(find_recipe(name), stages=(stage,))
        figures.append(
            {"stage": f"{index + 1}. {stage.name}"} | _figures(alone, seconds, init_from, seed)
        )
    header = ("stage", "actions/s", "CPU load", "learner, share of all", *KINDS)
    result = {"setting": common.setting(), "recipe": name, "seconds": seconds, "results": figures}
    common.show(result, header, [_row(figure) for figure in figures])
    common.save(result, out)


def _figures(alone: Recipe, seconds: float, init_from: str | None, seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        before, start = _cpu(), time.perf_counter()
        train(alone, run, TrainingConfig(seed=seed, init_from=init_from, time_limit=seconds))
        wall = time.perf_counter() - start
        mine, theirs = (after - b for after, b in zip(_cpu(), before, strict=True))
        lines = [line for line in read_metrics(run)[0] if line["samples_per_s"]]
    if not lines:
        raise SystemExit(f"--seconds {seconds:g}: no action was recorded; allow more time")
    cores = len(os.sched_getaffinity(0))
    shares = {k: [line.get(f"share_{k}", 0.0) for line in lines] for k in KINDS}
    return {
        "actions_per_s": lines[-1]["samples"] / lines[-1]["wall_s"],
        "busy": (mine + theirs) / (wall * cores),
        "learner": mine / (mine + theirs),
        **{k: sum(v) / len(v) for k, v in shares.items()},
    }


def _cpu() -> tuple[float, float]:
    """Return the CPU seconds of this process and of its finished children."""
    mine, theirs = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return mine.ru_utime + mine.ru_stime, theirs.ru_utime + theirs.ru_stime


def _row(figure: dict[str, Any]) -> tuple[Any, ...]:
    return (
        figure["stage"],
        f"{figure['actions_per_s']:.1f}",
        f"{figure['busy']:.0%}",
        f"{figure['learner']:.0%}",
        *(f"{figure[kind]:.0%}" for kind in KINDS),
    )


if __name__ == "__main__":
    tyro.cli(main)
