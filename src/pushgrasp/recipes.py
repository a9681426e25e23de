"""Recipes: every number of a policy and of its training, each with its source.

A recipe is a value, not a class of its own: `RECIPES["paper"]` is the paper's method,
`RECIPES["default"]` ours. A policy directory carries the `DecisionConfig` and
`NetworkConfig` it was trained for; a training run directory carries the whole recipe.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from .errors import UserError
from .interfaces import Primitive


@dataclass(frozen=True)
class NetworkConfig:
    """Which network, and how it sees."""

    name: Literal["compact", "densenet121"] = "compact"
    output: Literal["probability", "value"] = "probability"
    """probability: sigmoid of the output is the chance that a grasp succeeds, or that a push
    helps; value: the output is Q itself (paper)."""
    window: Literal["target", "workspace"] = "target"
    """What the network's square window is centred on."""
    crop_px: int = 64
    """Side of the window in its own pixels: a multiple of 8 (compact) or 32 (densenet121)."""
    crop_resolution: float = 0.0035
    """Metres a pixel of the window."""
    widths: tuple[int, int, int] = (32, 64, 96)
    """Channels of `compact` at 1/2, 1/4 and 1/8 of the window's resolution; multiples of 4."""


@dataclass(frozen=True)
class DecisionConfig:
    """From Q maps to an action."""

    switching: bool = True
    """Take another target while the goal is hidden (section III-B); off: the ablation."""
    switch_px: int = 5
    """The goal is hidden when its mask has this many pixels or fewer (authors' code)."""
    push_all_weight: float = 0.95
    """Weight of the all-object mask on the push map (authors' code)."""
    push_target_weight: float = 0.05
    """Weight of the target's mask on the push map (authors' code)."""
    grasp_threshold: float = 0.5
    """Q_g*: grasp when the best Q_g over the target exceeds it (section III-C.2). Measured at
    the end of stage 1 and stored with the weights."""
    occupancy_limit: float = 1.0
    """Grasp only when the ring round the target is filled less than this (section III-B)."""
    push_margin: float | None = None
    """Push, too, when this times max Q_p exceeds max Q_g (authors' code: 1.5); None: never."""
    max_pushes: int | None = None
    """After so many pushes in a row, grasp the best there is; None: no such limit."""
    push_threshold: float | None = None
    """Push only when max Q_p exceeds this, else grasp the best there is; None: always."""
    smooth_px: int = 0
    """Judge a grasp by the mean over so many pixels round it and over the rotations beside it:
    the highest of many uncertain values is too high. 0: not."""
    avoid_repeats: bool = False
    """Leave out what has just failed or changed nothing, while the scene there is the same."""
    grasp_repeat_m: float = 0.015
    """Grasps nearer than this,"""
    grasp_repeat_deg: float = 30.0
    """and less than this apart modulo 180 degrees, count as the same grasp."""
    push_repeat_m: float = 0.020
    """Pushes nearer than this,"""
    push_repeat_deg: float = 23.0
    """and less than this apart, count as the same push."""
    distrust: float = 1.0
    """Factor on the target's Q_g for each grasp that has failed in a row: a network that was
    wrong about a heap may well be so again, so clear the way or push before the next try."""
    clear_blockers: bool = False
    """Rather than push, grasp an object beside the target when that is likely to succeed; and
    any object at all when pushing, too, has led nowhere."""
    blocker_threshold: float = 0.5
    """Q_g from which a blocking object is taken out of the way."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("switch_px", 0, 10_000),
            ("push_all_weight", 0.0, 1.0),
            ("push_target_weight", 0.0, 1.0),
            ("occupancy_limit", 0.0, 1.0),
            ("smooth_px", 0, 50),
            ("distrust", 0.0, 1.0),
        ):
            _check_range(self, name, low, high)
        if self.max_pushes is not None:
            _check_range(self, "max_pushes", 0, 1_000)


def _check_range(config: object, name: str, low: float, high: float) -> None:
    value = getattr(config, name)
    if not low <= value <= high:
        raise UserError(f"{type(config).__name__}: {name} is {value}; it must be {low} to {high}")


@dataclass(frozen=True)
class PrimitiveConfig:
    """How deep and how far."""

    grasp_depth: float = 0.02
    """m below the chosen point (section III-B)."""
    tip_clearance: float = 0.004
    """m that the finger tips stay above the table."""
    push_behind: float = 0.05
    """m behind the chosen point where a push starts (section III-B)."""
    push_length: float = 0.10
    """m of travel (section III-B)."""
    push_depth: float = 0.025
    """m below the chosen point at which the tips travel; half a block."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("grasp_depth", 0.0, 0.1),
            ("tip_clearance", 0.0, 0.05),
            ("push_behind", 0.0, 0.2),
            ("push_length", 0.0, 0.3),
            ("push_depth", 0.0, 0.1),
        ):
            _check_range(self, name, low, high)


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


def with_threshold(decision: DecisionConfig, grasp_threshold: float) -> DecisionConfig:
    """The same decision rule with the Q_g* that training measured."""
    return replace(decision, grasp_threshold=grasp_threshold)
