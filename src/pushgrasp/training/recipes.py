"""Recipes: every number of a policy and of its training, with its source.

`RECIPES["paper"]` is the paper's method, `RECIPES["default"]` ours. A policy keeps the part in
`policy.config`; a run's folder holds the whole recipe.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from ..errors import UserError
from ..interfaces import Primitive
from ..policy.config import DecisionConfig, NetworkConfig
from ..policy.load import VARIANTS
from ..primitives import PrimitiveConfig
from ..workspace import Workspace


@dataclass(frozen=True)
class StageConfig:
    """One stage of training."""

    name: Literal["grasp-any", "grasp-goal", "push", "alternate-grasp", "alternate-push"]
    """grasp-any and grasp-goal: goal-agnostic and goal-conditioned grasping (section III-C.1);
    push: pushing with GraspNet frozen (III-C.2); alternate-grasp and alternate-push: one network
    learns, the other is frozen (III-C.3)."""
    n_objects: tuple[int, ...] = (10,)
    """Numbers of objects, one of which is drawn per scene (paper: 10, then 20)."""
    scenes: tuple[str, ...] = ("random",)
    """Kinds of scenes, one of which is drawn per scene."""
    n_samples: int = 3000
    """Actions of the trained primitive, after which the stage ends."""
    epsilon: tuple[float, float] = (0.5, 0.1)
    """Exploration at the start and at the end of its decay (section III-C.4)."""
    epsilon_decay: float = 0.9998
    """Factor per action (authors' code)."""
    randomise: bool = False
    """Randomise masses, frictions, sizes, colours and light per scene."""
    goals_compared: int = 1
    """Number of visible objects among which the one with Q_g nearest to Q_g* becomes the goal: the
    decision depends on that comparison, and clear cases teach little. 1: any visible object."""
    max_pushes: int = 5
    """Pushes for a goal before it is grasped, where pushes and grasps mix (section III-C.2)."""

    @property
    def trains(self) -> Primitive:
        """Return the primitive whose network learns; the other network is frozen."""
        return "push" if self.name in ("push", "alternate-push") else "grasp"

    @property
    def alternates(self) -> bool:
        """Tell if it is an alternation phase (stage 3)."""
        return self.name in ("alternate-grasp", "alternate-push")

    @property
    def mixes(self) -> bool:
        """Tell if a scene has both pushes and grasps, as when the policy is used."""
        return self.name == "push" or self.alternates


@dataclass(frozen=True)
class Recipe:
    """All numbers of a policy and of its training."""

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
    """gamma (section III-C.4); 0 for networks that predict the success of a single action."""
    rewards: Literal["paper", "wang2024"] = "paper"
    """Equations 2 to 4, or those of the baseline."""
    loss: Literal["huber", "bce"] = "huber"
    learning_rate: float = 1e-4
    learning_rate_end: float = 1e-4
    """Final rate of a half cosine over a network's updates."""
    weight_decay: float = 2e-5
    batch_size: int = 32
    updates_per_sample: float = 1.0
    """Gradient steps per executed action."""
    symmetric_grasps: bool = True
    """Learn each grasp at the opposite rotation too: the jaw is symmetric (authors' code)."""
    augment: bool = False
    """Mirror, shift and rotate training crops."""
    replay_priority: float = 2.0
    """Exponent of the power law over ranks of TD errors (authors' code); 0: uniform."""
    sigma: float = 0.03
    """m, standard deviation of the Gaussian that places objects in training scenes."""
    workspace: Workspace = field(default_factory=Workspace)
    """Workspace of all training scenes."""

    @property
    def keeps_color(self) -> bool:
        """Tell if the replay must hold colours, which only some networks use."""
        return self.network.name != "compact"


_COMPACT = NetworkConfig(output="value")
_DENSENET = NetworkConfig(
    name="densenet121",
    output="value",
    window="workspace",
    crop_px=640,  # magnified twice, with margins for any rotation (authors' code)
    crop_resolution=0.001,
)


def alternating(
    rounds: int, n_grasps: int, n_pushes: int, n_objects: tuple[int, ...]
) -> tuple[StageConfig, ...]:
    """Return the phases of stage 3: the networks learn alternately, GraspNet first (III-C.3)."""
    grasp = StageConfig("alternate-grasp", n_objects, n_samples=n_grasps, epsilon=(0.1, 0.1))
    push = StageConfig("alternate-push", n_objects, n_samples=n_pushes, epsilon=(0.1, 0.1))
    return (grasp, push) * rounds


def _three_stages(n_objects: int, n_alternating: int) -> tuple[StageConfig, ...]:
    """Return the stages of section III-C: grasping, pushing among 20 objects, alternation.

    The paper gives no numbers of actions; these take less than an hour on two cores. Exploration
    decays faster than the authors' 0.9998 per action, because there are fewer actions.

    Args:
        n_objects: objects in the scenes of stage 1.
        n_alternating: objects in the scenes of stage 3.
    """
    grasping = (n_objects,)
    return (
        StageConfig("grasp-any", grasping, n_samples=1000, epsilon_decay=0.998),
        StageConfig("grasp-goal", grasping, n_samples=4000, epsilon_decay=0.9995),
        StageConfig("push", (20,), n_samples=1500, epsilon_decay=0.999),
        *alternating(rounds=2, n_grasps=500, n_pushes=250, n_objects=(n_alternating,)),
    )


_PUSHES_IN_A_ROW = 4
"""Consecutive pushes before the best grasp is executed. Section III-C.2 allows five in training;
at test time the fifth action without effect ends the trial."""

_PAPER = Recipe(
    name="paper",
    network=_COMPACT,
    decision=DecisionConfig(grasp_threshold=1.78, max_pushes=_PUSHES_IN_A_ROW),
    stages=_three_stages(n_objects=10, n_alternating=20),
    learning_rate=1e-3,
    learning_rate_end=1e-4,  # the authors' rate in alternation
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


def check_recipe(recipe: Recipe) -> None:
    """Check that a recipe can be trained.

    Raises:
        UserError: it cannot; the message names the wrong number.
    """
    if recipe.name in VARIANTS:
        raise UserError(
            f"recipe {recipe.name!r} uses the networks of {VARIANTS[recipe.name][0]!r}; train that "
            "recipe instead"
        )
    for stage in recipe.stages:
        if stage.n_samples < 1 or not stage.n_objects or not stage.scenes:
            raise UserError(
                f"recipe {recipe.name!r}: stage {stage.name} needs at least one sample, "
                "number of objects and kind of scene"
            )
        if not all(0 <= e <= 1 for e in stage.epsilon):
            raise UserError(
                f"recipe {recipe.name!r}: stage {stage.name} has epsilon {stage.epsilon}; "
                "it is a probability, 0 to 1"
            )
    for name, fits, rule in (
        ("batch_size", recipe.batch_size >= 2, "at least 2"),
        ("updates_per_sample", recipe.updates_per_sample > 0, "above 0"),
        ("discount", 0 <= recipe.discount < 1, "at least 0 and below 1"),
    ):
        if not fits:
            value = getattr(recipe, name)
            raise UserError(f"recipe {recipe.name!r}: {name} is {value}; it must be {rule}")
    if (recipe.loss == "bce") != (recipe.network.output == "probability"):
        raise UserError(
            f"recipe {recipe.name!r} has loss {recipe.loss!r} for the output "
            f"{recipe.network.output!r}; probability goes with bce, value with huber"
        )


def with_network(recipe: Recipe, name: str) -> Recipe:
    """Return a recipe with another network.

    The first learning rate depends on the network: `compact` starts from random weights, DenseNet
    from ImageNet's (section IV; the rate is the authors').

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
