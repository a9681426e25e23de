"""One trial: a real world, a scripted loop, and what the truth makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pushgrasp.errors import RobotError, SimulatorFault
from pushgrasp.evaluation import trial
from pushgrasp.evaluation.records import TrialSpec
from pushgrasp.evaluation.steps import OnStep, StepRecord
from pushgrasp.interfaces import Action, Outcome, Report
from pushgrasp.perception.observation import Observation
from pushgrasp.policy.base import Decision, Target
from pushgrasp.policy.plugin import Plugin
from pushgrasp.primitives import PrimitiveConfig, grasp
from pushgrasp.retrieve import End, Step
from pushgrasp.sim.robots.robot import SimRobot
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


def step(action: Action | None, end: End | None = None, reason: str = "") -> Step:
    claimed = end is End.GOAL_IN_HAND
    seen: Any = None
    nothing = np.zeros((1, 1), bool)
    target = Target(nothing, is_goal=True, visible_px=123, occupancy=0.25, why="it is seen")
    decision = Decision(action, target, 0.7, np.nan, None, None, "it is near")
    outcome = Outcome(holding=claimed, holds_goal=claimed, changed=True)
    return Step(0, seen, decision, outcome, seen, 0.01, 0.5, end=end, reason=reason)


def script(monkeypatch, loop: Callable[[Any], Iterator[Any]]) -> list[int]:
    """Put a scripted loop in the place of `retrieve`; returns where it notes max_actions."""
    limits: list[int] = []

    def retrieve(camera, robot, policy, goal, *, workspace, segmenter, max_actions):
        limits.append(max_actions)
        assert (goal, segmenter) == ((255, 0, 0), "color")
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
        yield step(action_at(GOAL), End.GOAL_IN_HAND, "in the hand")

    limits = script(monkeypatch, loop)
    seen = []
    result = trial.play(scene, None, on_step=lambda _s, _step, lifted: seen.append(lifted))  # type: ignore[arg-type]
    assert result.robot_s > 1
    result.robot_s = 0
    assert result == trial.EpisodeResult(
        True,
        True,
        End.GOAL_IN_HAND,
        "in the hand",
        pushes=1,
        grasps=3,
        good_grasps=2,
        action_limit=6,
    )
    assert seen == [False, False, True, True]
    assert limits == [6]  # three an object


def test_a_goal_in_the_bin_counts(monkeypatch, scene: Scene) -> None:
    def loop(robot: Any) -> Iterator[Any]:
        pick(robot, GOAL)
        robot.home()
        yield step(action_at(GOAL))

    script(monkeypatch, loop)
    result = trial.play(scene, None)  # type: ignore[arg-type]
    result.robot_s = 0
    wanted = trial.EpisodeResult(True, False, End.MAX_ACTIONS, "", 0, 1, 1, action_limit=6)
    assert result == wanted


def test_a_wrong_claim_is_no_success(monkeypatch, scene: Scene) -> None:
    def loop(robot: Any) -> Iterator[Any]:
        pick(robot, OTHER)
        yield step(action_at(OTHER), End.GOAL_IN_HAND, "in the hand")

    script(monkeypatch, loop)
    result = trial.play(scene, None)  # type: ignore[arg-type]
    assert (result.success, result.claimed_success, result.good_grasps) == (False, True, 1)


@pytest.mark.parametrize("where", [(-0.9, 0.0, 0.03), (-0.5, 0.46, 0.03)], ids=["floor", "bin"])
def test_a_goal_that_leaves_the_workspace_ends_the_trial(monkeypatch, scene: Scene, where) -> None:
    def loop(robot: Any) -> Iterator[Any]:
        scene.world.place(scene.goal_name, where, (1, 0, 0, 0))
        robot.home()
        yield step(action_at(GOAL, "push"))
        raise AssertionError("the trial went on")

    script(monkeypatch, loop)
    result = trial.play(scene, None)  # type: ignore[arg-type]
    assert (result.success, result.end) == (False, End.GOAL_LEFT)
    assert result.reason == "the goal left the workspace"


def test_no_action_is_not_counted(monkeypatch, scene: Scene) -> None:
    script(monkeypatch, lambda robot: iter([step(None, End.NOTHING_TO_DO, "nothing to do")]))
    result = trial.play(scene, None)  # type: ignore[arg-type]
    nothing = End.NOTHING_TO_DO
    assert result == trial.EpisodeResult(end=nothing, reason="nothing to do", action_limit=6)


def test_a_robot_that_cannot_begin_fails_the_trial(monkeypatch, scene: Scene) -> None:
    def loop(robot: Any) -> Iterator[Any]:
        raise RobotError("emergency stop")
        yield

    script(monkeypatch, loop)
    result = trial.play(scene, None)  # type: ignore[arg-type]
    assert (result.success, result.end, result.grasps) == (False, End.ROBOT_STOPPED, 0)
    assert result.reason == "the robot stopped: emergency stop"


def test_a_robot_that_stops_with_the_goal_in_its_jaw_has_failed(
    monkeypatch: pytest.MonkeyPatch, preset: Path
) -> None:
    """The real loop: the robot stops on its way to the bin, and the grasp counts."""

    class Grasps:
        primitive = PrimitiveConfig(grasp_depth=0.03)

        def decide(self, observation: Observation, *_: Any, **__: Any) -> Decision:
            row, column = np.argwhere(observation.goal).mean(0).round().astype(int)
            action = observation.action("grasp", 0, int(row), int(column))
            return Decision(
                action, Target(observation.goal, True, 1, 0.0, ""), 1.0, 1.0, None, None, ""
            )

    home = SimRobot.home

    def stops(robot: SimRobot) -> Report:
        if robot.world.held():
            raise RobotError("joint 3 is too hot")
        return home(robot)

    monkeypatch.setattr(SimRobot, "home", stops)
    spec = TrialSpec("cubes", 0, str(preset), 2, 0, run_seed=5)
    record = trial.run_trial(spec, Grasps())
    assert (record.success, record.claimed_success) == (False, False)
    assert record.end is End.ROBOT_STOPPED
    assert record.reason == "the robot stopped: joint 3 is too hot"
    assert (record.grasps, len(record.steps)) == (1, 1)
    assert record.steps[0].lifted


def test_a_fault_is_played_again_with_another_seed(monkeypatch, preset: Path) -> None:
    spec = TrialSpec("cubes", 3, str(preset), 2, 0, run_seed=5, perturb=True, policy="mine")
    attempts: list[Any] = []
    watched: list[list[bool]] = []

    def watch() -> OnStep:
        watched.append([])
        return lambda _scene, _step, lifted: watched[-1].append(lifted)

    def loop(robot: Any) -> Iterator[Any]:
        attempts.append(robot)
        yield step(action_at(GOAL))
        if len(attempts) < 3:
            raise SimulatorFault(f"thrown {len(attempts)}")
        yield step(action_at(GOAL, "push"), End.NO_CHANGE, "enough")

    script(monkeypatch, loop)
    record = trial.run_trial(spec, None, watch)  # type: ignore[arg-type]
    assert record.key == spec.key == ("mine", "cubes", 3)
    assert record.scene == str(preset)
    assert [s.primitive for s in record.steps] == ["grasp", "push"]
    assert [len(lifted) for lifted in watched] == [1, 1, 2]  # each attempt anew
    assert record.faults == ("thrown 1", "thrown 2")
    assert record.play_faults == 2
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
        yield step(action_at(OTHER))
        robot.home()
        yield step(None, End.NOTHING_TO_DO, "nothing to do")

    script(monkeypatch, loop)
    spec = TrialSpec("cubes", 0, str(preset), 2, 0, run_seed=5, perturb=True)
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
            holding=False,
            holds_goal=False,
            changed=True,
            executed=True,
            lifted=True,
            why="it is near",
            decision_s=0.01,
            action_s=0.5,
            occupancy=0.25,
            target_why="it is seen",
        ),
    )
    assert record.decision_s == 0.01


def test_fixed_scenes_vary_with_the_seed(preset: Path) -> None:
    def place(index: int) -> np.ndarray:
        spec = TrialSpec("cubes", index, str(preset), 2, 0, run_seed=0, perturb=True)
        built = build_scene(trial.scene_config(spec, spec.seed()))
        return built.world.pose(built.goal_name)[0]

    np.testing.assert_array_equal(place(0), place(0))
    assert 1e-5 < np.linalg.norm(place(0) - place(1)) < 0.02


def test_a_scene_that_cannot_be_built_is_no_fault_of_playing(monkeypatch, preset: Path) -> None:
    spec = TrialSpec("cubes", 3, str(preset), 2, 0, run_seed=5)
    built: list[int] = []

    def build(config: SceneConfig) -> Scene:
        built.append(config.seed)
        if len(built) == 1:
            raise SimulatorFault("objects kept rolling out of the workspace")
        return build_scene(config)

    monkeypatch.setattr(trial, "build_scene", build)
    script(monkeypatch, lambda robot: iter([step(None, End.NOTHING_TO_DO, "nothing to do")]))
    record = trial.run_trial(spec, None)  # type: ignore[arg-type]
    assert built == [spec.seed(), spec.seed(1)]
    assert record.faults == ("objects kept rolling out of the workspace",)
    assert (record.play_faults, record.seed) == (0, spec.seed(1))


def test_a_policy_is_reset_before_every_attempt(preset: Path) -> None:
    log: list[str] = []

    class Keeps:
        def reset(self) -> None:
            log.append("reset")

        def act(self, observation: Observation) -> None:
            log.append("play")
            if log.count("play") < 3:
                raise SimulatorFault("thrown")

    spec = TrialSpec("cubes", 0, str(preset), 2, 0, run_seed=5)
    trial.run_trial(spec, Plugin(Keeps(), "Keeps"))
    assert log == ["reset", "play"] * 3


@pytest.mark.parametrize("what", ["position", "yaw"])
def test_each_object_of_a_fixed_scene_is_perturbed_by_some_mm_and_degrees(
    what: str, preset: Path
) -> None:
    """Evaluation's protocol: about 2 mm and 2 degrees, of a cube that stands upright."""
    changes = []
    for index in range(12):
        spec = TrialSpec("cubes", index, str(preset), 2, 0, run_seed=0, perturb=True)
        world = build_scene(trial.scene_config(spec, spec.seed())).world
        for name, nominal in zip(world.object_names, (GOAL, OTHER), strict=True):
            position, (w, _, _, z) = world.pose(name)
            if what == "position":
                changes.append(float(np.linalg.norm(position[:2] - nominal[:2])) / 0.002)
            else:
                changes.append(abs(np.degrees(2 * np.arctan2(z, w))) / 2.0)
    assert min(changes) < 1 < max(changes)
    assert 0.4 < float(np.mean(changes)) < 2.5
    assert len(set(changes)) == len(changes)
