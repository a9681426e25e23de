"""The trials of a run: its policies by name, its groups of scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..perception.colors import PALETTE
from ..policy.load import PolicySource
from ..sim.robots.registry import robot_model
from ..sim.scenes.goals import choose_goal
from ..sim.scenes.layouts import PROCEDURAL, expand, known_scenes, read_fixed
from ..workspace import Workspace
from .config import EvaluationConfig
from .records import TrialSpec


@dataclass(frozen=True)
class PolicyEntry:
    """A policy of a run."""

    name: str  # in the records
    source: str  # what `load_policy` takes
    sha256: str  # of what it decides by; see `PolicySource.sha256`


@dataclass(frozen=True)
class PlannedGroup:
    """Trials of one policy in one kind of scene."""

    policy: str
    name: str  # of the group
    scene: str  # as in SceneConfig.name
    objects: int
    trials: int  # wanted


def policy_entries(policies: str | Path | Sequence[str | Path]) -> list[PolicyEntry]:
    """Name and hash the policies of a run.

    Args:
        policies: one or more, each a name, a folder, or FILE.py:CLASS.
    Raises:
        UserError: none, one that cannot be read, or two of the same name.
    """
    sources = [policies] if isinstance(policies, str | Path) else list(policies)
    if not sources:
        raise UserError("no policy given; name at least one")
    entries: dict[str, PolicyEntry] = {}
    for source in map(str, sources):
        found = PolicySource.resolve(source)
        if found.name in entries:
            raise UserError(
                f"two policies would be called {found.name}: {entries[found.name].source} and "
                f"{source}; rename a folder or a class, or name each policy once"
            )
        entries[found.name] = PolicyEntry(found.name, source, found.sha256())
    return list(entries.values())


def plan_trials(
    config: EvaluationConfig, policies: Sequence[str] = ("default",)
) -> list[TrialSpec]:
    """Plan the trials of a run, ordered by policy, then group, then index.

    Args:
        config: of the run.
        policies: their names in the records.
    Raises:
        UserError: bad settings, or no such scene.
    """
    if config.trials < 1:
        raise UserError(f"--trials {config.trials}: at least one trial is needed")
    if config.seed < 0:
        raise UserError(f"--seed {config.seed}: a seed is 0 or more")
    for i, n in enumerate(config.objects):
        if n in config.objects[:i]:
            raise UserError(f"--objects names {n} twice; name each number once")
    robot_model(config.robot)  # an unknown one is an error
    if not config.scenes:
        raise UserError(f"no scene given; there are: {known_scenes()}")
    view = config.view()
    view.check(Workspace())
    specs: list[TrialSpec] = []
    groups: set[str] = set()
    for scene in [one for name in config.scenes for one in expand(name)]:
        fixed = scene not in PROCEDURAL
        kinds = [_fixed(scene, config.goal)] if fixed else _procedural(scene, config)
        for n_objects, goals in kinds:
            group = Path(scene).stem if fixed else f"{scene}-{n_objects}"
            if group in groups:
                raise UserError(f"two groups would be called {group}; name each scene once")
            groups.add(group)
            specs += [
                TrialSpec(
                    group, i, scene, n_objects, goals[i % len(goals)], config.seed, config.robot,
                    view, config.randomise, fixed, policy,
                )
                for policy in policies
                for i in range(config.trials)
            ]  # fmt: skip
    return sorted(specs, key=lambda spec: policies.index(spec.policy))


def planned_groups(specs: Sequence[TrialSpec]) -> list[PlannedGroup]:
    """Count the planned trials of each policy in each group, in the plan's order."""
    first: dict[tuple[str, str], TrialSpec] = {}
    counts: dict[tuple[str, str], int] = {}
    for spec in specs:
        key = spec.policy, spec.group
        first.setdefault(key, spec)
        counts[key] = counts.get(key, 0) + 1
    return [
        PlannedGroup(spec.policy, spec.group, spec.scene, spec.n_objects, counts[key])
        for key, spec in first.items()
    ]


def _procedural(scene: str, config: EvaluationConfig) -> list[tuple[int, list[int]]]:
    """Numbers of objects and goals, in turn, of a procedural scene."""
    if not config.objects:
        raise UserError(f"the scene {scene} needs --objects, one or more numbers")
    goal = config.goal
    for n in config.objects:
        if not 1 <= n <= len(PALETTE):
            raise UserError(f"--objects {n}: a scene has 1 to {len(PALETTE)} objects")
        if goal is not None and not 0 <= goal < n:
            raise UserError(f"--goal {goal}: {scene} has {n} objects, so the goal is 0 to {n - 1}")
    return [(n, [0, 1][:n] if goal is None else [goal]) for n in config.objects]


def _fixed(scene: str, goal: int | None) -> tuple[int, list[int]]:
    """Number of objects of a fixed scene, and its one goal."""
    layout = read_fixed(scene)
    return len(layout.objects), [choose_goal(layout, goal, scene)]
