"""Choose goals and actions in training, at random or with the latest published networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..interfaces import Action, Primitive
from ..perception.observation import Observation
from ..perception.segmentation import goal_mask, smooth_color
from ..policy.base import Mask
from ..policy.learned import choose_device
from ..policy.maps import best, highest, smooth, weight_push
from ..policy.networks import QNetwork, build
from ..workspace import N_ROTATIONS
from .checkpoint import load_weights
from .recipes import Recipe
from .replay_buffer import PRIMITIVES
from .task import RGB, Timer

MIN_GOAL_PX = 20
"""Visible pixels (0.8 cm2) from which an object can be a goal."""
GOALS_TO_TRY = 10
"""Objects scored in search of one that cannot be grasped yet, which is worth a push."""


@dataclass(frozen=True)
class RolloutSetup:
    """Setup of a rollout worker."""

    recipe: Recipe
    seed: int  # of the run
    weights: Path  # file that the learner publishes, see `checkpoint.save_weights`
    device: str = "auto"  # of the networks, see TrainingConfig


@dataclass(frozen=True)
class VisibleGoal:
    """An object to retrieve, and its visible pixels."""

    name: str
    rgb: RGB
    mask: Mask  # (H, W)
    q: float = 0.0  # best Q_g over the mask, if computed
    n_pushes: int = 0  # pushes for it so far


def visible_goals(
    objects: Mapping[str, RGB],
    observation: Observation,
    rng: np.random.Generator,
    tried: Set[str] = frozenset(),
) -> Iterator[VisibleGoal]:
    """Yield the objects that are visible enough, in random order, untried ones first."""
    names = [str(name) for name in rng.permutation(sorted(objects))] if objects else []
    smoothed = smooth_color(observation.heightmap.color)
    for name in sorted(names, key=lambda name: name in tried):
        mask = goal_mask(
            observation.heightmap, objects[name], objects=observation.objects, smoothed=smoothed
        )
        if mask.sum() >= MIN_GOAL_PX:
            yield VisibleGoal(name, objects[name], mask)


class Actor:
    """Chooses goals and actions with the networks.

    Args:
        setup: recipe and weights.
        timer: counts the networks' time.
    """

    def __init__(self, setup: RolloutSetup, timer: Timer) -> None:
        self._recipe, self._weights, self._timer = setup.recipe, setup.weights, timer
        device = choose_device(setup.device, for_gpu=True)
        self._networks: dict[Primitive, QNetwork] = {
            p: build(setup.recipe.network, p).eval().to(device) for p in PRIMITIVES
        }
        self._version = (0, 0)
        self.renew()

    def renew(self) -> None:
        """Load new weights if the learner has published any.

        To be called between scenes: within a scene, values before and after a push must come from
        one network.
        """
        status = self._weights.stat()
        version = (status.st_mtime_ns, status.st_ino)
        if version != self._version:
            load_weights(self._weights, self._networks)
            self._version = version

    @property
    def sees_target(self) -> bool:
        """Tell if the target's mask is an input of the networks."""
        return self._networks["grasp"].sees_target

    def goal_to_grasp(
        self,
        goals: Iterator[VisibleGoal],
        observation: Observation,
        n_compared: int,
        threshold: float,
    ) -> VisibleGoal | None:
        """Choose a goal to grasp.

        Args:
            goals: from `visible_goals`.
            observation: the state.
            n_compared: number of goals among which the one with Q_g nearest to the threshold is
                chosen; 1: the first goal.
            threshold: Q_g*.
        """
        if n_compared == 1:
            return next(goals, None)
        return min(
            islice(goals, n_compared),
            key=lambda goal: abs(self.best_grasp(observation, goal.mask) - threshold),
            default=None,
        )

    def goal_to_push_for(
        self, goals: Iterator[VisibleGoal], observation: Observation, threshold: float
    ) -> VisibleGoal | None:
        """Choose the first goal with Q_g up to the threshold, else the last one scored."""
        chosen = None
        for goal in islice(goals, GOALS_TO_TRY):
            q = self.best_grasp(observation, goal.mask)
            chosen = VisibleGoal(goal.name, goal.rgb, goal.mask, q)
            if q <= threshold:
                break
        return chosen

    def choose(
        self,
        primitive: Primitive,
        observation: Observation,
        target: Mask,
        explorable: Mask,
        epsilon: float,
        rng: np.random.Generator,
    ) -> tuple[Action | None, bool]:
        """Choose an action epsilon-greedily.

        Args:
            primitive: grasp or push.
            observation: the state.
            target: (H, W) the current target; greedy grasps are on it.
            explorable: (H, W) pixels of random actions; not empty.
            epsilon: probability of a random pixel and rotation.
            rng: random number generator.
        Returns:
            The action, with q NaN if it is random, and True if it is random. The action is None if
            the network allows none.
        """
        if rng.random() < epsilon:
            row, column = (int(i) for i in rng.choice(np.argwhere(explorable)))
            rotation = int(rng.integers(N_ROTATIONS))
            return observation.action(primitive, rotation, row, column), True
        scores = self._scores(primitive, observation, target)
        ranked = scores
        if primitive == "push":
            ranked = weight_push(scores, observation.objects, target, self._recipe.decision)
        place = best(ranked)
        if place is None:
            return None, False
        return observation.action(primitive, *place, q=float(scores[place])), False

    def best_grasp(self, observation: Observation, target: Mask) -> float:
        """Return the highest Q_g over the target; 0, the value of a failure, without any."""
        return highest(self._scores("grasp", observation, target))

    def _scores(
        self, primitive: Primitive, observation: Observation, target: Mask
    ) -> npt.NDArray[np.float32]:
        """(16, H, W) values of the primitive's allowed actions."""
        allowed = target if primitive == "grasp" else observation.objects | target
        with self._timer("network"):
            scores = self._networks[primitive].score(observation, target, allowed)
            # As in the policy's rule, so that Q_g* is measured on what it is compared with.
            return (
                smooth(scores, self._recipe.decision.smooth_px) if primitive == "grasp" else scores
            )
