"""Learn values from compared candidates, and say whether they choose better than the policy.

Judged on scenes that were not learned from: of the candidates of each state, the one of the
highest value is taken, and what came of it when it was played is compared with what came of the
policy's own choice.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch
import tyro
from value_networks import GAMMA, Dataset, ValueNetwork, fit, load, predict

from pushgrasp.policy.learned import Policy
from pushgrasp.training.lookahead.records import Ending, Kind, values

NEVER = 13  # actions that stand for "never" in the means


def main(
    data: tuple[Path, ...],
    policy: str = "default",
    folds: int = 4,
    run_folds: int = 4,
    epochs: float = 8.0,
    networks: int = 2,
    states: int = 0,
    seed: int = 0,
    learning_rate: float = 5e-4,
    save: Path | None = None,
    out: Path | None = None,
) -> None:
    """Learn and judge, by cross-validation over scenes.

    Args:
        data: folders written by `bench/forks.py`.
        policy: whose networks to begin with.
        folds: parts of the scenes, one of which is left out in turn.
        run_folds: folds that are really run.
        epochs: times that each sample is seen.
        networks: of each kind; the lowest value counts.
        states: compared states to learn from at most; 0: all.
        seed: of folds, batches and views.
        learning_rate: at first.
        save: file for the weights of the last fold's first networks.
        out: file for the JSON.
    """
    torch.set_num_threads(1)
    shipped = Policy.from_pretrained(policy)
    dataset = load(list(data))
    n_scenes = len(dataset.kinds)
    part = np.random.default_rng(seed).permutation(n_scenes) % folds
    judged: list[dict[str, Any]] = []
    start = time.perf_counter()
    for fold in range(min(folds, run_folds)):
        learned_from = np.flatnonzero(part != fold)
        if states:
            per_scene = dataset.compared.sum() / n_scenes
            learned_from = learned_from[: int(states / per_scene)]
        begun = [_begin(shipped) for _ in range(networks)]
        for i, nets in enumerate(begun):
            losses = fit(
                nets, dataset, learned_from, epochs=epochs, seed=seed + i,
                learning_rate=learning_rate,
            )  # fmt: skip
            print(f"fold {fold}, network {i}: losses {losses}, {time.perf_counter() - start:.0f} s")
        judged += _judge(dataset, np.flatnonzero(part == fold), shipped, begun)
        if save is not None:
            torch.save({p: n.state_dict() for p, n in begun[0].items()}, save)
    result = {
        "setting": common.setting(),
        "data": [str(d) for d in data],
        "scenes": n_scenes,
        "states": int(dataset.compared.sum()),
        "samples": len(dataset.samples),
        "epochs": epochs,
        "seed": seed,
        **_summary(judged),
    }
    rows = [
        (k, f"{v['value']:.3f}", f"{v['n']:.2f}", v["gain"]) for k, v in result["choices"].items()
    ]
    common.show(result, ("choice", "mean value", "mean n (never: 13)", "gain in value"), rows)
    common.save(result, out)


def _begin(shipped: Policy) -> dict[int, ValueNetwork]:
    assert shipped.push is not None
    return {0: ValueNetwork.begin(shipped.grasp), 1: ValueNetwork.begin(shipped.push)}


def _judge(
    data: Dataset, scenes: np.ndarray, shipped: Policy, learned: list[dict[int, ValueNetwork]]
) -> list[dict[str, Any]]:
    """What each way to choose comes to, state by state."""
    s = data.samples
    first = (s["candidate"] >= 0) & (s["ending"] != Ending.FAULT)
    first &= np.isin(data.scene[s["state"]], scenes)
    samples = s[first]
    q = np.min([predict(nets, data, samples) for nets in learned], axis=0)
    before = predict(_begin(shipped), data, samples)
    v = values(samples, GAMMA)
    n = np.where(samples["n"] > 0, samples["n"], NEVER).astype(float)
    judged = []
    for state in np.unique(samples["state"]):
        here = np.flatnonzero(samples["state"] == state)
        names, firsts = np.unique(samples["candidate"][here], return_index=True)
        if len(names) < 5 or 0 not in names:
            continue
        each = [here[samples["candidate"][here] == c] for c in names]
        mean_v = np.array([v[i].mean() for i in each])
        mean_n = np.array([n[i].mean() for i in each])
        candidates = here[firsts]
        picks = {
            "policy": int(np.flatnonzero(names == 0)[0]),
            "learned": int(q[candidates].argmax()),
            "before learning": int(before[candidates].argmax()),
            "best in hindsight": int(mean_v.argmax()),
        }
        goal = np.flatnonzero(samples["kind"][candidates] == Kind.GOAL)
        if len(goal):
            picks["goal's best grasp, where there is one"] = int(goal[0])
        row = {k: (float(mean_v[i]), float(mean_n[i])) for k, i in picks.items()}
        row["chance"] = (float(mean_v.mean()), float(mean_n.mean()))
        ranks = np.corrcoef(_ranks(q[candidates]), _ranks(mean_v))[0, 1] if mean_v.std() else np.nan
        judged.append(
            {
                "picks": row,
                "rank": float(ranks),
                "said": float(q[candidates].max()),
                "kind": Kind(int(samples["kind"][candidates][picks["learned"]])).name,
                "scene": data.kinds[int(data.scene[state])],
            }
        )
    return judged


def _ranks(x: np.ndarray) -> np.ndarray:
    return x.argsort().argsort().astype(float)


def _summary(judged: list[dict[str, Any]]) -> dict[str, Any]:
    """Means, and by how much each way to choose gains on the policy's, with 95 % intervals."""
    rng = np.random.default_rng(0)
    choices: dict[str, dict[str, Any]] = {}
    for name in {k: 0 for j in judged for k in j["picks"]}:
        with_it = [j["picks"] for j in judged if name in j["picks"]]
        value = np.array([p[name] for p in with_it])
        gain = value[:, 0] - np.array([p["policy"][0] for p in with_it])
        draws = gain[rng.integers(len(gain), size=(2000, len(gain)))].mean(1)
        low, high = np.percentile(draws, [2.5, 97.5])
        choices[name] = {
            "value": float(value[:, 0].mean()),
            "n": float(value[:, 1].mean()),
            "gain": f"{gain.mean():+.3f} ({low:+.3f} to {high:+.3f}), {len(gain)} states",
        }
    kinds, counts = np.unique([j["kind"] for j in judged], return_counts=True)
    return {
        "judged": len(judged),
        "choices": choices,
        "rank_correlation": float(np.nanmean([j["rank"] for j in judged])),
        "said_of_the_chosen": float(np.mean([j["said"] for j in judged])),
        "chosen_kinds": dict(zip(kinds.tolist(), counts.tolist(), strict=True)),
    }


if __name__ == "__main__":
    tyro.cli(main)
