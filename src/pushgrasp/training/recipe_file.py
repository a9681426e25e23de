"""Recipes by what a user calls them: a name, a JSON file, the folder of a training run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from ..errors import UserError
from ..policy.config import CONFIG
from ..utils.config_changes import with_settings
from ..utils.config_json import FileFormat, from_json
from ..utils.files import read_json, to_json
from .lookahead.recipe import VALUE_RECIPES, ValueRecipe
from .recipes import RECIPES, Recipe

R = TypeVar("R", Recipe, ValueRecipe)
RECIPE_FORMAT = FileFormat("pushgrasp-recipe", 1, "a recipe")
RUN_FORMAT = FileFormat("pushgrasp-run", 1, "the configuration of a training run")


def find_recipe(source: str | Path) -> Recipe:
    """Find a recipe.

    Args:
        source: a name in `RECIPES`, a file that `recipe_text` wrote, or the folder of a run. A
            field that a file leaves out takes the default of its dataclass.
    Raises:
        UserError: there is none, or the file is damaged; the message lists the names.
    """
    path = Path(source).expanduser()
    if str(source) in RECIPES:
        return RECIPES[str(source)]
    if (path / CONFIG).is_file():
        config = RUN_FORMAT.read(path / CONFIG)
        return from_json(Recipe, config.get("recipe"), f"{path / CONFIG}: recipe")
    if path.suffix == ".json" or path.is_file():
        return _read_file(path)
    raise UserError(
        f"no recipe {str(source)!r}: it is neither a .json file nor a run's folder, and the names "
        f"are: {', '.join(sorted([*RECIPES, *VALUE_RECIPES]))}"
    )


def recipe_text(recipe: Recipe) -> str:
    """Return a recipe as JSON, which `find_recipe` reads back."""
    return to_json({**RECIPE_FORMAT.header, **dataclasses.asdict(recipe)}, indent=2)


def modified(recipe: R, settings: Sequence[str]) -> R:
    """Return a recipe with some numbers replaced; see `with_settings`.

    It is called "NAME (modified)" unless its name is set, too, so that a run's curves and model
    card do not claim the original.
    """
    found = with_settings(recipe, settings, f"recipe {recipe.name!r}")
    if found == recipe or found.name != recipe.name or recipe.name.endswith("(modified)"):
        return found
    return dataclasses.replace(found, name=f"{recipe.name} (modified)")


def _read_file(path: Path) -> Recipe:
    found = read_json(path)
    if isinstance(found, dict) and found.get("format") == RUN_FORMAT.name:  # a run's config.json
        return from_json(Recipe, found.get("recipe"), f"{path}: recipe")
    fields = RECIPE_FORMAT.read(path)
    numbers = {name: v for name, v in fields.items() if name not in RECIPE_FORMAT.header}
    return from_json(Recipe, numbers, str(path))
