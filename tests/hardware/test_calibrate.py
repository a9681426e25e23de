"""Calibration from the command line, with drawn pictures of a board in a hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from commands import run
from fakes import SHARED, FakeArm, FakeJaw
from hypothesis import given
from hypothesis import strategies as st

import pushgrasp.cli.calibrate as command
from pushgrasp.hardware.calibration.board import Board
from pushgrasp.hardware.calibration.collect import propose
from pushgrasp.hardware.connect import open_camera
from pushgrasp.hardware.devices import FloatArray
from pushgrasp.hardware.fence import Fence
from pushgrasp.hardware.rehearsal.drawn_board import T_TOOL_BOARD, draw_board
from pushgrasp.hardware.robot import upright
from pushgrasp.hardware.station import ArmConfig, CameraConfig, JawConfig, read_station
from pushgrasp.interfaces import Intrinsics, Region, RGBDFrame
from pushgrasp.perception.camera_file import CameraSpec, look_at, read_cameras, write_cameras

HERE = Path(__file__)
LENS = Intrinsics(848, 480, 610.0, 610.0, 424.0, 240.0)
TRUTH = look_at((-1.0, 0.0, 0.5), (-0.5, 0.0, 0.0))
RNG = np.random.default_rng(0)


def table_depth(k: Intrinsics) -> np.ndarray:
    """(H, W) m, of a bare table."""
    v, u = np.indices((k.height, k.width))
    rays = np.stack([(u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones_like(u)], -1)
    down = rays @ TRUTH[2, :3]
    return np.where(down < -0.05, -TRUTH[2, 3] / np.minimum(down, -0.05), 0.0).astype(np.float32)


def distorted(image: np.ndarray, k: Intrinsics, k1: float) -> np.ndarray:
    """Return a picture as a lens with radial distortion gives it."""
    if k1 == 0:
        return image
    matrix = np.array([[k.fx, 0, k.cx], [0, k.fy, k.cy], [0, 0, 1]])
    pixels = np.stack(np.meshgrid(np.arange(k.width), np.arange(k.height)), -1).reshape(-1, 1, 2)
    back = cv2.undistortPoints(pixels.astype(np.float64), matrix, np.array([k1, 0, 0, 0.0]))
    u, v = (
        (back.reshape(k.height, k.width, 2) * (k.fx, k.fy) + (k.cx, k.cy))
        .astype(np.float32)
        .transpose(2, 0, 1)
    )
    return np.asarray(cv2.remap(image, u, v, cv2.INTER_LINEAR), np.uint8)


class Arm(FakeArm):
    def __init__(self, _config: ArmConfig) -> None:
        super().__init__(upright((-0.55, 0.0, 0.3), 0.0))
        SHARED["arm"] = self  # for the camera, and for the tests: this file is loaded twice


class Jaw(FakeJaw):
    def __init__(self, _config: JawConfig) -> None:
        super().__init__()


class Camera:
    def __init__(self, _config: CameraConfig, spec: CameraSpec) -> None:
        self.intrinsics, self.T_world_camera = spec.intrinsics, spec.T_world_camera

    def capture(self, region: Region | None = None) -> RGBDFrame:
        k = self.intrinsics
        color = np.full((k.height, k.width, 3), 120, np.uint8)
        frame = RGBDFrame(color, SHARED["depth"] * table_depth(k), k, TRUTH)
        side = SHARED["square"]
        board = Board(square=side, marker=side * Board.marker / Board.square)
        frame = draw_board(frame, SHARED["arm"].T @ T_TOOL_BOARD, board, RNG)
        return replace(frame, color=distorted(frame.color, k, SHARED["k1"]))


@pytest.fixture
def station(tmp_path: Path) -> Path:
    wrong = TRUTH.copy()
    wrong[:3, 3] += (0.03, -0.04, 0.02)  # more than 5 cm off
    write_cameras(tmp_path / "front.json", [CameraSpec("front", LENS, wrong)])
    value: dict[str, Any] = {
        "format": "pushgrasp-station",
        "version": 1,
        "arm": {"driver": f"{HERE}:Arm", "address": "", "T_flange_tool": np.eye(4).tolist()},
        "jaw": {"driver": f"{HERE}:Jaw"},
        "cameras": [{"driver": f"{HERE}:Camera", "source": "", "calibration": "front.json"}],
        "T_world_base": np.eye(4).tolist(),
        "fence": {"low": [-0.8, -0.3, 0.001], "high": [-0.2, 0.6, 0.45]},
        "home": [-0.5, 0.46, 0.25],
    }
    (tmp_path / "station.json").write_text(json.dumps(value))
    return tmp_path / "station.json"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "REST", 0.0)
    monkeypatch.setitem(SHARED, "square", 0.038)
    monkeypatch.setitem(SHARED, "depth", 1.0)
    monkeypatch.setitem(SHARED, "k1", 0.0)


def error_mm(station: Path) -> float:
    T = read_cameras(station.with_name("front.json"))[0].T_world_camera
    x, y = np.meshgrid(np.linspace(-0.724, -0.276, 5), np.linspace(-0.224, 0.224, 5))
    points = np.stack([x, y, 0 * x, np.ones_like(x)], -1).reshape(-1, 4)
    moved = points @ np.linalg.inv(TRUTH).T @ T.T
    return 1e3 * float(np.linalg.norm((moved - points)[:, :3], axis=1).max())


def test_a_camera_5_cm_off_is_found_to_a_millimetre(
    station: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert error_mm(station) > 50
    code, said, _ = run(capsys, "calibrate", str(station), "--no-confirm")
    assert code == 0, said
    assert error_mm(station) < 1.0
    kept = station.parent / "calibration-front"
    assert len(list(kept.glob("0*.png"))) == 16
    report = json.loads((kept / "report.json").read_text())
    assert report["rms_px"] < 0.5
    assert report["doubts"] == []
    before = error_mm(station)
    write_cameras(station.with_name("front.json"), [CameraSpec("front", LENS, np.eye(4))])
    code, _, _ = run(capsys, "calibrate", str(station), "--resolve", str(kept))
    assert code == 0
    assert error_mm(station) == pytest.approx(before, abs=0.05)


def test_a_wrong_square_is_refused_and_measuring_it_anew_mends_it(
    station: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHARED, "square", 0.036)  # printed at 95 %
    code, said, _ = run(capsys, "calibrate", str(station), "--no-confirm")
    assert code == 1
    assert "not saved" in said
    assert error_mm(station) > 50  # the file is as before
    kept = str(station.parent / "calibration-front")
    code, said, _ = run(capsys, "calibrate", str(station), "--resolve", kept, "--square", "0.036")
    assert code == 0, said
    assert error_mm(station) < 1.0


def test_a_wrong_depth_scale_is_found_and_applied(
    station: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHARED, "depth", 0.985)  # 1 cm short at the table
    code, said, _ = run(capsys, "calibrate", str(station), "--no-confirm")
    assert code == 0, said
    (spec,) = read_cameras(station.with_name("front.json"))
    assert spec.depth_scale == pytest.approx(1 / 0.985, abs=1e-3)
    depth = open_camera(read_station(station).cameras[0]).capture().depth
    assert np.median(depth / table_depth(LENS)) == pytest.approx(1.0, abs=1e-3)
    assert run(capsys, "calibrate", str(station), "--no-confirm")[0] == 0
    (again,) = read_cameras(station.with_name("front.json"))
    assert again.depth_scale == pytest.approx(spec.depth_scale, abs=1e-3)  # not twice


def test_a_distorted_picture_is_refused(
    station: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHARED, "k1", -0.06)
    code, said, _ = run(capsys, "calibrate", str(station), "--no-confirm")
    assert code == 1
    assert "the lens distorts the picture" in said


def test_a_no_moves_nothing(
    station: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "n")
    code, _, _ = run(capsys, "calibrate", str(station))
    assert code == 130
    assert SHARED["arm"].targets == []


def test_by_hand_each_enter_takes_a_picture(
    station: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    poses = propose(upright((-0.55, 0.0, 0.3), 0.0), Fence((-0.8, -0.3, 0), (-0.2, 0.6, 0.5)), 12)

    def enter(_prompt: str) -> str:
        if not poses:
            return "q"
        SHARED["arm"].T = poses.pop()
        return ""

    monkeypatch.setattr("builtins.input", enter)
    code, said, _ = run(capsys, "calibrate", str(station), "--by-hand")
    assert code == 0, said
    assert SHARED["arm"].targets == []
    assert error_mm(station) < 1.5


def test_the_board_is_printed(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = station.with_name("board.pdf")
    code, _, _ = run(capsys, "calibrate", str(station), "--print-board", str(path))
    assert code == 0
    assert path.read_bytes().startswith(b"%PDF")


FENCE = Fence((-0.8, -0.3, 0.001), (-0.2, 0.6, 0.45))
places = st.tuples(st.floats(-0.79, -0.21), st.floats(-0.29, 0.59), st.floats(0.2, 0.44))


@given(places, st.floats(-3, 3), st.integers(0, 5))
def test_proposed_poses_stay_inside_the_fence(
    place: tuple[float, float, float], yaw: float, seed: int
) -> None:
    start: FloatArray = upright(place, yaw)
    for T in propose(start, FENCE, 8, seed):
        assert FENCE.refuses(T[:3, 3]) == ""
        assert T[2, 2] > np.cos(np.radians(45))
        assert T[2, 3] > place[2] - 0.051
