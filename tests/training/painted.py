"""Training without a simulator: painted scenes, a small recipe, rollouts in this process."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from pushgrasp.interfaces import Action, Primitive
from pushgrasp.perception.colors import PALETTE, parse_color
from pushgrasp.perception.heightmap import Heightmap
from pushgrasp.perception.observation import Observation
from pushgrasp.perception.segmentation import label_objects, object_mask
from pushgrasp.policy.config import NetworkConfig
from pushgrasp.sim.scenes.build import SceneConfig
from pushgrasp.training.actor import RolloutSetup
from pushgrasp.training.config import TrainingConfig
from pushgrasp.training.messages import Message, Sample, SceneEnd, SceneJob
from pushgrasp.training.recipes import Recipe, StageConfig
from pushgrasp.training.rollout import ScenePlayer
from pushgrasp.training.run import WEIGHTS, Run
from pushgrasp.training.run_folder import create_run, prepare_start
from pushgrasp.training.task import RGB, Timer
from pushgrasp.workspace import Workspace

WORKSPACE = Workspace()


TINY = Recipe(
    name="tiny",
    network=NetworkConfig(crop_px=48, crop_resolution=0.005, widths=(8, 8, 8)),
    stages=(
        StageConfig("grasp-any", n_objects=(5, 6), n_samples=20, epsilon=(1.0, 0.5)),
        StageConfig("grasp-goal", n_objects=(6,), n_samples=20, epsilon=(0.5, 0.2)),
        StageConfig("push", n_objects=(6,), n_samples=12, epsilon=(0.5, 0.2)),
    ),
    discount=0.0,
    loss="bce",
    learning_rate=3e-3,
    learning_rate_end=1e-3,
    batch_size=8,
    updates_per_sample=0.5,
    replay_priority=0.0,
)


VALUES = dataclasses.replace(TINY.network, output="value")


LONGEST = dataclasses.replace(
    TINY, stages=tuple(dataclasses.replace(stage, n_samples=600) for stage in TINY.stages)
)
LONGER = dataclasses.replace(
    TINY, stages=tuple(dataclasses.replace(stage, n_samples=60) for stage in TINY.stages)
)


class PaintedTask:
    """Bars of 20 x 60 mm on a table, drawn straight into the heightmap; a TrainingTask.

    A grasp takes a bar if the jaw closes within 30 degrees of across it. A push moves what is
    under the pixel by 20 mm.
    """

    def __init__(self, config: SceneConfig, recipe: Recipe, timer: Timer) -> None:
        rng = np.random.default_rng(config.seed)
        rows, columns = np.mgrid[60:180:40, 60:180:40]
        places = rng.permutation(np.stack([rows.ravel(), columns.ravel()], 1))
        self.bars = {
            f"object_{i:02d}": (
                places[i].astype(float),
                float(rng.uniform(0, np.pi)),
                parse_color(c),
            )
            for i, c in enumerate(list(PALETTE.values())[: min(config.n_objects, len(places))])
        }

    def observe(self) -> Observation:
        color = np.full((*WORKSPACE.shape, 3), 90, np.uint8)
        height = np.zeros(WORKSPACE.shape, np.float32)
        height[:4] = np.nan
        for name, (_, _, rgb) in self.bars.items():
            color[self.mask(name)] = rgb
            height[self.mask(name)] = 0.04
        heightmap = Heightmap(color, height, WORKSPACE)
        none = np.zeros(WORKSPACE.shape, bool)
        return Observation(heightmap, label_objects(heightmap), object_mask(heightmap), none)

    def mask(self, name: str) -> np.ndarray:
        place, angle, _ = self.bars[name]
        row, column = np.mgrid[: WORKSPACE.shape[0], : WORKSPACE.shape[1]]
        along = (column - place[1]) * np.cos(angle) + (row - place[0]) * np.sin(angle)
        across = (row - place[0]) * np.cos(angle) - (column - place[1]) * np.sin(angle)
        return (np.abs(along) <= 15) & (np.abs(across) <= 5)

    def objects(self) -> dict[str, RGB]:
        return {name: rgb for name, (_, _, rgb) in self.bars.items()}

    def act(self, action: Action) -> list[str]:
        for name, (place, angle, rgb) in self.bars.items():
            if not self.mask(name)[action.pixel]:
                continue
            if action.primitive == "push":
                way = 10 * np.array([np.sin(action.yaw), np.cos(action.yaw)])
                self.bars[name] = (place + way, angle, rgb)
                return []
            if abs(np.sin(action.yaw - angle)) > np.cos(np.radians(30)):
                del self.bars[name]
                return [name]
        return []


class InlineRollouts:
    """Plays painted scenes in this process, one at a time."""

    def __init__(self, run: Run) -> None:
        setup = RolloutSetup(run.recipe, run.seed, run.directory / WEIGHTS)
        self._player = ScenePlayer(setup, make_task=PaintedTask)
        self._messages: Iterator[Message] = iter(())
        self._is_busy = False
        self.scenes: list[tuple[int, int]] = []
        self.jobs: list[SceneJob] = []
        self.deaths = 0

    def assign(self, next_job) -> None:
        if not self._is_busy:
            job = next_job()
            self.scenes.append((job.stage, job.scene))
            self.jobs.append(job)
            self._messages, self._is_busy = self._player(job), True

    def cancel(self) -> None:
        self._is_busy = False

    def receive(self, timeout: float) -> list[tuple[int, Message]]:
        message = next(self._messages, None)
        if message is None or isinstance(message, SceneEnd):
            self._is_busy = False
        return [] if message is None else [(0, message)]


class StopsAfter(InlineRollouts):
    """Sends this process SIGINT after n samples."""

    def __init__(self, run: Run, n: int) -> None:
        super().__init__(run)
        self._left = n

    def receive(self, timeout: float) -> list[tuple[int, Message]]:
        got = super().receive(timeout)
        self._left -= sum(isinstance(message, Sample) for _, message in got)
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGINT)
            self._left = -1
        return got


def new_run(directory: Path, recipe: Recipe = TINY, seed: int = 0) -> Run:
    directory.mkdir(parents=True, exist_ok=True)
    return create_run(directory, prepare_start(directory, recipe, TrainingConfig(seed=seed)))


def fill(run: Run, n: int, stage: int = 1) -> None:
    """Record n samples without learning."""
    assert n <= run.recipe.stages[stage].n_samples
    source = InlineRollouts(run)
    while run.samples[stage] < n:
        source.assign(
            lambda: dataclasses.replace(run.next_job(stage), grasp_threshold=1.0, epsilon=1.0)
        )
        for worker, message in source.receive(0):
            if isinstance(message, Sample):
                run.record(worker, message, stage)


def state_of(run: Run, primitive: Primitive) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in run.networks[primitive].state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[key], b[key]) for key in a)
