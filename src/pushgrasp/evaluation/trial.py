"""One trial: build the scene, let the policy play, score by the ground truth.

The loop and the policy see what a robot sees. This file, and `episode` for the environment,
read the simulator's ground truth, and nothing of it reaches them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import RobotError, SimulatorFault
from ..interfaces import Camera, Command, MoveTo, Report, Robot
from ..perception.goal import Goal
from ..perception.segmenter import Segmenter
from ..retrieve import Decides, End, retrieve
from ..sim.cameras.views import ViewConfig
from ..sim.randomise import DomainConfig
from ..sim.scenes.build import Scene, SceneConfig, build_scene
from ..sim.world import World
from ..workspace import Workspace
from .records import TrialRecord, TrialSpec
from .steps import OnStep, StepRecorder

ACTIONS_PER_OBJECT = 3
"""Limit on the actions of a trial; the paper sets none."""
MAX_FAULTS = 10
"""Attempts at one trial that may end in a simulator fault before the run is aborted."""
DEPTH_NOISE = 0.001
"""m, standard deviation in the perturbed trials of a fixed scene."""


@dataclass
class EpisodeResult:
    """The outcome of an episode by the simulator's ground truth."""

    success: bool = False  # the jaw took the goal off the table and the robot did not stop
    claimed_success: bool = False  # the robot said that it has the goal
    end: End = End.MAX_ACTIONS
    reason: str = ""  # the same as a sentence
    pushes: int = 0
    grasps: int = 0
    good_grasps: int = 0  # grasps that lifted any object
    refusals: int = 0  # actions that the robot refused before it moved
    action_limit: int = 0
    robot_s: float = 0.0  # s of simulated time


def run_trial(
    spec: TrialSpec,
    policy: Decides,
    watch: Callable[[], OnStep] | None = None,
    *,
    commit: str | None = None,
) -> TrialRecord:
    """Play a trial to its end; after a simulator fault again, with another seed.

    Args:
        spec: the trial.
        policy: chooses the actions; `retrieve` resets it at the start of every attempt.
        watch: called before every attempt; what it returns is called after each step.
        commit: of the code, for the record.
    Raises:
        UserError: there is no such scene.
        SimulatorFault: every attempt ended in a fault.
    """
    faults: list[str] = []
    play_faults = 0
    start = time.perf_counter()
    while len(faults) < MAX_FAULTS:
        seed = spec.seed(len(faults))
        try:
            scene = build_scene(scene_config(spec, seed))
        except SimulatorFault as fault:
            faults.append(str(fault))
            continue
        if spec.view.cameras:
            scene.visible_fraction = scene.visible_from(spec.view)
        recorder = StepRecorder(watch() if watch else None)
        try:
            result = play(scene, policy, spec.view, on_step=recorder)
        except SimulatorFault as fault:
            faults.append(str(fault))
            play_faults += 1
            continue
        return TrialRecord(
            policy=spec.policy,
            scene=spec.scene,
            group=spec.group,
            index=spec.index,
            seed=seed,
            goal=scene.goal_name,
            visible_fraction=scene.visible_fraction,
            success=result.success,
            claimed_success=result.claimed_success,
            end=result.end,
            reason=result.reason,
            pushes=result.pushes,
            grasps=result.grasps,
            good_grasps=result.good_grasps,
            faults=tuple(faults),
            play_faults=play_faults,
            decision_s=statistics.median(recorder.decisions) if recorder.decisions else None,
            wall_s=time.perf_counter() - start,
            robot_s=result.robot_s,
            refusals=result.refusals,
            action_limit=result.action_limit,
            commit=commit,
            steps=tuple(recorder.steps),
        )
    raise SimulatorFault(
        f"trial {spec.index} of {spec.group}: all {MAX_FAULTS} attempts ended in a fault of the "
        f"simulator, the last one in: {faults[-1]}"
    )


def scene_config(spec: TrialSpec, seed: int) -> SceneConfig:
    """Return the scene of a trial for one of its seeds."""
    return SceneConfig(
        spec.scene,
        spec.n_objects,
        spec.goal,
        seed=seed,
        perturb=spec.perturb,
        offset=spec.offset,
        meshes=spec.meshes,
        randomise=DomainConfig() if spec.randomise else None,
        robot=spec.robot,
        workspace=spec.workspace,
    )


