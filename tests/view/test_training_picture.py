"""Training actions are drawn for the boards."""

from __future__ import annotations

import numpy as np
import pytest
from made_steps import RED, WORKSPACE, make_step

from pushgrasp.primitives import PrimitiveConfig
from pushgrasp.training.messages import Sample
from pushgrasp.training.replay_buffer import ACTION, PRIMITIVES, pack_observation
from pushgrasp.view.draw.sheet import ACTION as WHITE
from pushgrasp.view.draw.sheet import GOAL
from pushgrasp.view.training_picture import sample_picture


@pytest.mark.parametrize("primitive", PRIMITIVES)
@pytest.mark.parametrize("colors", [True, False])
def test_an_action_is_drawn_with_its_target_q_and_reward(primitive: str, colors: bool) -> None:
    seen = make_step().observation
    record = np.zeros((), ACTION)
    record["primitive"], record["rotation"] = PRIMITIVES.index(primitive), 4
    record["row"], record["column"], record["q"], record["reward"] = 110, 100, 0.8, 1.0
    state = pack_observation(
        seen.heightmap.height, seen.labels, seen.goal, seen.heightmap.color if colors else None
    )
    picture = sample_picture(Sample(state, record), WORKSPACE, PrimitiveConfig())
    assert picture.shape == (416, 360, 3)
    for color in (WHITE, GOAL, *([RED] if colors else [])):
        assert (picture[:360] == color).all(-1).any()
    assert len(np.unique(picture[360:].reshape(-1, 3), axis=0)) > 10, "words"
