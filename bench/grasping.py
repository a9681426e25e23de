"""How often one grasp takes the object that was asked for: the figure that training raises."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import common
import numpy as np
import tyro

from pushgrasp.evaluation.intervals import wilson
from pushgrasp.policy.learned import Policy
from pushgrasp.policy.load import policy_names
from pushgrasp.policy.networks import build
from pushgrasp.training.actor import RolloutSetup
from pushgrasp.training.checkpoint import save_weights
from pushgrasp.training.messages import Sample, SceneJob
from pushgrasp.training.recipes import Recipe, StageConfig
from pushgrasp.training.rollout import ScenePlayer
from pushgrasp.utils.threads import use_one_thread


def main(
    policy: str = "",
    objects: tuple[int, ...] = (10, 20),
    scene: str = "random",
    samples: int = 300,
    seed: int = 1000,
    out: Path | None = None,
) -> None:
    """Ask for one visible object after another, as in training but without exploring.

    Any object of which 20 pixels are seen may be asked for, buried ones too. The scenes are of
    another seed than those of training.

    Args:
        policy: name or directory; the first that comes with the package if not given.
        objects: in a scene; a row each.
        scene: random or heap.
        samples: grasps for each number of objects.
        seed: of the scenes; not one that was trained with.
        out: file for the JSON.
    """
    use_one_thread()
    source = policy or policy_names()[0]
    figures = [_figures(source, n, scene, samples, seed) for n in objects]
    result = {"setting": common.setting(), "policy": source, "scene": scene, "seed": seed}
    header = ("objects", "grasps", "success", "95 %", "of those over Q_g*", "share of them")
    common.show({**result, "results": figures}, header, [_row(figure) for figure in figures])
    common.save({**result, "results": figures}, out)


def _figures(source: str, n_objects: int, scene: str, samples: int, seed: int) -> dict[str, Any]:
    policy = Policy.from_pretrained(source)
    stage = StageConfig("grasp-goal", (n_objects,), (scene,), epsilon=(0.0, 0.0))
    recipe = Recipe("bench", policy.network, policy.decision, policy.primitive, (stage,))
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        push = policy.push or build(policy.network, "push")  # there has to be one; it is not used
        save_weights(weights, {"grasp": policy.grasp, "push": push})
        player = ScenePlayer(RolloutSetup(recipe, seed, weights))
        played: list[tuple[bool, float]] = []
        for number in range(samples):
            for message in player(SceneJob(0, number, 0.0, policy.decision.grasp_threshold)):
                if isinstance(message, Sample) and len(played) < samples:
                    a = message.action
                    played.append((bool(a["reward"] > 0), float(a["q"])))
            print(f"{n_objects} objects: {len(played)} of {samples}", file=sys.stderr)
            if len(played) == samples:
                break
    success = np.array([s for s, _ in played])
    sure = np.array([q for _, q in played]) > policy.decision.grasp_threshold
    return {
        "objects": n_objects,
        "grasps": len(played),
        "success": float(success.mean()),
        "success_95": wilson(int(success.sum()), len(success)),
        "sure": float(sure.mean()),
        "success_sure": float(success[sure].mean()) if sure.any() else None,
    }


def _row(figure: dict[str, Any]) -> tuple[Any, ...]:
    low, high = figure["success_95"]
    sure = figure["success_sure"]
    return (
        figure["objects"],
        figure["grasps"],
        f"{figure['success']:.1%}",
        f"{low:.1%} to {high:.1%}",
        "–" if sure is None else f"{sure:.1%}",
        f"{figure['sure']:.0%}",
    )


if __name__ == "__main__":
    tyro.cli(main)
