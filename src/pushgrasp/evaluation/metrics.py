"""From trials to rates: the protocol of the paper's section IV, as pure functions.

Every trial and every action counts. A simulator fault says nothing about a policy: the trial is
played again with another seed, the fault is counted, and one more rate counts it as a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from ..retrieve import End
from .intervals import Interval, bootstrap, mcnemar, sign_flip, wilson
from .records import TrialRecord

Cluster = Callable[[TrialRecord], Hashable]
"""Which trials belong to one scene: those that it gives the same value."""

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
class BandRate:
    """The completion rate of the trials in one band of the goal's visible fraction."""

    band: str  # one of BANDS
    trials: int
    completed: int
    tcr: float
    tcr_ci95: Interval | None  # as of the group


@dataclass(frozen=True)
class GroupRates:
    """The rates of a policy in one group of trials, or in all fixed scenes of a family."""

    policy: str
    name: str
    scenes: int | None  # of a family: its intervals resample scenes; None: independent trials
    trials: int
    wanted: int  # planned trials
    completed: int
    tcr: float  # task completion rate, 0 to 1
    tcr_ci95: Interval | None  # Wilson; of a family: bootstrap over scenes
    tcr_faults_failed: float  # the same with each fault while playing as a failed trial
    gsr: float | None  # good grasps over grasps, completed trials only; None without a grasp
    gsr_ci95: Interval | None  # bootstrap
    mn: float | None  # mean actions per completed trial; None if none was completed
    mn_ci95: Interval | None  # bootstrap
    mn_all: float | None  # the same over all trials, a failure as the action limit; None: unknown
    mn_all_ci95: Interval | None  # bootstrap
    faults: int  # attempts that ended in a simulator fault and were played again
    play_faults: int  # of these, while the policy played
    wrong_claims: int  # the robot said it had the goal and did not
    missed_claims: int  # it had the goal and did not say so
    causes: dict[str, int]  # why trials were not completed: counts by Cause
    bands: tuple[BandRate, ...]  # those with trials, in the order of BANDS
    decision_s: float | None  # median of the trials' medians
    trial_s: float  # median of wall time
    robot_s: float  # median of simulated time


@dataclass(frozen=True)
class Comparison:
    """Two policies in the same scenes."""

    group: str
    a: str
    b: str
    pairs: int  # trials whose scene both met: a fault may have given one of them another
    scenes: int | None  # of a family: the units that are resampled; None: each pair is one
    only_a: int  # pairs that only a completed
    only_b: int
    tcr_difference: float  # completion rate of a less that of b, over the pairs
    tcr_ci95: Interval | None  # of the difference; bootstrap
    p: float  # two-sided, exact: McNemar's test; of a family: sign flips of its scenes
    mn_pairs: int  # pairs that both completed
    mn_difference: float | None  # mean actions of a less those of b, over these
    mn_ci95: Interval | None  # bootstrap
    mn_all_difference: float | None  # the same over all pairs, a failure as the action limit
    mn_all_ci95: Interval | None  # bootstrap


def by_scene(trial: TrialRecord) -> Hashable:
    """Cluster trials by their fixed scene, of which they are perturbed copies."""
    return trial.scene or trial.group  # early records name the group alone


def score(
    name: str,
    trials: Sequence[TrialRecord],
    wanted: int | None = None,
    cluster: Cluster | None = None,
) -> GroupRates:
    """Compute the rates of some trials.

    Args:
        name: the group's.
        trials: at least one, of one policy, each with its own index.
        wanted: how many are planned; None: as many as there are.
        cluster: which trials are of one scene; None: each is of its own.
    Raises:
        ValueError: no trial, or a trial twice, or trials of two policies.
    """
    if not trials:
        raise ValueError(f"group {name!r} has no trial")
    if len({t.key for t in trials}) < len(trials):
        raise ValueError(f"group {name!r} holds a trial twice")
    if len({t.policy for t in trials}) > 1:
        raise ValueError(f"group {name!r} holds trials of several policies")
    trials = sorted(trials, key=lambda t: (t.group, t.index))
    completed = [t for t in trials if t.success]
    scenes = None if cluster is None else [cluster(t) for t in completed]
    grasps, good = [t.grasps for t in completed], [t.good_grasps for t in completed]
    actions = [t.actions for t in completed]
    everything = _known([actions_or_limit(t) for t in trials])
    all_scenes = None if cluster is None else [cluster(t) for t in trials]
    causes = [cause(t) for t in trials if not t.success]
    decisions = [t.decision_s for t in trials if t.decision_s is not None]
    play_faults = sum(t.play_faults for t in trials)
    return GroupRates(
        policy=trials[0].policy,
        name=name,
        scenes=None if cluster is None else len({cluster(t) for t in trials}),
        trials=len(trials),
        wanted=len(trials) if wanted is None else wanted,
        completed=len(completed),
        tcr=len(completed) / len(trials),
        tcr_ci95=_completion_interval(trials, cluster),
        tcr_faults_failed=len(completed) / (len(trials) + play_faults),
        gsr=sum(good) / sum(grasps) if sum(grasps) else None,
        gsr_ci95=bootstrap(good, grasps, scenes),
        mn=sum(actions) / len(actions) if actions else None,
        mn_ci95=bootstrap(actions, None, scenes),
        mn_all=sum(everything) / len(everything) if everything else None,
        mn_all_ci95=bootstrap(everything, None, all_scenes) if everything else None,
        faults=sum(len(t.faults) for t in trials),
        play_faults=play_faults,
        wrong_claims=sum(t.claimed_success and not t.success for t in trials),
        missed_claims=sum(t.success and not t.claimed_success for t in trials),
        causes={c.value: causes.count(c) for c in Cause if c in causes},
        bands=tuple(_bands(trials, cluster)),
        decision_s=median(decisions) if decisions else None,
        trial_s=median(t.wall_s for t in trials),
        robot_s=median(t.robot_s for t in trials),
    )


