"""An episode's looks: what is kept from the first one, and cameras that fail later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pictures import BLUE, RED, Box, picture

from pushgrasp.errors import UserError
from pushgrasp.perception.perceive import Perception

BLOCKS = (
    Box((-0.55, 0.08), (0.025, 0.025, 0.025), RED),
    Box((-0.47, 0.00), (0.03, 0.025, 0.025), BLUE),
)
LEFT, _ = picture(*BLOCKS)
RIGHT, _ = picture(*BLOCKS, eye=(-0.2, 0.1, 0.6))
BLIND = replace(RIGHT, depth=np.full_like(RIGHT.depth, np.nan))


def test_a_camera_that_goes_blind_later_is_named_in_each_such_look() -> None:
    perception = Perception(RED)
    assert perception.look([LEFT, RIGHT]).notes == ()
    for _ in range(2):
        seen = perception.look([LEFT, BLIND])
        assert "camera 2 of 2 is left out of this look" in seen.notes[0]
        assert seen.goal.sum() > 300
    assert perception.look([LEFT, RIGHT]).notes == ()


def test_a_camera_that_lost_most_of_its_depth_is_named() -> None:
    perception = Perception(RED)
    perception.look(LEFT)
    covered = LEFT.depth.copy()
    covered[:, 100:] = 0
    assert "the camera sees little" in perception.look(replace(LEFT, depth=covered)).notes[0]


def test_without_any_depth_later_the_look_is_refused() -> None:
    perception = Perception(RED)
    perception.look([LEFT, RIGHT])
    with pytest.raises(UserError, match="at the start 2 did"):
        perception.look([replace(LEFT, depth=np.zeros_like(LEFT.depth)), BLIND])


def test_another_number_of_frames_is_refused() -> None:
    perception = Perception(RED)
    perception.look([LEFT, RIGHT])
    with pytest.raises(UserError, match="1 frames, but 2 at the first look"):
        perception.look(LEFT)
