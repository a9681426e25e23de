"""Fixed scenes by name: which there are, what they hold, and which object can be the goal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pushgrasp.errors import UserError
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.sim.scenes.goals import choose_goal, possible_goals
from pushgrasp.sim.scenes.layouts import (
    PROCEDURAL,
    fixed_names,
    known_scenes,
    read_fixed,
)

# --- names ---------------------------------------------------------------------------------


def test_known_scenes_are_listed_once() -> None:
    names = known_scenes().split(", ")
    assert names == [
        *PROCEDURAL,
        *(f"challenging-{i:02d}" for i in range(1, 11)),
        *(f"novel-{i:02d}" for i in range(1, 7)),
    ]
    assert fixed_names() == names[len(PROCEDURAL) :]


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
        assert [o.shape.name for o in scene.objects.values()] == ["cube", "can"]
        assert scene.goal == 1
        assert len(scene.left_out) == 1
        assert choose_goal(scene, None, name) == 1
        assert choose_goal(scene, 0, name) == 0


def test_any_other_file_is_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "preset"
    path.write_text("4.obj 1 0 0 -0.5 0 0.0251 0 0 0\n8.obj 0 1 0 4.0 0.0 0.03 0 0 0\n")
    scene = read_fixed(str(path))
    assert [(o.shape.name, o.color) for o in scene.objects.values()] == [("cube", (255, 0, 0))]
    assert scene.goal is None
    assert len(scene.left_out) == 1
    assert "object 1 (cylinder)" in scene.left_out[1]


OVERLAPPING = "4.obj 1 0 0 -0.5 0 0.0251 0 0 0\n4.obj 0 0 1 -0.47 0 0.0251 0 0 0\n"


def test_objects_that_overlap_are_parted_or_refused_unless_they_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "tight.txt"
    path.write_text(OVERLAPPING)
    with pytest.raises(UserError, match=r"tight.txt: object 0 .*object 1 .* overlap by 20.0 mm"):
        read_fixed(str(path))
    assert len(read_fixed(str(path), drop=True).objects) == 2
    path.write_text(OVERLAPPING.replace("-0.47", "-0.46"))
    scene = read_fixed(str(path))
    assert [o.position[0] for o in scene.objects.values()] == pytest.approx([-0.505, -0.455])
    assert scene.notes[0].endswith("object 0 by 5.0 mm, object 1 by 5.0 mm")


@pytest.mark.parametrize(
    ("position", "why"),
    [
        ("-0.6 0.0 -726.5", "lies below the table"),
        ("-0.6 0.0 0.9", "hangs higher than 0.4 m"),
        ("0.4 0.0 0.025", "lies more than 0.3 m outside the workspace"),
    ],
)
def test_fallen_objects_are_left_out_and_the_others_keep_their_numbers(
    tmp_path: Path, position: str, why: str
) -> None:
    path = tmp_path / "scene.txt"
    path.write_text(f"6.obj 1 1 1 {position} 0 0 0\n4.obj 1 0 0 -0.5 0 0.0251 0 0 0\n")
    scene = read_fixed(str(path))
    assert {number: o.shape.name for number, o in scene.objects.items()} == {1: "cube"}
    assert list(scene.left_out) == [0]
    assert scene.left_out[0].startswith("object 0 (long) at (")
    assert scene.left_out[0].endswith(why)


def test_an_object_just_outside_the_workspace_still_lies_on_the_table(tmp_path: Path) -> None:
    path = tmp_path / "scene.txt"
    path.write_text("4.obj 1 0 0 -0.5 0.4 0.0251 0 0 0\n4.obj 1 0 0 -0.5 0.6 0.0251 0 0 0\n")
    assert list(read_fixed(str(path)).objects) == [0]


def test_a_scene_that_lies_elsewhere_is_answered_with_its_offset(tmp_path: Path) -> None:
    path = tmp_path / "scene.txt"
    path.write_text("4.obj 1 0 0 0.5 0.1 0.0251 0 0 0\n4.obj 1 0 0 0.6 0.1 0.0251 0 0 0\n")
    with pytest.raises(UserError, match=r"all 2 lie off the table; an offset of -1\.05 -0\.10 0"):
        read_fixed(str(path))
    assert len(read_fixed(str(path), offset=(-1.05, -0.1, 0.0)).objects) == 2


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
    (placed,) = read_fixed(str(path), meshes=folder).objects.values()
    assert placed.shape.extent == pytest.approx((0.04, 0.06, 0.04))
    (tmp_path / "wedge.obj").write_text(WEDGE.replace("0.03", "0.02"))
    assert read_fixed(str(path)).objects[0].shape.extent == pytest.approx((0.04, 0.04, 0.04))
    (placed,) = read_fixed(str(path), meshes=folder).objects.values()
    assert placed.shape.extent == pytest.approx((0.04, 0.06, 0.04))


@pytest.mark.parametrize("name", ["scene.txt", "scene.json"])
def test_an_offset_moves_every_object(tmp_path: Path, name: str) -> None:
    (tmp_path / "wedge.obj").write_text(WEDGE)
    path = tmp_path / name
    path.write_text(PRESET if name.endswith("txt") else JSON)
    (placed,) = read_fixed(str(path), offset=(0.0, 0.1, 0.02)).objects.values()
    assert placed.position == pytest.approx((-0.5, 0.1, 0.0405))


@pytest.mark.parametrize(
    "given", [{"offset": (0.0, 0.1, 0.0)}, {"meshes": "."}, {"drop": True}], ids=str
)
@pytest.mark.parametrize("name", ["novel-01", "challenging-01", "random"])
def test_scenes_of_the_package_take_no_options_of_files(name: str, given: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="offset, meshes and drop are for scene files"):
        build_scene(SceneConfig(name, **given))
