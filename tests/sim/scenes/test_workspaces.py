"""Scenes in other workspaces and in totes: everything follows, seen from robot and camera alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pushgrasp.errors import UserError
from pushgrasp.perception.heightmap import project
from pushgrasp.sim.cell import Cell, Tote
from pushgrasp.sim.robots.registry import ROBOTS
from pushgrasp.sim.scenes.build import SceneConfig, build_scene, object_colors
from pushgrasp.sim.scenes.layouts import read_fixed
from pushgrasp.sim.scenes.scene_file import write_scene_file
from pushgrasp.workspace import Workspace

FRANKA = Workspace(x_min=0.276)
HIGH = Workspace(x_min=-0.9, y_min=0.2, table_z=0.16)
CUBE = {"shape": "cube", "color": "red", "position": [0.45, 0.05, 0.185], "yaw": 0.3}
TOTE = {"inner": [0.34, 0.28], "height": 0.08}


def write(folder: Path, **rest: Any) -> str:
    path = folder / "scene.json"
    path.write_text(json.dumps({"objects": [CUBE], **rest}))
    return str(path)


@pytest.mark.parametrize("there", [FRANKA, HIGH])
@pytest.mark.parametrize("name", ["challenging-04", "novel-02"])
def test_a_fixed_scene_is_moved_as_robot_and_camera_are(name: str, there: Workspace) -> None:
    usual, moved = (build_scene(SceneConfig(name, workspace=w)) for w in (None, there))
    assert moved.workspace == there
    cell = Cell(there)
    for name_ in usual.world.in_scene():
        a, b = (s.world.pose(name_)[0] for s in (usual, moved))
        assert cell.standard(tuple(b)) == pytest.approx(a, abs=1e-3)  # both have settled
    assert moved.visible_fraction == pytest.approx(usual.visible_fraction, abs=0.02)
    images, frames = [], []
    for scene in (usual, moved):
        (camera,) = scene.make_cameras()
        frames.append(camera.capture())
        images.append(project(frames[-1], scene.workspace).height)
    assert (np.abs(frames[0].color.astype(int) - frames[1].color) < 3).mean() > 0.97  # lit alike
    here, there_ = images[0], images[1][::-1, ::-1] if cell.yaw else images[1]
    seen = np.isfinite(here) & np.isfinite(there_)
    assert seen.mean() > 0.7
    assert np.percentile(np.abs(here - there_)[seen], 95) < 1e-3


@pytest.mark.parametrize("workspace", [FRANKA, HIGH, Workspace(0.1, 0.1, 0.3)])
def test_a_pile_lies_on_the_table_of_its_workspace(workspace: Workspace) -> None:
    scene = build_scene(SceneConfig("random", 6, seed=3, workspace=workspace))
    places = np.array([scene.world.pose(n)[0] for n in scene.world.in_scene()])
    assert len(places) == 6
    assert workspace.contains(places[:, :2]).all()
    assert (places[:, 2] > workspace.table_z + 0.01).all()
    assert (places[:, 2] < workspace.table_z + 0.15).all()
    (camera,) = scene.make_cameras()
    heightmap = project(camera.capture(), workspace)
    assert heightmap.seen.mean() > 0.7  # a pile hides more of a smaller workspace
    assert np.nanmedian(heightmap.height) == pytest.approx(0, abs=1e-3)


def test_every_robot_stands_at_home_beside_its_workspace() -> None:
    for robot in ROBOTS:
        scene = build_scene(SceneConfig("random", 1, seed=1, workspace=HIGH, robot=robot))
        assert scene.make_robot().state().position == pytest.approx(Cell(HIGH).home, abs=1e-3)


def test_a_file_names_its_workspace_and_tote(tmp_path: Path) -> None:
    place = {"x_min": 0.276, "y_min": -0.224, "size": 0.448, "table_z": 0.16}
    path = write(tmp_path, workspace=place, tote=TOTE)
    scene = build_scene(SceneConfig(path))
    assert scene.workspace == Workspace(0.276, table_z=0.16)
    assert scene.world.cell.tote == Tote((0.34, 0.28), 0.08)
    assert scene.world.pose("object_00")[0] == pytest.approx((0.45, 0.05, 0.185), abs=1e-3)
    elsewhere = build_scene(SceneConfig(path, workspace=Workspace()))  # asked for goes before
    assert elsewhere.world.pose("object_00")[0] == pytest.approx((-0.45, -0.05, 0.025), abs=1e-3)
    assert list(object_colors(SceneConfig(path))) == [0]
    file = read_fixed(path)
    write_scene_file(tmp_path / "copy.json", file)
    copy = read_fixed(str(tmp_path / "copy.json"))
    assert (copy.workspace, copy.tote) == (file.workspace, file.tote)


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ({}, "lie off the table"),  # of the standard workspace
        ({"workspace": {"x_min": 0.3, "y_min": 0.0}}, "lacks the field 'size'"),
        ({"workspace": {"x_min": 0.3, "y_min": 0.0, "size": 2.0}}, r"json: workspace.*size is 2.0"),
        ({"tote": {"inner": [0.4, 0.3], "lid": True}}, "unknown field 'lid'"),
        ({"tote": {"height": 1.0}}, "tote: height is 1.0 m"),
    ],
)
def test_a_bad_workspace_or_tote_in_a_file_is_refused(
    tmp_path: Path, rest: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        build_scene(SceneConfig(write(tmp_path, **rest)))


def test_an_object_in_a_wall_is_refused(tmp_path: Path) -> None:
    place = {"x_min": 0.276, "y_min": -0.224, "size": 0.448, "table_z": 0.16}
    with pytest.raises(UserError, match=r"object 0 \(cube\) stands in a wall of the tote"):
        build_scene(SceneConfig(write(tmp_path, workspace=place, tote={"inner": [0.15, 0.3]})))
    with pytest.raises(UserError, match="novel-01: object"):
        build_scene(SceneConfig("novel-01", tote=Tote((0.15, 0.15))))


def test_a_pile_in_a_tote_stays_inside_it() -> None:
    tote = Tote((0.30, 0.24), 0.1)
    scene = build_scene(SceneConfig("random", 10, seed=4, sigma=0.06, tote=tote, workspace=HIGH))
    names = scene.world.in_scene()
    offset = np.abs([scene.world.pose(n)[0][:2] - HIGH.center for n in names])
    assert len(names) == 10
    assert (offset < np.array(tote.inner) / 2).all()
    assert scene.world.deepest_overlap() < 2e-3
    (camera,) = scene.make_cameras()
    height = project(camera.capture(), HIGH).height
    assert np.nanmax(height[:, :30]) < 1e-3  # beside the tote is bare table
    column = HIGH.to_pixel((HIGH.center[0] + 0.1525, HIGH.center[1]))[1]
    assert np.nanmax(height[:, column]) == pytest.approx(0.1, abs=2e-3)  # the far wall's top


def test_a_workspace_or_tote_without_room_is_refused() -> None:
    with pytest.raises(UserError, match=r"workspace of 0.08 m, or the tote in it, is too small"):
        build_scene(SceneConfig("random", 3, workspace=Workspace(0.2, 0.2, 0.08)))
    with pytest.raises(UserError, match="too small to drop"):
        build_scene(SceneConfig("random-novel", 20, tote=Tote((0.15, 0.15))))
