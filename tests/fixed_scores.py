"""Q maps for tests of the rule, made without a network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from pushgrasp.perception.observation import Observation
from pushgrasp.workspace import N_ROTATIONS

Mask = npt.NDArray[np.bool_]
QMap = npt.NDArray[np.float32]


def label_of(observation: Observation, target: Mask) -> int:
    """The object that a mask is of; 0 for none."""
    labels = observation.labels[target]
    return int(np.bincount(labels).argmax()) if labels.size else 0


class FixedScores:
    """One value for all grasps of an object, and one for all pushes.

    Args:
        grasp: by the object's label; objects that are left out offer no grasp.
        push: NaN: no push is possible; None: a policy that never pushes.
    """

    def __init__(self, grasp: Mapping[int, float], push: float | None = math.nan) -> None:
        self._grasp, self._push = grasp, push
        self.asked: list[int | str] = []  # labels whose grasps were scored, and "push"

    def grasp_maps(self, observation: Observation, targets: Sequence[Mask]) -> list[QMap]:
        maps: list[QMap] = []
        for target in targets:
            label = label_of(observation, target)
            self.asked.append(label)
            maps.append(_flat(self._grasp.get(label, math.nan), 3, target))
        return maps

    def push_map(self, observation: Observation, target: Mask) -> QMap | None:
        self.asked.append("push")
        if self._push is None:
            return None
        return _flat(self._push, 5, observation.objects | target)


class HashedScores:
    """Maps full of different values, the same on every machine and with every version of NumPy.

    Args:
        seed: of the values.
        low: of the values; the highest is 1 at most.
    """

    def __init__(self, seed: int, low: float = 0.0) -> None:
        self._seed, self._low = seed, low

    def grasp_maps(self, observation: Observation, targets: Sequence[Mask]) -> list[QMap]:
        maps: list[QMap] = []
        for target in targets:
            label = label_of(observation, target)
            maps.append(self._map(label + 1, target & observation.heightmap.seen))
        return maps

    def push_map(self, observation: Observation, target: Mask) -> QMap | None:
        return self._map(0, (observation.objects | target) & observation.heightmap.seen)

    def _map(self, key: int, allowed: Mask) -> QMap:
        n = N_ROTATIONS * allowed.size
        x = np.arange(n, dtype=np.uint32) + np.uint32(7919 * self._seed + 104729 * key + 1)
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
            x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
        top = 0.35 + 0.65 * ((0.618 * (self._seed + 3 * key)) % 1.0)  # objects differ
        values = (x >> np.uint32(8)).astype(np.float32) / np.float32(2**24)
        q = (np.float32(self._low) + values * np.float32(top - self._low)).astype(np.float32)
        q_map = q.reshape(N_ROTATIONS, *allowed.shape)
        return np.where(allowed, q_map, np.float32(-np.inf))


def _flat(q: float, rotation: int, mask: Mask) -> QMap:
    q_map = np.full((N_ROTATIONS, *mask.shape), -np.inf, np.float32)
    if math.isfinite(q):
        q_map[rotation][mask] = q
    return q_map
