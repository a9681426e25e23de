"""`pushgrasp train`: train a policy, or resume a run."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ..errors import UserError
from ..training.config import TrainingConfig
from ..workspace import read_workspace
from .options import Folder


@dataclass(frozen=True, kw_only=True)
class _RunOptions:
    """Stand first in the help."""

    out: Folder
    """Folder of the run: checkpoints, replay buffer, metrics and at the end the policy."""
    recipe: Annotated[
        str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: default)")
    ] = None
    """default, paper or wang2024."""
    network: Annotated[
        str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the recipe's)")
    ] = None
    """compact, made for a CPU, or densenet121, the paper's own, for a GPU."""
    workspace: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: the recipe's)")
    ] = None
    """JSON file of the workspace: x_min, y_min, size, table_z in metres."""


@dataclass(frozen=True, kw_only=True)
class TrainCommand(TrainingConfig, _RunOptions):
    """Train a policy in simulation by reinforcement learning.

    Examples:
      pushgrasp train --recipe default --out runs/mine
      pushgrasp train --resume --out runs/mine
    """

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..policy.load import PolicySource
        from ..training.recipes import recipe, with_network

        self.check()
        if self.init_from is not None:
            PolicySource.resolve(self.init_from)  # before PyTorch is imported
        for option, value in (("network", self.network), ("workspace", self.workspace)):
            if self.resume and value is not None:
                raise UserError(f"--{option} is the run's own; leave it out with --resume")
        chosen = None if self.recipe is None else recipe(self.recipe)
        if self.network is not None:
            chosen = with_network(chosen or recipe("default"), self.network)
        if self.workspace is not None:
            workspace = read_workspace(self.workspace)
            chosen = dataclasses.replace(chosen or recipe("default"), workspace=workspace)

        from ..training.run import CONFIG
        from ..training.train import train

        try:
            policy = train(chosen, self.out, self)
        except KeyboardInterrupt as stop:
            if not (self.out.expanduser() / CONFIG).is_file():  # it had not begun
                raise
            raise KeyboardInterrupt("resume with --resume") from stop
        print(f"The policy is in {policy}")
        return 0
