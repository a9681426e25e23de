"""Reproduce a trial of an earlier evaluation: find its record, compare it with a new run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..errors import UserError
from ..perception.camera_file import parse_cameras
from ..sim.cameras.views import ViewConfig
from ..sim.scenes.build import object_colors
from ..utils.config_json import from_json
from ..utils.provenance import commit, machine
from ..workspace import WorkspaceFields
from .config import EvaluationConfig
from .groups import planned_group
from .metrics import cause
from .plan import trial_spec
from .policies import policy_entries
from .records import TrialRecord, TrialSpec
from .settings import Settings, played_by
from .steps import StepRecord
from .trial import EpisodeResult, scene_config

ROUNDING = 1e-4  # of the records' numbers, and a little over
_FLAGS = ("target_is_goal", "holding", "holds_goal", "changed", "executed", "lifted")


@dataclass(frozen=True)
class RecordedTrial:
    """A recorded trial and all that is needed to play it again."""

    record: TrialRecord
    spec: TrialSpec
    source: str  # of the policy, for `load_policy`
    changes: tuple[str, ...]  # since it was played, in sentences; they may alter the trial


def find_trial(
    settings: Settings, records: Sequence[TrialRecord], trial: str, policy: str | None, folder: Path
) -> RecordedTrial:
    """Find a trial and all that determined it.

    Args:
        settings, records: of the folder.
        trial: GROUP:INDEX, e.g. random-20:7.
        policy: whose trial: its name in the folder, or where it is now: a folder or
            FILE.py:CLASS; None if only one played that trial.
        folder: for messages.
    Raises:
        UserError: no such trial or policy; more than one; a scene or a policy that is gone; a
            policy's code, which runs only if `policy` names it.
    """
    name = _name(settings, policy, folder)
    record = _find(records, trial, name, folder)
    source = policy if policy is not None and policy != name else _entry(settings, record)["source"]
    if source.rpartition(":")[0].endswith(".py") and source != policy:
        raise UserError(
            f"the policy {record.policy} is code, which would run here; if you trust it, name it: "
            f"--policy {source}"
        )
    return RecordedTrial(
        record, _spec(settings, record, folder), source, tuple(_changes(settings, record, source))
    )


def goal_color(
    settings: Settings, record: TrialRecord, folder: Path
) -> tuple[int, int, int] | None:
    """Return the nominal colour of a recorded trial's goal, sRGB; None if its scene is gone."""
    try:
        spec = _spec(settings, record, folder)
        colors = object_colors(scene_config(spec, record.seed))
        return colors.get(int(record.goal.rpartition("_")[2]))
    except (UserError, ValueError):
        return None


def failed_trials(
    settings: Settings, records: Sequence[TrialRecord], policy: str | None, folder: Path
) -> list[str]:
    """List the trials that were not completed: trial, policy, cause, reason; one line each.

    Args:
        settings, records, policy, folder: as for `find_trial`; None: of all policies.
    Raises:
        UserError: the folder holds no trial of that policy.
    """
    name = _name(settings, policy, folder)
    failed = [r for r in records if not r.success and name in (None, r.policy)]
    rows = [(f"{r.group}:{r.index}", r.policy, cause(r).label, r.reason) for r in failed]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    return [
        "  ".join([*(text.ljust(w) for text, w in zip(row, widths, strict=False)), row[3]])
        for row in rows
    ]


def difference(
    record: TrialRecord, visible: float, steps: Sequence[StepRecord], result: EpisodeResult
) -> str:
    """Describe the first difference between a record and a new run; "" if there is none.

    Args:
        record: of the trial.
        visible: the goal's visible fraction at the start of the new run.
        steps: its actions.
        result: its outcome.
    """
    if abs(record.visible_fraction - visible) > ROUNDING:
        return f"the goal was {record.visible_fraction:.4f} visible at first, now {visible:.4f}"
    for i, (then, now) in enumerate(zip(record.steps, steps, strict=False), 1):
        if what := _step_difference(then, now):
            return f"action {i} {what}"
    if len(steps) != len(record.steps):
        return f"{_actions(len(steps))} instead of {len(record.steps)}: it ended: {result.reason}"
    for name in ("success", "claimed_success", "reason"):
        then, now = getattr(record, name), getattr(result, name)
        if then != now:
            return f"the result's {name} was {then!r} and is now {now!r}"
    return ""


def same(steps: Sequence[StepRecord]) -> str:
    """Return the sentence for a run without a difference."""
    return f"The same {_actions(len(steps))} as recorded."


def _actions(n: int) -> str:
    return f"{n} action{'' if n == 1 else 's'}"


