"""Recipes: every number of a policy and of its training, each with its source.

A recipe is a value, not a class of its own: `RECIPES["paper"]` is the paper's method,
`RECIPES["default"]` ours. What a policy takes from it is in `policy_config`; a training
run's directory carries the whole recipe.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from ..errors import UserError
from ..interfaces import Primitive
from ..policy.config import DecisionConfig, NetworkConfig
from ..primitives import PrimitiveConfig
from ..workspace import Workspace


@dataclass(frozen=True)
class StageConfig:
    """One stage of training."""

    name: Literal["grasp-any", "grasp-goal", "push", "alternate-grasp", "alternate-push"]
    """grasp-any, grasp-goal: goal-agnostic, then goal-conditioned grasping (section III-C.1); push:
    pushing against the frozen GraspNet (III-C.2); alternate-grasp, alternate-push: one network
    learns, the other is frozen (III-C.3)."""
    n_objects: tuple[int, ...] = (10,)
    """Objects in a scene; drawn anew for each (paper: 10, then 20)."""
    scenes: tuple[str, ...] = ("random",)
    """Kinds of scenes; drawn anew for each."""
    n_samples: int = 3000
    """Actions of the primitive that the stage trains."""
    epsilon: tuple[float, float] = (0.5, 0.1)
    """Exploration at the start and at the end of its decay (section III-C.4)."""
    epsilon_decay: float = 0.9998
    """Factor an action (authors' code)."""
    randomise: bool = False
    """Vary masses, frictions, sizes, colours and light from scene to scene."""
    goals_compared: int = 1
    """Of so many visible objects, ask for that whose Q_g is nearest to Q_g*: the rule turns on
    it, and a goal that surely can or cannot be grasped teaches little. 1: any object."""
    max_pushes: int = 5
    """Pushes before a grasp is due where pushes and grasps mix (section III-C.2)."""

    @property
    def trains(self) -> Primitive:
        """Which network learns; the other keeps all its weights."""
        return "push" if self.name in ("push", "alternate-push") else "grasp"

    @property
    def alternates(self) -> bool:
        """Whether it is one of the turns of stage 3."""
        return self.name in ("alternate-grasp", "alternate-push")

    @property
    def mixes(self) -> bool:
        """Whether pushes and grasps take turns in a scene, as they will at work."""
        return self.name == "push" or self.alternates


@dataclass(frozen=True)
class Recipe:
    """Everything that makes a policy."""

    name: str
    network: NetworkConfig = field(default_factory=NetworkConfig)
    decision: DecisionConfig = field(default_factory=DecisionConfig)
    primitive: PrimitiveConfig = field(default_factory=PrimitiveConfig)
    stages: tuple[StageConfig, ...] = (
        StageConfig("grasp-any"),
        StageConfig("grasp-goal"),
        StageConfig("push", n_objects=(20,)),
    )
    discount: float = 0.5
    """gamma (section III-C.4); 0 where a network predicts one step's success."""
    rewards: Literal["paper", "wang2024"] = "paper"
    """Equations 2 to 4, or those of the baseline."""
    loss: Literal["huber", "bce"] = "huber"
    learning_rate: float = 1e-4
    learning_rate_end: float = 1e-4
    """Where a half cosine over a network's updates ends."""
    weight_decay: float = 2e-5
    batch_size: int = 32
    updates_per_sample: float = 1.0
    """Gradient steps for each action carried out."""
    symmetric_grasps: bool = True
    """Learn each grasp at the opposite rotation too: the jaw is symmetric (authors' code)."""
    augment: bool = False
    """Mirror and shift training windows."""
    replay_priority: float = 2.0
    """Exponent of the power law over ranks of surprise (authors' code); 0: uniform."""
    sigma: float = 0.03
    """m, spread of the Gaussian that places objects in training scenes."""
    workspace: Workspace = field(default_factory=Workspace)
    """Of all training scenes."""


_COMPACT = NetworkConfig(output="value")
_DENSENET = NetworkConfig(
    name="densenet121",
    output="value",
    window="workspace",
    crop_px=640,  # zoomed twice, and room for any rotation (authors' code)
    crop_resolution=0.001,
)


def alternating(
    rounds: int, n_grasps: int, n_pushes: int, n_objects: tuple[int, ...]
) -> tuple[StageConfig, ...]:
    """Stage 3: the networks take turns, GraspNet first (section III-C.3)."""
    grasp = StageConfig("alternate-grasp", n_objects, n_samples=n_grasps, epsilon=(0.1, 0.1))
    push = StageConfig("alternate-push", n_objects, n_samples=n_pushes, epsilon=(0.1, 0.1))
    return (grasp, push) * rounds


def _three_stages(n_objects: int, n_alternating: int) -> tuple[StageConfig, ...]:
    """Section III-C: grasping, pushing among 20 objects, and taking turns.

    The paper gives no number of actions; these take two cores under an hour. Exploration decays
    faster than the authors' 0.9998 an action, since there are fewer.

    Args:
        n_objects: in the scenes of stage 1.
        n_alternating: in those of stage 3.
    """
    grasping = (n_objects,)
    return (
        StageConfig("grasp-any", grasping, n_samples=1000, epsilon_decay=0.998),
        StageConfig("grasp-goal", grasping, n_samples=4000, epsilon_decay=0.9995),
        StageConfig("push", (20,), n_samples=1500, epsilon_decay=0.999),
        *alternating(rounds=2, n_grasps=500, n_pushes=250, n_objects=(n_alternating,)),
    )


_PUSHES_IN_A_ROW = 4
"""Then the best grasp there is. Section III-C.2 allows five, of training; at test the fifth action
without effect ends the trial."""

_PAPER = Recipe(
    name="paper",
    network=_COMPACT,
    decision=DecisionConfig(grasp_threshold=1.78, max_pushes=_PUSHES_IN_A_ROW),
    stages=_three_stages(n_objects=10, n_alternating=20),
    learning_rate=1e-3,
    learning_rate_end=1e-4,  # the authors' own; it is that of alternation
    updates_per_sample=0.5,
)

RECIPES: dict[str, Recipe] = {
    "paper": _PAPER,
    "paper-no-switching": replace(
        _PAPER, name="paper-no-switching", decision=replace(_PAPER.decision, switching=False)
    ),
    "wang2024": replace(
        _PAPER,
        name="wang2024",
        decision=DecisionConfig(
            switching=False,
            push_all_weight=1.0,
            push_target_weight=0.0,
            grasp_threshold=1.8,
            occupancy_limit=0.1,
            max_pushes=_PUSHES_IN_A_ROW,
        ),
        primitive=PrimitiveConfig(push_length=0.13),
        stages=_three_stages(n_objects=5, n_alternating=10),
        rewards="wang2024",
    ),
    "default": Recipe(
        name="default",
        decision=DecisionConfig(
            avoid_repeats=True,
            clear_blockers=True,
            blocker_threshold=0.8,
            distrust=0.6,
            max_pushes=2,
            smooth_px=2,
        ),
        primitive=PrimitiveConfig(grasp_depth=0.03),
        stages=(
            StageConfig(
                "grasp-any",
                n_objects=(8, 12),
                n_samples=1500,
                epsilon=(1.0, 0.2),
                epsilon_decay=0.998,
            ),
            StageConfig(
                "grasp-goal",
                n_objects=(10,),
                n_samples=4000,
                epsilon=(0.4, 0.1),
                epsilon_decay=0.9995,
            ),
            StageConfig(
                "grasp-goal",
                scenes=("random", "random", "heap"),
                n_objects=(10, 20, 30),
                n_samples=4500,
                goals_compared=3,
                epsilon=(0.2, 0.1),
                epsilon_decay=0.9995,
            ),
            StageConfig(
                "push",
                scenes=("random", "heap"),
                n_objects=(12, 16, 20),
                n_samples=2500,
                epsilon=(0.5, 0.1),
                epsilon_decay=0.999,
            ),
        ),
        discount=0.0,
        loss="bce",
        learning_rate=1e-3,
        learning_rate_end=2e-5,
        batch_size=64,
        updates_per_sample=0.3,
        augment=True,
        replay_priority=0.0,
    ),
}


def recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        UserError: there is none; the message lists those there are.
    """
    if name not in RECIPES:
        raise UserError(f"no recipe {name!r}; there are: {', '.join(sorted(RECIPES))}")
    return RECIPES[name]


def with_network(recipe: Recipe, name: str) -> Recipe:
    """The same recipe with the other network.

    The first learning rate goes with the network: `compact` begins with nothing, DenseNet with
    what it knows of pictures (section IV; the rate is the authors').

    Args:
        recipe: any.
        name: compact or densenet121.
    Raises:
        UserError: there is no such network.
    """
    known = {"compact": (_COMPACT, 1e-3), "densenet121": (_DENSENET, 1e-4)}
    if name not in known:
        raise UserError(f"no network {name!r}; there are: {', '.join(known)}")
    if name == recipe.network.name:
        return recipe
    network, rate = known[name]
    return replace(
        recipe,
        network=replace(network, output=recipe.network.output),
        learning_rate=rate,
    )
