"""Played scenes: what the record says is what happened."""

from __future__ import annotations

import numpy as np

from pushgrasp.policy.geometric.planner import Geometric
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.training.lookahead.play import Behaviour, Source
from pushgrasp.training.lookahead.transitions import MAX_OBJECTS


def test_a_played_scene_is_recorded_for_all_goals() -> None:
    scene = build_scene(SceneConfig("random", 5, seed=3))
    scene.world.skip_free_motion = True
    behaviour = Behaviour(scene, [Geometric()], np.random.default_rng(0))
    record = behaviour.play({"scene": "random"})
    assert record is not None
    n = len(record)
    assert len(record.height) == len(record.counts) == n + 1
    assert record.counts.sum() == len(record.candidates)
    taken, lost = record.played["taken"], record.played["lost"]
    assert taken.shape == (n, MAX_OBJECTS)
    gone = (taken | lost)[:, :5]
    assert (record.present[1:] == record.present[:-1] & ~gone).all()
    assert not record.present[-1].all()  # something was done
    for t in range(n + 1):  # no colour of an object that is gone
        assert set(np.unique(record.owner[t])) <= {0, *(np.flatnonzero(record.present[t]) + 1)}


def test_the_policies_alone_play_if_nothing_else_may() -> None:
    scene = build_scene(SceneConfig("random", 4, seed=4))
    scene.world.skip_free_motion = True
    behaviour = Behaviour(scene, [Geometric()], np.random.default_rng(0), policy_share=1.0)
    record = behaviour.play({})
    assert record is not None
    assert (record.played["source"] == Source.POLICY).all()
    assert (record.played["goal"] >= 0).all()
