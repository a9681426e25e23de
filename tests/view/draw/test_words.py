"""Descriptions of steps and results."""

from __future__ import annotations

import numpy as np
import pytest
from made_steps import make_step

from pushgrasp.evaluation.trial import EpisodeResult
from pushgrasp.interfaces import Primitive
from pushgrasp.perception.colors import parse_color
from pushgrasp.view.draw import words


def test_words_say_target_primitive_q_and_outcome() -> None:
    line = words.decision_words(make_step("grasp"))
    assert line.split() == [
        "2",
        "grasp",
        "Q",
        "0.90",
        "target:",
        "the",
        "goal",
        "(400",
        "pixels",
        "seen)",
    ]
    hidden = make_step("push", hidden=True)
    assert "another object; the goal shows 0 pixels, not over 5" in words.decision_words(hidden)
    assert words.headline(hidden) == "Push to uncover the goal"
    assert words.outcome_words(make_step("grasp")) == "holds the goal"
    assert words.went_well(hidden)
    assert not words.went_well(make_step(None))


@pytest.mark.parametrize(
    ("primitive", "hidden", "sentence"),
    [
        ("grasp", True, "The red block is hidden. Taking the blue one off the top."),
        ("push", True, "The red block is hidden. Pushing the pile apart."),
        ("grasp", False, "The red block can be reached. Taking it."),
        ("push", False, "Pushing to make room around the red block."),
        (None, False, "There is nothing left to try."),
    ],
)
def test_captions_are_for_everybody(
    primitive: Primitive | None, hidden: bool, sentence: str
) -> None:
    assert words.caption(make_step(primitive, hidden=hidden), "red block") == sentence


@pytest.mark.parametrize("name", ["red", "blue", "green", "yellow", "pink", "brown", "orange"])
def test_colours_keep_their_plain_names_in_another_light(name: str) -> None:
    rgb = np.array(parse_color(name))
    assert words.plain_color(rgb) == words.plain_color(0.9 * rgb) == name


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 trials"), (1, "1 trial"), (2, "2 trials"), (1500, "1,500 trials")]
)
def test_plurals(n: int, text: str) -> None:
    assert words.plural(n, "trial") == text


@pytest.mark.parametrize(
    ("success", "claimed", "sentence"),
    [
        (True, True, "Retrieved the red goal, at first 30 % visible, in 1 action."),
        (True, False, "The red goal is out, but the robot did not notice: it gave up."),
        (False, True, "Not retrieved: after 1 action the robot wrongly believes it has the red "
                      "goal."),
        (False, False, "Not retrieved after 1 action: it gave up."),
    ],
)  # fmt: skip
def test_a_result_is_a_sentence(success: bool, claimed: bool, sentence: str) -> None:
    result = EpisodeResult(success=success, claimed_success=claimed, reason="it gave up")
    assert words.result_sentence(result, 1, "red", 0.3) == sentence


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        (
            "Q_g 0.02 is not over 0.50; Q_g 0.90, over 0.5, beside it",
            "the best grasp of the target is worth 0.02; more than 0.50 is needed; "
            "a grasp beside it is worth 0.90, more than 0.5",
        ),
        (
            "Q_g 0.90 is over 0.5",
            "the best grasp of the target is worth 0.90, more than 0.5",
        ),
        (
            "Q_g 0.80 counts 50 % after 1 failed grasp in a row; 0.40 is not over 0.50",
            "the best grasp of the target is worth 0.80, of which 50 % count after 1 failed grasp "
            "in a row, so 0.40; more than 0.50 is needed",
        ),
        ("the goal is visible (437 px)", "the goal is visible (437 pixels)"),
        ("my own reason", "my own reason"),
    ],
)
def test_recorded_reasons_are_said_without_symbols(recorded: str, said: str) -> None:
    assert words.plain_words(recorded) == said
