"""`pushgrasp scene` describes a scene and leaves its pictures."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from commands import run


def test_scene_prints_one_json_object(capsys):
    code, out, _ = run(capsys, "scene", "random", "--objects", "4", "--seed", "2", "--json")
    assert code == 0
    scene = json.loads(out)
    assert scene["seed"] == 2
    assert {"name", "color", "visible_fraction"} <= scene["goal"].keys()
    assert 0 <= scene["max_penetration_m"] < 0.005
    assert len(scene["objects"]) == 4
    for o in scene["objects"]:
        assert {"name", "shape", "color", "position", "quaternion", "motion_m"} == o.keys()
        assert len(o["position"]) == 3
        assert len(o["quaternion"]) == 4
        assert o["color"].startswith("#")
        assert len(o["color"]) == 7


def test_a_scenes_goal_can_be_named_by_its_colour(capsys):
    _, out, _ = run(capsys, "scene", "random", "--objects", "4", "--goal", "2", "--json")
    by_index = json.loads(out)
    code, out, _ = run(
        capsys, "scene", "random", "--objects", "4", "--goal", by_index["goal"]["color"], "--json"
    )
    assert code == 0
    assert json.loads(out) == by_index
    assert by_index["goal"]["name"] == by_index["objects"][2]["name"]


def test_scene_leaves_pictures_and_a_record(capsys, tmp_path: Path):
    out = tmp_path / "scene"
    code, text, _ = run(capsys, "scene", "random", "--objects", "3", "--out", str(out))
    assert code == 0
    assert sorted(os.listdir(out)) == ["camera.png", "heightmap.png", "heights.png", "scene.json"]
    assert json.loads((out / "scene.json").read_text())["goal"]["name"] in text
    assert os.listdir(tmp_path) == ["scene"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--goal", "rde"], "unknown colour 'rde'"),
        (["--goal", "#12345"], "unknown colour '#12345'"),
        (["--goal", "#808080"], "goal #808080: no object on the table has that colour"),
        (["--goal", "3"], "goal 3: the scene has 3 objects"),
        (["--goal=-1"], "goal -1"),
        (["--objects", "0"], "objects 0"),
        (["--objects", "31"], "objects 31"),
        (["--sigma", "-1"], "sigma -1"),
        (["--seed", "-1"], "seed -1"),
    ],
)
def test_bad_settings_of_a_scene(capsys, arguments: list[str], sentence: str):
    objects = [] if "--objects" in arguments else ["--objects", "3"]
    code, out, err = run(capsys, "scene", "random", *objects, *arguments)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("", "no object"),
        ("4.obj 1 0 0 -0.5 0 0.025 0 0\n", "line 1"),
        ("4.obj 1 0 0 -0.5 0 0.025 0 0 0\n4.obj 1 0 x -0.5 0.1 0.025 0 0 0\n", "line 2"),
        ("99.obj 1 0 0 -0.5 0 0.025 0 0 0\n", "99.obj"),
        ("4.obj 1 0 0 -0.5 0 nan 0 0 0\n", "line 1"),
    ],
)
def test_bad_preset_files(capsys, tmp_path: Path, lines: str, sentence: str):
    path = tmp_path / "scene.txt"
    path.write_text(lines)
    code, _, err = run(capsys, "scene", str(path), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "scene.txt" in err
    assert sentence in err
    assert os.listdir(tmp_path) == ["scene.txt"]


def test_a_scene_is_the_same_for_every_robot_and_may_be_randomised(capsys, tmp_path: Path):
    def scene(*options: str) -> dict[str, Any]:
        code, out, err = run(capsys, "scene", "random", "--objects", "3", "--json", *options)
        assert code == 0, err
        return json.loads(out)

    plain, panda, varied = scene(), scene("--robot", "panda"), scene("--randomise")
    assert panda["goal"]["name"] == plain["goal"]["name"]
    assert panda["goal"]["visible_fraction"] == pytest.approx(
        plain["goal"]["visible_fraction"], abs=2e-3
    )
    for a, b in zip(plain["objects"], panda["objects"], strict=True):
        assert b["position"] == pytest.approx(a["position"], abs=1e-3)
    assert varied["goal"]["color"] == plain["goal"]["color"]
    assert [o["color"] for o in varied["objects"]] != [o["color"] for o in plain["objects"]]


def test_a_scene_is_seen_as_asked(capsys, tmp_path: Path):
    cameras = tmp_path / "cameras.json"
    entry = {"position": [-1.0, 0.0, 0.5], "look_at": [-0.5, 0.0, 0.0]}
    cameras.write_text(json.dumps([{"name": "a", **entry}, {"name": "../b", **entry}]))
    pictures = {}
    for name, options in {
        "plain": [],
        "file": ["--cameras", str(cameras)],
        "noisy": ["--noise", "d405"],
    }.items():
        out = tmp_path / name
        code, _, err = run(capsys, "scene", "random", "--objects", "2", "--out", str(out), *options)
        assert code == 0, err
        pictures[name] = (out / "camera.png").read_bytes()
    assert pictures["plain"] == pictures["file"]
    assert sorted(os.listdir(tmp_path / "file" / "cameras")) == ["1-a.png", "2-___b.png"]
    assert not (tmp_path / "plain" / "cameras").exists()
    assert pictures["plain"] != pictures["noisy"]


def test_a_scene_in_another_workspace(capsys, tmp_path: Path):
    path = tmp_path / "workspace.json"
    path.write_text('{"x_min": 0.276, "y_min": -0.224, "size": 0.4, "table_z": 0.16}')
    out = tmp_path / "scene"
    code, text, _ = run(
        capsys, "scene", "challenging-04", "--workspace", str(path), "--json", "--out", str(out)
    )
    assert code == 0
    for o in json.loads(text)["objects"]:
        x, y, z = o["position"]
        assert 0.276 < x < 0.676
        assert abs(y + 0.024) < 0.2
        assert z > 0.16
    path.write_text('{"x_min": 0.276, "y_min": -0.224, "size": 0.8}')
    code, _, err = run(capsys, "scene", "random", "--workspace", str(path))
    assert code == 2
    assert f"{path}: workspace: size is 0.8 m; it must be above 0 and at most 0.6 m" in err


def test_cameras_that_retrieve_refuses_are_drawn_with_a_warning(capsys, tmp_path: Path):
    path = tmp_path / "corner.json"
    path.write_text(
        '[{"name": "overhead", "position": [-0.04, -0.46, 0.84], "look_at": [-0.04, -0.46, 0.18]}]'
    )
    out = tmp_path / "scene"
    code, text, _ = run(
        capsys, "scene", "challenging-04", "--cameras", str(path), "--out", str(out)
    )
    assert code == 0
    sentence = "Warning: retrieve refuses these cameras: the camera sees "
    assert sentence in text
    assert sentence in json.loads((out / "scene.json").read_text())["notes"][0]
    assert (out / "camera.png").is_file()
    code, _, err = run(
        capsys,
        "retrieve",
        "--scene",
        "challenging-04",
        "--cameras",
        str(path),
        "--out",
        str(tmp_path / "episode"),
    )
    assert code == 2
    assert "of the workspace; at least 60%" in err
