"""The trials of a run."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UserError
from ..sim.cameras.views import ViewConfig
from ..sim.robots.registry import robot_model
from ..workspace import Workspace
from .config import EvaluationConfig
from .groups import SceneGroup, scene_groups
from .records import TrialSpec


def plan_trials(
    config: EvaluationConfig,
    policies: Sequence[str] = ("default",),
    groups: Sequence[SceneGroup] | None = None,
) -> list[TrialSpec]:
    """Plan the trials of a run, ordered by policy, then group, then index.

    Args:
        config: of the run.
        policies: their names in the records; all meet the same scenes.
        groups: of the run; None: those of the config.
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
    groups = scene_groups(config) if groups is None else groups
    view = config.view()
    view.check(Workspace())
    return [
        trial_spec(group, index, policy, config, view)
        for policy in policies
        for group in groups
        for index in range(config.trials)
    ]


def trial_spec(
    group: SceneGroup, index: int, policy: str, config: EvaluationConfig, view: ViewConfig
) -> TrialSpec:
    """Specify one trial of a group.

    Args:
        group: the group.
        index: of the trial in the group, from 0.
        policy: its name in the records.
        config: of the run: seed, robot and randomisation are used.
        view: the run's cameras.
    """
    return TrialSpec(
        group=group.name,
        index=index,
        scene=group.scene,
        n_objects=group.objects,
        goal=group.goals[index % len(group.goals)],
        run_seed=config.seed,
        robot=config.robot,
        view=view,
        randomise=config.randomise,
        perturb=group.perturb,
        offset=group.offset,
        meshes=group.meshes,
        policy=policy,
    )
