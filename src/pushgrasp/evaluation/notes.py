"""What a trial's steps leave in its record."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..retrieve import Step
from ..sim.scenes.build import Scene
from .records import StepRecord

OnStep = Callable[[Scene, Step, bool], None]
"""Called after each action with the scene, the step, and whether the jaw lifted anything."""


class Notes:
    """Takes note of an attempt's steps.

    Args:
        watch: called after each, too.
    """

    def __init__(self, watch: OnStep | None) -> None:
        self.decisions: list[float] = []  # s, also of the last one if it found nothing to do
        self.steps: list[StepRecord] = []
        self._watch = watch

    def __call__(self, scene: Scene, step: Step, lifted: bool) -> None:
        """See OnStep."""
        self.decisions.append(step.decision_s)
        if step.decision.action is not None:
            self.steps.append(record_step(step, lifted))
        if self._watch is not None:
            self._watch(scene, step, lifted)


def record_step(step: Step, lifted: bool) -> StepRecord:
    """What is kept of a step that has an action.

    Args:
        step: of the loop.
        lifted: whether the jaw carried anything away, by the truth.
    """
    decision, outcome, action = step.decision, step.outcome, step.decision.action
    assert action is not None
    return StepRecord(
        primitive=action.primitive,
        target_is_goal=decision.target.is_goal,
        goal_visible_px=int(decision.target.visible_px),
        position=(float(action.position[0]), float(action.position[1]), float(action.position[2])),
        yaw=float(action.yaw),
        q=_number(action.q),
        q_grasp=_number(decision.q_grasp),
        q_push=_number(decision.q_push),
        holding=outcome.holding,
        holds_goal=outcome.holds_goal,
        changed=outcome.changed,
        executed=outcome.executed,
        lifted=lifted,
        why=decision.why,
        decision_s=step.decision_s,
        action_s=step.action_s,
    )


def _number(value: float) -> float | None:
    """A value, or None where there is none."""
    return float(value) if math.isfinite(value) else None
