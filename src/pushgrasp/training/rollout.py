"""Play training scenes: observe, choose a goal, act, label.

In every state some visible object becomes the goal, so each action is one labelled sample. Success
is read from the simulator's ground truth; the networks see only what a robot would see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np

from ..errors import RobotError, SimulatorFault
from ..interfaces import Primitive
from ..perception.observation import Observation
from ..perception.segmentation import goal_mask
from ..policy.base import Mask
from ..policy.maps import occupancy
from ..sim.randomise import DomainConfig
from ..sim.scenes.build import SceneConfig
from ..utils.threads import use_one_thread
from .actor import MIN_GOAL_PX, Actor, RolloutSetup, VisibleGoal, visible_goals
from .messages import Message, Sample, SceneEnd, SceneJob
from .recipes import Recipe, StageConfig
from .replay_buffer import pack_observation
from .rewards import grasp_reward
from .task import SimTask, Timer, TrainingTask
from .transition import (
    Transition,
    action_record,
    note_changes,
    relabel,
    reward_grasp,
    reward_push,
)

TRAINING = 1
"""First element of the spawn keys of training scenes; evaluation uses others."""
MIN_OBJECTS = 3
"""A scene stops when fewer objects are left."""
ACTIONS_PER_OBJECT = 1.5
"""Actions per scene, divided by its number of objects."""
PUSH_REACH_PX = 30
"""Random pushes start on objects within 6 cm of the target: half a push and one block."""


def scene_seed(seed: int, stage: int, scene: int) -> np.random.SeedSequence:
    """Return the seed of one training scene: its layout, goals and exploration."""
    return np.random.SeedSequence(seed, spawn_key=(TRAINING, stage, scene))


def prepare_player(setup: RolloutSetup) -> ScenePlayer:
    """Set up a rollout worker."""
    use_one_thread()
    return ScenePlayer(setup)


class ScenePlayer:
    """Plays scenes with the latest published networks; see `worker.Work`.

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
        """Play a scene; a simulator fault ends it and discards the current action."""
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
                # Networks that see the target grasp one object, as they will later; the others
                # grasp any object (section III-C.1).
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

        Only the trained primitive explores. Actions of the other one are recorded too; its
        network learns from them in its next stage.
        """
        observation, follows = task.observe(), False
        goal: VisibleGoal | None = None
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
                transition.reward = reward_grasp(transition, after, stage, self._recipe.rewards)
                goal = None
            else:
                pushed = self._look_again(goal, after)
                transition.reward = reward_push(
                    transition, after, pushed.mask, pushed.q - goal.q, self._recipe.rewards
                )
                transition.success = transition.reward > 0
                is_there = goal.name in task.objects() and pushed.mask.sum() >= MIN_GOAL_PX
                # If it is hidden or off the table, the next state has no value.
                goal, follows = (pushed, True) if is_there else (None, False)
            yield note_changes(transition, after)

    def _is_free(self, goal: VisibleGoal, observation: Observation) -> bool:
        limit = self._recipe.decision.occupancy_limit
        return occupancy(goal.mask, observation.heightmap.height) <= limit

    def _look_again(self, goal: VisibleGoal, after: Observation) -> VisibleGoal:
        """Return the goal as seen after a push, with its Q_g in the new image.

        The authors' code scores the old image twice. A hidden goal cannot be grasped, so hiding it
        is no gain, however low its Q_g was.
        """
        mask = goal_mask(after.heightmap, goal.rgb, objects=after.objects)
        q = self._actor.best_grasp(after, mask) if mask.any() else min(goal.q, 0.0)
        return replace(goal, mask=mask, q=q, n_pushes=goal.n_pushes + 1)

    # --- records ---------------------------------------------------------------------

    def _needs_last_state(self, follows: bool) -> bool:
        """Tell if the state in which a scene stops must be recorded.

        The scene is cut short rather than finished: its last state has a value, which the target of
        the last action needs.
        """
        return follows and self._recipe.discount > 0

    def _sample(self, transition: Transition, job: SceneJob) -> Sample:
        observation, heightmap = transition.observation, transition.observation.heightmap
        color = heightmap.color if self._recipe.keeps_color else None
        state = pack_observation(heightmap.height, observation.labels, transition.target, color)
        record = action_record(transition, job)
        return Sample(state, record, transition.follows, self._timer.take())


def _widen(mask: Mask, pixels: int) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0
