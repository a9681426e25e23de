"""What a run's settings say, and what a run that goes on may change."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from pushgrasp.cli.main import main
from pushgrasp.errors import UserError
from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.groups import run_suites, scene_groups
from pushgrasp.evaluation.policies import PolicyEntry
from pushgrasp.evaluation.settings import KEPT, commits, describe, merge, read_settings
from pushgrasp.utils.files import write_json


def settings(
    names=("default",), scenes=("random",), objects=(10,), trials=4, **changes: Any
) -> dict[str, Any]:
    policies = [PolicyEntry(name, name, f"hash of {name}") for name in names]
    config = EvaluationConfig(scenes=scenes, objects=objects, trials=trials, seed=3, robot="panda")
    return describe(config, policies, scene_groups(config), run_suites(config)) | changes


def test_what_is_said_of_a_run() -> None:
    said = settings(("default", "paper"), ("random", "heap"), (10, 20))
    assert json.loads(json.dumps(said)) == said
    assert {key: said[key] for key in ("trials", "seed", "goal", "robot", "cameras", "noise")} == {
        "trials": 4, "seed": 3, "goal": None, "robot": "panda", "cameras": [], "noise": "",
    }  # fmt: skip
    assert said["policies"][1] == {"name": "paper", "source": "paper", "sha256": "hash of paper"}
    assert len(said["groups"]) == 8
    assert said["groups"][1] == {
        "policy": "default", "name": "random-20", "scene": "random", "objects": 20, "goals": [0, 1],
        "offset": [0.0, 0.0, 0.0], "meshes": None, "perturb": False, "family": "", "trials": 4,
    }  # fmt: skip
    assert said["machine"]["cores"] >= 1


def test_a_run_that_goes_on_may_grow() -> None:
    old = settings(("default", "paper"), objects=(10,), trials=4)
    new = settings(("wang", "default"), ("random", "heap"), (20,), trials=2)
    grown = merge(old, new, "out")
    assert [policy["name"] for policy in grown["policies"]] == ["default", "paper", "wang"]
    assert (grown["scenes"], grown["objects"]) == (["random", "heap"], [10, 20])
    assert grown["trials"] == 4
    assert [(lot["policy"], lot["name"], lot["trials"]) for lot in grown["groups"]] == [
        ("default", "random-10", 4), ("default", "random-20", 2), ("default", "heap-20", 2),
        ("paper", "random-10", 4), ("wang", "random-20", 2), ("wang", "heap-20", 2),
    ]  # fmt: skip


def test_the_most_trials_that_were_wanted_stay_wanted() -> None:
    for first, then in ((4, 9), (9, 4)):
        grown = merge(settings(trials=first), settings(trials=then), "out")
        assert (grown["trials"], grown["groups"][0]["trials"]) == (9, 9)


def test_the_same_again_changes_nothing() -> None:
    assert merge(settings(), settings(), "out") == settings()


def test_where_the_trials_were_played_is_told_of_each_part() -> None:
    old, here, there = (settings(commit=name) for name in ("a1", "b2", "c3"))
    grown = merge(merge(merge(old, here, "out"), there, "out"), here, "out")
    assert grown["commit"] == "a1"
    assert [part["commit"] for part in grown["resumed"]] == ["b2", "c3"]
    assert commits(grown) == ["a1", "b2", "c3"]
    assert commits({"commit": None}) == ["unknown"]


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("seed", 4), ("goal", 1), ("robot", "gantry"), ("cameras", [{"name": "left"}]),
        ("noise", "d405"), ("camera_backend", "opengl"), ("randomise", True),
    ],
)  # fmt: skip
def test_what_decides_about_a_trial_must_stay(key: str, other: object) -> None:
    old = settings()
    with pytest.raises(UserError) as refusal:
        merge(old, {**old, key: other}, "there")
    assert f"there was played with {key} {old[key]!r}, not {other!r}" in str(refusal.value)
    assert "name a new folder" in str(refusal.value)
    assert key in KEPT


def test_all_that_differs_is_told_at_once() -> None:
    with pytest.raises(UserError, match=r"seed 3, not 5; robot 'panda', not 'gantry'"):
        merge(settings(), settings(seed=5, robot="gantry"), "out")


def test_another_policy_of_the_same_name_is_refused() -> None:
    new = copy.deepcopy(settings())
    new["policies"][0]["sha256"] = "another"
    with pytest.raises(UserError, match=r"the policy default in out was another one.*another"):
        merge(settings(), new, "out")


def test_a_policy_may_have_been_moved() -> None:
    new = copy.deepcopy(settings())
    new["policies"][0]["source"] = "elsewhere/default"
    assert merge(settings(), new, "out")["policies"] == new["policies"]


def test_another_scene_of_the_same_name_is_refused() -> None:
    new = copy.deepcopy(settings())
    new["groups"][0].update(scene="mine/random-10.txt", objects=7)
    with pytest.raises(
        UserError, match=r"the group random-10 in out had scene 'random', not 'mine/"
    ):
        merge(settings(), new, "out")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "is not of an evaluation"),
        ({"version": 2}, "format version 2; this program reads 1"),
        ({"groups": None, "seed": None}, "lacks seed, groups|lacks groups, seed"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path: Path, change: dict, message: str) -> None:
    value = settings() | change
    write_json(tmp_path / "settings.json", {k: v for k, v in value.items() if v is not None})
    with pytest.raises(UserError, match=message):
        read_settings(tmp_path)


@pytest.mark.parametrize("command", [["report"], ["replay", "failures"]])
def test_a_folder_of_results_folders_names_them(command: list[str], tmp_path: Path, capsys) -> None:
    for name in ("random", "heap"):
        write_json(tmp_path / name / "settings.json", settings())
    assert main([command[0], str(tmp_path), *command[1:]]) == 2
    said = capsys.readouterr().err
    assert f"{tmp_path} holds no evaluation: there is no settings.json in it" in said
    assert f"its subfolders do: {tmp_path / 'heap'}, {tmp_path / 'random'}" in said


def test_settings_are_read_as_they_were_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no evaluation"):
        read_settings(tmp_path)
    write_json(tmp_path / "settings.json", settings())
    assert read_settings(tmp_path) == settings()


def test_a_runs_workspace_is_kept_and_older_files_had_none(tmp_path: Path) -> None:
    write_json(tmp_path / "workspace.json", {"x_min": 0.276, "y_min": -0.224, "size": 0.448})
    config = EvaluationConfig(workspace=tmp_path / "workspace.json")
    there = describe(config, [], scene_groups(config))
    assert there["workspace"]["x_min"] == 0.276
    old = settings()
    with pytest.raises(UserError, match="workspace None, not"):
        merge(old, {**old, "workspace": there["workspace"]}, "there")
    del old["workspace"]
    write_json(tmp_path / "settings.json", old)
    assert read_settings(tmp_path)["workspace"] is None
