"""A training run: everything that changes while it goes on, and its directory.

config.json              the whole recipe and the seed; `--resume` needs nothing else
checkpoint.safetensors   weights, optimisers, chance and counts
replay/                  every action
weights.safetensors      what the rollout workers play with
metrics.jsonl, tensorboard/
policy/                  the result
"""

from __future__ import annotations

from collections.abc import Iterator
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


def is_trained(actions: npt.NDArray[np.void], stage: StageConfig) -> npt.NDArray[np.bool_]:
    """Which records, of dtype `replay.ACTION`, are of the primitive that their stage trains."""
    return actions["primitive"] == PRIMITIVES.index(stage.trains)


@dataclass
class Run:
    """The state of a run; see `begin_run` and `resume_run`."""

    directory: Path
    recipe: Recipe
    seed: int
    networks: dict[Primitive, QNetwork]
    optimizers: dict[Primitive, Optimizer]
    replay: Replay
    rng: np.random.Generator
    updates: dict[str, int]  # gradient steps so far, by primitive
    next_scene: list[int]  # number of the next scene, by stage
    samples: list[int]  # actions so far of the primitive that is trained, by stage
    grasp_threshold: float  # Q_g*
    elapsed_s: float = 0.0
    faults: int = 0  # scenes that the simulator gave up
    _last: dict[int, int] = field(default_factory=dict)  # newest record of each worker

    # --- collecting ------------------------------------------------------------------

    def epsilon(self, stage: int) -> float:
        """Chance of a random action now (section III-C.4)."""
        config = self.recipe.stages[stage]
        start, end = config.epsilon
        return max(end, start * config.epsilon_decay ** self.samples[stage])

    def next_job(self, stage: int) -> SceneJob:
        """The next scene to play; no scene is given out twice, not even after a kill."""
        scene = self.next_scene[stage]
        self.next_scene[stage] += 1
        return SceneJob(stage, scene, self.epsilon(stage), self.grasp_threshold)

    def record(self, worker: int, sample: Sample, stage: int) -> bool:
        """Keep a sample, unless it is of an earlier stage or the stage has all it needs."""
        is_full = self.samples[stage] >= self.recipe.stages[stage].n_samples
        if int(sample.action["stage"]) != stage or is_full:
            self._last.pop(worker, None)
            return False
        previous = self._last.get(worker, -1) if sample.follows else -1
        self._last[worker] = self.replay.append(sample.observation, sample.action, previous)
        self.samples[stage] += bool(is_trained(sample.action, self.recipe.stages[stage]))
        return True

    # --- learning --------------------------------------------------------------------

    def updates_owed(self, primitive: Primitive) -> int:
        """Gradient steps that the samples so far allow and that have not been taken.

        Samples of a network that rests count, too: it learns from them when its turn comes.
        """
        n = int((self.replay.actions["primitive"] == PRIMITIVES.index(primitive)).sum())
        allowed = self.recipe.updates_per_sample * max(0, n - self.recipe.batch_size)
        return int(allowed) - self.updates[primitive]

    def updates_planned(self, primitive: Primitive) -> int:
        """Gradient steps over which a network's rate falls: for the samples of its own stages.

        Those for the samples that it gets while the other learns come on top, at the last rate.
        """
        n = sum(c.n_samples for c in self.recipe.stages if c.trains == primitive)
        return int(self.recipe.updates_per_sample * max(0, n - self.recipe.batch_size))

    def measure_threshold(self) -> None:
        """Set Q_g* once stage 1 is over, from the network's own latest grasps there.

        Values: the level that the best Q_g has reached (the paper: 1.78). Probabilities mean
        the same in every network, so the recipe's number stays.
        """
        stages = list(self._stages())
        over = [i for i, (n, c) in enumerate(stages) if c.name == "grasp-goal" and n >= c.n_samples]
        if not over:
            return
        actions = self.replay.actions
        greedy = actions[(actions["stage"] == over[-1]) & ~actions["explored"]]
        if self.recipe.network.output == "value" and len(greedy):
            self.grasp_threshold = float(np.mean(greedy["q"][-RECENT:]))

    def _stages(self) -> Iterator[tuple[int, StageConfig]]:
        return zip(self.samples, self.recipe.stages, strict=True)

    # --- keeping ---------------------------------------------------------------------

    def save(self) -> None:
        """Make everything so far safe.

        Raises:
            UserError: the disk is full; what was saved before still holds.
        """
        self.replay.commit()
        state = {
            "updates": self.updates,
            "next_scene": self.next_scene,
            "grasp_threshold": self.grasp_threshold,
            "elapsed_s": self.elapsed_s,
            "faults": self.faults,
        }
        save_checkpoint(
            self.directory / CHECKPOINT, self.networks, self.optimizers, self.rng, state
        )

    def publish(self) -> None:
        """Give the workers the present weights."""
        save_weights(self.directory / WEIGHTS, self.networks)

    def policy(self) -> Policy:
        """The policy as it is now; without pushes if none has been learned from."""
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
                "samples": [[s.name, n] for n, s in self._stages()],
                "updates": self.updates,
                "wall_time_s": round(self.elapsed_s),
            },
            name=self.directory.name,
        )
