"""A rule that decides otherwise must have another version: results are told apart by it."""

from __future__ import annotations

import json

import golden
import pytest

THEN = json.loads(golden.FILE.read_text())
CASES = [(name, case) for name, kept in THEN.items() for case in kept["decisions"]]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_version_stands_for_its_decisions(name: str, case: str) -> None:
    assert THEN[name]["version"] == golden.VERSIONS[name], (
        f"the version of {name} was raised: run python tests/policy/golden.py"
    )
    policies = {
        "geometric": golden.Geometric,
        "random": golden.RandomPolicy,
        "value": golden.drawn_values,
    }
    if name == "rule":
        now = golden.rule_decisions(case)
    else:
        now = golden.policy_decisions(policies[name]())
    then = THEN[name]["decisions"][case]
    differ = golden.differing(then, now)
    assert not differ, (
        f"{name} {case} decides otherwise, e.g. {now[differ[0]]} instead of {then[differ[0]]}: if "
        "that is meant, raise its version and run python tests/policy/golden.py"
    )


def test_the_kept_decisions_cover_the_rule() -> None:
    """Grasps and pushes, for the goal and for others."""
    kinds = {
        case: {(row[0], row[5]) for row in rows} for case, rows in THEN["rule"]["decisions"].items()
    }
    assert all(("grasp", True) in found for found in kinds.values())
    assert len(set().union(*kinds.values())) == 4
