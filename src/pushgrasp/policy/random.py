"""`random`: a random grasp or push of the target, the baseline that any policy must beat."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from ..interfaces import Action, Primitive
from ..perception.observation import Observation
from ..primitives import PrimitiveConfig
from ..workspace import N_ROTATIONS
from .base import Decision, Memory
from .config import DecisionConfig
from .maps import suppress
from .rule import choose_target

_RULE = DecisionConfig()

VERSION = 1
"""Part of the policy's hash: raise it whenever the same observation leads to another decision."""


class RandomPolicy:
    """Grasps or pushes the target with equal probability, at a random pixel and rotation.

    The target is the goal, or while it is hidden the highest object. Failed actions are not
    repeated while the scene there is unchanged. The RNG is seeded from what is seen and remembered,
    so the same observation leads to the same action, on any worker.
    """

    primitive = PrimitiveConfig()

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        """Choose the next action; see `Decides.decide`."""
        avoid = (*refused, *(memory or Memory()).failed)
        target = choose_target(observation, _RULE)
        rng = np.random.default_rng(_entropy(observation, avoid))
        primitives: list[Primitive] = ["grasp", "push"]
        rng.shuffle(primitives)
        action, why = None, "the target is not seen, or every action on it was tried"
        for primitive in primitives:
            allowed = np.where(target.mask & observation.heightmap.seen, np.float32(0), -np.inf)
            q_map = np.repeat(allowed[None].astype(np.float32), N_ROTATIONS, axis=0)
            q_map = suppress(q_map, avoid, primitive, observation.heightmap.workspace, _RULE)
            places = np.argwhere(np.isfinite(q_map))
            if len(places):
                why = f"chosen at random from {len(places):,} actions"
                place = (int(i) for i in rng.choice(places))
                action = observation.action(primitive, *place, why=why)
                break
        return Decision(action, target, np.nan, np.nan, None, None, why)


def _entropy(observation: Observation, avoid: Sequence[Action]) -> int:
    """Hash what is seen and which actions are avoided."""
    content = hashlib.sha256()
    for image in (observation.heightmap.height, observation.heightmap.color, observation.goal):
        content.update(np.ascontiguousarray(image).tobytes())
    content.update(repr([(a.primitive, a.pixel, a.rotation) for a in avoid]).encode())
    return int.from_bytes(content.digest()[:16], "little")
