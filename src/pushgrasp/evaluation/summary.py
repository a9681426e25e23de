"""The summary of a run: rates of each policy and group, and policies side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

from ..utils.files import to_json
from .metrics import Comparison, GroupRates, by_scene, compare, score
from .records import TrialRecord
from .settings import Settings

Members = Mapping[tuple[str, str], Sequence[TrialRecord]]
"""The trials of each policy and group."""


def summarise(
    settings: Settings, records: Sequence[TrialRecord], damaged_lines: int = 0
) -> dict[str, Any]:
    """Compute the rates of a run.

    Args:
        settings: of the run.
        records: its trials, each once; those of groups that are not in the settings are ignored.
        damaged_lines: lines of the file that were left out.
    Returns:
        `settings`, `groups` (see metrics.GroupRates), `families` (the same over all fixed scenes of
        a family, by the scene), `comparisons` (see metrics.Comparison) and `totals`; groups without
        a trial are left out. It does not depend on the order of the records.
    """
    members: dict[tuple[str, str], list[TrialRecord]] = {}
    for record in records:
        members.setdefault((record.policy, record.group), []).append(record)
    planned = [group for group in settings["groups"] if (group["policy"], group["name"]) in members]
    groups = [
        score(group["name"], members[group["policy"], group["name"]], group["trials"])
        for group in planned
    ]
    policies: dict[str, list[str]] = {}
    for group in planned:
        policies.setdefault(group["name"], []).append(group["policy"])
    families = find_families(settings, policies)
    summary = {
        "settings": settings,
        "groups": [asdict(group) for group in groups],
        "families": [asdict(rates) for rates in _family_rates(families, groups, members)],
        "comparisons": [asdict(found) for found in _comparisons(policies, families, members)],
        "totals": {
            "trials": sum(group.trials for group in groups),
            "faults": sum(group.faults for group in groups),
            "play_faults": sum(group.play_faults for group in groups),
            "wrong_claims": sum(group.wrong_claims for group in groups),
            "missed_claims": sum(group.missed_claims for group in groups),
            "damaged_lines": damaged_lines,
        },
    }
    return json.loads(to_json(summary))  # as it will be read


def find_families(settings: Settings, names: Iterable[str]) -> dict[str, list[str]]:
    """Find the fixed scenes that belong together.

    Args:
        settings: of the run.
        names: of the groups that were played.
    Returns:
        The names of the groups by "all NAME": of suites, and of at least two numbered scenes.
    """
    planned = {group["name"]: group for group in settings["groups"]}
    found: dict[str, list[str]] = {}
    for name in names:
        if family := family_of(planned[name]):
            found.setdefault(f"all {family}", []).append(name)
    suites = {f"all {group['family']}" for group in planned.values() if group.get("family")}
    return {name: parts for name, parts in found.items() if len(parts) > 1 or name in suites}


def family_of(group: Settings) -> str:
    """Return the family of a group of the settings, or "" if it has none."""
    if group.get("family"):
        return group["family"]
    numbered = re.fullmatch(r"(.+)-\d+", group["name"])
    return numbered[1] if numbered and group["scene"] == group["name"] else ""


def _family_rates(
    families: Mapping[str, Sequence[str]], groups: Sequence[GroupRates], members: Members
) -> list[GroupRates]:
    """Compute each policy's rates over all fixed scenes of each family."""
    found: list[GroupRates] = []
    for family, names in families.items():
        parts: dict[str, list[GroupRates]] = {}
        for group in groups:
            if group.name in names:
                parts.setdefault(group.policy, []).append(group)
        for policy, mine in parts.items():
            trials = [trial for part in mine for trial in members[policy, part.name]]
            found.append(score(family, trials, sum(part.wanted for part in mine), by_scene))
    return found


def _comparisons(
    policies: Mapping[str, Sequence[str]], families: Mapping[str, Sequence[str]], members: Members
) -> list[Comparison]:
    """Compare each two policies in each group that both played, and in each family."""
    found: list[Comparison | None] = []
    for name, parts in ({name: [name] for name in policies} | dict(families)).items():
        played = list(dict.fromkeys(policy for part in parts for policy in policies[part]))
        for a, b in combinations(played, 2):
            mine, theirs = ([t for p in parts for t in members.get((who, p), [])] for who in (a, b))
            found.append(compare(name, mine, theirs, by_scene if name in families else None))
    return [comparison for comparison in found if comparison is not None]
