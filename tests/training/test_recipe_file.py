"""Recipes by name, from files, and from runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import run
from painted import TINY

from pushgrasp.errors import UserError
from pushgrasp.training.config import TrainingConfig
from pushgrasp.training.recipe_file import find_recipe, modified, recipe_text
from pushgrasp.training.recipes import RECIPES
from pushgrasp.training.run_folder import create_run, prepare_start


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_printed_recipe_is_read_back(name: str, tmp_path: Path, capsys) -> None:
    code, out, _ = run(capsys, "recipe", name)
    (tmp_path / "mine.json").write_text(out)
    assert code == 0
    assert find_recipe(tmp_path / "mine.json") == RECIPES[name] == find_recipe(name)


def test_a_changed_recipe_is_printed_with_its_changes(capsys) -> None:
    code, out, _ = run(
        capsys, "recipe", "paper", "--network", "densenet121", "--set", "stages.2.n_samples=500"
    )
    found = json.loads(out)
    assert code == 0
    assert found["stages"][2]["n_samples"] == 500
    assert found["network"]["name"] == "densenet121"
    assert found["name"] == "paper (modified)"


def test_a_recipe_with_other_numbers_does_not_claim_the_name() -> None:
    paper = RECIPES["paper"]
    once = modified(paper, ["batch_size=8"])
    assert once.name == modified(once, ["batch_size=9"]).name == "paper (modified)"
    assert modified(paper, ["batch_size=8", "name=mine"]).name == "mine"
    assert modified(paper, [f"batch_size={paper.batch_size}"]) == paper


def test_the_recipe_of_a_run_is_found_by_its_folder_and_by_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    create_run(folder, prepare_start(folder, TINY, TrainingConfig(seed=3)))
    assert find_recipe(folder) == find_recipe(folder / "config.json") == TINY


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "is not a recipe: its format is not 'pushgrasp-recipe'"),
        ("[1]", "is not a recipe"),
        ('{"format": "pushgrasp-recipe", "version": 2}', "format version 2"),
        ('{"format": "pushgrasp-recipe", "version": 1}', "lacks the field 'name'"),
        (recipe_text(TINY).replace('"batch_size"', '"batch_sise"'), "unknown field 'batch_sise'"),
        (recipe_text(TINY)[:-30], "mine.json"),
    ],
)
def test_a_damaged_recipe_file_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(UserError, match=message):
        find_recipe(tmp_path / "mine.json")


def test_an_unknown_recipe_is_answered_with_the_names(tmp_path: Path, capsys) -> None:
    for command in (
        ["recipe", "papr"],
        ["train", "--recipe", "papr", "--out", str(tmp_path / "r")],
    ):
        code, _, err = run(capsys, *command)
        assert code == 2
        assert "no recipe 'papr'" in err
        assert "default, paper, paper-no-switching, value, wang2024" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "stages.1.n_sample=5"], "did you mean 'n_samples'?"),
        (["--set", "batch_size=1"], "batch_size is 1; it must be at least 2"),
        (
            ["--set", "batch_size=8", "--resume"],
            "a resumed run keeps its settings; leave out --set",
        ),
    ],
)
def test_training_refuses_wrong_settings_and_leaves_nothing(
    options: list[str], words: str, tmp_path: Path, capsys
) -> None:
    code, _, err = run(capsys, "train", "--out", str(tmp_path / "run"), *options)
    assert code == 2
    assert words in err
    assert not (tmp_path / "run").exists()
