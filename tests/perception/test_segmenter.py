"""Segmenters: the two that come with the package, and a third party's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import BLUE, GREEN, RED, Box, picture

from pushgrasp.errors import UserError
from pushgrasp.interfaces import RGBDFrame
from pushgrasp.perception.camera_file import look_at
from pushgrasp.perception.goal import Goal
from pushgrasp.perception.heightmap import project_pixels
from pushgrasp.perception.perceive import Perception, observe
from pushgrasp.perception.segmenter import Segmenter, Segments
from pushgrasp.perception.segmenters import ColorSegmenter, load_segmenter
from pushgrasp.workspace import Workspace

STEPS = (  # of one colour, touching
    Box((-0.53, 0.0), (0.03, 0.03, 0.02), GREEN),
    Box((-0.47, 0.0), (0.03, 0.03, 0.035), GREEN),
    Box((-0.50, 0.10), (0.03, 0.025, 0.03), RED),
)


class Truth:
    """A segmenter that was given the answer for each frame."""

    def __init__(self, *numbers: np.ndarray, goal: int = 1) -> None:
        self.numbers, self.goal, self.asked = list(numbers), goal, 0

    def segment(self, frame: RGBDFrame, goal: Goal) -> Segments:
        number = self.numbers[self.asked % len(self.numbers)]
        self.asked += 1
        return Segments(number.astype(np.int32), number == self.goal)


def test_color_joins_touching_things_of_one_colour_and_depth_splits_them() -> None:
    frame, _ = picture(*STEPS)
    assert observe(frame, RED).labels.max() == 2
    split = observe(frame, RED, segmenter="depth")
    assert split.labels.max() == 3
    assert split.goal.sum() > 400
    noisy, _ = picture(*STEPS, depth_noise=0.001)
    assert observe(noisy, RED, segmenter="depth").labels.max() == 3


def test_rims_belong_to_the_thing_that_they_bound() -> None:
    """Steep sides are edges; pieces must not flow along them round one another."""
    pile = (
        Box((-0.47, 0.0), (0.04, 0.04, 0.035), GREEN),
        Box((-0.46, 0.01), (0.02, 0.02, 0.015), GREEN, bottom=0.07),
        Box((-0.53, -0.01), (0.02, 0.025, 0.02), GREEN),
        Box((-0.48, -0.066), (0.026, 0.026, 0.025), GREEN),
    )
    frame, number = picture(*pile)
    seen = observe(frame, RED, segmenter="depth")
    _, pixel = project_pixels(frame, Workspace())
    truth = np.where((pixel >= 0) & seen.objects, number.reshape(-1)[np.maximum(pixel, 0)], 0)
    assert seen.labels.max() == len(pile)
    for n in range(1, len(pile) + 1):
        mine = truth == n
        found = seen.labels == np.bincount(seen.labels[mine]).argmax()
        assert (mine & found).sum() > 0.75 * (mine | found).sum(), n


def test_depth_leaves_single_things_whole() -> None:
    things = (
        Box((-0.55, 0.08), (0.05, 0.025, 0.02), BLUE),
        Box((-0.45, -0.05), (0.025, 0.05, 0.03), RED),
    )
    frame, _ = picture(*things)
    assert observe(frame, RED, segmenter="depth").labels.max() == 2


def test_a_segmenter_segments_a_picture() -> None:
    frame, number = picture(*STEPS)
    r, g, b = (int(v) for v in np.median(frame.color[number == 3], axis=0))
    found = load_segmenter("color").segment(frame, Goal(color=(r, g, b)))
    assert found.labels.shape == frame.depth.shape
    own = found.goal[number == 3].mean()
    assert own > 0.7
    assert found.goal[number != 3].mean() < 0.01


def test_a_third_partys_labels_are_carried_into_the_map() -> None:
    frame, number = picture(*STEPS)
    seen = Perception((0, 0, 0), segmenter=Truth(number, goal=3)).look(frame)
    assert seen.labels.max() == 3
    assert seen.goal.sum() > 400
    assert not (seen.goal & (seen.labels == 0)).any()


def test_what_a_third_party_does_not_label_is_an_object_by_its_height() -> None:
    frame, number = picture(*STEPS)
    partial = np.where(number == 3, 1, 0)
    seen = Perception((0, 0, 0), segmenter=Truth(partial)).look(frame)
    assert seen.labels.max() == 2
    assert seen.goal.sum() > 400


def test_labels_of_one_thing_in_two_pictures_are_joined() -> None:
    front, number = picture(*STEPS)
    side, other = picture(*STEPS, eye=(-0.5, -0.5, 0.5))
    renamed = np.where(other > 0, 4 - other, 0)
    segmenter = Truth(number, renamed)
    seen = Perception((0, 0, 0), segmenter=segmenter).look([front, side])
    assert seen.labels.max() == 3


def test_the_goal_in_the_hand_goes_through_the_segmenter() -> None:
    frame, number = picture(*STEPS)
    perception = Perception((0, 0, 0), segmenter=Truth(number, goal=3))
    shown = np.flatnonzero(number.reshape(-1) > 0)
    found = perception._goal_in_picture(frame, shown)
    assert (found == (number.reshape(-1)[shown] == 3)).all()


def test_a_blind_camera_of_two_is_named_and_left_out() -> None:
    frame, _ = picture(*STEPS)
    blind = replace(frame, depth=np.zeros_like(frame.depth))
    perception = Perception(RED)
    seen = perception.look([frame, blind])
    assert "camera 2 of 2 is left out" in seen.notes[0]
    assert seen.labels.max() == 2
    assert perception.look([frame, blind]).notes == ()
    away = replace(frame, T_world_camera=look_at((2.0, 0, 0.5), (3.0, 0, 0.4)))
    assert "camera 1 of 2 is left out" in Perception(RED).look([away, frame]).notes[0]
    with pytest.raises(UserError, match="no depth"):
        Perception(RED).look([blind, blind])


def test_a_goal_shown_in_the_picture_of_a_blind_camera_is_refused() -> None:
    frame, number = picture(*STEPS)
    blind = replace(frame, depth=np.zeros_like(frame.depth))
    goal = Goal(mask=number == 3)
    with pytest.raises(UserError, match="camera 1 of 2, in whose picture the goal was shown"):
        Perception(goal).look([blind, frame])
    assert Perception(goal).look([frame, blind]).goal.any()


def test_no_camera_at_all_is_refused() -> None:
    with pytest.raises(UserError, match="at least one camera"):
        observe([], RED)


MOVED = Workspace(x_min=0.32, y_min=-0.10, size=0.36, table_z=0.16)
THERE = (  # STEPS on another table
    Box((0.47, 0.08), (0.03, 0.03, 0.02), GREEN),
    Box((0.53, 0.08), (0.03, 0.03, 0.035), GREEN),
    Box((0.50, 0.18), (0.03, 0.025, 0.03), RED),
)


class Wrapped:
    """A user's class that calls a built-in segmenter."""

    def __init__(self, name: str) -> None:
        self.inner = load_segmenter(name)

    def segment(self, frame: RGBDFrame, goal: Goal) -> Segments:
        return self.inner.segment(frame, goal)


