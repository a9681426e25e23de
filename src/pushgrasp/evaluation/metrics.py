"""From trials to rates: the protocol of the paper's section IV, as pure functions.

Every trial and every action counts. A simulator fault says nothing about a policy: the trial
is played again with another seed and the fault is told beside the rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from ..retrieve import End
from .intervals import bootstrap, mcnemar, wilson
from .records import TrialRecord

Interval = tuple[float, float]

BANDS = ("hidden", "under 0.3", "0.3 to 0.6", "over 0.6")
"""Of the goal's visible fraction at the start."""


class Cause(StrEnum):
    """Why a trial was not completed; the values are the keys in summary.json."""

    FAILED_GRASPS = End.FAILED_GRASPS
    NO_CHANGE = End.NO_CHANGE
    GOAL_LEFT = End.GOAL_LEFT
    MAX_ACTIONS = End.MAX_ACTIONS
    NOTHING_TO_DO = End.NOTHING_TO_DO
    WRONG_CLAIM = "wrong_claim"  # the robot said that it has the goal
    ROBOT_STOPPED = End.ROBOT_STOPPED
    OTHER = "other"  # of an old record

    @property
    def label(self) -> str:
        """The cause in words, for tables and plots."""
        return _LABELS.get(self, self.value.replace("_", " "))


_LABELS = {
    Cause.FAILED_GRASPS: "5 failed grasps",
    Cause.NO_CHANGE: "5 actions without effect",
    Cause.GOAL_LEFT: "goal left the workspace",
    Cause.MAX_ACTIONS: "action limit",
}


@dataclass(frozen=True)
class Band:
    """The completion rate of the trials whose goal is visible to some degree at the start."""

    band: str  # one of BANDS
    trials: int
    completed: int
    tcr: float
    tcr_ci95: Interval  # Wilson


@dataclass(frozen=True)
class Group:
    """The rates of a policy's trials of one kind."""

    policy: str
    name: str
    trials: int
    wanted: int  # how many there shall be
    completed: int
    tcr: float  # task completion rate, 0 to 1
    tcr_ci95: Interval  # Wilson
    gsr: float | None  # good grasps over grasps, completed trials only; None without a grasp
    gsr_ci95: Interval | None  # bootstrap
    mn: float | None  # mean actions of a completed trial; None if none was completed
    mn_ci95: Interval | None  # bootstrap
    faults: int  # attempts that the simulator spoilt, played again
    wrong_claims: int  # the robot said it had the goal and did not
    missed_claims: int  # it had the goal and did not say so
    causes: dict[str, int]  # why trials ended that were not completed, see Cause
    bands: tuple[Band, ...]  # those with trials, in the order of BANDS
    decision_s: float | None  # median of the trials' medians
    trial_s: float  # median of wall time
    robot_s: float  # median of simulated time


@dataclass(frozen=True)
class Comparison:
    """Two policies in the same scenes of a group."""

    group: str
    a: str
    b: str
    pairs: int  # scenes that both met: a fault may have given one of them another
    only_a: int  # scenes that only a completed
    only_b: int
    p: float  # McNemar's exact test, two-sided
    mn_pairs: int  # scenes that both completed
    mn_difference: float | None  # mean actions of a less those of b, there
    mn_ci95: Interval | None  # bootstrap


def score(name: str, trials: Sequence[TrialRecord], wanted: int | None = None) -> Group:
    """Rates of some trials.

    Args:
        name: the group's.
        trials: at least one, of one policy, each with its own index.
        wanted: how many there shall be; None: those that there are.
    Raises:
        ValueError: no trial, or one that is there twice, or trials of two policies.
    """
    if not trials:
        raise ValueError(f"group {name!r} has no trial")
    if len({t.key for t in trials}) < len(trials):
        raise ValueError(f"group {name!r} holds a trial twice")
    if len({t.policy for t in trials}) > 1:
        raise ValueError(f"group {name!r} holds trials of several policies")
    trials = sorted(trials, key=lambda t: (t.group, t.index))
    completed = [t for t in trials if t.success]
    grasps, good = [t.grasps for t in completed], [t.good_grasps for t in completed]
    actions = [t.actions for t in completed]
    causes = [cause(t) for t in trials if not t.success]
    decisions = [t.decision_s for t in trials if t.decision_s is not None]
    return Group(
        policy=trials[0].policy,
        name=name,
        trials=len(trials),
        wanted=len(trials) if wanted is None else wanted,
        completed=len(completed),
        tcr=len(completed) / len(trials),
        tcr_ci95=wilson(len(completed), len(trials)),
        gsr=sum(good) / sum(grasps) if sum(grasps) else None,
        gsr_ci95=bootstrap(good, grasps),
        mn=sum(actions) / len(actions) if actions else None,
        mn_ci95=bootstrap(actions),
        faults=sum(len(t.faults) for t in trials),
        wrong_claims=sum(t.claimed_success and not t.success for t in trials),
        missed_claims=sum(t.success and not t.claimed_success for t in trials),
        causes={c.value: causes.count(c) for c in Cause if c in causes},
        bands=tuple(_bands(trials)),
        decision_s=median(decisions) if decisions else None,
        trial_s=median(t.wall_s for t in trials),
        robot_s=median(t.robot_s for t in trials),
    )


def cause(trial: TrialRecord) -> Cause:
    """Return why a trial was not completed."""
    if trial.claimed_success:
        return Cause.WRONG_CLAIM
    return Cause.OTHER if trial.end is None else Cause(trial.end)


def band(visible_fraction: float) -> str:
    """The one of BANDS that a visible fraction (0 to 1) lies in."""
    if visible_fraction == 0:
        return BANDS[0]
    if visible_fraction < 0.3:
        return BANDS[1]
    return BANDS[2] if visible_fraction <= 0.6 else BANDS[3]


def _bands(trials: Sequence[TrialRecord]) -> list[Band]:
    found = []
    for name in BANDS:
        members = [t for t in trials if band(t.visible_fraction) == name]
        if members:
            n, good = len(members), sum(t.success for t in members)
            found.append(Band(name, n, good, good / n, wilson(good, n)))
    return found


def compare(group: str, a: Sequence[TrialRecord], b: Sequence[TrialRecord]) -> Comparison | None:
    """Two policies' trials of a group, scene by scene.

    Args:
        group: its name.
        a, b: the trials of either; at least one each.
    Returns:
        The comparison; None if no scene was met by both.
    """
    others = {(t.group, t.index, t.seed): t for t in b}
    pairs = [
        (t, others[t.group, t.index, t.seed])
        for t in sorted(a, key=lambda t: (t.group, t.index))
        if (t.group, t.index, t.seed) in others
    ]
    if not pairs:
        return None
    only_a = sum(x.success and not y.success for x, y in pairs)
    only_b = sum(y.success and not x.success for x, y in pairs)
    more = [float(x.actions - y.actions) for x, y in pairs if x.success and y.success]
    return Comparison(
        group=group,
        a=a[0].policy,
        b=b[0].policy,
        pairs=len(pairs),
        only_a=only_a,
        only_b=only_b,
        p=mcnemar(only_a, only_b),
        mn_pairs=len(more),
        mn_difference=sum(more) / len(more) if more else None,
        mn_ci95=bootstrap(more),
    )
