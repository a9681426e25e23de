"""Records of playouts: kept exactly, and valued by the actions that were left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from drawn_scenes import PILE, draw

from pushgrasp.training.lookahead.records import (
    SAMPLE,
    STATE,
    Ending,
    Kind,
    goal_masks,
    load_scene,
    pack_state,
    save_scene,
    values,
)


def test_a_scene_is_read_as_it_was_written(tmp_path: Path) -> None:
    seen = draw(PILE, unseen=True)
    states = np.array([pack_state(seen, objects=5, step=2, compared=True)], STATE)
    samples = np.zeros(3, SAMPLE)
    samples["n"], samples["kind"], samples["ending"] = (2, 0, 1), Kind.PUSH, Ending.GOAL_OUT
    save_scene(tmp_path / "scene.npz", states, samples, {"scene": "random", "goal": 3})
    read_states, read_samples, meta = load_scene(tmp_path / "scene.npz")
    assert meta == {"scene": "random", "goal": 3}
    assert (read_samples == samples).all()
    height = read_states["height"][0].astype(float)
    assert (np.isnan(height) == ~seen.heightmap.seen).all()
    assert np.nanmax(np.abs(height - seen.heightmap.height)) < 1e-4
    assert (goal_masks(read_states)[0] == seen.goal).all()
    assert (read_states["labels"][0] == seen.labels).all()


def test_values_fall_with_the_actions_left_and_are_0_for_never() -> None:
    samples = np.zeros(4, SAMPLE)
    samples["n"] = (1, 2, 3, 0)
    assert np.allclose(values(samples, 0.8), (1.0, 0.8, 0.64, 0.0))
