"""The trials as the page's scripts read them: plain lists, their fields named once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from ...evaluation.metrics import Cause, cause
from ...evaluation.records import TrialRecord
from ...evaluation.reproduce import goal_color
from ...evaluation.steps import StepRecord
from ...perception.colors import PALETTE, format_color
from ...primitives import PrimitiveConfig
from ...sim.robots.registry import gripper
from ...workspace import Workspace
from ..draw.panels import quarters_of
from ..draw.strip import CELL
from ..draw.words import plain_words
from .data import EvaluationRun, Results
from .rate_table import RateTable

TRIAL_FIELDS = (
    "policy", "group", "index", "success", "claimed_success", "cause", "actions", "pushes",
    "visible_fraction", "wall_s", "seed", "goal", "reason", "good_grasps", "faults", "refusals",
    "decision_s", "robot_s", "folder", "goal_rgb", "steps",
)  # fmt: skip
"""Fields of a trial; policy, group, cause and folder are indices into the lists of their names."""
STEP_FIELDS = tuple(field.name for field in fields(StepRecord))


def listing(results: Results, table: RateTable) -> dict[str, Any]:
    """Collect what the list of trials shows.

    Returns:
        `policies` and their `styles`, `groups`, `causes`, `folders`; `trial` and `step`, the
        names of the fields of `trials` and of their steps; and what actions are drawn with, sizes
        in m: `workspaces`, `quarters` and `jaws` of the folders, and `push`.
    """
    groups = [name for names in table.kinds.values() for name in names]
    folders = [str(run.folder) for run in results.runs]
    jaws, primitive = [gripper(run.settings["robot"]) for run in results.runs], PrimitiveConfig()
    colors = _GoalColors({str(run.folder): run for run in results.runs})
    workspaces = [Workspace(**(run.settings["workspace"] or {})) for run in results.runs]
    return {
        "policies": table.policies,
        "styles": [table.styles[name] for name in table.policies],
        "groups": groups,
        "causes": [c.label for c in Cause],
        "folders": folders,
        "trial": TRIAL_FIELDS,
        "step": STEP_FIELDS,
        "trials": [
            _trial(
                record,
                colors(record, str(folder)),
                table.policies,
                groups,
                folders.index(str(folder)),
            )
            for record, folder in zip(results.records, results.folders, strict=True)
        ],
        # Quarter turns that put the standard camera below a drawing with +x right and +y up.
        "quarters": [quarters_of(w) for w in workspaces],
        "colors": {code: name for name, code in PALETTE.items()},
        "cell": CELL,
        "workspaces": [[w.x_min, w.y_min, w.size] for w in workspaces],
        "jaws": [[jaw.max_width, jaw.finger_thickness, jaw.finger_breadth] for jaw in jaws],
        "push": [primitive.push_behind, primitive.push_length],
    }


class _GoalColors:
    """Finds the goals' colours; policies that met the same scene share the work."""

    def __init__(self, runs: dict[str, EvaluationRun]) -> None:
        self._runs = runs
        self._known: dict[tuple[str, str, int, str], str | None] = {}

    def __call__(self, record: TrialRecord, folder: str) -> str | None:
        """Return a trial's goal's colour as #rrggbb; None if its scene is gone."""
        key = folder, record.group, record.seed, record.goal
        if key not in self._known:
            run = self._runs[folder]
            rgb = goal_color(run.settings, record, run.folder)
            self._known[key] = None if rgb is None else format_color(rgb)
        return self._known[key]


def _trial(
    record: TrialRecord,
    color: str | None,
    policies: Sequence[str],
    groups: Sequence[str],
    folder: int,
) -> list[Any]:
    values = {
        "goal_rgb": color,
        "policy": policies.index(record.policy),
        "group": groups.index(record.group),
        "cause": None if record.success else list(Cause).index(cause(record)),
        "folder": folder,
        "steps": [[_said(step, name) for name in STEP_FIELDS] for step in record.steps],
    }
    return [values[name] if name in values else getattr(record, name) for name in TRIAL_FIELDS]


def _said(step: StepRecord, name: str) -> Any:
    """Return a step's field; reasons in everyday words."""
    value = getattr(step, name)
    return plain_words(value) if name in ("why", "target_why") else value
