"""Choosing training actions: at random, or by the networks as last published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..interfaces import Action, Primitive
from ..perception.observation import Observation
from ..policy.maps import best, highest, smooth, weight_push
from ..policy.networks import QNetwork, build
from ..workspace import N_ROTATIONS
from .checkpoint import load_weights
from .recipes import Recipe
from .replay_buffer import PRIMITIVES
from .task import Clock

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Setup:
    """What a rollout worker needs."""

    recipe: Recipe
    seed: int  # of the run
    weights: Path  # file that the learner publishes, see `checkpoint.save_weights`


class Actor:
    """The networks, and how actions are chosen with them.

    Args:
        setup: recipe and weights.
        clock: counts the networks' time.
    """

    def __init__(self, setup: Setup, clock: Clock) -> None:
        self._recipe, self._weights, self._clock = setup.recipe, setup.weights, clock
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._networks: dict[Primitive, QNetwork] = {
            p: build(setup.recipe.network, p).eval().to(device) for p in PRIMITIVES
        }
        self._version = (0, 0)
        self.renew()

    def renew(self) -> None:
        """Take up new weights if the learner has published any.

        To be called between scenes: within one, values before and after a push must be of the
        same network.
        """
        status = self._weights.stat()
        version = (status.st_mtime_ns, status.st_ino)
        if version != self._version:
            load_weights(self._weights, self._networks)
            self._version = version

    @property
    def sees_target(self) -> bool:
        """Whether the target's mask is an input of the networks."""
        return self._networks["grasp"].sees_target

    def choose(
        self,
        primitive: Primitive,
        look: Observation,
        target: Mask,
        explorable: Mask,
        epsilon: float,
        rng: np.random.Generator,
    ) -> tuple[Action | None, bool]:
        """Epsilon-greedily choose an action.

        Args:
            primitive: which.
            look: the state.
            target: (H, W) the current target; grasps are chosen on it.
            explorable: (H, W) where random actions may be; not empty.
            epsilon: chance of a random pixel and rotation.
            rng: source of chance.
        Returns:
            The action, its q NaN if random, and whether it is random; None if the network
            allows no action.
        """
        if rng.random() < epsilon:
            row, column = (int(i) for i in rng.choice(np.argwhere(explorable)))
            rotation = int(rng.integers(N_ROTATIONS))
            return look.action(primitive, rotation, row, column), True
        scores = self._scores(primitive, look, target)
        ranked = scores
        if primitive == "push":
            ranked = weight_push(scores, look.objects, target, self._recipe.decision)
        place = best(ranked)
        if place is None:
            return None, False
        return look.action(primitive, *place, q=float(scores[place])), False

    def best_grasp(self, look: Observation, target: Mask) -> float:
        """The highest Q_g over the target; 0, which no success is worth, if there is none."""
        return highest(self._scores("grasp", look, target))

    def _scores(
        self, primitive: Primitive, look: Observation, target: Mask
    ) -> npt.NDArray[np.float32]:
        """(16, H, W) values of the primitive's allowed actions."""
        allowed = target if primitive == "grasp" else look.objects | target
        with self._clock("network"):
            scores = self._networks[primitive].score(look, target, allowed)
            # As in `Policy`, so that Q_g* is measured on what it will be compared with.
            return (
                smooth(scores, self._recipe.decision.smooth_px) if primitive == "grasp" else scores
            )
