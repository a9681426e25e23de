"""Fit value networks to played scenes, and check them on scenes that were left out."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import tyro

from pushgrasp.policy.value.config import ValueConfig
from pushgrasp.policy.value.proposals import GRASP
from pushgrasp.policy.value.saved import save_value_policy
from pushgrasp.policy.value.views import HIDDEN_PX
from pushgrasp.training.lookahead.fit import choose_goals, compute_targets, fit, score
from pushgrasp.training.lookahead.fit_config import FitConfig
from pushgrasp.training.lookahead.store import load_store
from pushgrasp.utils.threads import use_one_thread


def main(
    data: tuple[Path, ...],
    out: Path,
    config: FitConfig,
    decision: ValueConfig,
    most: int = 0,
    held_out: float = 0.1,
) -> None:
    """Fit.

    Args:
        data: folders of played scenes, `scenes/` of runs of the recipe `value`.
        out: folder for the policy.
        config: of the fit.
        decision: of the policy.
        most: actions to use at most; 0: all.
        held_out: share of the scenes that is only for checking.
    """
    use_one_thread()
    began = time.perf_counter()
    store = load_store(data, most)
    n = len(store.kinds)
    left_out = np.random.default_rng(0).permutation(n)[: round(held_out * n)]
    check = store.of(left_out)
    actions = store.of(np.setdiff1d(np.arange(n), left_out))
    print(f"{n} scenes, {len(actions)} actions to learn from, {len(check)} to check; "
          f"{time.perf_counter() - began:.0f} s", flush=True)  # fmt: skip

    def report(networks, iteration: int) -> None:
        save_value_policy(out, networks, decision, {"actions": len(actions)})
        if not len(check):
            return
        rng = np.random.default_rng(1)
        goals = choose_goals(store, check, config.goals, rng)
        q = score(networks, store, store.look[check], store.action[check], goals).mean(0)
        y = compute_targets(store, check, goals, networks, config, rng)
        taken = store.taken[check[:, None], goals]
        hidden = np.take_along_axis(store.visible[store.look[check]], goals, 1) < HIDDEN_PX
        grasp = (store.action["primitive"][check] == GRASP)[:, None] & np.ones_like(hidden)
        lines = []
        for name, m in (("all", np.ones_like(hidden)), ("hidden", hidden), ("grasp", grasp),
                        ("push", ~grasp), ("taken", taken), ("not taken", ~taken)):  # fmt: skip
            if m.sum() > 5:
                c = np.corrcoef(q[m], y[m])[0, 1]
                lines.append(
                    f"{name} {m.sum()}: q {q[m].mean():.3f} y {y[m].mean():.3f} r {c:.2f} "
                    f"rms {np.sqrt(np.mean((q[m] - y[m]) ** 2)):.3f}"
                )
        print("   check: " + "; ".join(lines), flush=True)

    fit(store, actions, config, lambda s: print(s, flush=True), report)
    print(f"done after {time.perf_counter() - began:.0f} s, CPU {time.process_time():.0f} s")


if __name__ == "__main__":
    tyro.cli(main)
