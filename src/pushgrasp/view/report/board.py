"""A summary's groups, ordered as tables and plots need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...evaluation.summary import family_of
from ...evaluation.tables import PAPER
from ...sim.scenes.layouts import PROCEDURAL

STYLES = {
    "default": 0, "paper": 1, "paper-no-switching": 2, "wang2024": 3, "geometric": 4, "random": 5,
}  # fmt: skip
"""Colours and shapes that known policies have in every report; others take those that are left."""
N_STYLES = 8
THEIRS = dict(zip(("wang2024", "paper-no-switching", "paper"), PAPER, strict=True))
"""What of the paper's figures each policy is made after."""
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


@dataclass(frozen=True)
class Board:
    """Which policies played what.

    Attributes:
        policies: names, in the order of the run.
        styles: the number of each policy's colour and shape.
        kinds: names of the groups of each kind of scene; see `TITLES`.
        objects: how many objects a group's scenes have.
        cells: the rates by policy and group; a policy need not have played all.
        families: the rates over all scenes of a kind, by kind and policy.
        published: rates published by others, by kind.
    """

    policies: list[str]
    styles: dict[str, int]
    kinds: dict[str, list[str]]
    objects: dict[str, int]
    cells: dict[tuple[str, str], Group]
    families: dict[tuple[str, str], Group]
    published: dict[str, list[dict[str, Any]]]

    @property
    def dropped(self) -> list[str]:
        """Kinds of scenes whose number of objects is a setting."""
        return [kind for kind in self.kinds if kind in PROCEDURAL]

    @property
    def fixed(self) -> list[str]:
        """The other kinds."""
        return [kind for kind in self.kinds if kind not in PROCEDURAL]

    def playing(self, names: Sequence[str]) -> list[str]:
        """The policies that played any of some groups."""
        return [p for p in self.policies if any((p, name) in self.cells for name in names)]


def arrange(summary: dict[str, Any]) -> Board:
    """Put a summary's groups in order.

    Args:
        summary: see `evaluation.summary.summarise`.
    """
    cells = {(group["policy"], group["name"]): group for group in summary["groups"]}
    lots = {lot["name"]: lot for lot in summary["settings"]["groups"]}
    policies = list(dict.fromkeys(policy for policy, _ in cells))
    kinds: dict[str, list[str]] = {kind: [] for kind in TITLES if kind != "other"}
    for name in dict.fromkeys(name for _, name in cells):
        kinds.setdefault(_kind(lots[name]), []).append(name)
    for kind in (*PROCEDURAL, "challenging", "novel"):
        by_size = kind in PROCEDURAL
        kinds[kind].sort(key=lambda name: lots[name]["objects"] if by_size else name)
    return Board(
        policies=policies,
        styles=_styles(policies),
        kinds={kind: names for kind, names in kinds.items() if names},
        objects={name: lots[name]["objects"] for name in lots},
        cells=cells,
        families={
            (group["name"].removeprefix("all "), group["policy"]): group
            for group in summary["families"]
        },
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
