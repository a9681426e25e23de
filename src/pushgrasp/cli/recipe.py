"""`pushgrasp recipe`: print a recipe, with changes if any, as JSON."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from ..errors import UserError
from ..workspace import read_workspace

if TYPE_CHECKING:
    from ..training.lookahead.recipe import ValueRecipe
    from ..training.recipes import Recipe

RECIPE_METAVAR = "NAME|FILE.json|RUN"


@dataclass(frozen=True, kw_only=True)
class RecipeChanges:
    """What differs from the recipe that is named."""

    network: Annotated[
        str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the recipe's)")
    ] = None
    """compact, made for a CPU, or densenet121, the paper's own, for a GPU."""
    workspace: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: the recipe's)")
    ] = None
    """JSON file of the workspace: x_min, y_min, size, table_z in metres."""
    settings: Annotated[
        tuple[str, ...],
        tyro.conf.arg(name="set", metavar="NAME=VALUE ...", help_behavior_hint="(default: none)"),
    ] = ()
    """Numbers of the recipe to replace, such as batch_size=32 stages.2.n_samples=500; `pushgrasp
    recipe` prints them all."""

    def any(self) -> bool:
        """Tell if anything differs."""
        return bool(self.network or self.workspace or self.settings)

    def apply(self, recipe: Recipe) -> Recipe:
        """Return the recipe with the changes.

        Raises:
            UserError: a name is unknown, or a value does not fit.
        """
        from ..training.recipe_file import modified
        from ..training.recipes import with_network

        if self.network is not None:
            recipe = with_network(recipe, self.network)
        if self.workspace is not None:
            recipe = replace(recipe, workspace=read_workspace(self.workspace))
        return modified(recipe, self.settings) if self.settings else recipe

    def apply_to_value(self, recipe: ValueRecipe) -> ValueRecipe:
        """Return a value policy's recipe with the changes.

        Raises:
            UserError: a name is unknown, or a value does not fit.
        """
        from ..training.recipe_file import modified

        if self.network is not None or self.workspace is not None:
            raise UserError(
                f"recipe {recipe.name!r} has a network and a workspace of its own; leave out "
                "network and workspace"
            )
        return modified(recipe, self.settings) if self.settings else recipe


@dataclass(frozen=True, kw_only=True)
class RecipeCommand(RecipeChanges):
    """Print every number of a recipe as JSON, for `pushgrasp train --recipe FILE.json`.

    Examples:
      pushgrasp recipe default > mine.json
      pushgrasp recipe paper --set batch_size=16 stages.0.n_objects=5,10 > small.json
      pushgrasp recipe runs/mine
    """

    source: Annotated[
        tyro.conf.Positional[str],
        tyro.conf.arg(metavar=RECIPE_METAVAR, help_behavior_hint="(default: default)"),
    ] = "default"
    """default, paper, paper-no-switching, wang2024 or value; a file; or a training run's folder."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..training.lookahead.recipe import find_value_recipe, value_recipe_text
        from ..training.recipe_file import find_recipe, recipe_text

        if (value := find_value_recipe(self.source)) is not None:
            print(value_recipe_text(self.apply_to_value(value)))
        else:
            print(recipe_text(self.apply(find_recipe(self.source))))
        return 0
