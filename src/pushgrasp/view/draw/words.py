"""Descriptions of steps and results, the same in the terminal, in pictures and in videos."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from ...evaluation.trial import EpisodeResult
    from ...interfaces import Action
    from ...perception.observation import Observation
    from ...policy.base import Decision
    from ...retrieve import Step


def plural(n: int, noun: str) -> str:
    """Count things: 1 trial, 2 trials, 1,000 trials."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def visible_words(fraction: float) -> str:
    """Describe how much of the goal the camera sees."""
    if fraction == 0:
        return "fully hidden from the camera"
    return f"{100 * fraction:.0f} % visible" if fraction >= 0.01 else "less than 1 % visible"


def target_words(decision: Decision) -> str:
    """Name the current target, and why it is the target."""
    target = decision.target
    if target.is_goal:
        return f"the goal ({target.visible_px} pixels seen)"
    return f"another object; {plain_words(target.why)}"


_PLAIN = (
    (r"Q_g (\S+) counts (\S+ %) (after [^;]+); (\S+) is (not )?over (\S+)",
     r"the best grasp of the target is worth \1, of which \2 count \3, so \4; "
     r"more than \6 is needed"),
    (r"Q_g (\S+) is not over ([\d.]+)",
     r"the best grasp of the target is worth \1; more than \2 is needed"),
    (r"Q_g (\S+) is over ([\d.]+)", r"the best grasp of the target is worth \1, more than \2"),
    (r"Q_g (\S+), over ([\d.]+), (beside it|elsewhere)",
     r"a grasp \3 is worth \1, more than \2"),
    (r"(\d+) px seen, (\d+) needed", r"\1 pixels seen, \2 needed"),
    (r"(\d+) px\b", r"\1 pixels"),
)  # fmt: skip


def plain_words(why: str) -> str:
    """Say a reason as it is recorded in everyday words, with its numbers."""
    for recorded, words in _PLAIN:
        why = re.sub(recorded, words, why)
    return why


def action_words(action: Action | None) -> str:
    """Describe the executed primitive and its position."""
    if action is None:
        return "none"
    x, y, z = action.position
    yaw = math.degrees(action.yaw)
    return f"{action.primitive} at ({x:.3f}, {y:.3f}, {z:.3f}) m, yaw {yaw:.0f}°"


_PLAIN_COLORS: dict[str, tuple[int, int, int]] = {
    "red": (228, 32, 32), "orange": (245, 138, 28), "yellow": (240, 214, 42),
    "light green": (160, 214, 60), "green": (40, 185, 50), "mint green": (97, 225, 162),
    "turquoise": (22, 215, 214), "light blue": (80, 180, 235), "blue": (30, 50, 225),
    "purple": (140, 40, 210), "pink": (240, 130, 180), "magenta": (230, 25, 190),
    "brown": (165, 105, 60), "white": (235, 235, 235), "grey": (130, 130, 130),
    "black": (30, 30, 30),
}  # fmt: skip
HIDDEN_PX = 20
"""Heightmap pixels of the goal up to which captions call it hidden: about 9 mm by 9 mm."""


def plain_color(rgb: npt.ArrayLike) -> str:
    """Name a colour (3,) sRGB as a child would: the nearest of sixteen in CIELAB."""
    known = np.array([np.asarray(rgb), *_PLAIN_COLORS.values()], np.uint8)[None]
    lab = cv2.cvtColor(known.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    return list(_PLAIN_COLORS)[int(np.linalg.norm(lab[1:] - lab[0], axis=1).argmin())]


def caption(step: Step, goal: str) -> str:
    """Say in everyday words what the robot does in a step; see `decision_caption`."""
    return decision_caption(step.observation, step.decision, goal)


def decision_caption(observation: Observation, decision: Decision, goal: str) -> str:
    """Say in everyday words what the robot does and why.

    Args:
        observation: what it sees.
        decision: what it decided.
        goal: what to call the goal, "red block".
    """
    action, target = decision.action, decision.target
    hidden = target.visible_px <= HIDDEN_PX
    if action is None:
        return "There is nothing left to try."
    if action.primitive == "push":
        if hidden:
            return f"The {goal} is hidden. Pushing the pile apart."
        return f"Pushing to make room around the {goal}."
    if target.is_goal:
        return f"The {goal} can be reached. Taking it."
    color = plain_color(observation.heightmap.color[target.mask].mean(0))
    if hidden:
        return f"The {goal} is hidden. Taking the {color} one off the top."
    return f"The {color} one is in the way of the {goal}. Taking it out."


def outcome_caption(step: Step) -> str:
    """Say in everyday words what came of an action."""
    action, outcome = step.decision.action, step.outcome
    if action is None:
        return "The robot gives up."
    if not outcome.executed:
        return "The robot cannot get there."
    if action.primitive == "push":
        return "They moved." if outcome.changed else "Nothing moved."
    if outcome.holds_goal:
        return "Got it!"
    return "Out of the way." if outcome.holding else "It slipped. Trying again."


def headline(step: Step) -> str:
    """Return a title for a step's decision."""
    action, target = step.decision.action, step.decision.target
    if action is None:
        return "Nothing to do"
    if action.primitive == "push":
        return "Push to free the goal" if target.is_goal else "Push to uncover the goal"
    return "Grasp the goal" if target.is_goal else "Grasp another object"


def q_words(value: float) -> str:
    """Format a Q, or a dash where none was computed."""
    return f"{value:.2f}" if math.isfinite(value) else "–"


def outcome_words(step: Step) -> str:
    """Describe the outcome of the action, as far as the robot knows."""
    action, outcome = step.decision.action, step.outcome
    if action is None:
        return plain_words(step.decision.why) or "no action possible"
    if not outcome.executed:
        return f"not executed ({outcome.reason})" if outcome.reason else "not executed"
    if action.primitive == "grasp":
        if outcome.holds_goal:
            return "holds the goal"
        if outcome.holding:
            return "holds another object"
        return "holds nothing" + (", scene changed" if outcome.changed else "")
    return "scene changed" if outcome.changed else "nothing changed"


def went_well(step: Step) -> bool:
    """Return True if a grasp took something, or a push moved something."""
    action, outcome = step.decision.action, step.outcome
    if action is None or not outcome.executed:
        return False
    return outcome.holding if action.primitive == "grasp" else outcome.changed


def decision_words(step: Step) -> str:
    """Describe a decision in one line: primitive, Q, target and reason; not its outcome."""
    decision = step.decision
    action = decision.action
    chosen = f"{action.primitive:<5}  Q {q_words(action.q)}" if action else "stop"
    return f"{step.index + 1:>3}  {chosen}  target: {target_words(decision)}"


def result_sentence(result: EpisodeResult, n_actions: int, color: str, visible: float) -> str:
    """Say how an episode ended.

    Args:
        result: by the simulator's ground truth.
        n_actions: pushes and grasps.
        color: the goal's, by name.
        visible: fraction of the goal that the camera saw at the start.
    """
    actions = plural(n_actions, "action")
    if result.success and result.claimed_success:
        at_first = visible_words(visible)
        return f"Retrieved the {color} goal, at first {at_first}, in {actions}."
    if result.success:
        return f"The {color} goal is out, but the robot did not notice: {result.reason}."
    if result.claimed_success:
        return f"Not retrieved: after {actions} the robot wrongly believes it has the {color} goal."
    return f"Not retrieved after {actions}: {result.reason}."
