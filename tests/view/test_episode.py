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
from pushgrasp.view.video import FPS, FilmTitle, VideoWriter

TITLE = FilmTitle("red block", RED, ("It lies among 1 other block.",), "a test")


class Shade:
    """A grey state of the world; lighter close up."""

    def __init__(self, shade: int, *, presents: bool = False) -> None:
        self.shade, self.presents = shade, presents

    def __call__(self, closer: float = 0.0) -> np.ndarray:
        return np.full((720, 1280, 3), self.shade + round(100 * closer), np.uint8)


def test_an_episode_is_written_whole(tmp_path: Path):
    info = EpisodeInfo("object_00", RED, 0.25, "random", 2, 7, "default", "gantry")
    video = VideoWriter(tmp_path / "video.mp4", TITLE)
    writer = EpisodeWriter(tmp_path, info, ActionGeometry())
    for step in (make_step("push", hidden=True), make_step("grasp")):
        for shade in range(0, 100, 20):
            video.moment(Shade(shade))
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
        VideoWriter(tmp_path / "missing" / "video.mp4", TITLE) as video,
    ):
        for _ in range(50):
            video.moment(Shade(0))
            video.add(make_step("grasp"))
        video.finish("The end.")


def frames_of(path: Path) -> np.ndarray:
    """(n,) the grey level of each frame's middle."""
    film, levels = cv2.VideoCapture(str(path)), []
    while (frame := film.read()[1]) is not None:
        levels.append(float(frame[300:400, 900:1000].mean()))
    return np.array(levels)


def test_a_film_opens_with_its_title_and_ends_on_the_goal_in_the_hand(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    with VideoWriter(path, TITLE) as video:
        for shade, presents in ((120, False), (100, True), (20, False)):
            video.moment(Shade(shade, presents=presents))
        video.add(make_step("grasp"))
        video.finish("Got the red block.", success=True)
    levels = frames_of(path)
    assert levels[0] < 60, "darkened under the title"
    assert levels.min() > 30, "the way to the bin is cut"
    assert levels[-1] == pytest.approx(200, abs=4), "close up"


def test_a_film_of_a_failure_ends_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    with VideoWriter(path, TITLE) as video:
        video.moment(Shade(100))
        video.add(make_step("push"))
        video.finish("Not retrieved.")
    assert frames_of(path)[-1] == pytest.approx(100, abs=4)
