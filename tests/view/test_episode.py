"""An episode's folder and its video."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_steps import RED, make_frame, make_step

from pushgrasp.errors import UserError
from pushgrasp.evaluation.trial import EpisodeResult
from pushgrasp.view.draw.actions import ActionGeometry
from pushgrasp.view.episode import EpisodeInfo, EpisodeWriter
from pushgrasp.view.video import FPS, VideoWriter


def test_an_episode_is_written_whole(tmp_path: Path):
    info = EpisodeInfo("object_00", RED, 0.25, "random", 2, 7, "default", "gantry")
    video = VideoWriter(tmp_path / "video.mp4", "a test", RED)
    writer = EpisodeWriter(tmp_path, info, ActionGeometry())
    for step in (make_step("push", hidden=True), make_step("grasp")):
        for shade in range(0, 100, 20):
            video.moment(lambda shade=shade: np.full((90, 120, 3), shade, np.uint8))
        writer.add(step, make_frame())
        video.add(step)
    writer.finish(EpisodeResult(success=True, claimed_success=True, reason="done"))
    video.finish("Retrieved.", success=True)
    record = json.loads((tmp_path / "episode.json").read_text())
    assert record["success"] is True
    assert record["goal"] == {"name": "object_00", "color": "#eb1818", "visible_fraction": 0.25}
    assert [s["primitive"] for s in record["steps"]] == ["push", "grasp"]
    assert record["steps"][1]["q_push"] is None, "NaN is not JSON"
    film = cv2.VideoCapture(str(tmp_path / "video.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == video.n_frames
    assert film.get(cv2.CAP_PROP_FPS) == FPS
    assert film.read()[1].shape == (720, 1280, 3)


def test_a_video_that_cannot_be_written_is_a_sentence(tmp_path: Path):
    with (
        pytest.raises(UserError, match=r"video\.mp4"),
        VideoWriter(tmp_path / "missing" / "video.mp4", "a test", RED) as video,
    ):
        for _ in range(50):
            video.moment(lambda: np.zeros((90, 120, 3), np.uint8))
            video.add(make_step("grasp"))
        video.finish("The end.")
