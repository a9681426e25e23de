"""An episode whose actions come from outside, one at a time, scored by the ground truth.

`retrieve` calls a policy; here the caller acts, as in a Gymnasium environment. Execution of an
action, observation and stopping rule are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..interfaces import Action, Outcome
from ..perception.observation import Observation
from ..perception.perceive import Perception
from ..primitives import PrimitiveConfig, moves
from ..retrieve import StoppingRule, act, look
from ..sim.cameras.views import ViewConfig
from ..sim.scenes.build import Scene
from .trial import ACTIONS_PER_OBJECT, ScoredRobot, left_workspace, trial_cameras


@dataclass(frozen=True)
class StepResult:
    """The result of one action."""

    before: Observation
    after: Observation
    outcome: Outcome  # what the robot knows
    success: bool  # the jaw has taken the goal off the table (ground truth)
    lifted: bool  # the jaw has lifted any object (ground truth)
    reason: str = ""  # why the episode is over, if it is
    given_up: bool = False  # over by the stopping rule: more could have been done


class Episode:
    """A scene in which a caller acts.

    Args:
        scene: settled; the episode changes it.
        primitive: depths and lengths of the motions.
        view: the robot's cameras; None for the default one.
    Raises:
        SimulatorFault: the simulator failed.
        RobotError: the robot cannot get home.
    """

    def __init__(
        self,
        scene: Scene,
        primitive: PrimitiveConfig,
        view: ViewConfig | None = None,
    ) -> None:
        self.scene, self.primitive = scene, primitive
        self.workspace = scene.workspace
        self._perception = Perception(scene.goal_rgb, self.workspace)
        self._cameras = trial_cameras(scene, view)
        self._robot = ScoredRobot(scene.make_robot(), scene.world)
        self._robot.home()
        self.observation = self._look()
        self.max_actions = ACTIONS_PER_OBJECT * len(scene.world.in_scene())
        self._stopping = StoppingRule(self.max_actions)

    def act(self, action: Action) -> StepResult:
        """Carry out one action, go home, look again.

        An action that is infeasible for the robot, or at a pixel that was not seen (its height is
        NaN), is not carried out; it counts as one without effect.

        Raises:
            SimulatorFault: the simulator failed; the episode cannot be scored.
        """
        before = self.observation
        outcome = self._carry_out(action)
        success = self._robot.has_taken(self.scene.goal_name)
        lifted = self._robot.lifted_something()
        _, given_up = self._stopping.after(action, outcome)
        over = self._over(outcome, success)
        return StepResult(
            before, self.observation, outcome, success, lifted,
            reason=over or given_up, given_up=bool(given_up) and not over,
        )  # fmt: skip

    def _look(self) -> Observation:
        return look(self._cameras, self._perception)[0]

    def _carry_out(self, action: Action) -> Outcome:
        if not np.isfinite(action.position[2]):
            return Outcome(executed=False, reason="nothing was seen at that pixel")
        refusal = self._robot.refuses(moves(action, self.primitive, self.workspace, self._robot))
        if refusal:
            return Outcome(executed=False, reason=refusal)
        outcome, self.observation, _ = act(
            self._cameras, self._robot, action, self.observation, self._perception,
            self.primitive,
        )  # fmt: skip
        return outcome

    def _over(self, outcome: Outcome, success: bool) -> str:
        """Return why the episode is over by the ground truth, or "" if it is not."""
        if success:
            return "the goal was taken"
        if outcome.holds_goal:
            return "the robot took something else for the goal"
        if left_workspace(self.scene.world, self.scene.goal_name, self.workspace):
            return "the goal left the workspace"
        return "" if self.observation.objects.any() else "nothing is left on the table"
