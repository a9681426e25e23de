"""The options of training, as the command line parses them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ..errors import UserError
from ..parallel.pool import Where
from ..utils.device import Device
from ..utils.optional import need


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How and where to train. The numbers of the method are in the recipe."""

    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Resume the run in the folder, with its own recipe and seed."""
    seed: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: 0)")] = (
        None
    )
    """Seed of a new run."""
    workers: Annotated[
        int | None,
        tyro.conf.arg(metavar="W", help_behavior_hint="(default: one per core, or per Ray CPU)"),
    ] = None
    """Rollout worker processes, or Ray workers."""
    rollouts: Where = "local"
    """Where workers run: on this machine, or on the Ray cluster at RAY_ADDRESS (or a local one)."""
    device: Device = "auto"
    """Where networks run: cpu, cuda, cuda:1; auto: a GPU if there is one, as workers on Ray do."""
    init_from: Annotated[
        str | None, tyro.conf.arg(metavar="NAME|DIR", help_behavior_hint="(default: none)")
    ] = None
    """A policy to start from."""
    imagenet: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE|fetch", help_behavior_hint="(default: none)")
    ] = None
    """Torchvision's DenseNet-121 weights to start from; "fetch" downloads them."""
    time_limit: Annotated[
        float | None, tyro.conf.arg(metavar="SECONDS", help_behavior_hint="(default: none)")
    ] = None
    """Stop after this time, with a checkpoint and the policy so far."""
    wandb: Annotated[
        str | None, tyro.conf.arg(metavar="PROJECT", help_behavior_hint="(default: none)")
    ] = None
    """Show the metrics at Weights & Biases, too; needs the extra "wandb"."""

    def check(self) -> None:
        """Check the values.

        Raises:
            UserError: one is out of range, or they contradict each other.
        """
        if self.seed is not None and self.seed < 0:
            raise UserError(f"seed {self.seed}: a seed is 0 or more")
        if self.workers is not None and self.workers < 1:
            raise UserError(f"workers {self.workers}: at least one is needed")
        if self.time_limit is not None and not self.time_limit > 0:
            raise UserError(f"time limit {self.time_limit}: it must be above 0 s")
        if self.wandb is not None:
            need("wandb", "wandb")
        if self.resume and (self.init_from is not None or self.imagenet is not None):
            raise UserError(
                "init_from and imagenet set the initial weights of a new run; a resumed run has "
                "its own, so leave them out"
            )
