"""Configurations survive JSON, and wrong ones are named."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from pushgrasp.errors import UserError
from pushgrasp.policy.config import DecisionConfig, NetworkConfig
from pushgrasp.training.recipes import RECIPES, Recipe
from pushgrasp.utils.config_json import FileFormat, from_json
from pushgrasp.utils.files import write_json

RUN = FileFormat("pushgrasp-run", 2, "a run's configuration")


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_recipes_survive_json(name: str) -> None:
    text = json.dumps(dataclasses.asdict(RECIPES[name]))
    assert from_json(Recipe, json.loads(text), "recipe") == RECIPES[name]


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (DecisionConfig, {"grasp_treshold": 1.0}, "unknown field 'grasp_treshold'; there are"),
        (DecisionConfig, {"switching": 1}, "c: switching is 1; it must be of type bool"),
        (DecisionConfig, {"max_pushes": "2"}, "c: max_pushes is '2'; it must be of type int"),
        (NetworkConfig, {"name": "resnet"}, "'resnet'; it must be one of compact, densenet121"),
        (NetworkConfig, {"widths": [1, 2]}, "must be a list of 3"),
        (NetworkConfig, {"widths": 3}, "must be a list of 3"),
        (NetworkConfig, [1], r"c is \[1\]; it must be an object"),
        (Recipe, {"stages": [{"name": "grasp"}], "name": "x"}, r"stages\[0\]: name is 'grasp'"),
        (Recipe, {}, "c lacks the field 'name'"),
    ],
)
def test_wrong_values_are_named(kind: type, value: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        from_json(kind, value, "c")


def test_fields_that_are_missing_take_their_default() -> None:
    read = from_json(DecisionConfig, {"max_pushes": None, "occupancy_limit": 1}, "c")
    assert read == DecisionConfig()
    assert isinstance(read.occupancy_limit, float)


def test_a_file_of_a_named_format_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    write_json(path, {**RUN.header, "seed": 3})
    assert RUN.read(path) == {"format": "pushgrasp-run", "version": 2, "seed": 3}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], r"config\.json is not a run's configuration: its format is not 'pushgrasp-run'"),
        ({"format": "pushgrasp-policy", "version": 2}, "its format is not 'pushgrasp-run'"),
        ({"format": "pushgrasp-run", "version": 1}, "version 1; this pushgrasp reads version 2"),
        ({"format": "pushgrasp-run"}, "has format version None"),
    ],
)
def test_another_format_or_version_is_refused(tmp_path: Path, value: object, sentence: str) -> None:
    path = tmp_path / "config.json"
    write_json(path, value)
    with pytest.raises(UserError, match=sentence):
        RUN.read(path)
