"""The recipe of a value policy: every number of how it is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

from ...errors import UserError
from ...policy.config import CONFIG
from ...policy.value.config import ValueConfig
from ...utils.config_json import FileFormat, from_json
from ...utils.files import read_json, to_json
from .fit_config import FitConfig

VALUE_RECIPE_FORMAT = FileFormat("pushgrasp-value-recipe", 1, "a value policy's recipe")
VALUE_RUN_FORMAT = FileFormat("pushgrasp-value-run", 1, "the configuration of a value policy's run")


SELF = "self"


@dataclass(frozen=True)
class PlayStage:
    """Actions that are played, and from all of which so far the networks then learn anew."""

    n_actions: int
    policies: tuple[str, ...] = ("default", SELF, SELF)
    """Of these one is drawn and asked, if a policy is; "self" has the networks learned so far."""
    policy_share: float = 0.7
    """Probability that an action is the choice of a policy; else it is drawn at random."""


@dataclass(frozen=True)
class ValueRecipe:
    """All numbers of a value policy and of its training."""

    name: str
    stages: tuple[PlayStage, ...] = (
        PlayStage(3000, ("default", "geometric"), policy_share=0.3),
        PlayStage(2500),
        PlayStage(2000),
    )
    fit: FitConfig = field(default_factory=FitConfig)
    decision: ValueConfig = field(default_factory=ValueConfig)


VALUE_RECIPES = {"value": ValueRecipe("value")}


def find_value_recipe(source: str | Path) -> ValueRecipe | None:
    """Find a value policy's recipe; None if the source is something else.

    Args:
        source: a name in `VALUE_RECIPES`, a file that `value_recipe_text` wrote, or a run's folder.
    Raises:
        UserError: a file is damaged.
    """
    if str(source) in VALUE_RECIPES:
        return VALUE_RECIPES[str(source)]
    path = Path(source).expanduser()
    if path.suffix == ".json" and path.is_file():
        found = read_json(path)
        if not isinstance(found, dict) or found.get("format") != VALUE_RECIPE_FORMAT.name:
            return None
        fields = VALUE_RECIPE_FORMAT.read(path)
        numbers = {name: v for name, v in fields.items() if name not in VALUE_RECIPE_FORMAT.header}
        return from_json(ValueRecipe, numbers, str(path))
    if is_value_run(path):
        return read_run(path)[0]
    return None


def is_value_run(folder: Path) -> bool:
    """Tell if a folder holds a value policy's training run."""
    try:
        found = read_json(folder / CONFIG)
    except UserError:
        return False
    return isinstance(found, dict) and found.get("format") == VALUE_RUN_FORMAT.name


def read_run(folder: Path) -> tuple[ValueRecipe, int]:
    """Read the recipe and the seed of a run.

    Raises:
        UserError: its configuration is damaged.
    """
    path = folder / CONFIG
    found = VALUE_RUN_FORMAT.read(path)
    recipe = from_json(ValueRecipe, found.get("recipe"), f"{path}: recipe")
    return recipe, from_json(int, found.get("seed"), f"{path}: seed")


def value_recipe_text(recipe: ValueRecipe) -> str:
    """Return a recipe as JSON, which `find_value_recipe` reads back."""
    return to_json({**VALUE_RECIPE_FORMAT.header, **asdict(recipe)}, indent=2)


def check_value_recipe(recipe: ValueRecipe) -> None:
    """Check that a recipe can be trained.

    Raises:
        UserError: it cannot; the message names the wrong number.
    """
    where = f"recipe {recipe.name!r}"
    if not recipe.stages:
        raise UserError(f"{where} has no stages; one is needed")
    for k, stage in enumerate(recipe.stages):
        if stage.n_actions < 1:
            raise UserError(
                f"{where}: stages.{k}.n_actions is {stage.n_actions}; it must be over 0"
            )
        if not 0 <= stage.policy_share <= 1:
            raise UserError(
                f"{where}: stages.{k}.policy_share is {stage.policy_share}; it must be 0 to 1"
            )
        if not stage.policies:
            raise UserError(f"{where}: stages.{k}.policies is empty; name one at least")
        if SELF in stage.policies and k == 0:
            raise UserError(f"{where}: stages.0 plays {SELF!r}, but nothing has been learned yet")
