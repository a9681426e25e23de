"""Benchmark suites: their files, and the groups of trials that they make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pushgrasp.cli.main import main
from pushgrasp.errors import UserError
from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.groups import SceneGroup, planned_group, run_suites, scene_groups
from pushgrasp.evaluation.plan import plan_trials
from pushgrasp.evaluation.policies import PolicyEntry
from pushgrasp.evaluation.runner import evaluate
from pushgrasp.evaluation.settings import describe
from pushgrasp.evaluation.suite import read_suite

CUBES = "4.obj 1 0 0 -0.5 -0.1 0.0251 0 0 0\n4.obj 0 0.4 1 -0.5 0.0 0.0251 0 0 0\n"


def write_suite(folder: Path, *scenes: dict[str, Any], **more: Any) -> str:
    """A suite of scenes with two cubes."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene in scenes:
        if str(scene["file"]).endswith(".txt"):
            path = folder / scene["file"]
            path.parent.mkdir(exist_ok=True)
            path.write_text(CUBES)
    path = folder / "suite.json"
    path.write_text(json.dumps({"name": "mine", "scenes": scenes} | more))
    return str(path)


def groups(suite: str, **more: Any) -> list[SceneGroup]:
    return scene_groups(EvaluationConfig(suite=suite, **more))


@pytest.mark.parametrize(("name", "n"), [("challenging", 10), ("novel", 6)])
def test_the_shipped_families_are_suites(name: str, n: int) -> None:
    names = [f"{name}-{i:02d}" for i in range(1, n + 1)]
    for config in (EvaluationConfig(suite=name), EvaluationConfig(scenes=(name,))):
        found = scene_groups(config)
        assert [(g.name, g.scene, g.family) for g in found] == [(x, x, name) for x in names]
        assert {g.goals for g in found} == {(0,)}
        assert all(g.perturb for g in found)
    (third,) = scene_groups(EvaluationConfig(scenes=(names[2],)))
    assert (third.name, third.goals, third.perturb) == (names[2], (0,), True)


def test_a_suites_scenes_have_their_own_goal_offset_and_meshes(tmp_path: Path) -> None:
    suite = write_suite(
        tmp_path, {"file": "a.txt", "goal": 1, "offset": [0, 0.1, 0], "meshes": "blocks"},
        {"file": "b.txt", "perturb": False}, {"file": "challenging-04"},
    )  # fmt: skip
    a, b, c = groups(suite)
    assert (a.name, a.scene, a.goals) == ("a", str(tmp_path / "a.txt"), (1,))
    assert (a.offset, a.meshes, a.perturb) == ((0.0, 0.1, 0.0), str(tmp_path / "blocks"), True)
    assert (b.goals, b.offset, b.meshes, b.perturb) == ((0,), (0.0, 0.0, 0.0), None, False)
    assert (c.name, c.scene) == ("challenging-04", "challenging-04")
    assert {g.family for g in (a, b, c)} == {"mine"}
    spec = plan_trials(EvaluationConfig(suite=suite, trials=2))[1]
    assert (spec.group, spec.index, spec.goal, spec.offset) == ("a", 1, 1, (0.0, 0.1, 0.0))
    assert spec.meshes == str(tmp_path / "blocks")


def test_paths_are_relative_to_the_suites_file(tmp_path: Path, monkeypatch) -> None:
    write_suite(tmp_path / "far" / "away", {"file": "a.txt"})
    monkeypatch.chdir(tmp_path)
    (group,) = groups("far/away/suite.json")
    assert group.scene == "far/away/a.txt"


def test_files_of_one_name_are_named_with_their_folders(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, {"file": "p/a.txt"}, {"file": "q/a.txt"}, {"file": "p/b.txt"})
    assert [g.name for g in groups(suite)] == ["p/a", "q/a", "b"]
    for one in ("x", "y"):
        write_suite(tmp_path / one, {"file": "p/a.txt"})
    files = tuple(str(tmp_path / one / "p" / "a.txt") for one in ("x", "y"))
    assert [g.name for g in scene_groups(EvaluationConfig(scenes=files))] == ["x/p/a", "y/p/a"]


def test_names_and_seeds_are_the_same_wherever_the_suite_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = ({"file": "p/a.txt"}, {"file": "q/a.txt"}, {"file": "p/a.txt", "goal": 1})
    suite = write_suite(tmp_path / "s", *scenes)
    found: list[list[tuple[str, int]]] = []
    for here, path in (
        (tmp_path, "s/suite.json"),
        (tmp_path / "s", "suite.json"),
        (tmp_path, suite),
    ):
        monkeypatch.chdir(here)
        config = EvaluationConfig(suite=path, trials=1)
        found.append([(spec.group, spec.seed()) for spec in plan_trials(config)])
    assert found[0] == found[1] == found[2]
    assert [name for name, _ in found[0]] == ["p/a-goal-0", "q/a", "p/a-goal-1"]


