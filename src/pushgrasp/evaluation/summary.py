"""What a run's trials come to: rates of each policy and group, and policies side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

from ..utils.files import to_json
from .metrics import Comparison, Group, compare, score
from .records import TrialRecord
from .settings import Settings


def summarise(
    settings: Settings, records: Sequence[TrialRecord], damaged_lines: int = 0
) -> dict[str, Any]:
    """The rates of a run.

    Args:
        settings: of the run.
        records: its trials, each once; those of groups that are not in the settings are ignored.
        damaged_lines: lines of the file that were left out.
    Returns:
        `settings`, `groups` (see metrics.Group), `comparisons` (see metrics.Comparison) and
        `totals`; groups without a trial are left out. It does not depend on the records' order.
    """
    members: dict[tuple[str, str], list[TrialRecord]] = {}
    for record in records:
        members.setdefault((record.policy, record.group), []).append(record)
    groups = [
        score(lot["name"], members[lot["policy"], lot["name"]], lot["trials"])
        for lot in settings["groups"]
        if (lot["policy"], lot["name"]) in members
    ]
    summary = {
        "settings": settings,
        "groups": [asdict(group) for group in groups],
        "comparisons": [
            asdict(comparison) for comparison in _comparisons(settings, groups, members)
        ],
        "totals": {
            "trials": sum(group.trials for group in groups),
            "faults": sum(group.faults for group in groups),
            "wrong_claims": sum(group.wrong_claims for group in groups),
            "missed_claims": sum(group.missed_claims for group in groups),
            "damaged_lines": damaged_lines,
        },
    }
    return json.loads(to_json(summary))  # as it will be read


def _comparisons(
    settings: Settings, groups: Sequence[Group], members: dict[tuple[str, str], list[TrialRecord]]
) -> list[Comparison]:
    """Each two policies in each group that both played, and in all fixed scenes of a family."""
    policies: dict[str, list[str]] = {}
    for group in groups:
        policies.setdefault(group.name, []).append(group.policy)
    lots = {name: [name] for name in policies} | _families(settings, policies)
    found: list[Comparison | None] = []
    for name, parts in lots.items():
        played = list(dict.fromkeys(policy for part in parts for policy in policies[part]))
        for a, b in combinations(played, 2):
            mine, theirs = ([t for p in parts for t in members.get((who, p), [])] for who in (a, b))
            found.append(compare(name, mine, theirs))
    return [comparison for comparison in found if comparison is not None]


def _families(settings: Settings, played: Iterable[str]) -> dict[str, list[str]]:
    """Fixed scenes that belong together: "all challenging" is challenging-01 and so on."""
    fixed = {lot["name"] for lot in settings["groups"] if lot["name"] == lot["scene"]}
    found: dict[str, list[str]] = {}
    for name in played:
        family = re.fullmatch(r"(.+)-\d+", name)
        if family and name in fixed:
            found.setdefault(f"all {family[1]}", []).append(name)
    return {family: names for family, names in found.items() if len(names) > 1}
