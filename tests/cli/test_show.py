"""An episode is shown completely, and watching it changes nothing."""

from __future__ import annotations

import numpy as np
from drawn_scenes import PILE, draw

from pushgrasp.cli.show import with_push_map
from pushgrasp.interfaces import Outcome
from pushgrasp.policy.config import DecisionConfig, NetworkConfig
from pushgrasp.policy.learned import Policy
from pushgrasp.policy.random import RandomPolicy
from pushgrasp.retrieve import Step


def test_pictures_get_the_push_map_that_the_rule_did_not_need() -> None:
    rule = DecisionConfig(grasp_threshold=-1.0)  # every grasp is good enough
    policy = Policy.random_init(NetworkConfig(widths=(16, 16, 16)), rule)
    seen = draw(PILE)
    step = Step(0, seen, policy.decide(seen), Outcome(), seen, 0.1, 0.2)
    assert step.decision.push_map is None
    shown = with_push_map(step, policy).decision
    assert shown.push_map is not None
    assert shown.q_push <= 1
    assert np.isfinite(shown.push_map).any()
    assert (shown.action, shown.grasp_map is step.decision.grasp_map) == (
        step.decision.action,
        True,
    )
    assert with_push_map(step, RandomPolicy()) is step
