"""What happened in a step, in words; the same words on the screen and in the pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...interfaces import Action
    from ...policy.learned import Decision
    from ...retrieve import Step


def target_words(decision: Decision) -> str:
    """What the robot goes for, and why that."""
    target = decision.target
    if target.is_goal:
        return f"the goal ({target.visible_px} px)"
    return f"another object ({target.why})"


def action_words(action: Action | None) -> str:
    """What it does and where."""
    if action is None:
        return "none"
    x, y, z = action.position
    return (
        f"{action.primitive} at ({x:.3f}, {y:.3f}, {z:.3f}) m, yaw {math.degrees(action.yaw):.0f}°"
    )


def headline(step: Step) -> str:
    """A step's decision as a title."""
    action, target = step.decision.action, step.decision.target
    if action is None:
        return "Nothing to do"
    if action.primitive == "push":
        return "Push to free the goal" if target.is_goal else "Push to uncover the goal"
    return "Grasp the goal" if target.is_goal else "Grasp another object"


def q_words(value: float) -> str:
    """A Q, or a dash where none was computed."""
    return f"{value:.2f}" if math.isfinite(value) else "–"


def outcome_words(step: Step) -> str:
    """What came of the action, as far as the robot knows."""
    action, outcome = step.decision.action, step.outcome
    if action is None:
        return step.decision.why or "no action possible"
    if not outcome.executed:
        return f"not carried out ({outcome.reason})" if outcome.reason else "not carried out"
    if action.primitive == "grasp":
        if outcome.holds_goal:
            return "holds the goal"
        if outcome.holding:
            return "holds another object"
        return "holds nothing" + (", scene changed" if outcome.changed else "")
    return "scene changed" if outcome.changed else "nothing changed"


def went_well(step: Step) -> bool:
    """Whether the action did what such an action is for: take something, or move something."""
    action, outcome = step.decision.action, step.outcome
    if action is None or not outcome.executed:
        return False
    return outcome.holding if action.primitive == "grasp" else outcome.changed


def decision_words(step: Step) -> str:
    """What was decided, in one line: primitive, Q, target and why that; not what came of it."""
    decision = step.decision
    action = decision.action
    chosen = f"{action.primitive:<5}  Q {q_words(action.q)}" if action else "stop"
    return f"{step.index + 1:>3}  {chosen}  target: {target_words(decision)}"
