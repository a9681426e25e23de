"""Candidates at a state: actions spread over objects, primitives, Q and chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...interfaces import Action
from ...perception.observation import Observation
from ...policy.base import Mask, Memory, QMap
from ...policy.geometric.planner import Geometric
from ...policy.learned import Policy
from ...policy.maps import best, by_distance, smooth, suppress, weight_push
from ...primitives import PrimitiveConfig
from ...workspace import N_ROTATIONS
from .records import Kind

MIN_PX = 30  # smaller regions are no objects to grasp
LONG_PUSH = 0.20  # m
NEARBY = 6  # objects nearest to the goal
NEAR_PX = 60  # pixels from the goal within which pushes are drawn


@dataclass(frozen=True)
class Candidate:
    """An action to be tried, and how it is carried out."""

    action: Action
    primitive: PrimitiveConfig
    kind: Kind


class Spread:
    """Proposes candidates.

    Args:
        policy: the one that plays on; its networks rank grasps and pushes.
        geometric: the hand-written planner.
    """

    def __init__(self, policy: Policy, geometric: Geometric) -> None:
        self._policy, self._geometric = policy, geometric

    def __call__(
        self, seen: Observation, memory: Memory, chosen: Action, rng: np.random.Generator
    ) -> list[Candidate]:
        """Return 8 to 14 different candidates; the first is what the policy chose.

        Args:
            seen: the state.
            memory: of the actions before.
            chosen: the policy's own choice.
            rng: draws objects, pixels and rotations.
        """
        plain = self._policy.primitive
        found = [Candidate(chosen, plain, Kind.POLICY)]
        found += self._grasps(seen, rng)
        found += self._pushes(seen, rng)
        planned = self._geometric.decide(seen, memory).action
        if planned is not None:
            found.append(Candidate(planned, self._geometric.primitive, Kind.GEOMETRIC))
        return _different(found)

    def _grasps(self, seen: Observation, rng: np.random.Generator) -> list[Candidate]:
        found: list[Candidate] = []
        plain = self._policy.primitive
        if seen.goal.sum() > self._policy.decision.switch_px:
            q = self._scored(seen, seen.goal)
            for _ in range(2):  # the best, and the best that is another
                if place := best(q):
                    action = seen.action("grasp", *place, q=float(q[place]))
                    found.append(Candidate(action, plain, Kind.GOAL))
                    q = suppress(
                        q, [action], "grasp", seen.heightmap.workspace, self._policy.decision
                    )
        labels = [
            n for n in by_distance(seen.labels, seen.goal) if (seen.labels == n).sum() > MIN_PX
        ]
        if not seen.goal.any():  # then the order says nothing: those nearest to the middle
            labels = _from_middle(seen.labels, labels)
        nearby = labels[:NEARBY]
        maps = {n: self._scored(seen, (seen.labels == n) & ~seen.goal) for n in nearby}
        ranked = sorted(nearby, key=lambda n: -float(maps[n].max()))
        for n in ranked[:4]:
            if place := best(maps[n]):
                action = seen.action("grasp", *place, q=float(maps[n][place]))
                found.append(Candidate(action, plain, Kind.NEARBY))
        if nearby:
            q = maps[nearby[int(rng.integers(len(nearby)))]]
            if (place := _draw(q, rng)) is not None:
                action = seen.action("grasp", *place, q=float(q[place]))
                found.append(Candidate(action, plain, Kind.CHANCE_GRASP))
        return found

    def _pushes(self, seen: Observation, rng: np.random.Generator) -> list[Candidate]:
        policy = self._policy
        scored = policy.push_map(seen, seen.goal)
        if scored is None:
            return []
        plain, longer = policy.primitive, replace(policy.primitive, push_length=LONG_PUSH)
        weighted = weight_push(scored, seen.objects, seen.goal, policy.decision)
        found: list[Candidate] = []
        for config in (plain, longer):
            if place := best(weighted):
                action = seen.action("push", *place, q=float(scored[place]))
                found.append(Candidate(action, config, Kind.PUSH))
                weighted = suppress(
                    weighted, [action], "push", seen.heightmap.workspace, policy.decision
                )
        near = np.argwhere(seen.objects & _near(seen))
        for config in (plain, longer):
            if len(near):
                row, column = (int(i) for i in near[rng.integers(len(near))])
                rotation = int(rng.integers(N_ROTATIONS))
                action = seen.action(
                    "push", rotation, row, column, q=float(scored[rotation, row, column])
                )
                found.append(Candidate(action, config, Kind.CHANCE_PUSH))
        return found

    def _scored(self, seen: Observation, mask: Mask) -> QMap:
        (q,) = self._policy.grasp_maps(seen, [mask])
        return smooth(q, self._policy.decision.smooth_px)


def jittered(
    candidate: Candidate, rng: np.random.Generator, shift: float = 0.003, turn: float = 0.052
) -> Candidate:
    """Return the candidate a little off its mark, as a real robot would be.

    Args:
        candidate: what was meant.
        rng: draws the error.
        shift: m, standard deviation of x and y.
        turn: rad, of the yaw; 3 degrees.
    """
    action = candidate.action
    x, y, z = action.position
    dx, dy = rng.normal(0.0, shift, 2)
    moved = replace(
        action,
        position=(x + float(dx), y + float(dy), z),
        yaw=action.yaw + float(rng.normal(0.0, turn)),
    )
    return replace(candidate, action=moved)


def _different(found: Sequence[Candidate]) -> list[Candidate]:
    kept: dict[tuple[object, ...], Candidate] = {}
    for c in found:
        if not np.isfinite(c.action.position).all():
            continue
        key = (c.action.primitive, c.action.pixel, c.action.rotation, c.primitive)
        kept.setdefault(key, c)
    return list(kept.values())


def _near(seen: Observation) -> Mask:
    """(H, W) bool, within reach of the goal, or of the middle while it is hidden."""
    rows, columns = np.indices(seen.goal.shape)
    center = np.argwhere(seen.goal).mean(0) if seen.goal.any() else np.array(seen.goal.shape) / 2
    return np.hypot(rows - center[0], columns - center[1]) < NEAR_PX


def _from_middle(labels: npt.NDArray[np.int32], names: list[int]) -> list[int]:
    middle = np.array(labels.shape) / 2
    return sorted(
        names, key=lambda n: float(np.linalg.norm(np.argwhere(labels == n).mean(0) - middle))
    )


def _draw(q: QMap, rng: np.random.Generator) -> tuple[int, int, int] | None:
    """Return a place drawn evenly from a map's allowed ones."""
    places = np.argwhere(np.isfinite(q))
    if not len(places):
        return None
    rotation, row, column = (int(i) for i in places[rng.integers(len(places))])
    return rotation, row, column
