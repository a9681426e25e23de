"""A goal shown by a mask or box in the first frame is one thing, the whole of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from pictures import BLUE, GREEN, RED, Box, picture

from pushgrasp.errors import UserError
from pushgrasp.perception.goal import Goal
from pushgrasp.perception.perceive import observe

THINGS = (
    Box((-0.55, 0.08), (0.025, 0.025, 0.025), RED),
    Box((-0.47, 0.00), (0.03, 0.025, 0.025), BLUE),
    Box((-0.60, -0.08), (0.025, 0.025, 0.025), GREEN),
)


def box_round(there: npt.NDArray[np.bool_], margin: int = 0) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(there)
    height, width = np.ptp(rows) + 1 + 2 * margin, np.ptp(columns) + 1 + 2 * margin
    return int(rows.min() - margin), int(columns.min() - margin), int(height), int(width)


def test_a_box_over_things_that_lie_apart_is_refused_with_their_places() -> None:
    frame, number = picture(*THINGS)
    with pytest.raises(UserError, match=r"box shows 3 things that lie apart.*\(-0\.5"):
        observe(frame, Goal(box=box_round(number > 0)))


def test_a_mask_over_two_things_that_lie_apart_is_refused() -> None:
    frame, number = picture(*THINGS)
    with pytest.raises(UserError, match="mask shows 2 things that lie apart"):
        observe(frame, Goal(mask=(number == 1) | (number == 2)))


def test_of_a_box_the_corners_of_things_around_do_not_count() -> None:
    beside = Box((-0.55, 0.028), (0.025, 0.025, 0.02), BLUE)  # 2 mm beside the red one
    frame, number = picture(THINGS[0], beside)
    seen = observe(frame, Goal(box=box_round(number == 1, 12)))
    alone = observe(frame, Goal(mask=number == 1))
    assert seen.goal.sum() == pytest.approx(alone.goal.sum(), rel=0.1)
    assert seen.notes == ()


def test_a_box_over_touching_things_of_two_colours_is_told() -> None:
    frame, number = picture(THINGS[0], Box((-0.55, 0.03), (0.025, 0.025, 0.025), BLUE))
    assert "things of 2 colours" in observe(frame, Goal(box=box_round(number > 0))).notes[0]


def test_a_masked_goal_that_another_thing_cuts_in_two_is_one() -> None:
    goal = Box((-0.5, 0.0), (0.05, 0.02, 0.02), RED)
    over = Box((-0.5, 0.0), (0.012, 0.05, 0.012), BLUE, bottom=0.04)
    frame, number = picture(goal, over)
    assert observe(frame, Goal(mask=number == 1)).goal.sum() > 300


def test_a_mask_on_the_first_picture_holds_where_a_second_camera_sees_better() -> None:
    first, number = picture(*THINGS)
    second, _ = picture(*THINGS, eye=(-0.45, 0.02, 0.7))
    alone = observe(first, Goal(mask=number == 2))
    both = observe([first, second], Goal(mask=number == 2))
    assert both.goal.sum() > 0.9 * alone.goal.sum()
