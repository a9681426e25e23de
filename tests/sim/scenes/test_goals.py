"""Goals of fixed scenes: objects are numbered by the file, whatever is left out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgrasp.cli.scene import name_goal
from pushgrasp.errors import UserError
from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.plan import plan_trials
from pushgrasp.perception.colors import PALETTE, parse_color
from pushgrasp.sim.objects.shapes import SHAPES
from pushgrasp.sim.scenes.build import SceneConfig, build_scene, object_colors
from pushgrasp.sim.scenes.goals import check_goal_color, choose_goal, possible_goals
from pushgrasp.sim.scenes.layouts import read_fixed
from pushgrasp.sim.scenes.placed import PlacedObject, SceneFile
from pushgrasp.workspace import Workspace

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 160, 60)
INSIDE, OUTSIDE = (-0.5, 0.0), (-0.9, 0.0)  # of the workspace, m


def scene_of(*places: tuple[float, float], goal: int | None = None, colors=()) -> SceneFile:
    """Cubes at places, each in another colour."""
    colors = colors or (RED, BLUE, GREEN)
    return SceneFile(
        {
            i: PlacedObject(SHAPES["cube"], color, (x, y, 0.025), (1.0, 0.0, 0.0, 0.0))
            for i, ((x, y), color) in enumerate(zip(places, colors, strict=False))
        },
        goal,
    )


@given(
    st.lists(
        st.tuples(st.floats(-1.0, 0.0), st.floats(-0.5, 0.5)), min_size=1, max_size=3, unique=True
    ),
    st.none() | st.integers(0, 2),
)
def test_a_goal_is_one_that_the_robot_looks_for(
    places: list[tuple[float, float]], asked: int | None
) -> None:
    scene = scene_of(*places)
    goals = possible_goals(scene)
    assert goals == [
        i for i, (x, y) in enumerate(places) if -0.724 <= x <= -0.276 and -0.224 <= y <= 0.224
    ] or any(np.isclose(np.abs(np.add(p, (0.5, 0))), 0.224).any() for p in places)
    if goals and (asked is None or asked in goals):
        assert choose_goal(scene, asked, "s") == (goals[0] if asked is None else asked)
    else:
        with pytest.raises(UserError):
            choose_goal(scene, asked, "s")


def test_by_default_the_goal_is_the_files_or_else_the_first_inside() -> None:
    assert choose_goal(scene_of(INSIDE, (-0.6, 0.1), goal=1), None, "s") == 1
    assert choose_goal(scene_of(INSIDE, (-0.6, 0.1), goal=1), 0, "s") == 0
    assert choose_goal(scene_of(OUTSIDE, INSIDE), None, "s") == 1


def test_goals_are_in_the_scenes_own_workspace() -> None:
    scene = scene_of(INSIDE, OUTSIDE)
    assert possible_goals(scene) == [0]
    there = dataclasses.replace(scene, workspace=Workspace(x_min=-1.1))
    assert possible_goals(there) == [1]
    assert choose_goal(there, None, "s") == 1


@pytest.mark.parametrize(
    ("scene", "asked", "words"),
    [
        (scene_of(INSIDE), 1, "goal 1: s has 1 object, so the goal is 0"),
        (scene_of(INSIDE), -1, "goal -1: s has 1 object"),
        (scene_of(INSIDE, OUTSIDE), 1, "goal 1: that object of s lies outside the workspace"),
        (scene_of(OUTSIDE, INSIDE), 0, "inside are 1"),
        (scene_of(OUTSIDE), None, "s has no object in the workspace that could be the goal"),
        (
            scene_of(INSIDE, (-0.6, 0.1), colors=(RED, (250, 4, 4))),
            None,
            "s: goal 0 is #ff0000 and object 1 #fa0404, which the robot cannot tell apart",
        ),
        (scene_of(INSIDE, colors=((0, 0, 0),)), None, "give it a colour that is not black"),
    ],
)
def test_impossible_goals_are_refused(scene: SceneFile, asked: int | None, words: str) -> None:
    with pytest.raises(UserError) as error:
        choose_goal(scene, asked, "s")
    assert words in str(error.value)


def test_two_objects_of_one_colour_do_not_matter_to_another_goal() -> None:
    scene = scene_of(INSIDE, (-0.6, 0.1), (-0.4, 0.1), colors=(RED, RED, BLUE))
    assert choose_goal(scene, 2, "s") == 2


def test_no_colour_of_the_palette_is_taken_for_another() -> None:
    check_goal_color({i: parse_color(c) for i, c in enumerate(PALETTE)}, 3, "goal")


# --- the number of an object is that of the file, everywhere ----------------------------------

PRESET = """4.obj red -0.50 0.05 -9.0 0 0 0

4.obj green -0.50 0.00 0.0251 0 0 0
8.obj blue -0.60 0.10 0.0226 0 0 0
"""
OBJECTS = [
    {"shape": "cube", "color": "red", "position": [3.0, 0.05, 0.0251]},
    {"shape": "cube", "color": "green", "position": [-0.5, 0.0, 0.0251]},
    {"shape": "cube", "color": "blue", "position": [-0.6, 0.1, 0.0251]},
]


@pytest.fixture(params=["scene.txt", "scene.json"])
def name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A scene whose first object has fallen off the table."""
    path = tmp_path / request.param
    path.write_text(PRESET if path.suffix == ".txt" else json.dumps({"objects": OBJECTS}))
    return str(path)


@pytest.mark.parametrize(("number", "color"), [(1, "green"), (2, "blue")])
def test_a_goal_keeps_its_number_when_an_earlier_object_is_left_out(
    name: str, number: int, color: str
) -> None:
    rgb = parse_color(color)
    built = [
        build_scene(SceneConfig(name, goal=number)),
        build_scene(SceneConfig(name, goal=number, perturb=True)),
        build_scene(name_goal(SceneConfig(name), str(number))),
        build_scene(name_goal(SceneConfig(name), color)),
    ]
    for scene in built:
        assert (scene.goal, scene.goal_name, scene.goal_rgb) == (number, f"object_0{number}", rgb)
        assert scene.world.color(scene.goal_name) == rgb
    assert object_colors(SceneConfig(name))[number] == rgb
    (spec,) = plan_trials(EvaluationConfig(scenes=(name,), goal=number, trials=1))
    assert spec.goal == number


@pytest.mark.parametrize(("number", "color"), [(1, "green"), (2, "blue")])
def test_a_goal_in_the_file_and_one_asked_for_are_the_same(
    tmp_path: Path, number: int, color: str
) -> None:
    path = tmp_path / "scene.json"
    path.write_text(json.dumps({"goal": number, "objects": OBJECTS}))
    for asked in (None, number):
        assert build_scene(SceneConfig(str(path), goal=asked)).goal_rgb == parse_color(color)


def test_a_goal_that_was_left_out_is_refused(name: str) -> None:
    with pytest.raises(UserError) as error:
        build_scene(SceneConfig(name, goal=0))
    assert "goal 0: object 0 (cube) at (" in str(error.value)
    assert "is left out: it lies" in str(error.value)
    assert "it can be one of 1, 2" in str(error.value)


def test_a_goal_in_the_file_that_was_left_out_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scene.json"
    path.write_text(json.dumps({"goal": 0, "objects": OBJECTS}))
    with pytest.raises(UserError, match=r"the goal of .*scene\.json is 0: object 0 \(cube\) at"):
        build_scene(SceneConfig(str(path)))
    assert build_scene(SceneConfig(str(path), goal=2)).goal == 2
    assert read_fixed(str(path)).goal == 0
