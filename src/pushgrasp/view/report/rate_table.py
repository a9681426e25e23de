"""The rates of a summary by policy and group, in the order of tables and plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...evaluation.summary import family_of
from ...evaluation.tables import PAPER
from ...sim.scenes.layouts import PROCEDURAL
from ..draw.words import plural
from .formats import trial_counts

STYLES = {
    "default": 0, "paper": 1, "paper-no-switching": 2, "wang2024": 3, "geometric": 4, "random": 5,
}  # fmt: skip
"""Colours and markers of known policies, the same in every report; others take the free ones."""
N_STYLES = 8
PAPER_METHODS = dict(zip(("wang2024", "paper-no-switching", "paper"), PAPER, strict=True))
"""The paper's method that each policy reimplements; see PAPER."""
REPORTED = {
    "wang2024": "reported: Wang et al.", "paper-no-switching": "reported: no switching",
    "paper": "reported: switching",
}  # fmt: skip
TITLES = {
    "random": "Random occlusion", "heap": "Heaps", "random-novel": "Random, novel objects",
    "challenging": "Challenging scenes", "novel": "Novel objects", "other": "Other scenes",
}  # fmt: skip

Group = dict[str, Any]
"""See evaluation.metrics.GroupRates."""
Rates = tuple[float, float, float]


@dataclass(frozen=True)
class RateTable:
    """Rates by policy and group.

    Attributes:
        policies: names, in the order of the run.
        styles: the number of each policy's colour and shape.
        kinds: names of the groups of each kind of scene; see `TITLES`.
        objects: how many objects a group's scenes have.
        cells: the rates by policy and group; a policy need not have played all.
        families: the rates over all scenes of a kind, by kind, then policy.
        published: rates published by others, by kind.
    """

    policies: list[str]
    styles: dict[str, int]
    kinds: dict[str, list[str]]
    objects: dict[str, int]
    cells: dict[tuple[str, str], Group]
    families: dict[str, dict[str, Group]]
    published: dict[str, list[dict[str, Any]]]

    @property
    def procedural(self) -> list[str]:
        """The kinds of procedural scenes."""
        return [kind for kind in self.kinds if kind in PROCEDURAL]

    @property
    def fixed(self) -> list[str]:
        """The kinds of fixed scenes."""
        return [kind for kind in self.kinds if kind not in PROCEDURAL]

    def cell(self, policy: str, name: str) -> Group | None:
        """Return a policy's rates in a group, or None if it has no trial there."""
        return self.cells.get((policy, name))

    def playing(self, names: Sequence[str]) -> list[str]:
        """List the policies that played any of some groups."""
        return [p for p in self.policies if any((p, name) in self.cells for name in names)]

    def trials(self, policy: str, names: Sequence[str]) -> str:
        """Count a policy's trials in some groups, in words."""
        return trial_counts([self.cell(policy, name) for name in names])

    def title(self, kind: str, name: str) -> str:
        """Return the title of a group: Heaps, 20 objects; challenging-03."""
        if kind not in self.procedural:
            return name
        return f"{title_of(kind)}, {plural(self.objects[name], 'object')}"

    def any_hidden(self, kind: str) -> bool:
        """Return True if the goal of any scene of a kind is hidden; see `is_hidden`."""
        return any(self.is_hidden(name) for name in self.kinds[kind])

    def is_hidden(self, name: str) -> bool:
        """Return True if a group's goal is fully hidden at the start of most of its trials."""
        groups = [group for (_, n), group in self.cells.items() if n == name]
        hidden = sum(b["trials"] for g in groups for b in g["bands"] if b["band"] == "hidden")
        return 2 * hidden > sum(group["trials"] for group in groups)

    def with_paper(self, kind: str, names: Sequence[str]) -> list[str]:
        """List the policies that played some groups, and those of the paper that it reports."""
        theirs = PAPER_METHODS if kind == "random" else ()
        return list(dict.fromkeys([*self.playing(names), *theirs]))

    def paper_figures(self, kind: str, policy: str, names: Sequence[str]) -> list[Rates | None]:
        """Return TCR and GSR in percent and MN that the paper reports in each of some groups."""
        if kind != "random" or policy not in PAPER_METHODS:
            return [None] * len(names)
        figures = PAPER[PAPER_METHODS[policy]]
        return [figures.get(self.objects[name]) for name in names]

    def compared(self, found: Sequence[dict[str, Any]]) -> list[tuple[str, str, list[Group]]]:
        """Sort comparisons by group: its name, title and comparisons, for those that have any."""
        titles = {
            name: self.title(kind, name) for kind, names in self.kinds.items() for name in names
        }
        pools = {f"all {kind}": f"{title_of(kind)}, all" for kind in self.kinds}
        order = [n for kind, names in self.kinds.items() for n in (*names, f"all {kind}")]
        compared = [(n, (titles | pools)[n], [c for c in found if c["group"] == n]) for n in order]
        return [(name, title, pairs) for name, title, pairs in compared if pairs]


def arrange(summary: dict[str, Any]) -> RateTable:
    """Sort a summary's groups into a table.

    Args:
        summary: see `evaluation.summary.summarise`.
    """
    cells = {(group["policy"], group["name"]): group for group in summary["groups"]}
    planned = {group["name"]: group for group in summary["settings"]["groups"]}
    policies = list(dict.fromkeys(policy for policy, _ in cells))
    kinds: dict[str, list[str]] = {kind: [] for kind in TITLES if kind != "other"}
    for name in dict.fromkeys(name for _, name in cells):
        kinds.setdefault(_kind(planned[name]), []).append(name)
    for kind in (*PROCEDURAL, "challenging", "novel"):
        by_size = kind in PROCEDURAL
        kinds[kind].sort(key=lambda name: planned[name]["objects"] if by_size else name)
    families: dict[str, dict[str, Group]] = {}
    for group in summary["families"]:
        families.setdefault(group["name"].removeprefix("all "), {})[group["policy"]] = group
    return RateTable(
        policies=policies,
        styles=_styles(policies),
        kinds={kind: names for kind, names in kinds.items() if names},
        objects={name: planned[name]["objects"] for name in planned},
        cells=cells,
        families=families,
        published=summary["settings"].get("published", {}),
    )


def title_of(kind: str) -> str:
    """Return the title of a kind of scene; a suite's is its name."""
    return TITLES.get(kind, kind)


def _kind(group: dict[str, Any]) -> str:
    """Return a procedural scene's name, a fixed scene's family, or "other"."""
    return group["scene"] if group["scene"] in PROCEDURAL else family_of(group) or "other"


def _styles(policies: list[str]) -> dict[str, int]:
    left = [i for i in range(N_STYLES) if i not in STYLES.values()]
    left += [STYLES[name] for name in STYLES if name not in policies]
    others = [name for name in policies if name not in STYLES]
    return {name: STYLES[name] for name in policies if name in STYLES} | {
        name: left[i % len(left)] if left else i % N_STYLES for i, name in enumerate(others)
    }