def test_a_file_may_be_called_like_another_group(tmp_path: Path) -> None:
    for name in ("random-10", "challenging-01"):
        (tmp_path / f"{name}.txt").write_text(CUBES)
    files = (str(tmp_path / "random-10.txt"), str(tmp_path / "challenging-01.txt"))
    found = scene_groups(EvaluationConfig(scenes=("random", "challenging-01", *files)))
    folder = tmp_path.name
    assert [g.name for g in found] == [
        "random-10", "challenging-01", f"{folder}/random-10", f"{folder}/challenging-01",
    ]  # fmt: skip


def test_one_file_may_have_several_goals(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, {"file": "a.txt", "goal": 0}, {"file": "a.txt", "goal": 1})
    assert [g.name.rpartition("/")[2] for g in groups(suite)] == ["a-goal-0", "a-goal-1"]
    suite = write_suite(tmp_path, {"file": "a.txt", "goal": 1}, {"file": "a.txt", "goal": 1})
    with pytest.raises(UserError, match=r"a\.txt is named twice"):
        groups(suite)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scenes": []}, "scenes is empty"),
        ({"scenes": [{"goal": 1}]}, "lacks the field 'file'"),
        ({"scenes": [{"file": "a.txt", "goals": 1}]}, "unknown field 'goals'"),
        ({"scenes": [{"file": "a.txt", "offset": [0, 1]}]}, "must be a list of 3"),
        ({"scenes": [{"file": "gone.txt"}]}, r"no scene '.*gone\.txt'"),
        ({"scenes": [{"file": "a.txt", "goal": 7}]}, "has 2 objects, so the goal is 0 to 1"),
        ({"scenes": [{"file": "challenging-01", "offset": [0, 0.1, 0]}]}, "scene of the package"),
        ({"published": [{"tcr": 99}]}, "lacks the field 'method'"),
        ({"name": "a/b"}, "without a slash"),
    ],
)
def test_a_bad_suite_is_told(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    write_suite(tmp_path, {"file": "a.txt"})
    value = {"name": "mine", "scenes": [{"file": "a.txt"}]} | change
    (tmp_path / "suite.json").write_text(json.dumps(value))
    with pytest.raises(UserError, match=message):
        groups(str(tmp_path / "suite.json"))


def test_a_suite_goes_alone(tmp_path: Path) -> None:
    suite = write_suite(tmp_path, {"file": "a.txt"})
    with pytest.raises(UserError, match="--suite and --scenes are both given"):
        groups(suite, scenes=("heap",))
    with pytest.raises(UserError, match="goal 1: with --suite"):
        groups(suite, goal=1)
    with pytest.raises(UserError, match=r"no suite nosuch: .* challenging, novel"):
        read_suite("nosuch")


def test_settings_keep_the_groups_and_what_others_published(tmp_path: Path) -> None:
    row = {"method": "Xu et al.", "tcr": 99.0, "gsr": 90.0, "mn": 2.77, "trials": None}
    suite = write_suite(
        tmp_path, {"file": "a.txt", "goal": 1, "offset": [0, 0.1, 0]}, published=[row]
    )
    config = EvaluationConfig(suite=suite)
    said = describe(config, [PolicyEntry("x", "x", "1")], scene_groups(config), run_suites(config))
    assert (said["scenes"], said["suites"]) == ([], [suite])
    assert said["published"] == {"mine": [row]}
    assert [planned_group(entry, None) for entry in said["groups"]] == groups(suite)


@pytest.mark.slow
def test_a_suite_is_played_summed_up_and_replayed(tmp_path: Path, capsys) -> None:
    suite = write_suite(
        tmp_path / "suite", {"file": "a.txt", "goal": 1, "offset": [0, 0.1, 0]},
        published=[{"method": "someone", "mn": 1.5}],
    )  # fmt: skip
    out = tmp_path / "out"
    config = EvaluationConfig(policies=("random",), suite=suite, trials=1)
    summary = evaluate(config, out=out)
    assert [family["name"] for family in summary["families"]] == ["all mine"]
    assert "| *someone* |  |  |  |  | 1.50 |" in (out / "table.md").read_text()
    capsys.readouterr()
    argv = ["replay", str(out), "a:0", "--out", str(tmp_path / "again"), "--no-video"]
    assert main(argv) == 0, capsys.readouterr().out
    assert evaluate(config, out=out, resume=True) == summary
