"""The recording for the viewer of Rerun: written from made-up steps, read back."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_steps import WORKSPACE, make_frame, make_step

from pushgrasp.cli.main import main
from pushgrasp.errors import UserError
from pushgrasp.interfaces import GripperSpec
from pushgrasp.primitives import push_path
from pushgrasp.view.draw.actions import ActionGeometry
from pushgrasp.workspace import Workspace

GEOMETRY = ActionGeometry()
PUSH = dataclasses.replace(make_step("push", hidden=True), index=0)
GRASP = make_step("grasp")


@pytest.fixture
def rerun() -> Iterator[None]:
    """The SDK, raising what it otherwise only warns of."""
    sdk = pytest.importorskip("rerun", reason="pip install '.[rerun]' to test recordings")
    sdk.set_strict_mode(True)
    yield
    sdk.set_strict_mode(False)


def record(path: Path) -> None:
    from pushgrasp.view.rerun import Recording

    recording = Recording("an episode", GEOMETRY)
    recording.add(PUSH, make_frame())
    recording.add(GRASP)
    recording.save(path, "Retrieved.", make_frame())


Times = tuple[int, float]
Found = dict[tuple[str, str], dict[Times, Any]]


def read(path: Path) -> Found:
    """Values by (entity, component) and by time: the action's number, seconds."""
    from rerun.chunk import RrdReader

    found: Found = {}
    for chunk in RrdReader(path).stream().to_chunks():
        if chunk.is_static:
            continue
        assert set(chunk.timeline_names) == {"action", "seconds"}, chunk.entity_path
        rows = chunk.to_record_batch()
        actions = rows.column("action").to_pylist()
        seconds = [t / 1e9 for t in rows.column("seconds").cast("int64").to_pylist()]
        for name in rows.schema.names:
            if ":" in name:
                values = found.setdefault((chunk.entity_path, name), {})
                column = rows.column(name)
                for i, time in enumerate(zip(actions, seconds, strict=True)):
                    values[time] = column[i].values
    return found


def image(values: dict[Times, Any], time: Times, kind: type) -> np.ndarray:
    """A map as it was recorded, flipped back so that rows follow +y."""
    data = np.frombuffer(values[time][0].values.to_numpy().tobytes(), kind)
    return data.reshape(*WORKSPACE.shape, -1).squeeze()[::-1]


def test_a_recording_is_read_back_in_time(tmp_path: Path, rerun: None):
    from rerun.chunk import RrdReader

    path = tmp_path / "episode.rrd"
    record(path)
    assert os.listdir(tmp_path) == ["episode.rrd"]
    found = read(path)
    both = PUSH.decision_s + PUSH.action_s
    first, second = (1, pytest.approx(PUSH.decision_s)), (2, pytest.approx(both + GRASP.decision_s))
    end = (3, pytest.approx(2 * both))
    assert len(RrdReader(path).blueprints()) == 1
    looks = list(found["/maps/color", "Image:buffer"])
    assert looks == [first, second, end]
    one, two, three = looks

    for time, step in ((one, PUSH), (two, GRASP), (three, GRASP)):
        seen = step.observation
        color = image(found["/maps/color", "Image:buffer"], time, np.uint8)
        np.testing.assert_array_equal(color, seen.heightmap.color)
        height = image(found["/maps/height", "DepthImage:buffer"], time, np.float32)
        np.testing.assert_array_equal(height, seen.heightmap.height)
        unseen = image(found["/maps/height/none", "SegmentationImage:buffer"], time, np.uint8)
        np.testing.assert_array_equal(unseen, ~seen.heightmap.seen)
        labels = image(found["/maps/objects", "SegmentationImage:buffer"], time, np.uint16)
        np.testing.assert_array_equal(labels, seen.labels)
        goal = image(found["/maps/goal", "SegmentationImage:buffer"], time, np.uint8)
        np.testing.assert_array_equal(goal, seen.goal)
    for time, step in ((one, PUSH), (two, GRASP)):
        target = image(found["/maps/target", "SegmentationImage:buffer"], time, np.uint8)
        np.testing.assert_array_equal(target, step.decision.target.mask)
        q_map = image(found["/maps/q_grasp", "DepthImage:buffer"], time, np.float32)
        assert step.decision.grasp_map is not None
        best = step.decision.grasp_map.max(0)
        np.testing.assert_array_equal(np.where(np.isnan(q_map), -np.inf, q_map), best)
    assert three in found["/maps/target", "Clear:is_recursive"]
    assert list(found["/maps/q_push", "DepthImage:buffer"]) == [one]
    assert list(found["/maps/q_push", "Clear:is_recursive"]) == [two, three], "it was not asked"