def play(
    scene: Scene,
    policy: Decides,
    view: ViewConfig | None = None,
    *,
    on_step: OnStep | None = None,
    goal: Goal | None = None,
    segmenter: Segmenter | None = None,
    max_actions: int | None = None,
) -> EpisodeResult:
    """Let a policy retrieve a scene's goal, and score it.

    A goal that leaves the workspace other than in the jaw ends the episode.

    Args:
        scene: settled; the episode changes it.
        policy: chooses the actions.
        view: the robot's cameras; None for the default one.
        on_step: see OnStep.
        goal: how the robot is told its goal; None for the object's colour.
        segmenter: what finds objects and the goal; None for colours.
        max_actions: the most; None: three per object.
    Raises:
        SimulatorFault: the episode says nothing about the policy.
    """
    world, workspace = scene.world, scene.workspace
    cameras = trial_cameras(scene, view)
    robot = ScoredRobot(scene.make_robot(), world)
    result, began = EpisodeResult(), world.data.time
    result.action_limit = max_actions or ACTIONS_PER_OBJECT * len(world.in_scene())
    try:
        for step in retrieve(
            cameras, robot, policy, goal or scene.goal_rgb, workspace=workspace,
            segmenter=segmenter or "color", max_actions=result.action_limit,
        ):  # fmt: skip
            lifted = robot.lifted_something()
            result.refusals += len(step.refusals)
            if step.decision.action is not None:
                grasp = step.decision.action.primitive == "grasp"
                result.grasps += grasp
                result.pushes += not grasp
                result.good_grasps += grasp and lifted
            if on_step is not None:
                on_step(scene, step, lifted)
            if step.end is not None:
                result.end, result.reason = step.end, step.reason
                result.claimed_success = step.claimed_success
                break
            if not robot.has_taken(scene.goal_name) and left_workspace(
                world, scene.goal_name, workspace
            ):
                result.end, result.reason = End.GOAL_LEFT, "the goal left the workspace"
                break
    except RobotError as error:  # it did not get home; an action under way has its step above
        result.end, result.reason = End.ROBOT_STOPPED, f"the robot stopped: {error}"
    result.success = robot.has_taken(scene.goal_name) and result.end is not End.ROBOT_STOPPED
    result.robot_s = world.data.time - began
    return result


def trial_cameras(scene: Scene, view: ViewConfig | None = None) -> list[Camera]:
    """Make the robot's cameras, with depth noise in perturbed scenes."""
    return scene.make_cameras(view, white=DEPTH_NOISE if scene.config.perturb else 0.0)


def left_workspace(world: World, name: str, workspace: Workspace) -> bool:
    """Return True if an object is no longer where the robot looks."""
    position, _ = world.pose(name)
    return world.is_parked(name) or not workspace.contains(position[:2])


class ScoredRobot:
    """A simulated robot that keeps the ground truth of what its jaw carried away."""

    def __init__(self, robot: Robot, world: World) -> None:
        self.robot = robot
        self.world = world
        self.name = robot.name
        self.gripper = robot.gripper
        self._binned: set[str] = set()
        self._lifted = False

    def execute(self, command: Command) -> Report:
        """See `Robot.execute`."""
        return self.robot.execute(command)

    def refuses(self, moves: Sequence[MoveTo]) -> str:
        """See `Robot.refuses`."""
        return self.robot.refuses(moves)

    def home(self) -> Report:
        """See `Robot.home`; objects that it takes out of the scene were carried to the bin."""
        before = set(self.world.in_scene())
        report = self.robot.home()
        taken = before - set(self.world.in_scene())
        self._lifted = self._lifted or bool(taken)
        self._binned |= taken
        return report

    def state(self) -> Report:
        """See `Robot.state`."""
        return self.robot.state()

    def stop(self) -> None:
        """See `Robot.stop`."""
        self.robot.stop()

    def has_taken(self, name: str) -> bool:
        """Return True if the jaw holds an object off the table or has dropped it into the bin."""
        return name in self._binned or name in self.world.held()

    def lifted_something(self) -> bool:
        """Return True if the jaw has carried anything since the last call."""
        lifted = self._lifted or bool(self.world.held())
        self._lifted = False
        return lifted
