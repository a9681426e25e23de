"""Candidates and playouts in live scenes."""

from __future__ import annotations

import numpy as np
import pytest
from simulated import RED, UPRIGHT, world_of

from pushgrasp.policy.geometric.planner import Geometric
from pushgrasp.policy.learned import Policy
from pushgrasp.retrieve import look
from pushgrasp.sim.scenes.build import Scene, SceneConfig
from pushgrasp.training.lookahead.candidates import Candidate, Spread, jittered
from pushgrasp.training.lookahead.forks import run_forked
from pushgrasp.training.lookahead.playout import Table, play_out
from pushgrasp.training.lookahead.records import Ending, Kind


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.from_pretrained("default")


def table_with(policy: Policy, *places: tuple[float, float]) -> Table:
    """Cubes in a row; the first is the goal."""
    world = world_of(*["cube"] * len(places))
    for name, (x, y) in zip(world.object_names, places, strict=True):
        world.place(name, (x, y, 0.0251), UPRIGHT)
    world.settle()
    world.skip_free_motion = True
    return Table(Scene(SceneConfig(), world, 0, RED, 1.0), policy)


def test_a_grasp_of_the_goal_takes_one_action(policy: Policy) -> None:
    table = table_with(policy, (-0.5, 0.0), (-0.55, 0.12))
    seen, _ = look(table.cameras, table.perception)
    chosen = table.choose(seen)
    assert chosen is not None
    first = Candidate(chosen, policy.primitive, Kind.POLICY)
    ((_, result),) = run_forked([lambda: play_out(table, seen, first)])
    assert result["samples"]["n"].tolist() == [1]
    assert result["samples"]["ending"].tolist() == [Ending.GOAL_OUT]
    assert result["samples"]["held"].tolist() == [True]
    assert len(result["states"]) == 0
    assert len(table.scene.world.in_scene()) == 2  # here nothing has happened


def test_actions_that_were_left_are_counted_from_each_state(policy: Policy) -> None:
    table = table_with(policy, (-0.5, 0.0), (-0.55, 0.12))
    seen, _ = look(table.cameras, table.perception)
    push = seen.action("push", 0, *np.argwhere(seen.labels == seen.labels.max())[0])
    first = Candidate(push, policy.primitive, Kind.CHANCE_PUSH)
    ((_, result),) = run_forked([lambda: play_out(table, seen, first)])
    n = result["samples"]["n"].tolist()
    assert n == list(range(len(n), 0, -1))
    assert len(n) >= 2
    assert result["samples"]["state"].tolist() == list(range(-1, len(n) - 1))
    assert len(result["states"]) == len(n) - 1
    assert result["samples"]["kind"].tolist() == [Kind.CHANCE_PUSH] + [Kind.PLAYOUT] * (len(n) - 1)


def test_playouts_that_reach_the_cap_count_as_never(policy: Policy) -> None:
    table = table_with(policy, (-0.5, 0.0), (-0.55, 0.12))
    seen, _ = look(table.cameras, table.perception)
    push = seen.action("push", 0, *np.argwhere(seen.labels == seen.labels.max())[0])
    first = Candidate(push, policy.primitive, Kind.CHANCE_PUSH)
    ((_, result),) = run_forked([lambda: play_out(table, seen, first, cap=1)])
    assert result["samples"]["ending"].tolist() == [Ending.CAPPED]
    assert result["samples"]["n"].tolist() == [0]


def test_candidates_differ_and_cover_objects_and_primitives(policy: Policy) -> None:
    table = table_with(policy, (-0.5, 0.0), (-0.5, 0.055), (-0.42, 0.0), (-0.6, -0.1))
    seen, _ = look(table.cameras, table.perception)
    chosen = table.choose(seen)
    assert chosen is not None
    spread = Spread(policy, Geometric(table.robot.gripper))
    found = spread(seen, table.memory, chosen, np.random.default_rng(0))
    assert found[0].action == chosen
    keys = {(c.action.primitive, c.action.pixel, c.action.rotation, c.primitive) for c in found}
    assert len(keys) == len(found) >= 8
    kinds = {c.kind for c in found}
    assert kinds >= {Kind.POLICY, Kind.NEARBY, Kind.PUSH, Kind.CHANCE_PUSH}
    lengths = {c.primitive.push_length for c in found if c.action.primitive == "push"}
    assert lengths == {0.10, 0.20}
    grasped = {int(seen.labels[c.action.pixel]) for c in found if c.action.primitive == "grasp"}
    assert len(grasped) >= 3


def test_jitter_is_small_and_never_of_the_height(policy: Policy) -> None:
    table = table_with(policy, (-0.5, 0.0), (-0.55, 0.12))
    seen, _ = look(table.cameras, table.perception)
    action = seen.action("grasp", 3, *np.argwhere(seen.goal)[0])
    candidate = Candidate(action, policy.primitive, Kind.GOAL)
    rng = np.random.default_rng(0)
    many = [jittered(candidate, rng).action for _ in range(300)]
    assert {a.position[2] for a in many} == {action.position[2]}
    assert np.isclose(np.std([a.position[0] for a in many]), 0.003, rtol=0.2)
    assert np.isclose(np.std([a.yaw for a in many]), np.radians(3), rtol=0.2)
