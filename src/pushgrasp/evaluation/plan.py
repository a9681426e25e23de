"""The trials of a run."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UserError
from ..sim.cameras.views import ViewConfig
from ..sim.robots.registry import robot_model
from ..sim.scenes.layouts import PROCEDURAL, fixed_names
from ..workspace import Workspace
from .config import EvaluationConfig
from .groups import SceneGroup, scene_groups
from .records import TrialSpec

BUILT_IN = (*PROCEDURAL, *fixed_names())
"""Scenes in the standard workspace, unless another one is asked for."""


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
        raise UserError(f"trials {config.trials}: at least one trial is needed")
    if config.seed < 0:
        raise UserError(f"seed {config.seed}: a seed is 0 or more")
    robot_model(config.robot)  # an unknown one is an error
    groups = scene_groups(config) if groups is None else groups
    view, workspace = config.view(), config.read_workspace()
    if workspace is not None or all(group.scene in BUILT_IN for group in groups):
        view.check(workspace or Workspace())  # scene files may have another one
    return [
        trial_spec(group, index, policy, config, view, workspace)
        for policy in policies
        for group in groups
        for index in range(config.trials)
    ]


def trial_spec(
    group: SceneGroup,
    index: int,
    policy: str,
    config: EvaluationConfig,
    view: ViewConfig,
    workspace: Workspace | None,
) -> TrialSpec:
    """Specify one trial of a group.

    Args:
        group: the group.
        index: of the trial in the group, from 0.
        policy: its name in the records.
        config: of the run: seed, robot and randomisation are used.
        view: the run's cameras.
        workspace: the run's; None: that of each scene.
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
        workspace=workspace,
        randomise=config.randomise,
        perturb=group.perturb,
        offset=group.offset,
        meshes=group.meshes,
        policy=policy,
    )
