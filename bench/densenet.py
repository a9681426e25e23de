"""Training of the paper's network, DenseNet-121, reduced so that it learns on two cores.

Both trunks are complete. Crops are smaller, 22 cm around the target at 128 px (paper: the workspace
at 640 px), and so is the batch; scenes have five objects.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import common
import numpy as np
import tyro

from pushgrasp.evaluation.intervals import wilson
from pushgrasp.training.config import TrainingConfig
from pushgrasp.training.metrics import read_metrics
from pushgrasp.training.recipes import RECIPES, Recipe, StageConfig, with_network
from pushgrasp.training.replay_buffer import ACTION, NO_ACTION
from pushgrasp.training.train import train
from pushgrasp.utils.files import read_json


def small_densenet(samples: int) -> Recipe:
    """Return stage 1 of the `paper` recipe, reduced to minutes on a CPU."""
    paper = with_network(RECIPES["paper"], "densenet121")
    stage = StageConfig("grasp-any", (5,), n_samples=samples, epsilon_decay=0.997)
    return dataclasses.replace(
        paper,
        network=dataclasses.replace(
            paper.network, window="target", crop_px=128, crop_resolution=0.00175
        ),
        stages=(stage,),
        batch_size=8,
        learning_rate=1e-3,  # from random weights, not ImageNet's
    )


def main(
    run: Path,
    minutes: float = 18.0,
    samples: int = 3000,
    parts: int = 5,
    seed: int = 0,
    resume: bool = False,
    out: Path | None = None,
) -> None:
    """Train for some minutes; show loss and success in equal parts of the run.

    Args:
        run: folder of the run, as of `pushgrasp train`.
        minutes: time limit.
        samples: limit of grasps.
        parts: rows of the table.
        seed: of the run.
        resume: resume the run.
        out: file for the JSON.
    """
    config = TrainingConfig(seed=seed, workers=1, time_limit=60 * minutes, resume=resume)
    train(small_densenet(samples), run, config)
    result = {"setting": common.setting(), "results": _parts(run, parts)}
    header = (
        "grasps",
        "minutes",
        "steps",
        "loss",
        "successful greedy grasps",
        "successful random grasps",
    )
    common.show(result, header, [_row(part) for part in result["results"]])
    common.save(result, out)


def _parts(run: Path, parts: int) -> list[dict[str, Any]]:
    """Return grasps, logged metrics and successes for equal parts of a run."""
    count = read_json(run / "replay" / "count.json")["count"]
    actions = np.fromfile(run / "replay" / "actions.bin", ACTION, count)
    actions = actions[actions["primitive"] != NO_ACTION]
    lines = read_metrics(run)[0]
    result = []
    for part in np.array_split(np.arange(len(actions)), parts):
        chosen = actions[part]
        own, random = (chosen["reward"][chosen["explored"] == e] > 0 for e in (False, True))
        within = [line for line in lines if part[0] < line["samples"] <= part[-1] + 1]
        losses = [line["loss"] for line in within if line["loss"] is not None]
        result.append(
            {
                "grasps": int(part[-1]) + 1,
                "minutes": within[-1]["wall_s"] / 60 if within else float("nan"),
                "updates": within[-1]["updates"] if within else 0,
                "loss": float(np.mean(losses)) if losses else float("nan"),
                "own": (int(own.sum()), len(own)),
                "random": (int(random.sum()), len(random)),
            }
        )
    return result


def _row(part: dict[str, Any]) -> tuple[Any, ...]:
    return (
        f"to {part['grasps']}",
        f"{part['minutes']:.1f}",
        part["updates"],
        f"{part['loss']:.3f}",
        _share(*part["own"]),
        _share(*part["random"]),
    )


def _share(successes: int, n: int) -> str:
    if n == 0:
        return "–"
    low, high = wilson(successes, n)
    return f"{successes / n:.0%} of {n} ({low:.0%} to {high:.0%})"


if __name__ == "__main__":
    tyro.cli(main)
