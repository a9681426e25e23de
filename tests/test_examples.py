"""The example that trains with stable-baselines3 sees what it says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

FILE = Path(__file__).parents[1] / "examples" / "train_with_sb3.py"


def test_the_directions_of_the_example_differ_in_what_they_show() -> None:
    spec = importlib.util.spec_from_file_location("train_with_sb3", FILE)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    env = example.make(objects=1)
    seen, _ = env.reset(seed=3)
    assert env.observation_space.contains(seen)
    widths, obstacles = np.split(seen, 2)
    assert np.ptp(widths) > 0
    assert (obstacles <= 0).all(), "one object alone has nothing beside it"
    after, reward, _, _, info = env.step(int(widths.argmin()))
    assert env.observation_space.contains(after)
    assert reward == info["truth"]["lifted"] == 1
