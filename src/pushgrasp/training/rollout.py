"""Playing training scenes: look, pick a goal, act, label.

A scene offers many goals. In every state a visible object is made the goal, so that each
action is one labelled sample. What counts as success is the simulator's truth; what the
networks see is what a robot would see.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import RobotError, SimulatorFault
from ..interfaces import Action, Primitive
from ..perception.change import changed, moved
from ..perception.observation import Observation
from ..perception.segmentation import goal_mask, smooth_color
from ..policy.maps import occupancy
from ..sim.randomise import DomainConfig
from ..sim.scenes.build import SceneConfig
from ..utils.threads import use_one_thread
from .actor import Actor, Setup
from .messages import Message, Sample, SceneEnd, SceneJob
from .recipes import Recipe, StageConfig
from .replay_buffer import ACTION, PRIMITIVES, pack_observation
from .rewards import (
    bootstraps,
    grasp_reward,
    push_reward,
    reward_in_alternation,
    wang_grasp_reward,
    wang_push_reward,
)
from .task import RGB, Clock, SimTable, Table

Mask = npt.NDArray[np.bool_]

TRAINING = 1
"""First word of the spawn keys of all training scenes; evaluation uses other words."""
MIN_GOAL_PX = 20
"""Visible pixels (0.8 cm2) from which an object is made a goal."""
MIN_OBJECTS = 3
"""A scene with fewer objects left is not worth its time."""
ACTIONS_AN_OBJECT = 1.5
"""Length of a scene."""
WANG_CHANGED_PX = 50
"""Cells that must have sunk for the baseline to see a change (its code)."""
GOALS_TO_TRY = 10
"""Objects looked at in search of one that cannot be grasped yet, and so is worth a push."""
PUSH_REACH_PX = 30
"""Exploring pushes start on objects within 6 cm of the target: half a push and a block."""


def scene_seed(seed: int, stage: int, scene: int) -> np.random.SeedSequence:
    """The chance of one training scene: its layout, its goals and its exploration."""
    return np.random.SeedSequence(seed, spawn_key=(TRAINING, stage, scene))


@dataclass
class _Choice:
    """An action, and the state it was chosen in."""

    look: Observation
    target: Mask
    action: Action
    explored: bool
    follows: bool
    reward: float = 0.0
    success: bool = False
    bootstraps: bool = False
    freed: bool = False  # something round the target was moved


def prepare_player(setup: Setup) -> Player:
    """Set up a rollout process."""
    use_one_thread()
    return Player(setup)


class Player:
    """Plays scenes with the newest published networks; see `worker.Work`.

    Args:
        setup: recipe, seed, weights.
        make_table: builds the scenes.
    """

    def __init__(
        self,
        setup: Setup,
        make_table: Callable[[SceneConfig, Recipe, Clock], Table] = SimTable,
    ) -> None:
        self._setup, self._recipe, self._make_table = setup, setup.recipe, make_table
        self._clock = Clock()
        self._actor = Actor(setup, self._clock)

    def __call__(self, job: SceneJob) -> Iterator[Message]:
        """Play a scene; a fault of the simulator ends it and discards the action under way."""
        self._actor.renew()
        stage = self._recipe.stages[job.stage]
        rng = np.random.default_rng(scene_seed(self._setup.seed, job.stage, job.scene))
        config = SceneConfig(
            name=str(rng.choice(stage.scenes)),
            n_objects=int(rng.choice(stage.n_objects)),
            sigma=self._recipe.sigma,
            workspace=self._recipe.workspace,
            randomise=DomainConfig() if stage.randomise else None,
            seed=int(rng.integers(2**62, 2**63)),
        )
        fault = ""
        try:
            table = self._make_table(config, self._recipe, self._clock)
            steps = round(ACTIONS_AN_OBJECT * config.n_objects)
            play = self._mixed_scene if stage.mixes else self._grasp_scene
            for choice in play(table, stage, job, steps, rng):
                yield self._sample(choice, job)
        except (SimulatorFault, RobotError) as error:
            fault = str(error)
        yield SceneEnd(job, fault, self._clock.take())

    # --- stage 1 ---------------------------------------------------------------------

    def _grasp_scene(
        self, table: Table, stage: StageConfig, job: SceneJob, steps: int, rng: np.random.Generator
    ) -> Iterator[_Choice]:
        """Grasp one visible object after another (section III-C.1)."""
        any_object = stage.name == "grasp-any"
        look, follows = table.look(), False
        tried: set[str] = set()  # since the scene last changed
        for _ in range(steps):
            name, target = self._goal_to_grasp(table, look, stage, job, rng, tried)
            if name is None or target is None or len(table.objects()) < MIN_OBJECTS:
                return
            if any_object and not self._actor.sees_target:
                # A network that is told its target is asked about one object, as it will be
                # later; one that is not, about all of them (section III-C.1).
                target = look.objects
            action, explored = self._actor.choose("grasp", look, target, target, job.epsilon, rng)
            if action is None:
                tried.add(name)
                continue
            colors = table.objects()
            held = table.act(action)
            choice = _Choice(look, target, action, explored, follows)
            choice.success = bool(held) if any_object else name in held
            if any_object:
                relabel(choice, colors[held[0]] if held else None)
            choice.reward = grasp_reward(choice.success)
            look, follows = table.look(), True
            tried = set() if held else {*tried, name}
            yield self._with_change(choice, look)

    # --- stages 2 and 3 --------------------------------------------------------------

    def _mixed_scene(
        self, table: Table, stage: StageConfig, job: SceneJob, steps: int, rng: np.random.Generator
    ) -> Iterator[_Choice]:
        """Push for a goal until it can be grasped, then grasp it (sections III-C.2 and III-C.3).

        Only the primitive that is being trained explores. The other's actions are samples,
        too; its network will learn from them when its turn comes.
        """
        look, follows = table.look(), False
        name, pushes, q = None, 0, 0.0
        for _ in range(steps):
            if name is None:
                name, q = self._goal_to_push_for(table, look, job, rng)
                pushes = 0
            colors = table.objects()
            if name is None or len(colors) < MIN_OBJECTS:
                return
            color = colors.get(name)
            target = None if color is None else goal_mask(look.heightmap, color)
            if color is None or target is None or target.sum() < MIN_GOAL_PX:
                name, follows = None, False  # pushed off the table, or out of sight
                continue
            free = occupancy(target, look.heightmap.height) <= self._recipe.decision.occupancy_limit
            due = (q > job.grasp_threshold and free) or pushes >= stage.max_pushes
            primitive: Primitive = "grasp" if due else "push"
            near = target if due else look.objects & _widen(target, PUSH_REACH_PX)
            epsilon = job.epsilon if primitive == stage.trains else 0.0
            action, explored = self._actor.choose(primitive, look, target, near, epsilon, rng)
            if action is None:
                if not due:
                    return
                name = None
                continue
            held = table.act(action)
            after, choice = table.look(), _Choice(look, target, action, explored, follows)
            # Both Q_g are of the network's view of their own image (METHOD: the released code
            # scores the old one twice). A target out of sight cannot be grasped, and hiding it
            # is no gain, however little it was worth before.
            target_after = goal_mask(after.heightmap, color)
            q_after = min(q, 0.0)
            if not due and target_after.any():
                q_after = self._actor.best_grasp(after, target_after)
            choice.success = name in held
            if due:
                choice.reward = self._grasp_reward(stage, choice, after)
            else:
                choice.reward = self._push_reward(choice, after, target_after, q_after - q)
                choice.success = choice.reward > 0
            name = None if due else name
            look, q, follows, pushes = after, q_after, True, pushes + 1
            yield self._with_change(choice, look)

    def _grasp_reward(self, stage: StageConfig, choice: _Choice, after: Observation) -> float:
        """Of a grasp where pushes and grasps mix (equation 2, in alternation equation 4)."""
        kind = self._recipe.rewards
        if stage.alternates:
            return reward_in_alternation(kind, choice.success, _freed(choice, after))
        if kind == "wang2024":
            return wang_grasp_reward(choice.success, alternating=False)
        return grasp_reward(choice.success)

    def _push_reward(
        self, choice: _Choice, after: Observation, target_after: Mask, q_gain: float
    ) -> float:
        """Of a push (equation 3)."""
        look = choice.look
        drop = _occupancy_drop(look, choice.target, after, target_after)
        if self._recipe.rewards == "wang2024":
            freed = changed(look.heightmap, after.heightmap, choice.target, min_px=WANG_CHANGED_PX)
            return wang_push_reward(q_gain, drop, freed)
        return push_reward(q_gain, drop)

    def _goal_to_push_for(
        self, table: Table, look: Observation, job: SceneJob, rng: np.random.Generator
    ) -> tuple[str | None, float]:
        """A visible object that cannot be grasped yet, else the last one looked at; its Q_g."""
        chosen, q = None, 0.0
        goals = itertools.islice(self._visible(table, look, rng, set()), GOALS_TO_TRY)
        for name, mask in goals:
            chosen, q = name, self._actor.best_grasp(look, mask)
            if q <= job.grasp_threshold:
                break
        return chosen, q

    def _goal_to_grasp(
        self,
        table: Table,
        look: Observation,
        stage: StageConfig,
        job: SceneJob,
        rng: np.random.Generator,
        tried: set[str],
    ) -> tuple[str | None, Mask | None]:
        """A visible object, if several are compared that whose Q_g is nearest to Q_g*."""
        goals = itertools.islice(self._visible(table, look, rng, tried), stage.goals_compared)
        if stage.goals_compared == 1:
            return next(goals, (None, None))
        return min(
            goals,
            key=lambda goal: abs(self._actor.best_grasp(look, goal[1]) - job.grasp_threshold),
            default=(None, None),
        )

    # --- parts -----------------------------------------------------------------------

    def _visible(
        self, table: Table, look: Observation, rng: np.random.Generator, tried: set[str]
    ) -> Iterator[tuple[str, Mask]]:
        """Objects of which enough is seen, in random order, those not tried yet first."""
        colors = table.objects()
        names = [str(n) for n in rng.permutation(sorted(colors))] if colors else []
        smoothed = smooth_color(look.heightmap.color)
        for name in sorted(names, key=lambda n: n in tried):
            mask = goal_mask(look.heightmap, colors[name], objects=look.objects, smoothed=smoothed)
            if mask.sum() >= MIN_GOAL_PX:
                yield name, mask

    def _with_change(self, choice: _Choice, after: Observation) -> _Choice:
        """The choice, with notes of whether the next state's value shall count, and of what a
        grasp would earn in alternation."""
        if self._recipe.discount > 0:
            something_moved = moved(choice.look.heightmap, after.heightmap)
            choice.bootstraps = bootstraps(choice.success, something_moved)
            choice.freed = choice.action.primitive == "grasp" and _freed(choice, after)
        return choice

    def _sample(self, choice: _Choice, job: SceneJob) -> Sample:
        action, heightmap = choice.action, choice.look.heightmap
        record = np.zeros((), ACTION)
        record["stage"], record["scene"] = job.stage, job.scene
        record["primitive"] = PRIMITIVES.index(action.primitive)
        record["row"], record["column"] = action.pixel
        record["rotation"], record["q"] = action.rotation, action.q
        record["reward"], record["explored"] = choice.reward, choice.explored
        record["bootstraps"], record["freed"] = choice.bootstraps, choice.freed
        color = heightmap.color if keeps_color(self._recipe) else None
        state = pack_observation(heightmap.height, choice.look.labels, choice.target, color)
        return Sample(state, record, choice.follows, self._clock.take())


def keeps_color(recipe: Recipe) -> bool:
    """Whether the recipe's network looks at colours, so that the replay must keep them."""
    return recipe.network.name != "compact"


def relabel(choice: _Choice, held_rgb: RGB | None) -> None:
    """Make what was grasped the goal; of a failure, what lies under the pixel.

    A held object that was not seen before could not have been asked for: that, too, is a
    failure to grasp what lies under the pixel.

    Args:
        choice: a goal-agnostic grasp; changed in place.
        held_rgb: colour of the object in the hand, None for an empty one.
    Source: section III-C.1.
    """
    if held_rgb is not None:
        mask = goal_mask(choice.look.heightmap, held_rgb)
        if mask.any():
            choice.target = mask
            return
    choice.success = False
    label = choice.look.labels[choice.action.pixel]
    if label > 0:
        choice.target = choice.look.labels == label


def _freed(choice: _Choice, after: Observation) -> bool:
    """Whether something was moved round the target (equation 4's change)."""
    return changed(choice.look.heightmap, after.heightmap, choice.target)


def _occupancy_drop(before: Observation, target: Mask, after: Observation, then: Mask) -> float:
    """Share of the target's ring that a push freed."""
    return occupancy(target, before.heightmap.height) - occupancy(then, after.heightmap.height)


def _widen(mask: Mask, pixels: int) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0