@pytest.mark.parametrize(("name", "n"), [("color", 2), ("depth", 3)])
def test_a_built_in_segmenter_works_in_any_workspace_for_a_class_of_yours(
    name: str, n: int
) -> None:
    frame, number = picture(*THERE, eye=(0.0, 0.08, 0.5), at=(0.5, 0.08, 0.0), table_z=0.16)
    r, g, b = (int(v) for v in np.median(frame.color[number == 3], axis=0))
    seen = Perception((r, g, b), MOVED, Wrapped(name)).look(frame)
    assert seen.labels.max() == n
    rows, columns = np.nonzero(seen.goal)
    assert MOVED.to_xy(rows.mean(), columns.mean()) == pytest.approx((0.50, 0.18), abs=0.01)
    found = load_segmenter(name).segment(replace(frame, workspace=MOVED), Goal(color=(r, g, b)))
    assert found.labels[number == 0].mean() < 0.01, "the raised table is no object"
    assert found.goal[number == 3].mean() > 0.7
    with pytest.raises(UserError, match=r"standard workspace; say where.*workspace="):
        load_segmenter(name).segment(frame, Goal(color=(r, g, b)))


def answer(labels: Any, goal: Any) -> Segments:
    """Answer whatever a class without type hints would."""
    return Segments(labels, goal)


