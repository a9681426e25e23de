"""The rule of a decision: which object to act on, and whether to grasp or to push.

`decide` reads top to bottom. Q maps come from outside (`Scores`): from the networks of a learned
policy, or from a test. Everything else is read off the heightmap, as on a real robot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..interfaces import Action
from ..perception.observation import Observation
from .base import Candidate, Decision, Mask, Memory, QMap, Target, make_decision
from .clearance import keep_clear
from .config import DecisionConfig
from .maps import best, by_distance, neighbours, occupancy, smooth, suppress, weight_push

RULE_VERSION = 2
"""Raise it, and say in `version_for` for whom, when equal maps lead to another decision."""
MIN_OBJECT_PX = 30  # smaller regions are not taken for objects


def version_for(rule: DecisionConfig, output: str) -> int:
    """Return the last version of the rule that changed what such a policy decides.

    It is part of the policy's hash. So a new version changes the hash, and orphans published
    results, of those policies only that now decide otherwise.

    Args:
        rule: the policy's numbers.
        output: what its networks predict, as in `NetworkConfig`.
    """
    # Version 2: failures lower a negative Q_g, too.
    return RULE_VERSION if output == "value" and rule.distrust < 1 else 1


class Scores(Protocol):
    """The source of the Q maps."""

    def grasp_maps(self, observation: Observation, targets: Sequence[Mask]) -> list[QMap]:
        """Score the grasps of each target (H, W); -inf off the target and where unseen."""
        ...

    def push_map(self, observation: Observation, target: Mask) -> QMap | None:
        """Score the pushes for a target (H, W), before weighting; None: it never pushes."""
        ...


def decide(
    scores: Scores,
    observation: Observation,
    memory: Memory,
    rule: DecisionConfig,
    *,
    refused: Sequence[Action] = (),
) -> Decision:
    """Choose the next action.

    Args:
        scores: gives the Q maps; asked only for what is needed.
        observation: the current look at the table.
        memory: of the earlier actions.
        rule: its numbers.
        refused: actions that the robot has just said it cannot do.
    Returns:
        The decision; its action is None if there is nothing left to do.
    """
    avoid = (*refused, *(memory.failed if rule.avoid_repeats else ()))
    search = _Search(scores, observation, rule, avoid)
    target = choose_target(observation, rule)
    grasp = search.grasp(target)
    chosen, push, why = _choose(search, target, grasp, memory)
    return make_decision(observation, chosen, why, grasp=grasp, push=push)


def best_push(scores: Scores, observation: Observation, rule: DecisionConfig) -> Candidate:
    """Find the best push for the current target even if `decide` does not need one, to show it.

    Args:
        scores, observation, rule: as for `decide`.
    """
    return _Search(scores, observation, rule, ()).push(choose_target(observation, rule))


def _choose(
    search: _Search, target: Target, grasp: Candidate, memory: Memory
) -> tuple[Candidate, Candidate | None, str]:
    """Try the options in order of preference; an option is scored when its turn comes.

    Returns:
        The chosen candidate, the best push (None: not scored), and why, in words.
    Source: paper, section III-B; clearing blockers and the limit on pushes are ours.
    """
    rule = search.rule
    q_grasp, compared = _discount(grasp.q, memory.failures_in_a_row, rule)

    # 1. Grasp the target, if that is likely to succeed and there is room around it.
    if not np.isfinite(q_grasp):
        doubt = "the target offers no grasp"
    elif q_grasp <= rule.grasp_threshold:
        doubt = compared
    elif target.occupancy > rule.occupancy_limit:
        taken, limit = _distinct(100 * target.occupancy, 100 * rule.occupancy_limit, digits=0)
        doubt = f"{taken} % of the ring around the target is occupied, over {limit} %"
    else:
        return grasp, None, compared

    # 2. Clear the way: grasp the best neighbour, if that is likely to succeed.
    beside = Candidate("grasp", target)
    if rule.clear_blockers:
        found = search.grasps(blockers(search.observation, target))
        beside = max((c for c in found if c.place), key=lambda c: c.q, default=beside)
        if beside.q > rule.blocker_threshold:
            return beside, None, f"{doubt}; {_over(beside.q, rule.blocker_threshold)} beside it"

    # 3. Push, unless that is impossible or has led nowhere; then clear any other object.
    push = search.push(target)
    against = _against_push(push, memory.pushes_in_a_row, rule)
    if not against:
        return push, push, doubt
    if rule.clear_blockers:
        for surrogate in other_objects(search.observation, target):
            other = search.grasp(surrogate)
            if other.q > rule.blocker_threshold:
                sure = _over(other.q, rule.blocker_threshold)
                return other, push, f"{doubt}; {against}; {sure} elsewhere"

    # 4. The best grasp left; without any, another push.
    can_grasp = np.isfinite(q_grasp)
    if beside.place is not None and not (can_grasp and q_grasp >= beside.q):
        return beside, push, f"{doubt}; {against}; the best grasp left"
    if can_grasp:
        return grasp, push, f"{doubt}; {against}; the best grasp left"
    if push.place is not None:
        return push, push, doubt
    return grasp, push, "no grasp and no push is left to try"


@dataclass(frozen=True)
class _Search:
    """Finds the best allowed action on a target, in one look at the table."""

    scores: Scores
    observation: Observation
    rule: DecisionConfig
    avoid: Sequence[Action]

    def grasp(self, target: Target) -> Candidate:
        """Find the best grasp of a target."""
        return self.grasps([target])[0]

    def grasps(self, targets: Sequence[Target]) -> list[Candidate]:
        """Find the best grasp of each target."""
        if not targets:
            return []
        maps = self.scores.grasp_maps(self.observation, [target.mask for target in targets])
        workspace = self.observation.heightmap.workspace
        found: list[Candidate] = []
        for target, q_map in zip(targets, maps, strict=True):
            q_map = smooth(q_map, self.rule.smooth_px)
            q_map = suppress(q_map, self.avoid, "grasp", workspace, self.rule)
            q_map = keep_clear(q_map, self.observation, "grasp")
            place = best(q_map)
            q = float(q_map[place]) if place else np.nan
            found.append(Candidate("grasp", target, q_map, place, q))
        return found

    def push(self, target: Target) -> Candidate:
        """Find the best push for a target, anywhere on an object."""
        scored = self.scores.push_map(self.observation, target.mask)
        if scored is None:
            return Candidate("push", target)
        workspace = self.observation.heightmap.workspace
        q_map = weight_push(scored, self.observation.objects, target.mask, self.rule)
        q_map = suppress(q_map, self.avoid, "push", workspace, self.rule)
        q_map = keep_clear(q_map, self.observation, "push")
        place = best(q_map)
        q = float(scored[place]) if place else np.nan
        return Candidate("push", target, q_map, place, q)


def _discount(q: float, failures: int, rule: DecisionConfig) -> tuple[float, str]:
    """Discount Q_g after failed grasps in a row, and compare it with Q_g* in words."""
    trust = rule.distrust**failures
    trusted = q * trust if q >= 0 else q * (2 - trust)  # a negative Q is lowered as much
    value, limit = _distinct(trusted, rule.grasp_threshold)
    verdict = "is over" if trusted > rule.grasp_threshold else "is not over"
    if trust == 1:
        return trusted, f"Q_g {value} {verdict} {limit}"
    after = f"after {failures} failed grasp{'' if failures == 1 else 's'} in a row"
    share = f"{100 * (trust if q >= 0 else 2 - trust):.0f} %"
    return trusted, f"Q_g {q:.2f} counts {share} {after}; {value} {verdict} {limit}"


def _against_push(push: Candidate, pushes_in_a_row: int, rule: DecisionConfig) -> str:
    """Say what speaks against pushing; "" if nothing does."""
    if push.place is None:
        return "no push is possible"
    if rule.max_pushes is not None and pushes_in_a_row >= rule.max_pushes:
        return f"pushes in a row: {pushes_in_a_row}, the limit is {rule.max_pushes}"
    return ""


def _over(q: float, threshold: float) -> str:
    value, limit = _distinct(q, threshold)
    return f"Q_g {value}, over {limit},"


def _distinct(a: float, b: float, digits: int = 2) -> tuple[str, str]:
    """Format two numbers with as many digits as tell them apart."""
    while a != b and digits < 6 and f"{a:.{digits}f}" == f"{b:.{digits}f}":
        digits += 1
    return f"{a:.{digits}f}", f"{b:.{digits}f}"


# --- targets -------------------------------------------------------------------------------


def choose_target(observation: Observation, rule: DecisionConfig) -> Target:
    """Take the goal, or while it is hidden the highest object.

    Args:
        observation: the current look at the table.
        rule: says when the goal counts as hidden, and whether to switch then.
    Returns:
        The target. With the goal hidden and no other object there, it is what is seen of the
        goal, which may be nothing. The highest object is the one with the highest 95th percentile
        of its heights, so that a single noisy pixel decides nothing.
    Source: paper, section III-B; the authors' code takes the heights from the simulator.
    """
    visible = int(observation.goal.sum())
    top = None
    if not rule.switching:
        why = f"switching is off, {visible} px of the goal are seen"
    elif visible > rule.switch_px:
        why = f"the goal is visible ({visible} px)"
    else:
        seen = f"{visible} px seen, {rule.switch_px + 1} needed"
        why = "the goal is hidden" + (f" ({seen})" if visible else "")
        top = _highest(observation)
        why = f"{why}; no other object is seen" if top is None else why
    if top is None:
        around = occupancy(observation.goal, observation.heightmap.height)
        return Target(observation.goal, True, visible, around, why)
    label, height = top
    why = f"{why}; removing the highest object ({1e3 * height:.0f} mm)"
    return surrogate(observation, observation.labels == label, why)


def blockers(observation: Observation, target: Target) -> list[Target]:
    """List the objects beside the target as surrogate targets, longest common border first."""
    why = f"clears the way: beside {'the goal' if target.is_goal else 'the target'}"
    masks = neighbours(observation.labels, target.mask)
    return [surrogate(observation, mask, why) for mask in masks]


def other_objects(observation: Observation, target: Target) -> Iterator[Target]:
    """Yield all objects but the target as surrogate targets, nearest first."""
    why = "clears the table: nothing nearer can be grasped"
    for label in by_distance(observation.labels, target.mask):
        yield surrogate(observation, observation.labels == label, why)


def surrogate(observation: Observation, mask: Mask, why: str) -> Target:
    """Make a target of another object, to be removed for the goal's sake."""
    around = occupancy(mask, observation.heightmap.height)
    return Target(mask, False, int(observation.goal.sum()), around, why)


def _highest(observation: Observation) -> tuple[int, float] | None:
    """Find the highest object other than the goal: its label and height in m."""
    labels, height = observation.labels, observation.heightmap.height
    tops: list[tuple[float, int]] = []
    sizes = np.bincount(labels.reshape(-1))
    goal_px = np.bincount(labels[observation.goal], minlength=len(sizes))
    for label in np.flatnonzero(sizes >= MIN_OBJECT_PX):
        if label == 0 or 2 * goal_px[label] > sizes[label]:
            continue
        heights = height[labels == label]
        heights = heights[np.isfinite(heights)]
        if heights.size:
            tops.append((float(np.percentile(heights, 95)), -int(label)))
    if not tops:
        return None
    top, negative = max(tops)  # of equals the lowest label, which is the largest region
    return -negative, top
