"""Start here: look, decide, act, until the goal is in the hand.

The one loop of the package; demonstrations, evaluations and real robots all run it. `observe`
(perception) turns frames into an observation, `Decides.decide` (policy) that into an action, `run`
(primitives) that into motions; `look_into_hand` and `moved` (perception) see the outcome. The loop
knows what a robot knows: frames, the jaw's width, the tool's position.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import ModuleType
from typing import Any

from .errors import RobotError, UserError
from .interfaces import Action, Camera, Outcome, RGBDFrame, Robot
from .perception.change import moved
from .perception.goal import RGB, Goal
from .perception.hand import GoalInHand
from .perception.observation import Observation
from .perception.perceive import Perception
from .perception.regions import workspace_region
from .perception.segmenter import Segmenter
from .policy.base import Decides, Decision, Memory, Resets
from .policy.clearance import meets_wall
from .primitives import PrimitiveConfig, holds, moves, run
from .workspace import Workspace

Cameras = Camera | Sequence[Camera]
"""One camera, or several that each see the workspace; their frames make one heightmap."""

LOST_PX = 50  # cells of the goal's colour that are still on the table: the hand has another thing
CLOSED_MORE = 0.01  # m that the jaw closed on the way to the bin: something fell out of it
TURNED = 0.5  # share of its width to which one thing, held askew, may turn in the jaw on the way
STOP_AFTER = 5  # failed grasps in a row, or actions in a row without effect, that end it
MAX_REFUSALS = 20  # actions that the robot may refuse before there is nothing to do


class End(StrEnum):
    """Why an episode ended; the values are what records hold."""

    GOAL_IN_HAND = "goal_in_hand"  # the robot believes so
    FAILED_GRASPS = "failed_grasps"  # too many in a row
    NO_CHANGE = "no_change"  # too many actions in a row without effect
    MAX_ACTIONS = "max_actions"
    NOTHING_TO_DO = "nothing_to_do"  # the policy has no action, or the robot refuses all
    ROBOT_STOPPED = "robot_stopped"
    GOAL_LEFT = "goal_left"  # it left the workspace; only a simulator's ground truth tells


@dataclass(frozen=True)
class Step:
    """One turn of the loop."""

    index: int
    observation: Observation
    decision: Decision
    outcome: Outcome
    after: Observation  # the one before, if nothing was done or the robot stopped
    decision_s: float  # s of wall time to see and to decide, refused choices included
    action_s: float = 0.0  # s of wall time for the motion
    planning_s: float = 0.0  # s of wall time in which the robot checked chosen actions
    refusals: tuple[str, ...] = ()  # why the robot refused what was chosen before
    end: End | None = None  # why this step is the last; None: another one follows
    reason: str = ""  # the same as a sentence

    @property
    def done(self) -> bool:
        """True for the last step of an episode."""
        return self.end is not None

    @property
    def claimed_success(self) -> bool:
        """True if the robot believes that it has the goal."""
        return self.end is End.GOAL_IN_HAND


def retrieve(
    cameras: Cameras,
    robot: Robot,
    policy: Decides,
    goal: Goal | RGB,
    *,
    workspace: Workspace | None = None,
    segmenter: str | Segmenter = "color",
    max_actions: int = 100,
    stop_after_failures: int = STOP_AFTER,
    stop_after_unchanged: int = STOP_AFTER,
) -> Iterator[Step]:
    """Retrieve one object.

    Args:
        cameras, robot: real or simulated.
        policy: what decides.
        goal: the goal, or its colour, sRGB 0..255.
        workspace: where on the table; None for the standard one.
        segmenter: what finds objects and the goal; "color", "depth" or one of the user's.
        max_actions: a guard against endless trials.
        stop_after_failures: consecutive failed grasps that end it (paper, section IV-A).
        stop_after_unchanged: consecutive actions without effect that end it (likewise).
    Yields:
        A step for each decision; the last has `end` set and says why.
    Raises:
        UserError: the cameras' frames cannot be used, there is nothing on the table, or the goal
            cannot be distinguished from another thing. The arm has then moved home only.
        RobotError: the robot stopped and needs a person. An action under way is yielded first,
            as the last step, with `End.ROBOT_STOPPED`.
    """
    if isinstance(policy, str):
        raise UserError(f"policy is {policy!r}, only its name; load_policy({policy!r}) loads it")
    workspace = workspace or Workspace()
    perception = Perception(goal, workspace, segmenter)
    memory = Memory()
    stopping = StoppingRule(max_actions, stop_after_failures, stop_after_unchanged)
    try:
        if isinstance(policy, Resets):
            policy.reset()
        robot.home()
        observation, seeing_s = look(cameras, perception)
        if observation.ambiguous:
            raise UserError(
                f"{observation.ambiguous}; show the goal by a mask or a picture, or take the "
                "other thing away"
            )
        if not observation.objects.any():
            raise UserError("there is nothing on the table: no camera sees an object to act on")
        for index in range(max_actions):
            step = _decide(index, policy, observation, memory, robot, workspace)
            step = replace(step, decision_s=seeing_s + step.decision_s)
            action = step.decision.action
            if action is None:
                why = f"nothing to do: {step.decision.why}"
                yield replace(step, end=End.NOTHING_TO_DO, reason=why)
                return
            start = time.perf_counter()
            try:
                primitive = step.decision.primitive or policy.primitive
                outcome, after, seeing_s = act(
                    cameras, robot, action, observation, perception, primitive
                )
            except RobotError as error:
                robot.stop()
                yield replace(
                    step,
                    outcome=Outcome(executed=False, reason=str(error)),
                    action_s=time.perf_counter() - start,
                    end=End.ROBOT_STOPPED,
                    reason=f"the robot stopped: {error}",
                )
                raise
            action_s = time.perf_counter() - start - seeing_s
            memory = memory.after(action, outcome)
            end, reason = stopping.after(action, outcome)
            if outcome.holds_goal:
                end, reason = End.GOAL_IN_HAND, "the goal is in the hand"
            yield replace(
                step, outcome=outcome, after=after, action_s=action_s, end=end, reason=reason
            )
            if end is not None:
                return
            observation = after
    except BaseException:
        robot.stop()
        raise


@dataclass
class StoppingRule:
    """When to give up (paper, section IV-A)."""

    max_actions: int
    stop_after_failures: int = STOP_AFTER
    stop_after_unchanged: int = STOP_AFTER
    actions: int = 0
    failures: int = 0  # grasps in a row that failed
    unchanged: int = 0  # actions in a row that changed nothing

    def after(self, action: Action, outcome: Outcome) -> tuple[End | None, str]:
        """Count an action; returns why to give up, as a sentence too, or (None, "")."""
        self.actions += 1
        if action.primitive == "grasp":
            self.failures = 0 if outcome.holding else self.failures + 1
        self.unchanged = 0 if outcome.changed else self.unchanged + 1
        if self.failures >= self.stop_after_failures:
            return End.FAILED_GRASPS, f"{self.failures} grasps in a row failed"
        if self.unchanged >= self.stop_after_unchanged:
            return End.NO_CHANGE, f"{self.unchanged} actions in a row changed nothing"
        if self.actions >= self.max_actions:
            plural = "" if self.max_actions == 1 else "s"
            return End.MAX_ACTIONS, f"{self.max_actions} action{plural}, the most allowed"
        return None, ""


def act(
    cameras: Cameras,
    robot: Robot,
    action: Action,
    before: Observation,
    perception: Perception,
    primitive: PrimitiveConfig,
) -> tuple[Outcome, Observation, float]:
    """Carry out one action, look into the hand, go home, look at the table.

    Args:
        cameras, robot: real or simulated; the robot has not refused the action.
        action: what to do.
        before: what was seen before.
        perception: of this episode; it knows the goal and the workspace.
        primitive: depths and lengths.
    Returns:
        The outcome, the observation after it, and the seconds from its frames to it.
    """
    reports = run(robot, action, primitive, perception.workspace)
    executed = reports[0].reached
    holding = executed and action.primitive == "grasp" and holds(reports[-1])
    view = perception.look_into_hand(_several(cameras), reports[-1]) if holding else None
    arrived = robot.home()
    kept = arrived.reached and holds(arrived)  # not lost on the way to the bin
    after, seeing_s = look(cameras, perception)
    # Of two things in the jaw the goal may have fallen out, though the other is still held.
    closed = reports[-1].width - arrived.width > CLOSED_MORE
    if view is not None and view.alone:
        closed = arrived.width < TURNED * reports[-1].width
    on_table = int(after.goal.sum()) >= LOST_PX
    reason = "" if executed else reports[0].reason
    if view is not None and view.goal is GoalInHand.NOT_SEEN:
        reason = view.reason
    outcome = Outcome(
        holding=holding and kept,
        holds_goal=view is not None and view.held and kept and not (closed or on_table),
        width=reports[-1].width,
        changed=(holding and kept) or moved(before.heightmap, after.heightmap),
        executed=executed,
        reason=reason,
        reports=reports,
    )
    return outcome, after, seeing_s


def _decide(
    index: int,
    policy: Decides,
    observation: Observation,
    memory: Memory,
    robot: Robot,
    workspace: Workspace,
) -> Step:
    """Choose the best action that the robot can do; nothing is done yet."""
    refused: list[Action] = []
    refusals: list[str] = []
    decision_s = planning_s = 0.0
    while True:
        start = time.perf_counter()
        decision = policy.decide(observation, memory, refused=refused)
        decision_s += time.perf_counter() - start
        if decision.action is None:
            break
        start = time.perf_counter()
        primitive = decision.primitive or policy.primitive
        refusal = meets_wall(
            decision.action, observation, primitive, robot.gripper
        ) or robot.refuses(moves(decision.action, primitive, workspace, robot))
        planning_s += time.perf_counter() - start
        if not refusal:
            break
        refused.append(decision.action)
        refusals.append(refusal)
        if len(refused) == MAX_REFUSALS:
            why = f"the robot refused {len(refused)} actions, the last one since {refusal}"
            decision = replace(decision, action=None, why=why)
            break
    return Step(
        index, observation, decision, Outcome(executed=False), observation, decision_s,
        planning_s=planning_s, refusals=tuple(refusals),
    )  # fmt: skip


def look(cameras: Cameras, perception: Perception) -> tuple[Observation, float]:
    """Look at the table; returns the observation, and the seconds from the frames to it.

    Raises:
        UserError: no camera sees the workspace, or none gives depth.
    """
    several = _several(cameras)
    frames: list[RGBDFrame] = []
    for camera in several:
        region = None
        try:
            region = workspace_region(
                perception.workspace, camera.intrinsics, camera.T_world_camera
            )
        except UserError:
            if len(several) == 1:
                raise  # of several, perception names it and leaves it out
        frames.append(camera.capture(region))
    start = time.perf_counter()
    return perception.look(frames), time.perf_counter() - start


def _several(cameras: Cameras) -> Sequence[Camera]:
    return cameras if isinstance(cameras, Sequence) else (cameras,)


class _CallableModule(ModuleType):
    """Makes `pushgrasp.retrieve` work as a module and as its function, however it is imported."""

    __call__ = staticmethod(retrieve)
    __signature__ = inspect.signature(retrieve)

    def __reduce__(self) -> tuple[Any, ...]:
        return importlib.import_module, (self.__name__,)


sys.modules[__name__].__class__ = _CallableModule
