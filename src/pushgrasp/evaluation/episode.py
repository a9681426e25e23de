"""One episode whose actions come from outside, one at a time, and the truth that scores it.

`retrieve` calls a policy; here the caller acts, as in a Gymnasium environment. What is done
with an action, what is seen, and when it ends are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..interfaces import Action, Outcome
from ..observation import Observation
from ..primitives import holds, moves, run
from ..recipes import PrimitiveConfig
from ..retrieve import goal_in_hand, look
from ..sim.camera import RayCamera
from ..sim.noise import SensorNoise
from ..sim.scenes import Scene
from ..targeting import moved
from ..workspace import Workspace
from .trial import ACTIONS_PER_OBJECT, DEPTH_NOISE, Witness, _left

STOP_AFTER = 5
"""Consecutive failed grasps, or actions without effect, that end it (paper, section IV-A)."""


@dataclass(frozen=True)
class Turn:
    """What came of one action."""

    before: Observation
    after: Observation
    outcome: Outcome  # what the robot knows
    success: bool  # the jaw has taken the goal off the table (the simulator's truth)
    lifted: bool  # it has lifted anything (likewise)
    reason: str = ""  # why the episode is over, if it is
    given_up: bool = False  # it is over, but more could have been done


class Episode:
    """A scene under way.

    Args:
        scene: at rest; it is used up.
        primitive: depths and lengths of the motions.
        workspace: where on the table; None for the standard one.
    Raises:
        SimulatorFault: the scene says nothing.
    """

    def __init__(
        self, scene: Scene, primitive: PrimitiveConfig, workspace: Workspace | None = None
    ) -> None:
        self.scene, self.primitive = scene, primitive
        self.workspace = workspace or Workspace()
        noise = SensorNoise(white=DEPTH_NOISE) if scene.config.perturb else None
        self._camera = RayCamera(scene.world, noise=noise, seed=scene.config.seed)
        self._robot = Witness(scene.make_robot(), scene.world)
        self._robot.home()
        self.observation = self._look()
        self.max_actions = ACTIONS_PER_OBJECT * len(scene.world.in_scene())
        self._actions = self._failures = self._unchanged = 0

    def act(self, action: Action) -> Turn:
        """Carry out one action, go home, look again.

        An action that the robot refuses, or at a pixel that was not seen (its height is NaN),
        is not carried out; it counts as one without effect.

        Raises:
            SimulatorFault: the episode is spoilt.
        """
        before = self.observation
        outcome = self._carry_out(action)
        success = self._robot.has_taken(self.scene.goal_name)
        lifted = self._robot.lifted_something()
        given_up = self._count(action, outcome)
        over = self._over(outcome, success)
        return Turn(
            before, self.observation, outcome, success, lifted,
            reason=over or given_up, given_up=bool(given_up) and not over,
        )  # fmt: skip

    def _look(self) -> Observation:
        return look(self._camera, self.scene.goal_rgb, self.workspace)[0]

    def _carry_out(self, action: Action) -> Outcome:
        if not np.isfinite(action.position[2]):
            return Outcome(executed=False, reason="nothing was seen at that pixel")
        refusal = self._robot.refuses(moves(action, self.primitive, self.workspace))
        if refusal:
            return Outcome(executed=False, reason=refusal)
        reports = run(self._robot, action, self.primitive, self.workspace)
        executed = reports[0].reached
        holding = executed and action.primitive == "grasp" and holds(reports[-1])
        has_goal = holding and goal_in_hand(self._camera, reports[-1], self.scene.goal_rgb)
        kept = holds(self._robot.home())  # not lost on the way to the bin
        before = self.observation.heightmap
        self.observation = self._look()
        return Outcome(
            holding=holding and kept,
            holds_goal=has_goal and kept,
            width=reports[-1].width,
            changed=(holding and kept) or moved(before, self.observation.heightmap),
            executed=executed,
            reason="" if executed else reports[0].reason,
            reports=reports,
        )

    def _count(self, action: Action, outcome: Outcome) -> str:
        """Why the robot gives up, if it does."""
        self._actions += 1
        if action.primitive == "grasp":
            self._failures = 0 if outcome.holding else self._failures + 1
        self._unchanged = 0 if outcome.changed else self._unchanged + 1
        if self._failures >= STOP_AFTER:
            return f"{self._failures} grasps in a row failed"
        if self._unchanged >= STOP_AFTER:
            return f"{self._unchanged} actions in a row changed nothing"
        if self._actions >= self.max_actions:
            return f"{self.max_actions} actions, the most allowed"
        return ""

    def _over(self, outcome: Outcome, success: bool) -> str:
        """Why there is nothing more to do, if so, by the truth."""
        if success:
            return "the goal was taken"
        if outcome.holds_goal:
            return "the robot took something else for the goal"
        if _left(self.scene.world, self.scene.goal_name, self.workspace):
            return "the goal left the workspace"
        return "" if self.observation.objects.any() else "nothing is left on the table"
