"""Decisions as they were: what a version of a policy's rule stands for.

After a deliberate change of a rule raise its version, then write the decisions anew:

    python tests/policy/golden.py
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script

import numpy as np
import numpy.typing as npt
from drawn_scenes import PILE, Block, draw
from fixed_scores import HashedScores, label_of

from pushgrasp.interfaces import Outcome
from pushgrasp.perception.observation import Observation
from pushgrasp.policy import rule
from pushgrasp.policy.base import Decides, Decision, Memory
from pushgrasp.policy.config import DecisionConfig
from pushgrasp.policy.geometric import planner
from pushgrasp.policy.geometric.planner import Geometric
from pushgrasp.policy.random import VERSION as RANDOM_VERSION
from pushgrasp.policy.random import RandomPolicy
from pushgrasp.policy.value.config import VERSION as VALUE_VERSION
from pushgrasp.policy.value.policy import ValuePolicy
from pushgrasp.policy.value.proposals import Candidates

FILE = Path(__file__).with_name("golden.json")
RULES = {
    "default": DecisionConfig(
        avoid_repeats=True, clear_blockers=True, blocker_threshold=0.8, distrust=0.6, max_pushes=2,
        smooth_px=2,
    ),
    "paper": DecisionConfig(grasp_threshold=0.75, max_pushes=4),
    "wang": DecisionConfig(
        switching=False, push_all_weight=1.0, push_target_weight=0.0, grasp_threshold=0.7,
        occupancy_limit=0.1, max_pushes=4,
    ),
    "value": DecisionConfig(
        grasp_threshold=-0.2, distrust=0.8, clear_blockers=True, blocker_threshold=0.9,
    ),
}  # fmt: skip
VERSIONS = {
    "rule": rule.RULE_VERSION,
    "geometric": planner.VERSION,
    "value": VALUE_VERSION,
    "random": RANDOM_VERSION,
}


def scenes() -> Iterator[Observation]:
    """Drawn scenes of 1 to 9 blocks: goals in the open, surrounded and hidden; some unseen."""
    yield draw(PILE)
    for i in range(1, 10):
        blocks = [
            Block(
                0.13 * ((0.618 * (i + 7 * k)) % 1.0) - 0.065,
                0.13 * ((0.414 * (i + 5 * k)) % 1.0) - 0.065,
                (0.025, 0.05, 0.1)[(i + k) % 3],
                (0.025, 0.05)[(i * k) % 2],
                (0.025, 0.05, 0.06, 0.08)[(i + 3 * k) % 4],
                0.37 * i + 0.71 * k,
            )
            for k in range(i)
        ]
        if i % 4 == 1:  # a lid over the goal
            blocks.append(Block(blocks[0].x, blocks[0].y, 0.12, 0.12, 0.1))
        yield draw(tuple(blocks), unseen=i % 3 == 0)


def rule_decisions(name: str) -> list[list[Any]]:
    """The decisions of one of RULES."""
    numbers, rows = RULES[name], []
    for i, seen in enumerate(scenes()):
        scores = HashedScores(i, low=-0.5 if name == "value" else 0.0)
        memory = Memory()
        for turn in range(2):
            decision = rule.decide(scores, seen, memory, numbers)
            rows.append(row(seen, decision))
            if decision.action is None:
                break
            memory = memory.after(decision.action, Outcome(changed=turn == 0 and i % 2 == 0))
        failing = Memory(memory.failed, pushes_in_a_row=i % 5, failures_in_a_row=1 + i % 3)
        refused = [] if decision.action is None else [decision.action]
        rows.append(row(seen, rule.decide(scores, seen, failing, numbers, refused=refused)))
    return rows


def policy_decisions(policy: Decides) -> list[list[Any]]:
    """The decisions of a policy that needs no maps."""
    rows = []
    for i, seen in enumerate(scenes()):
        memory = Memory()
        for turn in range(3):
            decision = policy.decide(seen, memory)
            rows.append(row(seen, decision))
            if decision.action is None:
                break
            memory = memory.after(decision.action, Outcome(changed=turn == i % 4))
    return rows


class DrawnValues(ValuePolicy):
    """Values that follow from the candidates' numbers, as if at random."""

    def values(self, observation: Observation, candidates: Candidates) -> npt.NDArray[np.float32]:
        names = ("primitive", "row", "column", "rotation", "length")
        mixed = sum(candidates[name].astype(float) * (k + 0.7) for k, name in enumerate(names))
        return (np.asarray(mixed) * 0.618 % 1.0).astype(np.float32)


def drawn_values() -> DrawnValues:
    """A value policy above the planner."""
    return DrawnValues([], base=RandomPolicy(), margin=0.3)


def row(seen: Observation, decision: Decision) -> list[Any]:
    """What is kept of a decision: action, target, and values."""
    action, target = decision.action, decision.target
    chosen = [None] * 4 if action is None else [action.primitive, action.rotation, *action.pixel]
    q = [v if math.isfinite(v) else None for v in (decision.q_grasp, decision.q_push)]
    return [*chosen, label_of(seen, target.mask), target.is_goal, *q]


def compute() -> dict[str, dict[str, Any]]:
    """All decisions of now, as the file holds them."""
    kept = {
        "rule": {name: rule_decisions(name) for name in RULES},
        "geometric": {"": policy_decisions(Geometric())},
        "value": {"": policy_decisions(drawn_values())},
        "random": {"": policy_decisions(RandomPolicy())},
    }
    return {name: {"version": VERSIONS[name], "decisions": rows} for name, rows in kept.items()}


def differing(then: list[list[Any]], now: list[list[Any]]) -> list[int]:
    """The decisions that differ by more than rounding."""
    n = max(len(then), len(now))
    pairs = zip(then + [[]] * (n - len(then)), now + [[]] * (n - len(now)), strict=True)
    return [i for i, (a, b) in enumerate(pairs) if not _same(a, b)]


def _same(then: list[Any], now: list[Any]) -> bool:
    return then[:6] == now[:6] and all(
        a == b or (None not in (a, b) and math.isclose(a, b, abs_tol=1e-5))
        for a, b in zip(then[6:], now[6:], strict=True)
    )


def main() -> None:
    """Write the decisions; refuse to for a rule that decides otherwise under the same version."""
    now = compute()
    then = json.loads(FILE.read_text()) if FILE.exists() else {}
    for name, kept in now.items():
        before = then.get(name)
        if before and before["version"] == kept["version"]:
            for case, rows in kept["decisions"].items():
                if differing(before["decisions"].get(case, []), rows):
                    raise SystemExit(f"{name} decides otherwise: raise its version first")
    FILE.write_text(_text(now))


def _text(kept: dict[str, dict[str, Any]]) -> str:
    """As JSON, a decision per line."""
    text = json.dumps(kept, indent=1)
    return re.sub(r"\[\s+([^\[\]]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text) + "\n"


if __name__ == "__main__":
    main()
