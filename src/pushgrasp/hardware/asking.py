"""Ask a person before each action: between the decision and the first motion, and nowhere else.

The loop asks its robot whether it refuses an action; a robot that asks a person refuses what the
person refuses, and the policy then offers the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..interfaces import Action, Command, MoveTo, Report
from ..perception.observation import Observation
from ..policy.base import Decides, Decision, Memory
from .robot import StationRobot

Ask = Callable[[Observation, Decision], bool]
"""Show a decision; True to carry it out, False for another one. It may raise to end the episode."""

REFUSED = "the person wants another action"


class AskingPolicy:
    """A policy that remembers what it decided last, so that it can be shown."""

    def __init__(self, policy: Decides) -> None:
        self._policy, self.primitive = policy, policy.primitive
        self.last: tuple[Observation, Decision] | None = None

    def reset(self) -> None:
        """See `base.Resets`."""
        if callable(reset := getattr(self._policy, "reset", None)):
            reset()

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        """See `base.Decides`."""
        decision = self._policy.decide(observation, memory, refused=refused)
        self.last = observation, decision
        return decision


class AskingRobot:
    """A robot that refuses what a person refuses; see `Robot`.

    Args:
        robot: the one that moves.
        policy: whose last decision is shown.
        ask: shows it and waits for an answer.
    """

    def __init__(self, robot: StationRobot, policy: AskingPolicy, ask: Ask) -> None:
        self._robot, self._policy, self._ask = robot, policy, ask
        self.name, self.gripper, self.present = robot.name, robot.gripper, robot.present

    def refuses(self, moves: Sequence[MoveTo]) -> str:
        """See `Robot.refuses`; a person is asked about what the robot could do."""
        reason = self._robot.refuses(moves)
        if reason or self._policy.last is None:
            return reason
        return "" if self._ask(*self._policy.last) else REFUSED

    def execute(self, command: Command) -> Report:
        """See `Robot.execute`."""
        return self._robot.execute(command)

    def home(self) -> Report:
        """See `Robot.home`."""
        return self._robot.home()

    def state(self) -> Report:
        """See `Robot.state`."""
        return self._robot.state()

    def stop(self) -> None:
        """See `Robot.stop`."""
        self._robot.stop()