class Answers:
    """A segmenter that gives an answer whatever it is asked."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def segment(self, frame: RGBDFrame, goal: Goal) -> Segments:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]


FRAME, NUMBER = picture(*STEPS)
MASK = NUMBER == 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (RuntimeError("out of memory"), r"RuntimeError: out of memory \(in .*line"),
        (None, r"returned a NoneType; it must return Segments\(labels, goal\)"),
        ((NUMBER, MASK), "returned a tuple"),
        (answer(NUMBER / 2, MASK), "float64 with fractions; they must be whole numbers"),
        (answer(NUMBER - 1, MASK), "a label is -1; 0 is the background"),
        (answer(np.where(NUMBER, NUMBER, np.nan), MASK), "not finite"),
        (answer(NUMBER[::2, ::2], MASK), r"labels has shape \(240, 320\).*\(480, 640\)"),
        (answer(NUMBER, MASK[None]), r"goal has shape \(1, 480, 640\)"),
        (answer(None, MASK), "labels is a NoneType"),
        (answer(NUMBER, [["goal"]]), "goal is a list"),
        (answer(NUMBER, 0.9 * MASK), r"goal is float64 from 0 to 0.9.*goal > 0.5"),
        (answer(NUMBER, 255 * MASK), r"from 0 to 255.*threshold"),
    ],
)
def test_a_wrong_answer_is_refused_with_file_class_and_cause(given: object, said: str) -> None:
    with pytest.raises(UserError, match=r"test_segmenter.py: Answers.segment.*" + said):
        Perception(RED, segmenter=Answers(given)).look(FRAME)


def test_a_goal_that_covers_two_labels_is_ambiguous() -> None:
    seen = Perception(RED, segmenter=Answers(answer(NUMBER, NUMBER < 3))).look(FRAME)
    assert seen.ambiguous.startswith("the segmenter finds two goals: the thing at (-0.4")
    assert not Perception(RED, segmenter=Answers(answer(NUMBER, MASK))).look(FRAME).ambiguous


def test_the_type_and_the_gaps_of_labels_do_not_matter() -> None:
    usual = Perception(RED, segmenter=Answers(answer(NUMBER, MASK))).look(FRAME)
    large = np.where(NUMBER > 0, NUMBER * 600_000_000, 0)
    for labels, goal in ((NUMBER.astype(float), MASK.astype(np.uint8)), (large, 1.0 * MASK)):
        seen = Perception(RED, segmenter=Answers(answer(labels, goal))).look(FRAME)
        assert (seen.labels == usual.labels).all()
        assert (seen.goal == usual.goal).all()


def test_a_subclass_of_a_built_in_segmenter_is_asked() -> None:
    class Mine(ColorSegmenter):
        def segment(self, frame: RGBDFrame, goal: Goal) -> Segments:
            return answer(NUMBER, MASK)

    assert Perception(RED, segmenter=Mine()).look(FRAME).labels.max() == 3


def test_a_class_in_a_file_is_a_segmenter(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "from pushgrasp.perception.segmenter import Segments\n"
        "class Nothing:\n"
        "    def segment(self, frame, goal):\n"
        "        return Segments(np.zeros(frame.depth.shape, np.int32), frame.depth < 0)\n"
        "class Wrong:\n"
        "    def segment(self, frame, goal):\n"
        "        return Segments(np.zeros((2, 2), np.int32), frame.depth < 0)\n"
        "class Fails:\n"
        "    def __init__(self):\n"
        "        raise ValueError('no weights')\n"
        "class NoSegmenter:\n"
        "    pass\n"
    )
    file = tmp_path / "mine.py"
    frame, _ = picture(*STEPS)
    nothing = load_segmenter(f"{file}:Nothing")
    assert isinstance(nothing, Segmenter)
    assert not Perception(RED, segmenter=nothing).look(frame).goal.any()
    with pytest.raises(UserError, match=r"Wrong.*\(2, 2\)"):
        Perception(RED, segmenter=f"{file}:Wrong").look(frame)
    with pytest.raises(UserError, match="no weights"):
        load_segmenter(f"{file}:Fails")
    with pytest.raises(UserError, match="no segmenter"):
        load_segmenter(f"{file}:NoSegmenter")
    with pytest.raises(UserError, match="no class Other"):
        load_segmenter(f"{file}:Other")
    with pytest.raises(UserError, match="there are: color, depth"):
        load_segmenter("magic")
    with pytest.raises(UserError, match="there is no file"):
        load_segmenter(str(tmp_path / "gone.py") + ":Mine")
