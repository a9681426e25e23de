"""Look, decide, act, until the goal is in the hand.

The one loop of the package: demonstrating, evaluating and the real robot all run it. It sees
what a robot sees: pictures, the jaw's width, where the tool is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from .errors import UserError
from .heightmap import box_region, hand_view, workspace_region
from .interfaces import Action, Camera, Outcome, Report, Robot
from .observation import Observation, observe
from .policy import Decision
from .primitives import holds, moves, run
from .recipes import PrimitiveConfig
from .segmentation import matches
from .selection import Memory
from .targeting import moved
from .workspace import Workspace

Cameras = Camera | Sequence[Camera]
"""One camera, or several of which each sees the workspace; their pictures make one heightmap."""

MIN_HAND_PX = 60  # pixels of the goal's colour in the hand; a block shows some 2,000
MAX_REFUSALS = 20  # actions that the robot may refuse before there is nothing to do
HAND_REACH = 0.08  # m round the tool in which a thing is in the hand, though it may stick out


class Decides(Protocol):
    """What the loop needs of a policy."""

    primitive: PrimitiveConfig

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        """Choose the next action; see `Policy.decide`."""
        ...


@dataclass(frozen=True)
class Step:
    """One turn of the loop."""

    index: int
    observation: Observation
    decision: Decision
    outcome: Outcome
    after: Observation
    decision_s: float  # s of wall time from the picture to the action
    action_s: float  # s of wall time for the motion
    refusals: tuple[str, ...] = ()  # why the robot refused what was chosen before
    done: bool = False
    claimed_success: bool = False  # the robot believes that it has the goal
    reason: str = ""  # why it ended, once it is done


def retrieve(
    cameras: Cameras,
    robot: Robot,
    policy: Decides,
    goal_rgb: tuple[int, int, int],
    *,
    workspace: Workspace | None = None,
    max_actions: int = 100,
    stop_after_failures: int = 5,
    stop_after_unchanged: int = 5,
) -> Iterator[Step]:
    """Retrieve the object of one colour.

    Args:
        cameras, robot: real or simulated.
        policy: what decides.
        goal_rgb: the goal's colour, sRGB 0..255.
        workspace: where on the table; None for the standard one.
        max_actions: a guard against endless trials.
        stop_after_failures: consecutive failed grasps that end it (paper, section IV-A).
        stop_after_unchanged: consecutive actions without effect that end it (likewise).
    Yields:
        A step for each decision; the last has `done` set and says why.
    Raises:
        UserError: the camera's pictures cannot be used, or there is nothing on the table.
        RobotError: the robot stopped and needs a person.
    """
    workspace = workspace or Workspace()
    try:
        robot.home()
        observation, seeing_s = look(cameras, goal_rgb, workspace)
        if not observation.objects.any():
            raise UserError("there is nothing on the table: the camera sees no object to act on")
        memory, failures, unchanged = Memory(), 0, 0
        for index in range(max_actions):
            start = time.perf_counter()
            decision, refusals = _decide(policy, observation, memory, robot, workspace)
            decision_s = seeing_s + time.perf_counter() - start
            action = decision.action
            if action is None:
                yield Step(
                    index, observation, decision, Outcome(executed=False), observation,
                    decision_s, 0.0, refusals, done=True, reason=f"nothing to do: {decision.why}",
                )  # fmt: skip
                return
            start = time.perf_counter()
            reports = run(robot, action, policy.primitive, workspace)
            executed = reports[0].reached
            holding = executed and action.primitive == "grasp" and holds(reports[-1])
            has_goal = holding and goal_in_hand(cameras, reports[-1], goal_rgb)
            kept = holds(robot.home())  # not lost on the way to the bin
            holding, has_goal = holding and kept, has_goal and kept
            action_s = time.perf_counter() - start
            after, seeing_s = look(cameras, goal_rgb, workspace)
            outcome = Outcome(
                holding=holding,
                holds_goal=has_goal,
                width=reports[-1].width,
                changed=holding or moved(observation.heightmap, after.heightmap),
                executed=executed,
                reason=reports[0].reason,
                reports=reports,
            )
            memory = memory.after(action, outcome)
            if action.primitive == "grasp":
                failures = 0 if holding else failures + 1
            unchanged = 0 if outcome.changed else unchanged + 1
            reason = ""
            if has_goal:
                reason = "the goal is in the hand"
            elif failures >= stop_after_failures:
                reason = f"{failures} grasps in a row failed"
            elif unchanged >= stop_after_unchanged:
                reason = f"{unchanged} actions in a row changed nothing"
            elif index + 1 == max_actions:
                reason = f"{max_actions} actions, the most allowed"
            yield Step(
                index, observation, decision, outcome, after, decision_s, action_s,
                refusals, done=bool(reason), claimed_success=has_goal, reason=reason,
            )  # fmt: skip
            if reason:
                return
            observation = after
    except BaseException:
        robot.stop()
        raise


def _decide(
    policy: Decides,
    observation: Observation,
    memory: Memory,
    robot: Robot,
    workspace: Workspace,
) -> tuple[Decision, tuple[str, ...]]:
    """The best action that the robot can do, and why it refused better ones."""
    refused: list[Action] = []
    refusals: list[str] = []
    while True:
        decision = policy.decide(observation, memory, refused=refused)
        if decision.action is None:
            break
        refusal = robot.refuses(moves(decision.action, policy.primitive, workspace))
        if not refusal:
            break
        refused.append(decision.action)
        refusals.append(refusal)
        if len(refused) == MAX_REFUSALS:
            why = f"the robot refused {len(refused)} actions, the last one since {refusal}"
            decision = replace(decision, action=None, why=why)
            break
    return decision, tuple(refusals)


def look(
    cameras: Cameras, goal_rgb: tuple[int, int, int], workspace: Workspace
) -> tuple[Observation, float]:
    """What is on the table, and the seconds from the pictures to knowing it.

    Raises:
        UserError: a camera does not see the workspace, or gives no depth.
    """
    frames = [
        camera.capture(workspace_region(workspace, camera.intrinsics, camera.T_world_camera))
        for camera in _several(cameras)
    ]
    start = time.perf_counter()
    return observe(frames, goal_rgb, workspace), time.perf_counter() - start


def goal_in_hand(cameras: Cameras, hand: Report, goal_rgb: tuple[int, int, int]) -> bool:
    """Whether a camera sees the goal's colour between the fingers.

    Raises:
        UserError: no camera has the hand in its picture.
    """
    tool = np.array(hand.position)
    low, high = tool - 1.5 * HAND_REACH, tool + 1.5 * HAND_REACH
    blind: UserError | None = None
    looked = False
    for camera in _several(cameras):
        try:
            region = box_region(low, high, camera.intrinsics, camera.T_world_camera)
        except UserError as error:
            blind = error
            continue
        looked = True
        colors = hand_view(
            camera.capture(region),
            tool,
            hand.yaw,
            width=2 * HAND_REACH,
            breadth=2 * HAND_REACH,
            below=HAND_REACH,
        )
        if int(matches(colors, goal_rgb).sum()) >= MIN_HAND_PX:
            return True
    if blind is not None and not looked:
        raise blind
    return False


def _several(cameras: Cameras) -> Sequence[Camera]:
    return cameras if isinstance(cameras, Sequence) else (cameras,)
