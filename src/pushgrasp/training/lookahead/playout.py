"""Play an action and then a policy, until the goal is out or nothing more will come of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import RobotError, SimulatorFault
from ...interfaces import Action, Camera
from ...perception.observation import Observation
from ...perception.perceive import Perception
from ...policy.base import Memory
from ...policy.learned import Policy
from ...primitives import PrimitiveConfig, moves
from ...retrieve import StoppingRule, act
from ...sim.robots.robot import SimRobot
from ...sim.scenes.build import Scene
from .candidates import Candidate
from .forks import Arrays
from .records import SAMPLE, STATE, Ending, Kind, pack_state

CAP = 12  # actions of a playout; 0.8^11 = 0.09
MAX_REFUSALS = 5


class Table:
    """A live scene: what stands there, who acts, and what is remembered.

    Args:
        scene: settled.
        policy: plays on after a candidate.
    """

    def __init__(self, scene: Scene, policy: Policy) -> None:
        self.scene, self.policy = scene, policy
        self.robot: SimRobot = scene.make_robot()
        self.cameras: Sequence[Camera] = scene.make_cameras()
        self.workspace = scene.workspace
        self.perception = Perception(scene.goal_rgb, self.workspace)
        self.memory = Memory()
        self.steps = 0

    def n_objects(self) -> int:
        """Objects in the scene."""
        return len(self.scene.world.in_scene())

    def choose(self, seen: Observation) -> Action | None:
        """Return the policy's best action that the robot can do."""
        refused: list[Action] = []
        for _ in range(MAX_REFUSALS):
            action = self.policy.decide(seen, self.memory, refused=refused).action
            if action is None or not self.refuses(action, self.policy.primitive):
                return action
            refused.append(action)
        return None

    def refuses(self, action: Action, primitive: PrimitiveConfig) -> str:
        """Return why the robot cannot do an action; "" if it can."""
        return self.robot.refuses(moves(action, primitive, self.workspace))

    def act(
        self, action: Action, primitive: PrimitiveConfig, seen: Observation, rule: StoppingRule
    ) -> tuple[Observation, bool, Ending | None]:
        """Carry out an action.

        Returns:
            What is seen then, whether something was taken away, and how it ended, if it did.
        """
        world, goal = self.scene.world, self.scene.goal_name
        before = set(world.in_scene())
        outcome, after, _ = act(self.cameras, self.robot, action, seen, self.perception, primitive)
        taken = before - set(world.in_scene())
        self.memory = self.memory.after(action, outcome)
        self.steps += 1
        end, _ = rule.after(action, outcome)
        if goal in taken:
            return after, True, Ending.GOAL_OUT
        if not self.workspace.contains(world.pose(goal)[0][:2]):
            return after, bool(taken), Ending.GOAL_LOST
        return after, bool(taken), Ending.GAVE_UP if end is not None else None


def play_out(table: Table, seen: Observation, first: Candidate, cap: int = CAP) -> Arrays:
    """Play a candidate, then the policy; to be called in a forked copy.

    Args:
        table: is used up.
        seen: the state.
        first: the candidate.
        cap: the most actions.
    Returns:
        `states` of the actions after the first, `samples` of all; state -1 is the first one's.
    """
    states, samples = [], []
    action, primitive, kind = first.action, first.primitive, first.kind
    rule = StoppingRule(cap + 1)
    ending = Ending.CAPPED
    for i in range(cap):
        record = np.zeros((), SAMPLE)
        record["state"] = i - 1
        record["primitive"] = action.primitive == "push"
        (record["row"], record["column"]), record["rotation"] = action.pixel, action.rotation
        push = action.primitive == "push"
        record["length"] = primitive.push_length if push else 0.0
        record["depth"] = primitive.push_depth if push else primitive.grasp_depth
        record["kind"], record["q"], record["candidate"] = kind, action.q, -1
        samples.append(record)
        try:
            seen, record["held"], end = table.act(action, primitive, seen, rule)
        except (SimulatorFault, RobotError):
            ending = Ending.FAULT
            break
        following = table.choose(seen) if end is None else None
        if end is not None or following is None:
            ending = Ending.GAVE_UP if end is None else end
            break
        if i + 1 < cap:
            states.append(pack_state(seen, table.n_objects(), table.steps, compared=False))
        action, primitive, kind = following, table.policy.primitive, Kind.PLAYOUT
    played = np.array(samples, SAMPLE)
    played["ending"] = ending
    if ending is Ending.GOAL_OUT:
        played["n"] = np.arange(len(played), 0, -1)
    return {"states": np.array(states, STATE).reshape(-1), "samples": played}
