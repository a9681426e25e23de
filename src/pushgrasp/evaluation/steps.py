"""The record of a step: the one form in which steps are written to files."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..interfaces import Primitive
from ..primitives import executed_push

if TYPE_CHECKING:
    from ..retrieve import Step
    from ..sim.scenes.build import Scene

OnStep = Callable[["Scene", "Step", bool], None]
"""Called after each step with the scene, the step, and True if the jaw lifted an object."""


@dataclass(frozen=True)
class StepRecord:
    """One step in trials.jsonl and episode.json; a value that does not exist is None."""

    primitive: Primitive | None  # None: nothing was done
    target_is_goal: bool  # False: another object is the target
    goal_visible_px: int  # heightmap pixels of the goal that the robot saw before
    position: tuple[float, float, float] | None  # m, world frame: the surface point of the action
    yaw: float | None  # rad: grasp: closing direction; push: direction of travel
    q: float | None  # value of the action; None: the policy gives none
    q_grasp: float | None  # highest Q_g over the target; None: there was none
    q_push: float | None  # Q_p of the best push; None: there was none, or none was needed
    holding: bool  # the robot believes that it carried something away
    holds_goal: bool  # and that it was the goal
    changed: bool  # the camera saw the scene change
    executed: bool  # False: the robot stopped early
    lifted: bool | None  # the jaw carried an object away (ground truth); None: unknown
    why: str  # reason of the decision
    decision_s: float  # s of wall time to see and to decide
    action_s: float  # s of wall time for the motion
    occupancy: float | None = None  # share of the ring around the target that is covered
    planning_s: float = 0.0  # s of wall time in which the robot checked chosen actions
    target_why: str = ""  # reason for the target
    reason: str = ""  # why the action was cut short, or why the hand was not seen
    path: tuple[tuple[float, float], tuple[float, float]] | None = None
    """x and y in m where the low motion of a push began and ended, as measured; None: no push."""


def record_step(step: Step, lifted: bool | None = None) -> StepRecord:
    """Record a step.

    Args:
        step: of `retrieve`.
        lifted: True if the jaw carried an object away, by the ground truth; None if unknown.
    """
    decision, outcome, action = step.decision, step.outcome, step.decision.action
    x, y, z = action.position if action else (0.0, 0.0, 0.0)
    return StepRecord(
        primitive=action.primitive if action else None,
        target_is_goal=decision.target.is_goal,
        goal_visible_px=int(decision.target.visible_px),
        position=(float(x), float(y), float(z)) if action else None,
        yaw=float(action.yaw) if action else None,
        q=_finite(action.q) if action else None,
        q_grasp=_finite(decision.q_grasp),
        q_push=_finite(decision.q_push),
        holding=outcome.holding,
        holds_goal=outcome.holds_goal,
        changed=outcome.changed,
        executed=outcome.executed,
        lifted=lifted,
        why=(action.why if action else "") or decision.why,
        decision_s=step.decision_s,
        action_s=step.action_s,
        occupancy=_finite(decision.target.occupancy),
        planning_s=step.planning_s,
        target_why=decision.target.why,
        reason=outcome.reason,
        path=executed_push(action, outcome.reports) if action else None,
    )


class StepRecorder:
    """Records the actions of one attempt at a trial.

    Args:
        on_step: called after each step, too.
    """

    def __init__(self, on_step: OnStep | None = None) -> None:
        self.decisions: list[float] = []  # s of each decision, of one without an action too
        self.steps: list[StepRecord] = []  # those with an action
        self._on_step = on_step

    def __call__(self, scene: Scene, step: Step, lifted: bool) -> None:
        """Record a step; see OnStep."""
        self.decisions.append(step.decision_s)
        if step.decision.action is not None:
            self.steps.append(record_step(step, lifted))
        if self._on_step is not None:
            self._on_step(scene, step, lifted)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