def actions_or_limit(trial: TrialRecord) -> int | None:
    """Return a trial's actions; of one that was not completed, as many as it was allowed."""
    return trial.actions if trial.success else trial.action_limit


def _known(values: Sequence[int | None]) -> list[int]:
    """Return the values, or none of them if one is not known."""
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else []


def cause(trial: TrialRecord) -> Cause:
    """Return why a trial was not completed."""
    if trial.claimed_success:
        return Cause.WRONG_CLAIM
    return next((cause for cause in Cause if cause.value == trial.end), Cause.OTHER)


def band(visible_fraction: float) -> str:
    """Return the one of BANDS that a visible fraction (0 to 1) lies in."""
    if visible_fraction == 0:
        return BANDS[0]
    if visible_fraction < 0.3:
        return BANDS[1]
    return BANDS[2] if visible_fraction <= 0.6 else BANDS[3]


def _completion_interval(trials: Sequence[TrialRecord], cluster: Cluster | None) -> Interval | None:
    if cluster is None:
        return wilson(sum(t.success for t in trials), len(trials))
    return bootstrap([t.success for t in trials], None, [cluster(t) for t in trials])


def _bands(trials: Sequence[TrialRecord], cluster: Cluster | None) -> list[BandRate]:
    found = []
    for name in BANDS:
        members = [t for t in trials if band(t.visible_fraction) == name]
        if members:
            n, good = len(members), sum(t.success for t in members)
            interval = _completion_interval(members, cluster)
            found.append(BandRate(name, n, good, good / n, interval))
    return found


def compare(
    group: str,
    a: Sequence[TrialRecord],
    b: Sequence[TrialRecord],
    cluster: Cluster | None = None,
) -> Comparison | None:
    """Compare two policies scene by scene.

    Args:
        group: name of the group.
        a, b: the trials of either; at least one each.
        cluster: which pairs are of one scene; None: each is of its own.
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
    gains = [int(x.success) - int(y.success) for x, y in pairs]
    more = [(x, float(x.actions - y.actions)) for x, y in pairs if x.success and y.success]
    differences = [difference for _, difference in more]
    mine, theirs = (_known([actions_or_limit(pair[k]) for pair in pairs]) for k in (0, 1))
    gaps = [float(x - y) for x, y in zip(mine, theirs, strict=True)] if mine and theirs else []
    scenes = None if cluster is None else [cluster(x) for x, _ in pairs]
    mn_scenes = None if cluster is None else [cluster(x) for x, _ in more]
    return Comparison(
        group=group,
        a=a[0].policy,
        b=b[0].policy,
        pairs=len(pairs),
        scenes=None if scenes is None else len(set(scenes)),
        only_a=gains.count(1),
        only_b=gains.count(-1),
        tcr_difference=sum(gains) / len(pairs),
        tcr_ci95=bootstrap(gains, None, scenes),
        p=_p_value(gains, scenes),
        mn_pairs=len(more),
        mn_difference=sum(differences) / len(more) if more else None,
        mn_ci95=bootstrap(differences, None, mn_scenes),
        mn_all_difference=sum(gaps) / len(gaps) if gaps else None,
        mn_all_ci95=bootstrap(gaps, None, scenes) if gaps else None,
    )


def _p_value(gains: Sequence[int], scenes: Sequence[Hashable] | None) -> float:
    if scenes is None:
        return mcnemar(gains.count(1), gains.count(-1))
    sums: dict[Hashable, int] = {}
    for scene, gain in zip(scenes, gains, strict=True):
        sums[scene] = sums.get(scene, 0) + gain
    return sign_flip(list(sums.values()))
