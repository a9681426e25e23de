"""What the compared candidates say: by kind, how many actions follow, and what choice would do."""

from __future__ import annotations

from pathlib import Path

import common
import numpy as np
import tyro

from pushgrasp.training.lookahead.records import Ending, Kind, load_scene, values

GAMMA = 0.8
NEVER = 13  # actions that stand for "never"


def main(data: tuple[Path, ...]) -> None:
    """Print tables.

    Args:
        data: folders written by `bench/forks.py`.
    """
    rows: dict[str, list[tuple[float, float]]] = {}
    picks: dict[str, list[tuple[float, float]]] = {}
    goal_q: list[tuple[float, float]] = []
    n_files = n_states = n_samples = 0
    for path in sorted(p for folder in data for p in folder.glob("scene-*.npz")):
        states, samples, _ = load_scene(path)
        n_files, n_states = n_files + 1, n_states + int(states["compared"].sum())
        n_samples += len(samples)
        first = samples[(samples["candidate"] >= 0) & (samples["ending"] != Ending.FAULT)]
        v = values(first, GAMMA)
        n = np.where(first["n"] > 0, first["n"], NEVER).astype(float)
        for kind, value, left in zip(first["kind"], v, n, strict=True):
            rows.setdefault(Kind(int(kind)).name, []).append((float(value), float(left)))
        on_goal = first[first["kind"] == Kind.GOAL]
        goal_q += [(float(s["q"]), float(s["n"] == 1)) for s in on_goal]
        for state in np.unique(first["state"]):
            here = np.flatnonzero(first["state"] == state)
            own = here[first["candidate"][here] == 0]
            if not len(own) or len(here) < 5:
                continue
            picks.setdefault("policy", []).append((v[own].mean(), n[own].mean()))
            picks.setdefault("chance", []).append((v[here].mean(), n[here].mean()))
            best = here[v[here].argmax()]
            picks.setdefault("best in hindsight", []).append((float(v[best]), float(n[best])))
    print(f"{n_files} scenes, {n_states} states, {n_samples} samples\n")
    header = ("candidates", "number", "mean value", "mean n (never: 13)", "never")
    common.table(header, [_row(k, r) for k, r in sorted(rows.items())])
    print()
    header = ("choice", "states", "mean value", "mean n", "never")
    common.table(header, [_row(*p) for p in picks.items()])
    print()
    q = np.array(goal_q).reshape(-1, 2)
    bins = [(0.0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.8), (0.8, 1.01)]
    table = []
    for low, high in bins:
        inside = (q[:, 0] >= low) & (q[:, 0] < high)
        if inside.any():
            table.append((f"{low} to {high}", int(inside.sum()), f"{q[inside, 1].mean():.2f}"))
    common.table(("Q_g of the goal's grasps", "number", "take it out"), table)


def _row(name: str, pairs: list[tuple[float, float]]) -> tuple[object, ...]:
    x = np.array(pairs)
    never = (x[:, 1] >= NEVER).mean()
    return name, len(x), f"{x[:, 0].mean():.3f}", f"{x[:, 1].mean():.2f}", f"{never:.0%}"


if __name__ == "__main__":
    tyro.cli(main)
