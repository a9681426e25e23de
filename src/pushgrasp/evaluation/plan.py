"""Which trials a run plays: policies by their names, groups of scenes, and their trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..perception.colors import PALETTE
from ..policy.load import policy_hash, policy_name
from ..sim.cameras.views import ViewConfig
from ..sim.robots.registry import robot_model
from ..sim.scenes.layouts import DROPPED, choose_goal, expand, known_scenes, read_fixed
from .records import TrialSpec


@dataclass(frozen=True)
class Entrant:
    """A policy that takes part."""

    name: str  # in the records
    source: str  # what `load_policy` takes
    sha256: str  # of what it decides by; see `policy_hash`


@dataclass(frozen=True)
class Lot:
    """Trials of one policy in scenes of one kind."""

    policy: str
    name: str  # of the group
    scene: str  # as in SceneConfig.name
    objects: int
    trials: int  # wanted


def enter(policies: str | Path | Sequence[str | Path]) -> list[Entrant]:
    """The policies of a run by the names that they have in its records.

    Args:
        policies: one or more, each a name, a folder, or FILE.py:CLASS.
    Raises:
        UserError: none, one that cannot be read, or two of the same name.
    """
    sources = [policies] if isinstance(policies, str | Path) else list(policies)
    if not sources:
        raise UserError("no policy given; name at least one")
    entrants: dict[str, Entrant] = {}
    for source in map(str, sources):
        name = policy_name(source)
        if name in entrants:
            raise UserError(
                f"two policies would be called {name}: {entrants[name].source} and {source}; "
                "rename a folder or a class, or name each policy once"
            )
        entrants[name] = Entrant(name, source, policy_hash(source))
    return list(entrants.values())


def plan_trials(
    scenes: Sequence[str],
    objects: Sequence[int],
    *,
    trials: int,
    seed: int,
    goal: int | None,
    robot: str = "gantry",
    view: ViewConfig | None = None,
    randomise: bool = False,
    policies: Sequence[str] = ("default",),
) -> list[TrialSpec]:
    """The trials of a run: policy after policy, and of each group after group.

    Args:
        scenes, objects, trials, seed, goal, robot, view, randomise: as for `evaluate`.
        policies: their names in the records.
    Raises:
        UserError: bad settings, or no such scene.
    """
    if trials < 1:
        raise UserError(f"--trials {trials}: at least one trial is needed")
    if seed < 0:
        raise UserError(f"--seed {seed}: a seed is 0 or more")
    robot_model(robot)  # an unknown one is an error
    if not scenes:
        raise UserError(f"no scene given; there are: {known_scenes()}")
    view = view or ViewConfig()
    specs: list[TrialSpec] = []
    groups: set[str] = set()
    for scene in [one for name in scenes for one in expand(name)]:
        fixed = scene not in DROPPED
        found = [_fixed(scene, goal)] if fixed else _dropped(scene, objects, goal)
        for n_objects, goals in found:
            group = Path(scene).stem if fixed else f"{scene}-{n_objects}"
            if group in groups:
                raise UserError(f"two groups would be called {group}; name each scene once")
            groups.add(group)
            specs += [
                TrialSpec(
                    group, i, scene, n_objects, goals[i % len(goals)], seed, robot, view,
                    randomise, fixed, policy,
                )
                for policy in policies
                for i in range(trials)
            ]  # fmt: skip
    return sorted(specs, key=lambda spec: policies.index(spec.policy))


def lots(specs: Sequence[TrialSpec]) -> list[Lot]:
    """How many trials are planned of each policy in each group, in the plan's order."""
    first: dict[tuple[str, str], TrialSpec] = {}
    counts: dict[tuple[str, str], int] = {}
    for spec in specs:
        key = spec.policy, spec.group
        first.setdefault(key, spec)
        counts[key] = counts.get(key, 0) + 1
    return [
        Lot(spec.policy, spec.group, spec.scene, spec.n_objects, counts[key])
        for key, spec in first.items()
    ]


def _dropped(scene: str, objects: Sequence[int], goal: int | None) -> list[tuple[int, list[int]]]:
    """Numbers of objects and goals, in turn, of a scene whose objects are dropped."""
    if not objects:
        raise UserError(f"the scene {scene} needs --objects, one or more numbers")
    for n in objects:
        if not 1 <= n <= len(PALETTE):
            raise UserError(f"--objects {n}: a scene has 1 to {len(PALETTE)} objects")
        if goal is not None and not 0 <= goal < n:
            raise UserError(f"--goal {goal}: {scene} has {n} objects, so the goal is 0 to {n - 1}")
    return [(n, [0, 1][:n] if goal is None else [goal]) for n in objects]


def _fixed(scene: str, goal: int | None) -> tuple[int, list[int]]:
    """Number of objects of a fixed scene, and its one goal."""
    layout = read_fixed(scene)
    return len(layout.objects), [choose_goal(layout, goal, scene)]
