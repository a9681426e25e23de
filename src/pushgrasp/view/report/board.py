"""A summary's groups, ordered as tables and plots need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...evaluation.tables import PAPER
from ...sim.scenes.layouts import PROCEDURAL, expand

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
"""See evaluation.metrics.Group."""


@dataclass(frozen=True)
class Board:
    """Which policies played what.

    Attributes:
        policies: names, in the order of the run.
        styles: the number of each policy's colour and shape.
        kinds: names of the groups of each kind of scene; see `TITLES`.
        objects: how many objects a group's scenes have.
        cells: the rates by policy and group; a policy need not have played all.
    """

    policies: list[str]
    styles: dict[str, int]
    kinds: dict[str, list[str]]
    objects: dict[str, int]
    cells: dict[tuple[str, str], Group]

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
    kinds: dict[str, list[str]] = {kind: [] for kind in TITLES}
    for name in dict.fromkeys(name for _, name in cells):
        kinds[_kind(lots[name]["scene"])].append(name)
    for kind in (*PROCEDURAL, "challenging", "novel"):
        by_size = kind in PROCEDURAL
        kinds[kind].sort(key=lambda name: lots[name]["objects"] if by_size else name)
    return Board(
        policies=policies,
        styles=_styles(policies),
        kinds={kind: names for kind, names in kinds.items() if names},
        objects={name: lots[name]["objects"] for name in lots},
        cells=cells,
    )


def _kind(scene: str) -> str:
    if scene in PROCEDURAL:
        return scene
    return next((k for k in ("challenging", "novel") if scene in expand(k)), "other")


def _styles(policies: list[str]) -> dict[str, int]:
    left = [i for i in range(N_STYLES) if i not in STYLES.values()]
    left += [STYLES[name] for name in STYLES if name not in policies]
    others = [name for name in policies if name not in STYLES]
    return {name: STYLES[name] for name in policies if name in STYLES} | {
        name: left[i % len(left)] if left else i % N_STYLES for i, name in enumerate(others)
    }
