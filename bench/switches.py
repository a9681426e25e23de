"""What each idea of a policy's rule is worth: the same scenes with it and without."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import common
import numpy as np
import tyro

from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.intervals import bootstrap
from pushgrasp.evaluation.metrics import score
from pushgrasp.evaluation.records import TrialRecord
from pushgrasp.evaluation.results import read_trials
from pushgrasp.evaluation.runner import evaluate
from pushgrasp.policy.config import DecisionConfig
from pushgrasp.policy.learned import Policy
from pushgrasp.policy.load import policy_names

OFF: dict[str, dict[str, Any]] = {
    field.name: {field.name: field.default}
    for field in dataclasses.fields(DecisionConfig)
    if field.default is not dataclasses.MISSING
}
"""How to switch an idea off: the field's default, which is the paper's way."""


@dataclass(frozen=True)
class _Variant:
    """A policy with some numbers of its rule changed, and its trials by group and index."""

    name: str
    trials: dict[tuple[str, int], TrialRecord]


def main(
    policy: str = "",
    switches: tuple[str, ...] = (),
    scenes: tuple[str, ...] = ("random",),
    objects: tuple[int, ...] = (20,),
    trials: int = 60,
    seed: int = 777,
    workers: int | None = None,
    out: Path | None = None,
) -> None:
    """Evaluate a policy as it is and with one idea of its rule switched off at a time.

    Args:
        policy: name or directory; the first that comes with the package if not given.
        switches: fields of DecisionConfig, each back to its default, which is the paper's way,
            or "field=value" in JSON for another value; if none is given, every field in which
            the policy differs from the paper's rule, and "push=false": no pushing network.
        scenes, objects: as in `pushgrasp evaluate`.
        trials: of each group and each variant.
        seed: of the trials; 777 is the one that the rule was tuned on.
        workers: processes; all cores if not given.
        out: file for the JSON.
    """
    source = policy or policy_names()[0]
    loaded = Policy.from_pretrained(source)
    wanted = switches or (*_differing(loaded.decision), "push=false")
    n_workers = workers or len(os.sched_getaffinity(0))
    variants = []
    for name in ("", *wanted):
        with tempfile.TemporaryDirectory() as folder:
            _changed(source, name).save_pretrained(Path(folder) / "policy")
            config = EvaluationConfig(
                policies=(str(Path(folder) / "policy"),), scenes=scenes, objects=objects,
                trials=trials, seed=seed,
            )  # fmt: skip
            evaluate(config, workers=n_workers, out=Path(folder) / "trials")
            variants.append(_Variant(name, _read(Path(folder) / "trials")))
        print(f"{len(variants)} of {len(wanted) + 1}: {name or 'as it is'}", file=sys.stderr)
    figures = [_figures(variant, variants[0]) for variant in variants]
    result = {
        "setting": common.setting(), "policy": source, "scenes": scenes, "objects": objects,
        "trials": trials, "seed": seed, "results": figures,
    }  # fmt: skip
    header = ("variant", "group", "trials", "TCR", "95 %", "GSR", "MN", "MN less with the idea")
    common.show(result, header, [row for figure in figures for row in _rows(figure)])
    common.save(result, out)


def _differing(rule: DecisionConfig) -> list[str]:
    """The fields in which a rule is not the paper's."""
    return [name for name, off in OFF.items() if getattr(rule, name) != off[name]]


def _changed(source: str, switch: str) -> Policy:
    """The policy with one number of its rule changed."""
    policy = Policy.from_pretrained(source)
    name, _, value = switch.partition("=")
    if name == "push":
        policy.push = None
    elif name:
        change = {name: json.loads(value)} if value else OFF[name]
        policy.decision = dataclasses.replace(policy.decision, **change)
    return policy


def _read(folder: Path) -> dict[tuple[str, int], TrialRecord]:
    return {(r.group, r.index): r for r in read_trials(folder)[0]}


def _figures(variant: _Variant, whole: _Variant) -> dict[str, Any]:
    """Rates of each group, and the actions that the idea saves in the same scenes."""
    groups = []
    for name in dict.fromkeys(group for group, _ in whole.trials):
        mine = [r for (group, _), r in sorted(variant.trials.items()) if group == name]
        saved = [
            float(r.actions - whole.trials[key].actions)
            for key, r in variant.trials.items()
            if key[0] == name and _comparable(r, whole.trials[key])
        ]
        rates = score(name, mine)
        groups.append(
            {
                "group": name,
                "trials": rates.trials,
                "tcr": rates.tcr,
                "tcr_95": rates.tcr_ci95,
                "gsr": rates.gsr,
                "mn": rates.mn,
                "saved": float(np.mean(saved)) if saved else None,
                "saved_95": bootstrap(saved),
                "pairs": len(saved),
                "wrong_claims": rates.wrong_claims,
            }
        )
    return {"variant": variant.name or "as it is", "groups": groups}


def _comparable(a: TrialRecord, b: TrialRecord) -> bool:
    """Whether both completed the very same scene."""
    return a.seed == b.seed and a.success and b.success


def _rows(figure: dict[str, Any]) -> list[tuple[Any, ...]]:
    rows = []
    for g in figure["groups"]:
        low, high = g["tcr_95"]
        saved = "–"
        if g["saved"] is not None and figure["variant"] != "as it is":
            saved = f"{g['saved']:+.2f} ({g['saved_95'][0]:+.2f} to {g['saved_95'][1]:+.2f})"
        rows.append(
            (
                figure["variant"],
                g["group"],
                g["trials"],
                f"{100 * g['tcr']:.1f} %",
                f"{100 * low:.0f} to {100 * high:.0f} %",
                "–" if g["gsr"] is None else f"{100 * g['gsr']:.1f} %",
                "–" if g["mn"] is None else f"{g['mn']:.2f}",
                saved,
            )
        )
    return rows


if __name__ == "__main__":
    tyro.cli(main)
