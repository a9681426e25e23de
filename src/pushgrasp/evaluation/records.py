"""What a trial is, before and after it is played."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np

from ..sim.views import ViewConfig

SPAWN_KEY = 2
"""Sets the seeds of evaluation apart from those of training, which have 1."""


@dataclass(frozen=True)
class TrialSpec:
    """Which trial to play; everything else follows from it and the policy."""

    group: str
    index: int  # from 0
    scene: str  # as in SceneConfig.name
    n_objects: int  # where they are dropped; fixed scenes bring their own
    goal: int  # index of the goal among the scene's objects
    run_seed: int
    robot: str = "gantry"
    view: ViewConfig = field(default_factory=ViewConfig)
    randomise: bool = False
    fixed: bool = False  # a fixed scene: its objects' places, friction and depth are varied

    def seed(self, attempt: int = 0) -> int:
        """The scene's seed; the same whichever trials are played, and in which order.

        Args:
            attempt: 0, or the number of faults so far.
        Returns:
            A number below 2**53, which JSON keeps.
        """
        key = (SPAWN_KEY,) if attempt == 0 else (SPAWN_KEY, attempt)
        entropy = [self.run_seed, zlib.crc32(self.group.encode()), self.index]
        state = np.random.SeedSequence(entropy, spawn_key=key).generate_state(1, np.uint64)
        return int(state[0] >> 11)


@dataclass(frozen=True)
class TrialRecord:
    """One trial, scored by the simulator's truth."""

    group: str  # e.g. random-20
    index: int  # of the trial in its group, from 0
    seed: int  # of the scene that was scored
    goal: str  # name of the goal object
    visible_fraction: float  # of the goal, at the start
    success: bool  # the jaw took the goal off the table
    claimed_success: bool  # the robot said so
    reason: str  # why the trial ended
    pushes: int
    grasps: int
    good_grasps: int  # grasps that lifted any object
    faults: tuple[str, ...] = ()  # of attempts at this trial that were not scored
    decision_s: float | None = None  # median of the trial; None without a decision
    wall_s: float = 0.0  # s, faulty attempts included
    robot_s: float = 0.0  # s of simulated time, from the first look to the end
    refusals: int = 0  # actions that the robot refused before it moved

    @property
    def actions(self) -> int:
        """Pushes and grasps."""
        return self.pushes + self.grasps
