"""Policies by name, groups of scenes, and their trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pushgrasp.errors import UserError
from pushgrasp.evaluation import trial
from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.plan import plan_trials
from pushgrasp.evaluation.records import TrialSpec
from pushgrasp.interfaces import Intrinsics
from pushgrasp.perception.camera_file import CameraSpec, look_at, write_cameras
from pushgrasp.workspace import Workspace

PRESET = "4.obj 1.0 0.5 0.0 -0.5 0.0 0.025 0 0 0\n3.obj 0 0.5 0.9 -0.6 0.0 0.0125 0 1.5708 0\n"


def plan(
    scenes=("random",), objects=(10,), trials=4, policies=("default",), **more: Any
) -> list[TrialSpec]:
    config = EvaluationConfig(scenes=scenes, objects=objects, trials=trials, **more)
    return plan_trials(config, policies)


def test_groups_and_goals() -> None:
    specs = plan(("random", "heap"), (10, 20), trials=3)
    assert [s.group for s in specs[::3]] == ["random-10", "random-20", "heap-10", "heap-20"]
    assert [s.goal for s in specs[:3]] == [0, 1, 0]  # first and second placed, in turn
    assert {s.goal for s in plan(goal=4)} == {4}
    assert [s.goal for s in plan(objects=(1,), trials=2)] == [0, 0]
    assert not any(s.perturb for s in specs)


def test_policies_come_one_after_the_other_and_meet_the_same_scenes() -> None:
    specs = plan(objects=(10, 20), trials=3, policies=("b", "a"))
    assert [(s.policy, s.group) for s in specs[::3]] == [
        ("b", "random-10"), ("b", "random-20"), ("a", "random-10"), ("a", "random-20"),
    ]  # fmt: skip
    ours, theirs = ([s for s in specs if s.policy == name] for name in "ab")
    assert [(s.group, s.index, s.goal, s.seed(), s.seed(1)) for s in ours] == [
        (s.group, s.index, s.goal, s.seed(), s.seed(1)) for s in theirs
    ]
    assert len({s.key for s in specs}) == 12


def test_a_preset_file_is_a_group(tmp_path: Path) -> None:
    path = tmp_path / "two-blocks.txt"
    path.write_text(PRESET)
    specs = plan((str(path),), (), trials=3)
    assert {(s.group, s.n_objects, s.goal, s.perturb) for s in specs} == {
        ("two-blocks", 2, 0, True)
    }
    with pytest.raises(UserError, match=r"the scene .*two-blocks\.txt is named twice"):
        plan((str(path), str(path)))


def test_the_goal_of_a_fixed_scene_lies_in_the_workspace(tmp_path: Path) -> None:
    outside = "4.obj 0 1 0 -0.9 0.0 0.025 0 0 0\n"
    path = tmp_path / "three-blocks.txt"
    path.write_text(outside + PRESET)
    assert {s.goal for s in plan((str(path),), ())} == {1}
    assert {s.goal for s in plan((str(path),), (), goal=2)} == {2}
    with pytest.raises(UserError, match=r"goal 0: that object .* outside the workspace"):
        plan((str(path),), (), goal=0)
    path.write_text(outside)
    with pytest.raises(UserError, match="no object in the workspace"):
        plan((str(path),), ())


def test_a_goal_is_compared_with_the_others_not_the_default_one(tmp_path: Path) -> None:
    path = tmp_path / "twins.txt"
    path.write_text(
        "".join(
            f"4.obj {color} -0.5 {y} 0.0251 0 0 0\n"
            for color, y in (("1 0 0", -0.1), ("1 0 0", 0.0), ("0 0.4 1", 0.1))
        )
    )
    assert {s.goal for s in plan((str(path),), (), goal=2)} == {2}
    with pytest.raises(UserError, match="cannot tell apart"):
        plan((str(path),), (), goal=1)


def test_seeds_depend_on_run_group_and_index_only() -> None:
    specs = plan(("random",), (10, 20), trials=50)
    seeds = [s.seed() for s in specs]
    assert len(set(seeds)) == 100
    assert max(seeds) < 2**53
    alone = plan(("random",), (20,), trials=7)
    assert [s.seed() for s in alone] == seeds[50:57]
    assert plan(seed=1)[0].seed() != seeds[0]
    assert len({specs[0].seed(attempt) for attempt in range(5)}) == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trials": 0}, "trials 0: at least one"),
        ({"seed": -1}, "seed -1"),
        ({"scenes": ()}, "no scene given; there are: random, heap"),
        ({"scenes": ("randm",)}, "no scene 'randm': it is neither a file nor one of random, heap"),
        ({"objects": ()}, "the scene random needs objects"),
        ({"objects": (0,)}, "objects 0: a scene has 1 to 30"),
        ({"objects": (31,)}, "objects 31"),
        ({"goal": 10}, "goal 10: random has 10 objects, so the goal is 0 to 9"),
        ({"objects": (5, 5)}, "objects names 5 twice"),
    ],
)
def test_bad_settings(settings: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan(**settings)


def test_trials_are_planned_in_the_workspace_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "workspace.json"
    path.write_text('{"x_min": 0.276, "y_min": -0.224, "size": 0.448, "table_z": 0.1}')
    specs = plan(("random", "challenging-01"), (3,), trials=1, workspace=path)
    there = Workspace(0.276, table_z=0.1)
    assert {spec.workspace for spec in specs} == {there}
    assert {trial.scene_config(spec, spec.seed()).workspace for spec in specs} == {there}
    assert plan()[0].workspace is None
    path.write_text('{"x_min": 0.276, "y_min": -0.1, "size": 0.12}')
    with pytest.raises(UserError, match="outside the workspace"):
        plan(("novel-01",), goal=4, workspace=path)
    path.write_text('{"x_min": 0.276}')
    with pytest.raises(UserError, match=r"workspace\.json lacks the field 'y_min'"):
        plan(workspace=path)


def test_cameras_are_checked_before_a_trial_is_played(tmp_path: Path) -> None:
    write_cameras(
        tmp_path / "side.json",
        [
            CameraSpec(
                "side",
                Intrinsics(640, 480, 618, 618, 320, 60),
                look_at((-0.5, 0.75, 0.30), (-0.5, 0, -0.02)),
            )
        ],
    )
    with pytest.raises(UserError, match="no camera sees the hand"):
        plan(cameras=tmp_path / "side.json")
