"""A folder as a camera: the picture that comes after the call, and nothing older."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from pushgrasp.errors import UserError
from pushgrasp.hardware.folder import FolderCamera
from pushgrasp.interfaces import Intrinsics

LENS = Intrinsics(64, 48, 60.0, 60.0, 32.0, 24.0)


def put(folder: Path, name: str, *, counts: int, age: float = 0.0, fx: float = 60.0) -> None:
    color = np.zeros((48, 64, 3), np.uint8)
    color[..., 0] = 255  # BGR: blue
    cv2.imwrite(str(folder / f"{name}.color.png"), color)
    cv2.imwrite(str(folder / f"{name}.depth.png"), np.full((48, 64), counts, np.uint16))
    entry = {"depth_unit": 1e-4, "fx": fx, "fy": 60.0, "cx": 32.0, "cy": 24.0,
             "timestamp": time.time() - age}  # fmt: skip
    part = folder / f".{name}.part"
    part.write_text(json.dumps(entry))
    part.rename(folder / f"{name}.json")


def test_it_waits_for_a_picture_taken_after_the_call(tmp_path: Path) -> None:
    put(tmp_path, "old", counts=1000, age=5)
    camera = FolderCamera(tmp_path, LENS, np.eye(4), timeout=3)
    threading.Timer(0.2, put, (tmp_path, "new"), {"counts": 7000, "age": -0.1}).start()
    frame = camera.capture()
    assert np.allclose(frame.depth, 0.7)
    assert frame.color[0, 0].tolist() == [0, 0, 255]


def test_nothing_new_is_a_sentence(tmp_path: Path) -> None:
    put(tmp_path, "old", counts=1000, age=5)
    with pytest.raises(UserError, match="no new picture came"):
        FolderCamera(tmp_path, LENS, np.eye(4), timeout=0.1).capture()
    replayed = FolderCamera(tmp_path, LENS, np.eye(4), live=False).capture()
    assert np.allclose(replayed.depth, 0.1)


def test_a_picture_of_another_camera_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "zoomed", counts=1000, fx=90.0)
    with pytest.raises(UserError, match="does not fit the calibration"):
        FolderCamera(tmp_path, LENS, np.eye(4), live=False).capture()


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        FolderCamera(tmp_path / "none", LENS, np.eye(4))
