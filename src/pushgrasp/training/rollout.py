"""Playing training scenes: observe, choose a goal, act, label.

A scene offers many goals. In every state a visible object is made the goal, so that each action is
one labelled sample. Success is read from the simulator's ground truth; the networks see what a
robot would see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..errors import RobotError, SimulatorFault
from ..interfaces import Action, Primitive
from ..perception.change import changed, moved
from ..perception.observation import Observation
from ..perception.segmentation import goal_mask
from ..policy.maps import occupancy
from ..sim.randomise import DomainConfig
from ..sim.scenes.build import SceneConfig
from ..utils.threads import use_one_thread
from .actor import MIN_GOAL_PX, Actor, Goal, Mask, RolloutSetup, visible_goals
from .messages import Message, Sample, SceneEnd, SceneJob
from .recipes import Recipe, StageConfig
from .replay_buffer import ACTION, NO_ACTION, PRIMITIVES, pack_observation
from .rewards import (
    bootstraps,
    grasp_reward,
    push_reward,
    reward_in_alternation,
    wang_grasp_reward,
    wang_push_reward,
)
from .task import RGB, SimTask, Timer, TrainingTask

TRAINING = 1
"""First word of the spawn keys of all training scenes; evaluation uses other words."""
MIN_OBJECTS = 3
"""A scene with fewer objects left is not worth its time."""
ACTIONS_PER_OBJECT = 1.5
"""Length of a scene."""
WANG_CHANGED_PX = 50
"""Cells that must have sunk for the baseline to see a change (its code)."""
PUSH_REACH_PX = 30
"""Random pushes start on objects within 6 cm of the target: half a push and a block."""


def scene_seed(seed: int, stage: int, scene: int) -> np.random.SeedSequence:
    """Return the seed of one training scene: of its layout, its goals and its exploration."""
    return np.random.SeedSequence(seed, spawn_key=(TRAINING, stage, scene))


@dataclass
class Transition:
    """An action, the state it was chosen in, and what it led to."""

    observation: Observation
    target: Mask  # (H, W) that the network was conditioned on
    follows: bool  # the state is the one that the scene's previous action led to
    action: Action | None = None  # None: the scene stops in this state
    explored: bool = False
    success: bool = False
    reward: float = 0.0
    bootstraps: bool = False
    target_changed: bool = False  # the surface round the target sank


def prepare_player(setup: RolloutSetup) -> ScenePlayer:
    """Set up a rollout worker."""
    use_one_thread()
    return ScenePlayer(setup)


class ScenePlayer:
    """Plays scenes with the newest published networks; see `worker.Work`.

    Args:
        setup: recipe, seed, weights.
        make_task: builds the scenes.
    """

    def __init__(
        self,
        setup: RolloutSetup,
        make_task: Callable[[SceneConfig, Recipe, Timer], TrainingTask] = SimTask,
    ) -> None:
        self._setup, self._recipe, self._make_task = setup, setup.recipe, make_task
        self._timer = Timer()
        self._actor = Actor(setup, self._timer)

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
            task = self._make_task(config, self._recipe, self._timer)
            n_steps = round(ACTIONS_PER_OBJECT * config.n_objects)
            play = self._push_and_grasp if stage.mixes else self._grasp
            for transition in play(task, stage, job, n_steps, rng):
                yield self._sample(transition, job)
        except (SimulatorFault, RobotError) as error:
            fault = str(error)
        yield SceneEnd(job, fault, self._timer.take())

    # --- stage 1 ---------------------------------------------------------------------

    def _grasp(
        self,
        task: TrainingTask,
        stage: StageConfig,
        job: SceneJob,
        n_steps: int,
        rng: np.random.Generator,
    ) -> Iterator[Transition]:
        """Grasp one visible object after another (section III-C.1)."""
        any_object = stage.name == "grasp-any"
        observation, follows = task.observe(), False
        tried: set[str] = set()  # since the scene last changed
        for step in range(n_steps + 1):
            is_last = step == n_steps or len(task.objects()) < MIN_OBJECTS
            if is_last and not self._needs_last_state(follows):
                return
            goals = visible_goals(task.objects(), observation, rng, tried)
            goal = self._actor.goal_to_grasp(
                goals, observation, stage.goals_compared, job.grasp_threshold
            )
            if goal is None:
                return
            target = goal.mask
            if any_object and not self._actor.sees_target:
                # A network that is told its target is asked about one object, as it will be
                # later; one that is not, about all of them (section III-C.1).
                target = observation.objects
            if is_last:
                yield Transition(observation, target, follows)
                return
            action, explored = self._actor.choose(
                "grasp", observation, target, target, job.epsilon, rng
            )
            if action is None:
                tried.add(goal.name)
                continue
            colors = task.objects()
            taken = task.act(action)
            transition = Transition(observation, target, follows, action, explored)
            transition.success = bool(taken) if any_object else goal.name in taken
            if any_object:
                relabel(transition, colors[taken[0]] if taken else None)
            transition.reward = grasp_reward(transition.success)
            observation, follows = task.observe(), True
            tried = set() if taken else {*tried, goal.name}
            yield note_changes(transition, observation)

    # --- stages 2 and 3 --------------------------------------------------------------

    def _push_and_grasp(
        self,
        task: TrainingTask,
        stage: StageConfig,
        job: SceneJob,
        n_steps: int,
        rng: np.random.Generator,
    ) -> Iterator[Transition]:
        """Push for a goal until it can be grasped, then grasp it (sections III-C.2 and III-C.3).

        Only the primitive that is trained explores. The other one's actions are samples, too; its
        network will learn from them in its next stage.
        """
        observation, follows = task.observe(), False
        goal: Goal | None = None
        for step in range(n_steps + 1):
            is_last = step == n_steps or len(task.objects()) < MIN_OBJECTS
            if is_last and not self._needs_last_state(follows):
                return
            if goal is None:
                goals = visible_goals(task.objects(), observation, rng)
                goal = self._actor.goal_to_push_for(goals, observation, job.grasp_threshold)
            if goal is None:
                return
            if is_last:
                yield Transition(observation, goal.mask, follows)
                return
            grasps = goal.n_pushes >= stage.max_pushes or (
                goal.q > job.grasp_threshold and self._is_free(goal, observation)
            )
            primitive: Primitive = "grasp" if grasps else "push"
            near = goal.mask if grasps else observation.objects & _widen(goal.mask, PUSH_REACH_PX)
            epsilon = job.epsilon if primitive == stage.trains else 0.0
            action, explored = self._actor.choose(
                primitive, observation, goal.mask, near, epsilon, rng
            )
            if action is None and not grasps:
                return
            if action is None:
                goal = None
                continue
            taken = task.act(action)
            after = task.observe()
            transition = Transition(observation, goal.mask, follows, action, explored)
            observation, follows = after, True
            if grasps:
                transition.success = goal.name in taken
                transition.reward = self._grasp_reward(stage, transition, after)
                goal = None
            else:
                pushed = self._look_again(goal, after)
                transition.reward = self._push_reward(transition, pushed, pushed.q - goal.q, after)
                transition.success = transition.reward > 0
                is_there = goal.name in task.objects() and pushed.mask.sum() >= MIN_GOAL_PX
                # Out of sight or off the table, its next state has no value.
                goal, follows = (pushed, True) if is_there else (None, False)
            yield note_changes(transition, after)

    def _is_free(self, goal: Goal, observation: Observation) -> bool:
        limit = self._recipe.decision.occupancy_limit
        return occupancy(goal.mask, observation.heightmap.height) <= limit

    def _look_again(self, goal: Goal, after: Observation) -> Goal:
        """Return the goal as it is seen after a push, with its Q_g.

        Both Q_g are the network's, each for its own image; the authors' code scores the old image
        twice. A goal out of sight cannot be grasped, and hiding it is no gain, however low its Q_g
        was.
        """
        mask = goal_mask(after.heightmap, goal.rgb, objects=after.objects)
        q = self._actor.best_grasp(after, mask) if mask.any() else min(goal.q, 0.0)
        return replace(goal, mask=mask, q=q, n_pushes=goal.n_pushes + 1)

    def _grasp_reward(
        self, stage: StageConfig, transition: Transition, after: Observation
    ) -> float:
        """Reward a grasp where pushes and grasps mix (equation 2, in alternation equation 4)."""
        kind, success = self._recipe.rewards, transition.success
        if stage.alternates:
            return reward_in_alternation(kind, success, _target_changed(transition, after))
        if kind == "wang2024":
            return wang_grasp_reward(success, alternating=False)
        return grasp_reward(success)

    def _push_reward(
        self, transition: Transition, pushed: Goal, q_gain: float, after: Observation
    ) -> float:
        """Reward a push (equation 3)."""
        before = transition.observation.heightmap
        drop = occupancy(transition.target, before.height) - occupancy(
            pushed.mask, after.heightmap.height
        )
        if self._recipe.rewards == "wang2024":
            sank = changed(before, after.heightmap, transition.target, min_px=WANG_CHANGED_PX)
            return wang_push_reward(q_gain, drop, sank)
        return push_reward(q_gain, drop)

    # --- parts -----------------------------------------------------------------------

    def _needs_last_state(self, follows: bool) -> bool:
        """Tell if the state in which a scene stops must be recorded.

        The scene stops, its objects do not: the state has a value, which the last action's target
        needs.
        """
        return follows and self._recipe.discount > 0

    def _sample(self, transition: Transition, job: SceneJob) -> Sample:
        observation, action = transition.observation, transition.action
        record = np.zeros((), ACTION)
        record["stage"], record["scene"] = job.stage, job.scene
        record["explored"], record["reward"] = transition.explored, transition.reward
        record["bootstraps"] = transition.bootstraps
        record["target_changed"] = transition.target_changed
        if action is None:
            record["primitive"], record["q"] = NO_ACTION, np.nan
        else:
            record["primitive"] = PRIMITIVES.index(action.primitive)
            record["row"], record["column"] = action.pixel
            record["rotation"], record["q"] = action.rotation, action.q
        heightmap = observation.heightmap
        color = heightmap.color if self._recipe.keeps_color else None
        state = pack_observation(heightmap.height, observation.labels, transition.target, color)
        return Sample(state, record, transition.follows, self._timer.take())


def note_changes(transition: Transition, after: Observation) -> Transition:
    """Note what the next state tells: if its value counts, and a grasp's change (equation 4)."""
    assert transition.action is not None
    something_moved = moved(transition.observation.heightmap, after.heightmap)
    transition.bootstraps = bootstraps(transition.success, something_moved)
    if transition.action.primitive == "grasp":
        transition.target_changed = _target_changed(transition, after)
    return transition


def relabel(transition: Transition, taken_rgb: RGB | None) -> None:
    """Hindsight relabelling: the grasped object becomes the goal; on failure, the object under
    the pixel.

    A grasped object that was not seen before could not have been asked for: that, too, is a
    failure to grasp the object under the pixel.

    Args:
        transition: a goal-agnostic grasp; changed in place.
        taken_rgb: colour of the object that was grasped, or None.
    Source: section III-C.1.
    """
    assert transition.action is not None
    if taken_rgb is not None:
        mask = goal_mask(transition.observation.heightmap, taken_rgb)
        if mask.any():
            transition.target = mask
            return
    transition.success = False
    label = transition.observation.labels[transition.action.pixel]
    if label > 0:
        transition.target = transition.observation.labels == label


def _target_changed(transition: Transition, after: Observation) -> bool:
    """Detect that something was moved round the target (equation 4's change)."""
    return changed(transition.observation.heightmap, after.heightmap, transition.target)


def _widen(mask: Mask, pixels: int) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0
