"""Fixed scenes by name: which there are, what they hold, and which object can be the goal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.sim.objects.shapes import SHAPES
from pushgrasp.sim.scenes.layouts import (
    DROPPED,
    choose_goal,
    expand,
    fixed_names,
    known_scenes,
    possible_goals,
    read_fixed,
)
from pushgrasp.sim.scenes.preset_file import PlacedObject
from pushgrasp.sim.scenes.scene_file import SceneFile
from pushgrasp.workspace import Workspace

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 160, 60)
INSIDE, OUTSIDE = (-0.5, 0.0), (-0.9, 0.0)  # of the workspace, m


def scene_of(*places: tuple[float, float], goal: int | None = None, colors=()) -> SceneFile:
    """Cubes at places, in colours of their own."""
    colors = colors or (RED, BLUE, GREEN)
    return SceneFile(
        [
            PlacedObject(SHAPES["cube"], color, (x, y, 0.025), (1.0, 0.0, 0.0, 0.0))
            for (x, y), color in zip(places, colors, strict=False)
        ],
        goal,
    )


# --- names ---------------------------------------------------------------------------------


def test_families_expand_and_all_else_is_itself() -> None:
    assert expand("challenging") == [f"challenging-{i:02d}" for i in range(1, 11)]
    assert expand("novel") == [f"novel-{i:02d}" for i in range(1, 7)]
    for name in (*DROPPED, *fixed_names(), "my/scene.json", "nonsense"):
        assert expand(name) == [name]


def test_what_is_known_is_listed_once() -> None:
    names = known_scenes().split(", ")
    assert names == [*DROPPED, *expand("challenging"), *expand("novel")]
    assert fixed_names() == names[len(DROPPED) :]


@pytest.mark.parametrize("name", fixed_names())
def test_every_fixed_scene_can_be_read_and_has_a_goal(name: str) -> None:
    scene = read_fixed(name)
    assert len(scene.objects) > 3
    goal = choose_goal(scene, None, name)
    assert goal in possible_goals(scene)
    if name.startswith("novel"):
        assert goal == scene.goal


@pytest.mark.parametrize("name", ["kitchen", "challenging", "novel-07", "", "/", "scene.json"])
def test_an_unknown_scene_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(UserError) as error:
        read_fixed(name)
    words = f"no scene {name!r}: it is neither a file nor one of {known_scenes()}"
    assert str(error.value) == words


# --- files ---------------------------------------------------------------------------------


def test_a_name_that_ends_in_json_is_a_scene_file(tmp_path: Path) -> None:
    things = [
        {"shape": "cube", "color": "#ff0000", "position": [-0.5, 0.0, 0.026], "yaw": 0.3},
        {"shape": "can", "color": "#0000ff", "position": [-0.6, 0.1, 0.0615], "yaw": 0.0},
        {"shape": "cube", "color": "#00ff00", "position": [3.0, 0.1, 0.026], "yaw": 0.0},
    ]
    for name in ("scene.json", "scene.JSON"):
        path = tmp_path / name
        path.write_text(json.dumps({"goal": 1, "objects": things}))
        scene = read_fixed(str(path))
        assert [o.shape.name for o in scene.objects] == ["cube", "can"]
        assert scene.goal == 1
        assert len(scene.left_out) == 1
        assert choose_goal(scene, None, name) == 1
        assert choose_goal(scene, 0, name) == 0


def test_any_other_file_is_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "preset"
    path.write_text("4.obj 1 0 0 -0.5 0 0.0251 0 0 0\n8.obj 0 1 0 4.0 0.0 0.03 0 0 0\n")
    scene = read_fixed(str(path))
    assert [(o.shape.name, o.color) for o in scene.objects] == [("cube", RED)]
    assert scene.goal is None
    assert len(scene.left_out) == 1
    assert "line 2" in scene.left_out[0]


def test_objects_of_a_preset_that_overlap_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tight.txt"
    lines = "4.obj 1 0 0 -0.5 0 0.0251 0 0 0\n4.obj 0 0 1 {x} 0 0.0251 0 0 0\n"
    path.write_text(lines.format(x=-0.4515))  # 1.5 mm of overlap: pressed, not thrown, apart
    assert len(read_fixed(str(path)).objects) == 2
    path.write_text(lines.format(x=-0.47))
    with pytest.raises(UserError, match=r"tight.txt: object 0 .*object 1 .* overlap by 20.0 mm"):
        read_fixed(str(path))
    path.write_text("4.obj 1 0 0 -0.5 0 0.015 0 0 0\n")
    with pytest.raises(UserError, match=r"tight.txt: object 0 \(cube\) is in the table by 10.0 mm"):
        read_fixed(str(path))


# --- goals ---------------------------------------------------------------------------------


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


def test_without_a_wish_the_files_goal_counts_and_then_the_first_inside() -> None:
    assert choose_goal(scene_of(INSIDE, (-0.6, 0.1), goal=1), None, "s") == 1
    assert choose_goal(scene_of(INSIDE, (-0.6, 0.1), goal=1), 0, "s") == 0
    assert choose_goal(scene_of(OUTSIDE, INSIDE), None, "s") == 1


def test_a_workspace_of_ones_own() -> None:
    there = Workspace(x_min=-1.1)
    scene = scene_of(INSIDE, OUTSIDE)
    assert possible_goals(scene) == [0]
    assert possible_goals(scene, there) == [1]
    assert choose_goal(scene, None, "s", there) == 1


@pytest.mark.parametrize(
    ("scene", "asked", "words"),
    [
        (scene_of(INSIDE), 1, "--goal 1: s has 1 objects on the table, so the goal is 0 to 0"),
        (scene_of(INSIDE), -1, "--goal -1: s has 1 objects"),
        (scene_of(INSIDE, OUTSIDE), 1, "--goal 1: that object of s lies outside the workspace"),
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
def test_goals_that_cannot_be(scene: SceneFile, asked: int | None, words: str) -> None:
    with pytest.raises(UserError) as error:
        choose_goal(scene, asked, "s")
    assert words in str(error.value)


def test_twins_are_no_hindrance_to_another_goal() -> None:
    scene = scene_of(INSIDE, (-0.6, 0.1), (-0.4, 0.1), colors=(RED, RED, BLUE))
    assert choose_goal(scene, 2, "s") == 2


# --- offset and meshes -----------------------------------------------------------------------

WEDGE = """v -0.02 -0.03 -0.02
v 0.02 -0.03 -0.02
v 0.02 0.03 -0.02
v -0.02 0.03 -0.02
v -0.02 -0.03 0.02
v -0.02 0.03 0.02
f 1 4 3 2
f 1 2 5
f 4 6 3
f 2 3 6 5
f 1 5 6 4
"""
PRESET = "wedge.obj 0.9 0.1 0.1 -0.50 0.00 0.0205 0 0 0\n"
JSON = '{"objects": [{"mesh": "wedge.obj", "color": "red", "position": [-0.5, 0, 0.0205]}]}'


@pytest.mark.parametrize(("name", "text"), [("scene.txt", PRESET), ("scene.json", JSON)])
def test_meshes_lie_beside_the_file_or_in_a_folder(tmp_path: Path, name: str, text: str) -> None:
    folder = tmp_path / "meshes"
    folder.mkdir()
    path = tmp_path / name
    path.write_text(text)
    (folder / "wedge.obj").write_text(WEDGE)
    with pytest.raises(UserError, match=r"wedge\.obj"):
        read_fixed(str(path))
    (placed,) = read_fixed(str(path), meshes=folder).objects
    assert placed.shape.extent == pytest.approx((0.04, 0.06, 0.04))
    (tmp_path / "wedge.obj").write_text(WEDGE.replace("0.03", "0.02"))
    assert read_fixed(str(path)).objects[0].shape.extent == pytest.approx((0.04, 0.04, 0.04))
    assert read_fixed(str(path), meshes=folder).objects[0].shape is not None


@pytest.mark.parametrize("name", ["scene.txt", "scene.json"])
def test_an_offset_moves_every_object(tmp_path: Path, name: str) -> None:
    (tmp_path / "wedge.obj").write_text(WEDGE)
    path = tmp_path / name
    path.write_text(PRESET if name.endswith("txt") else JSON)
    (placed,) = read_fixed(str(path), offset=(0.0, 0.1, 0.02)).objects
    assert placed.position == pytest.approx((-0.5, 0.1, 0.0405))


def test_scenes_of_the_package_take_no_offset() -> None:
    with pytest.raises(UserError, match="novel-01 is a scene of the package"):
        read_fixed("novel-01", offset=(0.0, 0.1, 0.0))
