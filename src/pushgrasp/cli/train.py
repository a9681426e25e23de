"""`pushgrasp train`: train a policy, or resume a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from ..errors import UserError
from ..training.config import TrainingConfig
from .options import Folder
from .recipe import RECIPE_METAVAR, RecipeChanges

if TYPE_CHECKING:
    from ..training.lookahead.recipe import ValueRecipe


@dataclass(frozen=True, kw_only=True)
class _RunOptions:
    """Stand first in the help."""

    out: Folder
    """Folder of the run: checkpoints, replay buffer, metrics and at the end the policy."""
    recipe: Annotated[
        str | None,
        tyro.conf.arg(metavar=RECIPE_METAVAR, help_behavior_hint="(default: default)"),
    ] = None
    """default, paper, paper-no-switching, wang2024, value; a file of `pushgrasp recipe`; a run's
    DIR."""


@dataclass(frozen=True, kw_only=True)
class TrainCommand(TrainingConfig, RecipeChanges, _RunOptions):
    """Train a policy in simulation by reinforcement learning.

    Examples:
      pushgrasp train --recipe default --out runs/mine
      pushgrasp train --resume --out runs/mine
      pushgrasp train --set batch_size=32 stages.0.n_samples=500 --out runs/small
      pushgrasp train --recipe mine.json --out runs/mine
    """

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..policy.load import PolicySource
        from ..training.lookahead.recipe import find_value_recipe, is_value_run
        from ..training.recipe_file import find_recipe

        self.check()
        if self.init_from is not None:
            PolicySource.resolve(self.init_from)  # before PyTorch is imported
        for option in ("network", "workspace", "set"):
            if self.resume and getattr(self, "settings" if option == "set" else option):
                kept = "settings" if option == "set" else option
                raise UserError(f"a resumed run keeps its {kept}; leave out --{option}")
        value = find_value_recipe(self.recipe) if self.recipe is not None else None
        if value is not None or (self.resume and is_value_run(self.out.expanduser())):
            return self._train_value(value)
        chosen = None if self.recipe is None else find_recipe(self.recipe)
        if self.any():
            chosen = self.apply(chosen or find_recipe("default"))

        from ..policy.config import read_config
        from ..training.run import CONFIG
        from ..training.train import train
        from ..view.training_picture import sample_picture

        try:
            policy = train(chosen, self.out, self, sample_picture)
        except KeyboardInterrupt as stop:
            if not (self.out.expanduser() / CONFIG).is_file():  # it had not started
                raise
            raise KeyboardInterrupt("resume with --resume") from stop
        untrained = not any(read_config(policy).metadata["updates"].values())
        why = "; it has learned nothing yet: no gradient step was taken" if untrained else ""
        print(f"The policy is in {policy}{why}")
        return 0

    def _train_value(self, recipe: ValueRecipe | None) -> int:
        """Train a policy of another kind, by a recipe of its own."""
        from ..training.lookahead.train import train_value

        if recipe is not None:
            recipe = self.apply_to_value(recipe)
        try:
            policy = train_value(recipe, self.out, self)
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt("resume with --resume") from stop
        print(f"The policy is in {policy}")
        return 0
