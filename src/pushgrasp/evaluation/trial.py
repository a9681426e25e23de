"""One trial: a scene, a policy, the loop, and the truth that scores it.

The loop and the policy see what a robot sees. Only this file looks at the simulator's truth
while they work, and what it finds never reaches them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import RobotError, SimulatorFault
from ..interfaces import Camera, Command, MoveTo, Report, Robot
from ..retrieve import Decides, retrieve
from ..sim.cameras.views import ViewConfig
from ..sim.randomise import DomainConfig
from ..sim.scenes.build import Scene, SceneConfig, build_scene
from ..sim.world import World
from ..workspace import Workspace
from .notes import Notes, OnStep
from .records import TrialRecord, TrialSpec

ACTIONS_PER_OBJECT = 3
"""A guard against endless trials; the paper sets none."""
MAX_FAULTS = 10
"""Attempts at one trial that the simulator may spoil before there is something wrong with it."""
DEPTH_NOISE = 0.001
"""m, standard deviation in the stochastic trials of a fixed scene."""


@dataclass
class Verdict:
    """What an episode came to, by the simulator's truth."""

    success: bool = False  # the jaw took the goal off the table
    claimed_success: bool = False  # the robot said so
    reason: str = ""
    pushes: int = 0
    grasps: int = 0
    good_grasps: int = 0  # grasps that lifted any object
    refusals: int = 0  # actions that the robot refused before it moved
    robot_s: float = 0.0  # s of simulated time


def run_trial(
    spec: TrialSpec, policy: Decides, watch: Callable[[], OnStep] | None = None
) -> TrialRecord:
    """Play a trial to its end; when the simulator spoils it, again with another seed.

    Args:
        spec: which trial.
        policy: who decides.
        watch: called before each attempt; gives what is to be called after each action.
    Raises:
        UserError: there is no such scene.
        SimulatorFault: the simulator spoilt every attempt.
    """
    faults: list[str] = []
    start = time.perf_counter()
    while len(faults) < MAX_FAULTS:
        seed = spec.seed(len(faults))
        notes = Notes(watch() if watch else None)
        try:
            scene = build_scene(scene_config(spec, seed))
            if spec.view.cameras:
                scene.visible_fraction = scene.visible_from(spec.view)
            verdict = play(scene, policy, spec.view, on_step=notes)
        except SimulatorFault as fault:
            faults.append(str(fault))
            continue
        return TrialRecord(
            policy=spec.policy,
            scene=spec.scene,
            group=spec.group,
            index=spec.index,
            seed=seed,
            goal=scene.goal_name,
            visible_fraction=scene.visible_fraction,
            success=verdict.success,
            claimed_success=verdict.claimed_success,
            reason=verdict.reason,
            pushes=verdict.pushes,
            grasps=verdict.grasps,
            good_grasps=verdict.good_grasps,
            faults=tuple(faults),
            decision_s=statistics.median(notes.decisions) if notes.decisions else None,
            wall_s=time.perf_counter() - start,
            robot_s=verdict.robot_s,
            refusals=verdict.refusals,
            steps=tuple(notes.steps),
        )
    raise SimulatorFault(
        f"trial {spec.index} of {spec.group}: all {MAX_FAULTS} attempts ended in a fault of the "
        f"simulator, the last one in: {faults[-1]}"
    )


def scene_config(spec: TrialSpec, seed: int) -> SceneConfig:
    """The scene of a trial, for one of its seeds."""
    return SceneConfig(
        spec.scene,
        spec.n_objects,
        spec.goal,
        seed=seed,
        perturb=spec.fixed,
        randomise=DomainConfig() if spec.randomise else None,
        robot=spec.robot,
    )


def play(
    scene: Scene,
    policy: Decides,
    view: ViewConfig | None = None,
    *,
    on_step: OnStep | None = None,
) -> Verdict:
    """Let a policy retrieve a scene's goal, and score it.

    Args:
        scene: at rest; it is used up.
        policy: who decides.
        view: the robot's cameras; None for the default one.
        on_step: see OnStep.
    Returns:
        The verdict. A goal that leaves the workspace other than in the jaw ends the episode.
    Raises:
        SimulatorFault: the episode says nothing about the policy.
    """
    world, workspace = scene.world, Workspace()
    cameras = eyes(scene, view)
    robot = Witness(scene.make_robot(), world)
    verdict, began = Verdict(reason="the most actions allowed"), world.data.time
    most = ACTIONS_PER_OBJECT * len(world.in_scene())
    try:
        for step in retrieve(
            cameras, robot, policy, scene.goal_rgb, workspace=workspace, max_actions=most
        ):
            lifted = robot.lifted_something()
            verdict.refusals += len(step.refusals)
            if step.decision.action is not None:
                grasp = step.decision.action.primitive == "grasp"
                verdict.grasps += grasp
                verdict.pushes += not grasp
                verdict.good_grasps += grasp and lifted
            if on_step is not None:
                on_step(scene, step, lifted)
            if step.done:
                verdict.reason = step.reason
                verdict.claimed_success = step.claimed_success
                break
            if not robot.has_taken(scene.goal_name) and left_workspace(
                world, scene.goal_name, workspace
            ):
                verdict.reason = "the goal left the workspace"
                break
    except RobotError as error:
        verdict.reason = f"the robot stopped: {error}"
    verdict.success = robot.has_taken(scene.goal_name)
    verdict.robot_s = world.data.time - began
    return verdict


def eyes(scene: Scene, view: ViewConfig | None = None) -> list[Camera]:
    """The robot's cameras; in a scene that is varied by chance, not quite exact ones."""
    return scene.make_cameras(view, white=DEPTH_NOISE if scene.config.perturb else 0.0)


def left_workspace(world: World, name: str, workspace: Workspace) -> bool:
    """Whether an object is no longer where the robot looks."""
    position, _ = world.pose(name)
    return world.is_parked(name) or not workspace.contains(position[:2])


class Witness:
    """A robot in simulation that remembers what its jaw really carried away."""

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
        """See `Robot.home`; what it takes out of the scene, the jaw has carried to the bin."""
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
        """Whether the jaw holds an object, off the table, or has put it into the bin."""
        return name in self._binned or name in self.world.held()

    def lifted_something(self) -> bool:
        """Whether the jaw has carried anything since this was last asked."""
        lifted = self._lifted or bool(self.world.held())
        self._lifted = False
        return lifted
