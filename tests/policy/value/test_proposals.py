"""Candidates: reproducible, on the segments they name, and free where they say so."""

from __future__ import annotations

import numpy as np
from drawn_scenes import PILE, Block, draw

from pushgrasp.interfaces import GripperSpec
from pushgrasp.policy.value.proposals import (
    GRASP,
    MIN_PX,
    PUSH,
    free_starts,
    from_action,
    propose,
    to_action,
)

RG2 = GripperSpec()


def test_the_same_look_gives_the_same_candidates() -> None:
    first, again = (propose(draw(PILE), RG2) for _ in range(2))
    assert first.tobytes() == again.tobytes()


def test_candidates_lie_on_the_segments_that_they_name() -> None:
    seen = draw(PILE)
    found = propose(seen, RG2)
    assert (seen.labels[found["row"], found["column"]] == found["label"]).all()
    assert (found["label"] > 0).all()


def test_each_segment_offers_a_push() -> None:
    seen = draw(PILE)
    found = propose(seen, RG2)
    labels = np.flatnonzero(np.bincount(seen.labels.reshape(-1)) >= MIN_PX)
    pushes = found[found["primitive"] == PUSH]
    assert set(labels[labels > 0]) <= set(pushes["label"].tolist())


def test_a_lone_block_offers_grasps_across_each_other() -> None:
    found = propose(draw((Block(0.0, 0.0),)), RG2)
    grasps = found[found["primitive"] == GRASP]
    assert len(grasps) == 2
    apart = abs(int(grasps["rotation"][0]) - int(grasps["rotation"][1])) % 8
    assert min(apart, 8 - apart) > 1


def test_the_goal_offers_more_if_it_is_asked_for() -> None:
    seen = draw(PILE)
    more, usual = propose(seen, RG2, focus=True), propose(seen, RG2)
    assert len(more) > len(usual)
    extra = more[len(usual) :]
    assert seen.goal[extra["row"], extra["column"]].all()


def test_a_push_is_free_on_the_open_side_only() -> None:
    seen = draw((Block(0.0, 0.0), Block(-0.055, 0.0)))  # a neighbour at -x
    free = free_starts(seen, RG2)
    row, column = np.argwhere(seen.goal).mean(0).round().astype(int)
    assert not free[0, row, column]  # towards +x it would start on the neighbour
    assert free[8, row, column]


def test_an_action_survives_the_way_through_a_candidate() -> None:
    seen = draw(PILE)
    candidate = propose(seen, RG2)[0]
    action = to_action(seen, candidate)
    back = from_action(action, seen)
    for name in ("primitive", "row", "column", "rotation", "length", "label"):
        assert back[name][0] == candidate[name]


def test_an_empty_table_offers_nothing() -> None:
    assert len(propose(draw(()), RG2)) == 0
