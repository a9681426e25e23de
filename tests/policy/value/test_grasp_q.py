"""Q_g of candidates: what GraspNet's whole map says there, and nothing for pushes."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_scenes import PILE, draw

from pushgrasp.interfaces import GripperSpec
from pushgrasp.policy.learned import Policy
from pushgrasp.policy.networks.compact import Compact
from pushgrasp.policy.value.grasp_q import RADIUS_PX, grasp_q
from pushgrasp.policy.value.proposals import GRASP, propose


@pytest.fixture(scope="module")
def network() -> Compact:
    network = Policy.random_init(seed=1).grasp
    assert isinstance(network, Compact)
    return network


def test_it_is_the_mean_of_the_map_around_each_grasp(network: Compact) -> None:
    seen = draw(PILE)
    found = propose(seen, GripperSpec())
    q = grasp_q(network, seen, found)
    everywhere = np.ones(seen.labels.shape, bool)
    for i in np.flatnonzero(found["primitive"] == GRASP):
        row, column = int(found[i]["row"]), int(found[i]["column"])
        target = seen.labels == found[i]["label"]
        scored = network.score(seen, target, everywhere)[found[i]["rotation"]]
        near = np.s_[-RADIUS_PX + row : row + RADIUS_PX + 1]
        beside = np.s_[-RADIUS_PX + column : column + RADIUS_PX + 1]
        assert q[i] == pytest.approx(scored[near, beside].mean(), abs=0.01)  # bfloat16


def test_pushes_have_none(network: Compact) -> None:
    seen = draw(PILE)
    found = propose(seen, GripperSpec())
    assert (np.isnan(grasp_q(network, seen, found)) == (found["primitive"] != GRASP)).all()


def test_no_candidates_have_none(network: Compact) -> None:
    assert len(grasp_q(network, draw(()), propose(draw(()), GripperSpec()))) == 0
