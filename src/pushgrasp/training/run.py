"""The state of a training run, and the files in its folder.

config.json              the whole recipe and the seed
checkpoint.safetensors   weights, optimisers, RNG states and counters
replay/                  every action and its state
weights.safetensors      weights that the rollout workers use
metrics.jsonl, tensorboard/
policy/                  the trained policy
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch.optim import Optimizer

from ..interfaces import Primitive
from ..policy.config import with_threshold
from ..policy.learned import Policy
from ..policy.networks import QNetwork
from .checkpoint import save_checkpoint, save_weights
from .messages import Sample, SceneJob
from .metrics import RECENT
from .recipes import Recipe, StageConfig
from .replay_buffer import PRIMITIVES, Replay

CONFIG, CHECKPOINT, WEIGHTS = "config.json", "checkpoint.safetensors", "weights.safetensors"
REPLAY, POLICY = "replay", "policy"

Networks = dict[Primitive, QNetwork]


def is_trained(actions: npt.NDArray[np.void], stage: StageConfig) -> npt.NDArray[np.bool_]:
    """Tell which records (`replay_buffer.ACTION`) are of the primitive that a stage trains."""
    return actions["primitive"] == PRIMITIVES.index(stage.trains)


@dataclass
class Run:
    """The state of a run; `run_folder` creates and resumes runs."""

    directory: Path
    recipe: Recipe
    seed: int
    networks: Networks
    optimizers: dict[Primitive, Optimizer]
    replay: Replay
    rng: np.random.Generator
    updates: dict[Primitive, int]  # gradient steps so far
    next_scene: list[int]  # number of the next scene, by stage
    samples: list[int]  # actions so far of the trained primitive, by stage
    grasp_threshold: float  # Q_g*
    elapsed_s: float = 0.0
    faults: int = 0  # scenes that a fault of the simulator aborted
    _last: dict[int, int] = field(default_factory=dict)  # each worker's newest record

    # --- collecting ------------------------------------------------------------------

    def epsilon(self, stage: int) -> float:
        """Return the current probability of a random action (section III-C.4)."""
        config = self.recipe.stages[stage]
        start, end = config.epsilon
        return max(end, start * config.epsilon_decay ** self.samples[stage])

    def next_job(self, stage: int) -> SceneJob:
        """Return the next scene to play; no scene is played twice, not even after a kill."""
        scene = self.next_scene[stage]
        self.next_scene[stage] += 1
        return SceneJob(stage, scene, self.epsilon(stage), self.grasp_threshold)

    def record(self, worker: int, sample: Sample, stage: int) -> bool:
        """Record a sample unless it is of an earlier stage or the stage has all its samples.

        Returns:
            True if it was recorded.
        """
        is_full = self.samples[stage] >= self.recipe.stages[stage].n_samples
        if int(sample.action["stage"]) != stage or is_full:
            self._last.pop(worker, None)
            return False
        previous = self._last.get(worker, -1) if sample.follows else -1
        self._last[worker] = self.replay.append(sample.observation, sample.action, previous)
        self.samples[stage] += bool(is_trained(sample.action, self.recipe.stages[stage]))
        return True

    def stage_actions(self, stage: int) -> npt.NDArray[np.void]:
        """Return the records of a stage, of the primitive that it trains."""
        actions = self.replay.actions
        return actions[(actions["stage"] == stage) & is_trained(actions, self.recipe.stages[stage])]

    # --- learning --------------------------------------------------------------------

    def updates_owed(self, primitive: Primitive) -> int:
        """Return the number of gradient steps that are due for the samples so far.

        Samples recorded while the network was frozen count: it learns from them in its next stage.
        """
        n = int((self.replay.actions["primitive"] == PRIMITIVES.index(primitive)).sum())
        return self._updates_for(n) - self.updates[primitive]

    def updates_planned(self, primitive: Primitive) -> int:
        """Return the number of gradient steps over which a network's learning rate falls.

        Only samples of the network's own stages count. Steps for samples recorded while the other
        network learns come in addition, at the final rate.
        """
        return self._updates_for(
            sum(stage.n_samples for stage in self.recipe.stages if stage.trains == primitive)
        )

    def _updates_for(self, n_samples: int) -> int:
        return int(self.recipe.updates_per_sample * max(0, n_samples - self.recipe.batch_size))

    def measure_threshold(self) -> None:
        """Set Q_g* from the network's latest greedy grasps, once grasping is trained.

        For values, Q_g* is the mean best Q_g (1.78 in the paper). A probability has the same
        meaning in every network, so the recipe's threshold stays.
        """
        done = [
            index
            for index, (n, stage) in enumerate(zip(self.samples, self.recipe.stages, strict=True))
            if stage.name == "grasp-goal" and n >= stage.n_samples
        ]
        if not done or self.recipe.network.output != "value":
            return
        actions = self.stage_actions(done[-1])
        greedy = actions["q"][~actions["explored"]]
        if len(greedy):
            self.grasp_threshold = float(np.mean(greedy[-RECENT:]))

    # --- saving -----------------------------------------------------------------------

    def save(self) -> None:
        """Save everything so far.

        Raises:
            UserError: the disk is full; the previous checkpoint remains valid.
        """
        self.replay.commit()
        state = {
            "updates": self.updates,
            "next_scene": self.next_scene,
            "n_records": len(self.replay),
            "grasp_threshold": self.grasp_threshold,
            "elapsed_s": self.elapsed_s,
            "faults": self.faults,
        }
        save_checkpoint(
            self.directory / CHECKPOINT, self.networks, self.optimizers, self.rng, state
        )

    def publish(self) -> None:
        """Publish the current weights to the workers."""
        save_weights(self.directory / WEIGHTS, self.networks)

    def policy(self) -> Policy:
        """Return the current policy; without PushNet if that is untrained."""
        recipe = self.recipe
        return Policy(
            network=recipe.network,
            decision=with_threshold(recipe.decision, self.grasp_threshold),
            primitive=recipe.primitive,
            grasp=self.networks["grasp"],
            push=self.networks["push"] if self.updates["push"] else None,
            metadata={
                "recipe": recipe.name,
                "seed": self.seed,
                "samples": [[s.name, n] for n, s in zip(self.samples, recipe.stages, strict=True)],
                "updates": self.updates,
                "wall_time_s": round(self.elapsed_s),
            },
            name=self.directory.name,
        )
