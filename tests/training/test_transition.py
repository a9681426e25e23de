"""Labels, rewards and records of single actions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from painted import TINY, PaintedTask

from pushgrasp.interfaces import Primitive
from pushgrasp.perception.observation import Observation
from pushgrasp.sim.scenes.build import SceneConfig
from pushgrasp.training.messages import SceneJob
from pushgrasp.training.recipes import StageConfig
from pushgrasp.training.replay_buffer import NO_ACTION, PRIMITIVES
from pushgrasp.training.task import Timer
from pushgrasp.training.transition import (
    Rewards,
    Transition,
    action_record,
    note_changes,
    relabel,
    reward_grasp,
    reward_push,
)

ALTERNATE = StageConfig("alternate-grasp")
PUSH = StageConfig("push")


@pytest.fixture
def task() -> PaintedTask:
    return PaintedTask(SceneConfig("random", 6, seed=0), TINY, Timer())


def act_on(
    task: PaintedTask, name: str, primitive: Primitive = "grasp"
) -> tuple[Transition, Observation]:
    """Choose an action at the centre of a bar."""
    observation, target = task.observe(), task.mask(name)
    row, column = (int(v) for v in task.bars[name][0])
    action = observation.action(primitive, 3, row, column, q=0.4)
    return Transition(observation, target, False, action), observation


def test_only_an_action_that_did_something_bootstraps(task: PaintedTask) -> None:
    transition, same = act_on(task, "object_00")
    note_changes(transition, same)
    assert not transition.bootstraps
    assert not transition.target_changed
    transition.success = True
    assert note_changes(transition, same).bootstraps


def test_a_change_around_the_target_is_distinguished_from_one_elsewhere(task: PaintedTask) -> None:
    transition, _ = act_on(task, "object_00")
    far = max(
        (name for name in task.bars if name != "object_00"),
        key=lambda n: np.linalg.norm(task.bars[n][0] - task.bars["object_00"][0]),
    )
    del task.bars[far]
    note_changes(transition, task.observe())
    assert transition.bootstraps
    assert not transition.target_changed
    del task.bars["object_00"]
    assert note_changes(transition, task.observe()).target_changed


def test_the_grasped_object_becomes_the_goal(task: PaintedTask) -> None:
    transition, observation = act_on(task, "object_00")
    transition.success = True
    relabel(transition, task.objects()["object_02"])
    assert transition.success
    assert (transition.target & task.mask("object_02")).any()
    assert not (transition.target & task.mask("object_00")).any()
    assert transition.observation is observation


@pytest.mark.parametrize("taken", [None, (1, 2, 3)])
def test_a_failure_is_about_the_object_under_the_pixel(
    task: PaintedTask, taken: tuple[int, int, int] | None
) -> None:
    """Nothing was grasped, or an object that was hidden."""
    transition, observation = act_on(task, "object_01")
    transition.target, transition.success = observation.objects, taken is not None
    relabel(transition, taken)
    assert not transition.success
    assert transition.action is not None
    assert transition.target[transition.action.pixel]
    assert not (transition.target & task.mask("object_00")).any()


def test_a_failure_on_the_bare_table_keeps_its_target(task: PaintedTask) -> None:
    observation = task.observe()
    action = observation.action("grasp", 0, 10, 10)
    transition = Transition(observation, observation.objects, False, action)
    relabel(transition, None)
    assert transition.target is observation.objects


@pytest.mark.parametrize(
    ("rewards", "stage", "success", "sank", "reward"),
    [
        ("paper", PUSH, True, False, 1.0),
        ("paper", PUSH, False, False, 0.0),
        ("paper", ALTERNATE, False, False, -1.0),
        ("paper", ALTERNATE, False, True, 0.0),
        ("wang2024", PUSH, True, False, 1.5),
        ("wang2024", PUSH, False, False, 0.0),
        ("wang2024", ALTERNATE, False, True, -1.0),
    ],
)
def test_grasps_are_rewarded_by_stage_and_recipe(
    task: PaintedTask,
    rewards: Rewards,
    stage: StageConfig,
    success: bool,
    sank: bool,
    reward: float,
) -> None:
    transition, after = act_on(task, "object_00")
    transition.success = success
    if sank:
        del task.bars["object_00"]
        after = task.observe()
    assert reward_grasp(transition, after, stage, rewards) == reward


def test_a_push_that_frees_the_ring_is_not_punished(task: PaintedTask) -> None:
    """Equation 3: -0.5 if Q_g did not rise, unless the ring emptied; 0.5 if it rose."""
    angle = np.pi / 2
    (row, column), _, rgb = task.bars["object_00"]
    task.bars["object_00"] = (np.array([row, column]), angle, rgb)
    for i, name in enumerate(("object_01", "object_02")):  # on both sides
        beside = np.array([row, column + (14 if i else -14)])
        task.bars[name] = (beside, angle, task.bars[name][2])
    transition, same = act_on(task, "object_00", "push")
    assert reward_push(transition, same, transition.target, 0.0, "paper") == -0.5
    for name in ("object_01", "object_02"):
        task.bars[name] = (np.array([200.0, 200.0]), angle, task.bars[name][2])
    freed = task.observe()
    assert reward_push(transition, freed, transition.target, 0.0, "paper") == 0.0
    assert reward_push(transition, freed, transition.target, 0.2, "paper") == 0.5
    assert reward_push(transition, same, transition.target, 0.2, "wang2024") == -0.5
    assert reward_push(transition, freed, transition.target, 0.2, "wang2024") == 0.5


def test_the_record_holds_the_action(task: PaintedTask) -> None:
    transition, observation = act_on(task, "object_03", "push")
    transition.reward, transition.explored = 0.5, True
    record = action_record(transition, SceneJob(2, 17, 0.1))
    assert transition.action is not None
    assert (record["row"], record["column"]) == transition.action.pixel
    assert PRIMITIVES[int(record["primitive"])] == "push"
    assert (record["stage"], record["scene"], record["rotation"]) == (2, 17, 3)
    assert (record["reward"], record["explored"]) == (0.5, True)
    assert record["q"] == np.float32(0.4)
    last = action_record(Transition(observation, observation.objects, True), SceneJob(2, 17, 0.1))
    assert last["primitive"] == NO_ACTION
    assert math.isnan(last["q"])
