"""The settings of an evaluation, as the command line parses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import tyro

from ..sim.config import SimulationConfig


def _goal_index(words: list[str]) -> int:
    try:
        return int(words[0])
    except ValueError:
        raise ValueError(
            f"{words[0]!r} is not an index. The scenes of an evaluation differ in their colours; "
            "give the goal's index among the objects (0 is the first)."
        ) from None


GoalIndex: TypeAlias = Annotated[
    int | None,
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="K",
        instance_from_str=_goal_index,
        is_instance=lambda value: value is None or isinstance(value, int),
        str_from_instance=lambda value: [str(value)],
    ),
]


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig(SimulationConfig):
    """Policies, scenes, and how many trials of each."""

    policies: Annotated[
        tuple[str, ...], tyro.conf.arg(name="policy", metavar="NAME|DIR|FILE.py:CLASS ...")
    ] = ("default",)
    """One or more, in the same scenes: built-in names, folders, classes in files of yours."""
    scenes: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME|FILE ...")] = ("random",)
    """One or more, as for `retrieve`; challenging and novel are all scenes of that family."""
    suite: Annotated[
        str | None, tyro.conf.arg(metavar="FILE.json", help_behavior_hint="(default: none)")
    ] = None
    """A benchmark suite, instead of --scenes; docs/evaluation.md has the format."""
    objects: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N ...")] = (10,)
    """Numbers of objects in procedural scenes, one group of trials each."""
    goal: Annotated[
        GoalIndex,
        tyro.conf.arg(help_behavior_hint="(default: 0 and 1 in turn; the goal of a fixed scene)"),
    ] = None
    """Index of the goal among the objects."""
    trials: int = 20
    """Trials of each policy in each group."""
    seed: int = 0
    """Seed of the run; each trial's seed derives from it, the group's name and the index."""
