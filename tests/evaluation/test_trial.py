"""One trial: a real world, a scripted loop, and what the truth makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pushgrasp.errors import RobotError, SimulatorFault
from pushgrasp.evaluation import trial
from pushgrasp.evaluation.records import StepRecord, TrialSpec
from pushgrasp.interfaces import Action, Outcome
from pushgrasp.primitives import PrimitiveConfig, grasp
from pushgrasp.sim.scenes.build import Scene, SceneConfig, build_scene
from pushgrasp.workspace import Workspace

GOAL, OTHER = (-0.5, 0.0, 0.026), (-0.6, 0.1, 0.026)  # m


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    """A file with two cubes, far apart."""
    lines = [
        f"4.obj {c} {x} {y} {z} 0 0 0" for c, (x, y, z) in (("1 0 0", GOAL), ("0 0.4 1", OTHER))
    ]
    path = tmp_path / "cubes.txt"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def scene(preset: Path) -> Scene:
    return build_scene(SceneConfig(name=str(preset)))


def action_at(position: tuple[float, float, float], primitive: str = "grasp") -> Action:
    top = (*position[:2], 0.05)
    return Action(primitive, (0, 0), 0, top, 0.0, 1.0)  # type: ignore[arg-type]


def step(action: Action | None, done: bool = False, claimed: bool = False, reason: str = "") -> Any:
    target = SimpleNamespace(is_goal=True, visible_px=123)
    return SimpleNamespace(
        decision=SimpleNamespace(
            action=action, target=target, q_grasp=0.7, q_push=np.nan, why="it is near"
        ),
        outcome=Outcome(holding=claimed, holds_goal=claimed, changed=True),
        decision_s=0.01,
        action_s=0.5,
        refusals=(),
        done=done,
        claimed_success=claimed,
        reason=reason,
    )


def script(monkeypatch, loop: Callable[[Any], Iterator[Any]]) -> list[int]:
    """Put a scripted loop in the place of `retrieve`; returns where it notes max_actions."""
    limits: list[int] = []

    def retrieve(camera, robot, policy, goal_rgb, *, workspace, max_actions):
        limits.append(max_actions)
        assert goal_rgb == (255, 0, 0)
        return loop(robot)

    monkeypatch.setattr(trial, "retrieve", retrieve)
    return limits


def pick(robot: Any, position: tuple[float, float, float]) -> Action:
    """A real grasp, from above, then home."""
    action = action_at(position)
    grasp(robot, action, PrimitiveConfig(grasp_depth=0.03), Workspace())
    return action


def test_the_jaw_took_the_goal(monkeypatch, scene: Scene) -> None:
    def loop(robot: Any) -> Iterator[Any]:
        yield step(action_at(GOAL, "push"))
        pick(robot, (-0.7, -0.1, 0.0))  # nothing is there
        robot.home()
        yield step(action_at(GOAL))
        pick(robot, OTHER)
        robot.home()
        yield step(action_at(OTHER))
        pick(robot, GOAL)
        yield step(action_at(GOAL), done=True, claimed=True, reason="in the hand")

    limits = script(monkeypatch, loop)
    seen = []
    verdict = trial.play(scene, None, on_step=lambda _s, _step, lifted: seen.append(lifted))  # type: ignore[arg-type]
    assert verdict.robot_s > 1
    verdict.robot_s = 0
    assert verdict == trial.Verdict(True, True, "in the hand", pushes=1, grasps=3, good_grasps=2)
    assert seen == [False, False, True, True]
    assert limits == [6]  # three an object


def test_a_goal_in_the_bin_counts(monkeypatch, scene: Scene) -> None:
    def loop(robot: Any) -> Iterator[Any]:
        pick(robot, GOAL)
        robot.home()
        yield step(action_at(GOAL))

    script(monkeypatch, loop)
    verdict = trial.play(scene, None)  # type: ignore[arg-type]
    verdict.robot_s = 0
    assert verdict == trial.Verdict(True, False, "the most actions allowed", 0, 1, 1)


def test_a_wrong_claim_is_no_success(monkeypatch, scene: Scene) -> None:
    def loop(robot: Any) -> Iterator[Any]:
        pick(robot, OTHER)
        yield step(action_at(OTHER), done=True, claimed=True, reason="in the hand")

    script(monkeypatch, loop)
    verdict = trial.play(scene, None)  # type: ignore[arg-type]
    assert (verdict.success, verdict.claimed_success, verdict.good_grasps) == (False, True, 1)


@pytest.mark.parametrize("where", [(-0.9, 0.0, 0.03), (-0.5, 0.46, 0.03)], ids=["floor", "bin"])
def test_a_goal_that_leaves_the_workspace_ends_the_trial(monkeypatch, scene: Scene, where) -> None:
    def loop(robot: Any) -> Iterator[Any]:
        scene.world.place(scene.goal_name, where, (1, 0, 0, 0))
        robot.home()
        yield step(action_at(GOAL, "push"))
        raise AssertionError("the trial went on")

    script(monkeypatch, loop)
    verdict = trial.play(scene, None)  # type: ignore[arg-type]
    assert (verdict.success, verdict.reason) == (False, "the goal left the workspace")


def test_no_action_is_not_counted(monkeypatch, scene: Scene) -> None:
    script(monkeypatch, lambda robot: iter([step(None, done=True, reason="nothing to do")]))
    verdict = trial.play(scene, None)  # type: ignore[arg-type]
    assert verdict == trial.Verdict(False, False, "nothing to do", 0, 0, 0)


def test_a_robot_that_stops_fails_the_trial(monkeypatch, scene: Scene) -> None:
    def loop(robot: Any) -> Iterator[Any]:
        yield step(action_at(GOAL))
        raise RobotError("emergency stop")

    script(monkeypatch, loop)
    verdict = trial.play(scene, None)  # type: ignore[arg-type]
    assert (verdict.success, verdict.grasps) == (False, 1)
    assert verdict.reason == "the robot stopped: emergency stop"


def test_a_fault_is_played_again_with_another_seed(monkeypatch, preset: Path) -> None:
    spec = TrialSpec("cubes", 3, str(preset), 2, 0, run_seed=5, fixed=True, policy="mine")
    attempts: list[Any] = []
    watched: list[list[bool]] = []

    def watch() -> trial.OnStep:
        watched.append([])
        return lambda _scene, _step, lifted: watched[-1].append(lifted)

    def loop(robot: Any) -> Iterator[Any]:
        attempts.append(robot)
        yield step(action_at(GOAL))
        if len(attempts) < 3:
            raise SimulatorFault(f"thrown {len(attempts)}")
        yield step(action_at(GOAL, "push"), done=True, reason="enough")

    script(monkeypatch, loop)
    record = trial.run_trial(spec, None, watch)  # type: ignore[arg-type]
    assert record.key == spec.key == ("mine", "cubes", 3)
    assert record.scene == str(preset)
    assert [s.primitive for s in record.steps] == ["grasp", "push"]
    assert [len(lifted) for lifted in watched] == [1, 1, 2]  # each attempt anew
    assert record.faults == ("thrown 1", "thrown 2")
    assert record.seed == spec.seed(2)
    assert (record.grasps, record.pushes, record.reason) == (1, 1, "enough")  # of the last only
    assert record.decision_s == 0.01

    def always(robot: Any) -> Iterator[Any]:
        raise SimulatorFault("NaN")
        yield

    script(monkeypatch, always)
    with pytest.raises(SimulatorFault, match=r"trial 3 of cubes: all 10 attempts .*: NaN"):
        trial.run_trial(spec, None)  # type: ignore[arg-type]


def test_a_step_is_kept_as_robot_and_truth_saw_it(monkeypatch, preset: Path) -> None:
    def loop(robot: Any) -> Iterator[Any]:
        pick(robot, OTHER)
        yield step(action_at(OTHER), claimed=True)
        robot.home()
        yield step(None, done=True, reason="nothing to do")

    script(monkeypatch, loop)
    spec = TrialSpec("cubes", 0, str(preset), 2, 0, run_seed=5, fixed=True)
    record = trial.run_trial(spec, None)  # type: ignore[arg-type]
    assert record.steps == (
        StepRecord(
            primitive="grasp",
            target_is_goal=True,
            goal_visible_px=123,
            position=(*OTHER[:2], 0.05),
            yaw=0.0,
            q=1.0,
            q_grasp=0.7,
            q_push=None,
            holding=True,
            holds_goal=True,
            changed=True,
            executed=True,
            lifted=True,
            why="it is near",
            decision_s=0.01,
            action_s=0.5,
        ),
    )
    assert record.decision_s == 0.01


def test_fixed_scenes_vary_with_the_seed(preset: Path) -> None:
    def place(index: int) -> np.ndarray:
        spec = TrialSpec("cubes", index, str(preset), 2, 0, run_seed=0, fixed=True)
        built = build_scene(trial.scene_config(spec, spec.seed()))
        return built.world.pose(built.goal_name)[0]

    np.testing.assert_array_equal(place(0), place(0))
    assert 1e-5 < np.linalg.norm(place(0) - place(1)) < 0.02
