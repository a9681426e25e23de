"""Pictures, videos and words, made from a step that no simulator was needed for."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Action, Intrinsics, Outcome, Primitive, RGBDFrame
from pushgrasp.perception.heightmap import Heightmap
from pushgrasp.perception.observation import Observation
from pushgrasp.policy.base import Target
from pushgrasp.policy.learned import Decision
from pushgrasp.retrieve import Step
from pushgrasp.sim.cell import Cell
from pushgrasp.view.draw import panels, words
from pushgrasp.view.draw.canvas import GOAL, UNSEEN, UNSEEN_STRIPE, wrap
from pushgrasp.view.draw.pictures import SIZE, decision_picture, png
from pushgrasp.view.episode import EpisodeInfo, EpisodeWriter
from pushgrasp.view.video import FPS, VideoWriter
from pushgrasp.workspace import Workspace

WORKSPACE = Workspace()
RED = (235, 24, 24)


def make_step(primitive: Primitive | None = "grasp", *, hidden: bool = False) -> Step:
    """Two blocks, the nearer one red and the goal, and a shadow behind the other."""
    shape = WORKSPACE.shape
    labels = np.zeros(shape, np.int32)
    labels[100:120, 90:110] = 1
    labels[130:160, 120:140] = 2
    color = np.full((*shape, 3), (58, 63, 74), np.uint8)
    height = np.zeros(shape, np.float32)
    color[labels == 1], height[labels == 1] = RED, 0.03
    color[labels == 2], height[labels == 2] = (24, 24, 235), 0.05
    height[130:160, 140:150], color[130:160, 140:150] = np.nan, 0
    goal = (labels == 1) & (not hidden)
    observation = Observation(Heightmap(color, height, WORKSPACE), labels, labels > 0, goal)
    mask = labels == 2 if hidden else goal
    q_map = np.full((16, *shape), -np.inf, np.float32)
    q_map[:, mask] = np.linspace(0.1, 0.9, 16)[:, None]
    why = "the goal shows 0 px, not over 5" if hidden else "the goal shows 400 px, over 5"
    target = Target(mask, not hidden, int(goal.sum()), 0.25, why)
    row, column = (int(i) for i in np.argwhere(mask).mean(0))
    x, y = WORKSPACE.to_xy(row, column)
    action = None
    if primitive is not None:
        place = (float(x), float(y), 0.03)
        action = Action(primitive, (row, column), 4, place, np.pi / 2, 0.9, "Q_g 0.90 is over 0.5")
    push_map = q_map if primitive == "push" else None
    q_push = 0.4 if primitive == "push" else float("nan")
    decision = Decision(action, target, 0.9, q_push, q_map, push_map, "because")
    good = Outcome(holding=primitive == "grasp", holds_goal=not hidden, changed=True)
    return Step(
        index=1, observation=observation, decision=decision, outcome=good, after=observation,
        decision_s=0.05, action_s=0.4,
    )  # fmt: skip


def make_frame() -> RGBDFrame:
    return RGBDFrame(
        np.full((480, 640, 3), 90, np.uint8), np.ones((480, 640), np.float32), Intrinsics(),
        Cell().camera_pose,
    )  # fmt: skip


@pytest.mark.parametrize("primitive", ["grasp", "push", None])
@pytest.mark.parametrize("hidden", [True, False])
def test_a_decision_has_its_picture(primitive: Primitive | None, hidden: bool):
    step = make_step(primitive, hidden=hidden)
    picture = decision_picture(step, make_frame(), goal_rgb=RED, goal_name="red")
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    back = cv2.imdecode(np.frombuffer(png(picture), np.uint8), cv2.IMREAD_COLOR)
    assert back is not None
    np.testing.assert_array_equal(back[..., ::-1], picture)


def test_a_picture_can_do_without_a_frame_or_maps():
    step = make_step(None, hidden=True)
    nothing = np.full(WORKSPACE.shape, np.nan, np.float32)
    empty = Observation(
        Heightmap(np.zeros((*WORKSPACE.shape, 3), np.uint8), nothing, WORKSPACE),
        np.zeros(WORKSPACE.shape, np.int32), *np.zeros((2, *WORKSPACE.shape), bool),
    )  # fmt: skip
    target = Target(empty.goal, True, 0, 1.0, "")
    decision = Decision(None, target, float("nan"), float("nan"), None, None, "nothing there")
    bare = Step(**{**vars(step), "observation": empty, "decision": decision})
    assert decision_picture(bare, goal_rgb=RED).shape == (SIZE[1], SIZE[0], 3)


def test_maps_have_y_up_and_agree_with_the_workspace():
    view = panels.View(0, 0, WORKSPACE.n_pixels, 448)
    mask = np.zeros(WORKSPACE.shape, bool)
    mask[200, 20] = True  # large y, small x: upper left
    rows, columns = np.nonzero(view.enlarge(mask.astype(np.uint8), smooth=False))
    x, y = view.at(200, 20)
    assert abs(rows.mean() + 0.5 - y) < 1
    assert abs(columns.mean() + 0.5 - x) < 1
    assert y < 60
    assert x < 60


def test_the_view_holds_all_objects_and_marks_what_is_unseen():
    step = make_step("push")
    view = panels.view_of(step, 300)
    for row, column in np.argwhere(step.observation.objects):
        assert (view.at(row, column) > 0).all()
        assert (view.at(row, column) < 300).all()
    panel = panels.height_panel(step.observation.heightmap, view)
    x, y = view.at(145, 145).astype(int)
    assert tuple(panel[y, x]) in (UNSEEN, UNSEEN_STRIPE)
    outlined = panels.color_panel(step, view, panels.Lengths())
    assert (outlined == GOAL).all(-1).any()


def test_words_say_target_primitive_q_and_outcome():
    line = words.decision_words(make_step("grasp"))
    assert line.split() == ["2", "grasp", "Q", "0.90", "target:", "the", "goal", "(400", "px)"]
    hidden = make_step("push", hidden=True)
    assert "another object (the goal shows 0 px, not over 5)" in words.decision_words(hidden)
    assert words.headline(hidden) == "Push to uncover the goal"
    assert words.outcome_words(make_step("grasp")) == "holds the goal"
    assert words.went_well(hidden)
    assert not words.went_well(make_step(None))


def test_wrapped_text_keeps_its_words_and_its_width():
    text = "the goal shows 0 px, not over 5: the highest object, 81 mm, instead"
    lines = wrap(text, 200, 18)
    assert " ".join(lines) == text
    assert len(lines) > 1


def test_an_episode_is_written_whole(tmp_path: Path):
    info = EpisodeInfo("object_00", RED, 0.25, "random", 2, 7, "default", "gantry")
    video = VideoWriter(tmp_path / "video.mp4", "a test", RED)
    writer = EpisodeWriter(tmp_path, info, panels.Lengths(), video)
    for step in (make_step("push", hidden=True), make_step("grasp")):
        for shade in range(0, 100, 20):
            video.moment(lambda shade=shade: np.full((90, 120, 3), shade, np.uint8))
        writer.add(step, make_frame())
    writer.finish(success=True, claimed_success=True, reason="done", sentence="Retrieved.")
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
            video.step(make_step("grasp"))
        video.close("The end.")
