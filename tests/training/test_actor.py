"""Goals and actions are chosen at random or by the networks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from painted import TINY, PaintedTask

from pushgrasp.perception.observation import Observation
from pushgrasp.policy.networks import build
from pushgrasp.sim.scenes.build import SceneConfig
from pushgrasp.training import actor as actor_module
from pushgrasp.training.actor import Actor, RolloutSetup, VisibleGoal, visible_goals
from pushgrasp.training.checkpoint import save_weights
from pushgrasp.training.replay_buffer import PRIMITIVES
from pushgrasp.training.task import Timer

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def task() -> PaintedTask:
    return PaintedTask(SceneConfig("random", 6, seed=0), TINY, Timer())


@pytest.fixture
def actor(tmp_path: Path) -> Actor:
    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    save_weights(weights, {p: build(TINY.network, p) for p in PRIMITIVES})
    return Actor(RolloutSetup(TINY, 0, weights), Timer())


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_every_visible_object_is_offered_once_and_untried_ones_first(task: PaintedTask) -> None:
    tried = {"object_01", "object_04"}
    goals = list(visible_goals(task.objects(), task.observe(), rng(), tried))
    names = [goal.name for goal in goals]
    assert sorted(names) == sorted(task.bars)
    assert set(names[-2:]) == tried
    for goal in goals:
        assert goal.rgb == task.objects()[goal.name]
        assert (goal.mask & task.mask(goal.name)).sum() > 0.8 * task.mask(goal.name).sum()
    others = [goal.name for goal in visible_goals(task.objects(), task.observe(), rng(), tried)]
    assert others == names  # the same seed


def test_hidden_objects_are_not_offered(task: PaintedTask) -> None:
    objects = task.objects()
    del task.bars["object_02"]
    names = {goal.name for goal in visible_goals(objects, task.observe(), rng())}
    assert names == set(task.bars)
    assert list(visible_goals({}, task.observe(), rng())) == []


def test_colours_are_smoothed_once_for_all_objects(
    task: PaintedTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bilateral filter takes longer than everything else here."""
    calls = []
    smooth_color = actor_module.smooth_color
    monkeypatch.setattr(
        actor_module, "smooth_color", lambda color: calls.append(1) or smooth_color(color)
    )
    assert len(list(visible_goals(task.objects(), task.observe(), rng()))) == 6
    assert len(calls) == 1


def with_q(actor: Actor, q: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the best Q_g of goals be known numbers; returns the names that were scored."""
    scored: list[str] = []

    def best_grasp(observation: Observation, target: np.ndarray) -> float:
        scored.append(f"object_{int(target.sum())}")
        return q[scored[-1]]

    monkeypatch.setattr(actor, "best_grasp", best_grasp)
    return scored


def goals_named(*sizes: int) -> list[VisibleGoal]:
    """Goals of known sizes, by which `with_q` knows them."""
    masks = [np.arange(100).reshape(10, 10) < size for size in sizes]
    return [VisibleGoal(f"object_{s}", (0, 0, s), m) for s, m in zip(sizes, masks, strict=True)]


def test_the_goal_with_q_nearest_to_the_threshold_is_grasped(
    actor: Actor, task: PaintedTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    q = {"object_21": 0.9, "object_22": 0.55, "object_23": 0.1, "object_24": 0.5}
    scored = with_q(actor, q, monkeypatch)
    observation, goals = task.observe(), goals_named(21, 22, 23, 24)
    chosen = actor.goal_to_grasp(iter(goals), observation, 3, threshold=0.5)
    assert chosen is goals[1]
    assert scored == ["object_21", "object_22", "object_23"]
    assert actor.goal_to_grasp(iter(goals), observation, 1, threshold=0.5) is goals[0]
    assert actor.goal_to_grasp(iter([]), observation, 3, threshold=0.5) is None


def test_the_first_goal_that_cannot_be_grasped_is_pushed_for(
    actor: Actor, task: PaintedTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = with_q(actor, {"object_21": 0.9, "object_22": 0.5, "object_23": 0.1}, monkeypatch)
    observation, goals = task.observe(), goals_named(21, 22, 23)
    chosen = actor.goal_to_push_for(iter(goals), observation, threshold=0.5)
    assert chosen == dataclasses.replace(goals[1], q=0.5)
    assert scored == ["object_21", "object_22"]
    last = actor.goal_to_push_for(iter(goals), observation, threshold=0.0)
    assert last is not None
    assert (last.name, last.q) == ("object_23", 0.1)
    assert actor.goal_to_push_for(iter([]), observation, threshold=0.5) is None


def test_random_actions_are_where_they_may_be(actor: Actor, task: PaintedTask) -> None:
    observation, target, random = task.observe(), task.mask("object_00"), rng()
    near = task.mask("object_01")
    actions = []
    for _ in range(30):
        action, explored = actor.choose("push", observation, target, near, 1.0, random)
        assert action is not None
        assert explored
        assert near[action.pixel]
        assert np.isnan(action.q)
        actions.append(action)
    assert len({action.rotation for action in actions}) > 8
    assert len({action.pixel for action in actions}) > 20


def test_greedy_grasps_have_the_best_q_on_the_target(actor: Actor, task: PaintedTask) -> None:
    observation, target = task.observe(), task.mask("object_00")
    action, explored = actor.choose("grasp", observation, target, observation.objects, 0.0, rng())
    assert action is not None
    assert not explored
    assert target[action.pixel]
    assert action.q == pytest.approx(actor.best_grasp(observation, target))


def test_without_a_target_there_is_no_grasp(actor: Actor, task: PaintedTask) -> None:
    observation = task.observe()
    nothing = np.zeros_like(observation.objects)
    action, _ = actor.choose("grasp", observation, nothing, observation.objects, 0.0, rng())
    assert action is None
    assert actor.best_grasp(observation, nothing) == 0.0