def test_a_recording_holds_the_action_the_cloud_and_the_words(tmp_path: Path, rerun: None):
    record(tmp_path / "episode.rrd")
    found = read(tmp_path / "episode.rrd")
    one, two, three = found["/words", "TextDocument:text"]

    assert PUSH.decision.action is not None
    start, end = push_path(PUSH.decision.action, GEOMETRY.primitive, WORKSPACE)
    assert list(found["/world/push", "Arrows3D:vectors"]) == [one]
    way = found["/world/push", "Arrows3D:vectors"][one].to_pylist()[0]
    assert way == pytest.approx([end[0] - start[0], end[1] - start[1], 0], abs=1e-6)
    assert list(found["/world/push", "Clear:is_recursive"]) == [two, three]
    assert list(found["/world/grasp", "LineStrips3D:strips"]) == [two]
    (jaw,) = found["/world/grasp", "LineStrips3D:strips"][two].to_pylist()
    assert np.linalg.norm(np.subtract(jaw[0], jaw[-1])) == pytest.approx(GripperSpec().max_width)
    assert list(found["/maps/action", "Arrows2D:origins"]) == [one, two]
    assert list(found["/world/cloud", "Points3D:positions"]) == [one, three], "2 had no picture"
    assert list(found["/world/camera", "Pinhole:resolution"]) == [one, three]
    assert found["/numbers/q_grasp", "Scalars:scalars"][one].to_pylist() == [0.9]
    assert list(found["/numbers/q_push", "Scalars:scalars"]) == [one], "NaN is left out"
    texts = [values[0].as_py() for values in found["/words", "TextDocument:text"].values()]
    assert "Push to uncover the goal" in texts[0]
    assert "holds the goal" in texts[1]
    assert "Retrieved." in texts[2]


@pytest.mark.slow
def test_a_command_records_its_episode(tmp_path: Path, rerun: None, capsys):
    path = tmp_path / "episode.rrd"
    argv = ["retrieve", "--policy", "random", "--objects", "2", "--seed", "4", "--no-video"]
    assert main([*argv, "--out", str(tmp_path / "out"), "--rerun", str(path)]) == 0
    assert f"  rerun     {path}\n" in capsys.readouterr().out
    steps = json.loads((tmp_path / "out" / "episode.json").read_text())["steps"]
    found = read(path)
    n = len(steps)
    for what in (("/words", "TextDocument:text"), ("/world/cloud", "Points3D:positions")):
        assert [action for action, _ in found[what]] == list(range(1, n + 2))
    seconds = [time for _, time in found["/words", "TextDocument:text"]]
    assert seconds == sorted(seconds)
    assert seconds[-1] == pytest.approx(sum(s["decision_s"] + s["action_s"] for s in steps))
    clouds = [c.flatten().to_numpy() for c in found["/world/cloud", "Points3D:positions"].values()]
    for before, after in itertools.pairwise(clouds):
        assert not np.array_equal(before, after), "each look has its own picture"


def test_an_older_recording_stays_until_the_new_one_is_whole(
    tmp_path: Path, rerun: None, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "episode.rrd"
    path.write_text("older")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*episode\.rrd: No space left"):
        record(path)
    assert path.read_text() == "older"
    assert os.listdir(tmp_path) == ["episode.rrd"]


def test_the_sdk_may_be_switched_off(monkeypatch: pytest.MonkeyPatch, rerun: None):
    import rerun as rr

    from pushgrasp.view.rerun import Recording

    monkeypatch.setattr(rr, "is_enabled", lambda _recording: False)
    with pytest.raises(UserError, match="unset RERUN"):
        Recording("an episode", GEOMETRY)


@pytest.mark.parametrize("command", [["retrieve"], ["demo"]])
def test_without_the_package_it_is_named_before_any_work(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    for name in [n for n in sys.modules if n.startswith("pushgrasp.view.rerun")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(importlib.import_module("pushgrasp.view"), "rerun", raising=False)
    monkeypatch.setitem(sys.modules, "rerun", None)
    argv = [*command, "--out", str(tmp_path / "out"), "--rerun", str(tmp_path / "a.rrd")]
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert 'Install the extra "rerun"' in err
    assert err.count("\n") == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("episode.txt", "must end in .rrd"),
        ("folder.rrd", "is a folder"),
        ("note/episode.rrd", "is not a writable folder"),
        ("out/episode.rrd", "lies in --out"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused_before_any_work(
    name: str, sentence: str, tmp_path: Path, rerun: None, capsys
):
    (tmp_path / "folder.rrd").mkdir()
    (tmp_path / "note").write_text("mine")
    before = sorted(os.listdir(tmp_path))
    out, path = str(tmp_path / "out"), str(tmp_path / name)
    assert main(["retrieve", "--out", out, "--rerun", path]) == 2
    err = capsys.readouterr().err
    assert f"--rerun {path}" in err
    assert sentence in err
    assert sorted(os.listdir(tmp_path)) == before


def test_points_on_a_map_are_where_its_pixels_are(rerun: None):
    from pushgrasp.view.rerun import on_map

    place = WORKSPACE.to_xy([0, 223, 100], [0, 0, 30])
    on = on_map(place, WORKSPACE)
    np.testing.assert_allclose(on, [[0.5, 223.5], [0.5, 0.5], [30.5, 123.5]])


def test_the_cloud_is_what_the_camera_saw_near_the_workspace(rerun: None):
    from pushgrasp.view.rerun import point_cloud

    frame = make_frame()
    depth = frame.depth.copy()
    depth[::3] = np.nan
    depth[1::3] = 0
    points, colors = point_cloud(dataclasses.replace(frame, depth=depth), WORKSPACE)
    assert len(points) == len(colors) > 0
    assert np.isfinite(points).all()
    assert Workspace().contains(points[:, :2], 0.05).all()
    back = (points - frame.T_world_camera[:3, 3]) @ frame.T_world_camera[:3, :3]
    np.testing.assert_allclose(back[:, 2], 1.0, atol=1e-5)  # the depth of every pixel
    k = frame.intrinsics
    u, v = back[:, 0] * k.fx + k.cx, back[:, 1] * k.fy + k.cy
    np.testing.assert_allclose(v % 3, 2, atol=1e-2)
    np.testing.assert_allclose(u, np.round(u), atol=1e-2)
