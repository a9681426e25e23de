"""Recipes: numbers as in their sources, and checks."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from painted import TINY

from pushgrasp.errors import UserError
from pushgrasp.policy.networks import build
from pushgrasp.training.recipes import RECIPES, Recipe, StageConfig, check_recipe, with_network
from pushgrasp.training.train import train
from pushgrasp.utils.config_json import from_json


def test_the_numbers_of_the_recipes_are_those_of_their_sources():
    """The paper's section III-C and the authors' code; the numbers of actions are ours."""
    paper, wang = RECIPES["paper"], RECIPES["wang2024"]
    assert [(s.name, s.n_objects) for s in paper.stages[:5]] == [
        ("grasp-any", (10,)), ("grasp-goal", (10,)), ("push", (20,)),
        ("alternate-grasp", (20,)), ("alternate-push", (20,)),
    ]  # fmt: skip
    assert (paper.discount, paper.loss, paper.replay_priority) == (0.5, "huber", 2.0)
    assert all(s.max_pushes == 5 and s.epsilon[1] == 0.1 for s in paper.stages)
    assert paper.stages[0].epsilon[0] == paper.stages[1].epsilon[0] == 0.5
    assert (paper.primitive.push_behind, paper.primitive.push_length) == (0.05, 0.10)
    assert (paper.primitive.grasp_depth, paper.decision.switch_px) == (0.02, 5)
    assert (paper.decision.push_all_weight, paper.decision.push_target_weight) == (0.95, 0.05)
    assert [s.n_objects for s in wang.stages[:4]] == [(5,), (5,), (20,), (10,)]
    assert wang.primitive.push_length == 0.13
    assert wang.decision.occupancy_limit == 0.1
    assert not wang.decision.switching
    assert (wang.decision.push_all_weight, wang.decision.push_target_weight) == (1.0, 0.0)
    assert not RECIPES["paper-no-switching"].decision.switching


def test_every_recipe_survives_its_run_directory():
    for recipe in (*RECIPES.values(), TINY):
        text = json.dumps(dataclasses.asdict(recipe))
        assert from_json(Recipe, json.loads(text), "test") == recipe


@pytest.mark.parametrize("name", ["compact", "densenet121"])
def test_every_recipe_takes_either_network(name: str):
    for recipe in RECIPES.values():
        other = with_network(recipe, name)
        assert other.network.name == name
        assert other.network.output == recipe.network.output
        assert with_network(other, recipe.network.name) == recipe
        if recipe.name != "paper-no-switching":
            check_recipe(other)
    with pytest.raises(UserError, match="no network 'resnet'"):
        with_network(RECIPES["paper"], "resnet")


def test_the_networks_of_the_recipes_can_be_built():
    assert build(RECIPES["default"].network, "grasp").primitive == "grasp"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": (StageConfig("push", n_samples=0),)}, "at least one sample"),
        ({"stages": (StageConfig("push", epsilon=(2.0, 0.1)),)}, "it is a probability"),
        ({"batch_size": 1}, "batch_size"),
        ({"loss": "huber"}, "probability goes with bce"),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused(tmp_path: Path, change: dict, message: str):
    with pytest.raises(UserError, match=message):
        train(dataclasses.replace(TINY, **change), tmp_path / "run")
    assert not (tmp_path / "run" / "config.json").exists()


def test_the_ablation_needs_no_training(tmp_path: Path):
    with pytest.raises(UserError, match="uses the networks of 'paper'; train that recipe"):
        train(RECIPES["paper-no-switching"], tmp_path / "run")
    assert not (tmp_path / "run").exists()
