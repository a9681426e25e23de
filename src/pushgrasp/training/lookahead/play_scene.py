"""The worker's side of a value policy's training: play one scene, send its record."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import SimulatorFault, UserError
from ...policy.base import Decides
from ...policy.learned import Policy
from ...policy.load import load_policy
from ...policy.networks.compact import Compact
from ...policy.value.policy import ValuePolicy
from ...policy.value.saved import load_networks
from ...sim.robots.registry import gripper
from ...sim.scenes.build import build_scene
from ...utils.threads import use_one_thread
from .play import Behaviour
from .recipe import SELF, ValueRecipe
from .scenes import draw_scene
from .transitions import SceneRecord

ROBOT = "gantry"


@dataclass(frozen=True)
class PlaySetup:
    """Setup of a worker."""

    recipe: ValueRecipe
    seed: int  # of the run
    weights: Path  # the networks learned so far; missing in the first stage


@dataclass(frozen=True)
class PlayJob:
    """A scene to play."""

    stage: int
    scene: int  # its number in the stage


@dataclass(frozen=True)
class Played:
    """What came of a scene."""

    job: PlayJob
    record: SceneRecord | None  # None: a fault of the simulator left nothing to learn from


def prepare_scenes(setup: PlaySetup) -> Callable[[PlayJob], Iterator[Played]]:
    """Set up a worker."""
    use_one_thread()
    return ScenePlayer(setup)


class ScenePlayer:
    """Plays scenes with a stage's mixture of policies and chance; see `worker.Work`."""

    def __init__(self, setup: PlaySetup) -> None:
        self._setup = setup
        decision = setup.recipe.decision
        base = Policy.from_pretrained(decision.base, "cpu")
        if not isinstance(base.grasp, Compact):
            raise UserError(f"the base {decision.base!r} has no `compact` networks; take another")
        self._base, self._grasp_net = base, base.grasp
        self._stage, self._policies = -1, list[Decides]()

    def __call__(self, job: PlayJob) -> Iterator[Played]:
        """Play a scene."""
        stage = self._setup.recipe.stages[job.stage]
        if job.stage != self._stage:
            self._stage, self._policies = job.stage, [self._load(name) for name in stage.policies]
        seed = stage_seed(self._setup.seed, job.stage)
        with tempfile.TemporaryDirectory() as folder:
            config, rng = draw_scene(seed, job.scene, Path(folder))
            try:
                scene = build_scene(config)
            except (SimulatorFault, UserError):  # a packing may not lie still
                yield Played(job, None)
                return
        scene.world.skip_free_motion = True
        kind = Path(config.name).name.split("-")[0] if "/" in config.name else config.name
        about = {"scene": kind, "objects": len(scene.world.object_names), "seed": config.seed}
        behaviour = Behaviour(
            scene, self._policies, rng, policy_share=stage.policy_share, grasp_net=self._grasp_net
        )
        yield Played(job, behaviour.play(about))

    def _load(self, name: str) -> Decides:
        if name != SELF:
            return load_policy(name, gripper(ROBOT))
        decision = self._setup.recipe.decision
        return ValuePolicy(
            load_networks(self._setup.weights), gripper(ROBOT), self._base, 0.0, self._grasp_net,
            decision.patience,
        )  # fmt: skip


def stage_seed(seed: int, stage: int) -> int:
    """Return the seed of a stage's scenes."""
    return int(np.random.SeedSequence(seed, spawn_key=(stage,)).generate_state(1, np.uint64)[0])