def _step_difference(then: StepRecord, now: StepRecord) -> str:
    if then.primitive != now.primitive or any(
        abs(a - b) > ROUNDING for a, b in zip(_pose(then), _pose(now), strict=True)
    ):
        return f"was a {_place(then)}, now a {_place(now)}"
    for name in _FLAGS:
        before, after = getattr(then, name), getattr(now, name)
        if before != after:
            return f"had {name} {before}, now {after}"
    return ""


def _place(step: StepRecord) -> str:
    x, y, z, yaw = _pose(step)
    return f"{step.primitive} at ({x:.4f}, {y:.4f}, {z:.4f}) m, yaw {yaw:.4f}"


def _pose(step: StepRecord) -> tuple[float, float, float, float]:
    """Return x, y, z (m) and yaw (rad) of a recorded action."""
    assert step.position is not None
    assert step.yaw is not None
    return (*step.position, step.yaw)


def _name(settings: Settings, policy: str | None, folder: Path) -> str | None:
    """Return a policy's name in the folder, given that name or where the policy is now."""
    known = [entry["name"] for entry in settings["policies"]]
    if policy is None or policy in known:
        return policy
    name = policy_entries([policy])[0].name
    if name not in known:
        raise UserError(
            f"--policy {policy}: {folder} has no trial by it, only by: {', '.join(known)}"
        )
    return name


def _entry(settings: Settings, record: TrialRecord) -> Settings:
    """Return the entry of the trial's policy in settings.json."""
    found = [entry for entry in settings["policies"] if entry["name"] == record.policy]
    if not found:
        raise UserError(
            f"settings.json knows no policy {record.policy}, by which there are trials; the files "
            "are not of one run"
        )
    return found[0]


def _find(
    records: Sequence[TrialRecord], trial: str, policy: str | None, folder: Path
) -> TrialRecord:
    group, _, index = trial.rpartition(":")
    found = [
        r for r in records
        if r.group == group and str(r.index) == index and policy in (None, r.policy)
    ]  # fmt: skip
    if len(found) > 1:
        names = ", ".join(r.policy for r in found)
        raise UserError(f"{folder} holds {trial} by {names}: name one of them with --policy")
    if not found:
        of = "" if policy is None else f" by {policy}"
        there = ", ".join(_ranges([r for r in records if policy in (None, r.policy)])) or "none"
        raise UserError(f"{folder} holds no trial {trial}{of}; there are: {there}")
    return found[0]


def _ranges(records: Sequence[TrialRecord]) -> list[str]:
    """List each group's trials, e.g. "random-20:0 to 199"."""
    indices: dict[str, set[int]] = {}
    for record in records:
        indices.setdefault(record.group, set()).add(record.index)
    texts = []
    for group, there in indices.items():
        low, high = min(there), max(there)
        text = f"{group}:{low}" + (f" to {high}" if high > low else "")
        lacking = high - low + 1 - len(there)
        texts.append(text + (f" ({lacking} of them are lacking)" if lacking else ""))
    return texts


def _spec(settings: Settings, record: TrialRecord, folder: Path) -> TrialSpec:
    """Plan the trial as the run did."""
    entries = {(group["policy"], group["name"]): group for group in settings["groups"]}
    entry = entries.get((record.policy, record.group))
    if entry is None:
        raise UserError(
            f"{folder}: settings.json knows no group {record.group} by {record.policy}; the files "
            "are not of one run"
        )
    view = ViewConfig(
        parse_cameras(settings["cameras"], f"{folder}: settings.json: cameras"),
        settings["noise"],
        settings["camera_backend"],
    )
    workspace = settings["workspace"]
    if workspace is not None:
        where = f"{folder}: settings.json: workspace"
        workspace = from_json(WorkspaceFields, workspace, where).check(where)
    config = EvaluationConfig(
        seed=settings["seed"], robot=settings["robot"], randomise=settings["randomise"]
    )
    group = planned_group(entry, settings["goal"])
    spec = trial_spec(group, record.index, record.policy, config, view, workspace)
    if spec.seed(len(record.faults)) != record.seed:
        raise UserError(
            f"{folder}: {record.group}:{record.index} has seed {record.seed}, which does not "
            "follow from settings.json; the files are not of one run"
        )
    return spec


def _changes(settings: Settings, record: TrialRecord, source: str) -> list[str]:
    """Compare policy, program, machine with those that played the trial."""
    before, now = _entry(settings, record)["sha256"], policy_entries([source])[0].sha256
    here, there = machine(), settings.get("machine") or {}
    code = record.commit or played_by(settings)
    return [
        f"{what} was {then}, now {now}: the trial may come out otherwise"
        for what, then, now in (
            (f"the policy {record.policy} has changed: its sha256", before, now),
            ("pushgrasp's version", settings.get("program"), __version__),
            ("the commit", code, commit() or code),  # None: no checkout, of which nothing is known
            ("the processor", there.get("processor"), here["processor"]),
            ("the set of packages", there.get("packages"), here["packages"]),
        )
        if then != now
    ]
