"""From trials to rates: the protocol of the paper's section IV, as pure functions.

Every trial and every action counts. A simulator fault says nothing about a policy: the trial
is played again with another seed and the fault is told beside the rates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from .records import TrialRecord


@dataclass(frozen=True)
class Group:
    """The rates of the trials of one kind."""

    name: str
    trials: int
    completed: int
    tcr: float  # task completion rate, 0 to 1
    tcr_low: float  # 95 % Wilson interval
    tcr_high: float
    gsr: float | None  # good grasps over grasps, completed trials only; None without a grasp
    mn: float | None  # mean actions of a completed trial; None if none was completed
    faults: int  # attempts that the simulator spoilt, played again
    wrong_claims: int  # the robot said it had the goal and did not
    missed_claims: int  # it had the goal and did not say so
    reasons: dict[str, int]  # how the trials ended that were not completed


def score(name: str, trials: Sequence[TrialRecord]) -> Group:
    """Rates of some trials.

    Args:
        name: the group's.
        trials: at least one, each with its own index.
    Raises:
        ValueError: no trial, or one that is there twice.
    """
    if not trials:
        raise ValueError(f"group {name!r} has no trial")
    if len({(t.group, t.index) for t in trials}) < len(trials):
        raise ValueError(f"group {name!r} holds a trial twice")
    completed = [t for t in trials if t.success]
    grasps = sum(t.grasps for t in completed)
    low, high = wilson(len(completed), len(trials))
    return Group(
        name=name,
        trials=len(trials),
        completed=len(completed),
        tcr=len(completed) / len(trials),
        tcr_low=low,
        tcr_high=high,
        gsr=sum(t.good_grasps for t in completed) / grasps if grasps else None,
        mn=sum(t.actions for t in completed) / len(completed) if completed else None,
        faults=sum(len(t.faults) for t in trials),
        wrong_claims=sum(t.claimed_success and not t.success for t in trials),
        missed_claims=sum(t.success and not t.claimed_success for t in trials),
        reasons=dict(sorted(Counter(t.reason for t in trials if not t.success).items())),
    )


def score_groups(trials: Iterable[TrialRecord]) -> list[Group]:
    """Rates of each group, in the order in which the groups' names first appear."""
    by_name: dict[str, list[TrialRecord]] = {}
    for trial in trials:
        by_name.setdefault(trial.group, []).append(trial)
    return [score(name, members) for name, members in by_name.items()]


def wilson(successes: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    Args:
        successes: 0 to n.
        n: trials; of none, nothing is known.
        z: standard deviations; the default is 95 %.
    Returns:
        The lower and the upper end, in 0 to 1.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} trials")
    if n == 0:
        return 0.0, 1.0
    p = successes / n
    middle = p + z * z / (2 * n)
    spread = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = (middle - spread) / scale if successes else 0.0  # exact, whatever the rounding
    high = (middle + spread) / scale if successes < n else 1.0
    return low, high
