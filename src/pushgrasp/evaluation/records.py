"""A trial: its specification before it is played, its record afterwards."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np

from ..retrieve import End
from ..sim.cameras.views import ViewConfig
from ..workspace import Workspace
from .steps import StepRecord

Key = tuple[str, str, int]
"""Policy, group and index."""

SPAWN_KEY = 2
"""Separates the seeds of evaluation from those of training, which have 1."""


@dataclass(frozen=True)
class TrialSpec:
    """All that determines a trial, the policy's weights aside."""

    group: str
    index: int  # from 0
    scene: str  # as in SceneConfig.name
    n_objects: int  # of a procedural scene; fixed scenes bring their own
    goal: int  # index of the goal among the scene's objects
    run_seed: int
    robot: str = "gantry"
    view: ViewConfig = field(default_factory=ViewConfig)
    workspace: Workspace | None = None  # None: the scene's own
    randomise: bool = False
    perturb: bool = False  # vary a fixed scene: its objects' poses, friction, depth noise
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)  # m, as in SceneConfig
    meshes: str | None = None  # folder, as in SceneConfig
    policy: str = "default"  # its name in the records; all policies meet the same scenes

    @property
    def key(self) -> Key:
        """Unique key within a run."""
        return self.policy, self.group, self.index

    def seed(self, attempt: int = 0) -> int:
        """Derive the scene's seed from the run's seed, the group and the index alone.

        Args:
            attempt: 0, or the number of faults so far.
        Returns:
            A number below 2**53, which JSON keeps.
        """
        key = (SPAWN_KEY,) if attempt == 0 else (SPAWN_KEY, attempt)
        entropy = [self.run_seed, zlib.crc32(self.group.encode()), self.index]
        state = np.random.SeedSequence(entropy, spawn_key=key).generate_state(1, np.uint64)
        return int(state[0] >> 11)


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """One trial, scored by the simulator's ground truth."""

    policy: str = "default"  # its name in the run
    scene: str = ""  # as in SceneConfig.name
    group: str  # e.g. random-20
    index: int  # of the trial in its group, from 0
    seed: int  # of the scene that was scored
    goal: str  # name of the goal object
    visible_fraction: float  # of the goal, at the start
    success: bool  # the jaw took the goal off the table and the robot did not stop
    claimed_success: bool  # the robot said that it has the goal
    end: End | None  # why the trial ended; None: unknown, in a record that has only words
    reason: str  # the same as a sentence
    pushes: int
    grasps: int
    good_grasps: int  # grasps that lifted any object
    faults: tuple[str, ...] = ()  # simulator faults of earlier attempts, which are not scored
    play_faults: int = 0  # how many of them came while the policy played, not while building
    decision_s: float | None = None  # median of the trial; None without a decision
    wall_s: float = 0.0  # s, aborted attempts included
    robot_s: float = 0.0  # s of simulated time, from the first look to the end
    refusals: int = 0  # actions that the robot refused before it moved
    action_limit: int | None = None  # of the trial; None: unknown, in an old record
    commit: str | None = None  # of the code that played it; None: unknown
    steps: tuple[StepRecord, ...] = ()  # the actions of the attempt that was scored

    @property
    def key(self) -> Key:
        """Unique key within a run."""
        return self.policy, self.group, self.index

    @property
    def actions(self) -> int:
        """Number of pushes and grasps."""
        return self.pushes + self.grasps
