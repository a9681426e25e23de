"""What a trial is, before and after it is played."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np

from ..interfaces import Primitive
from ..sim.cameras.views import ViewConfig

Key = tuple[str, str, int]
"""Policy, group and index."""

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
    policy: str = "default"  # its name in the records; all policies meet the same scenes

    @property
    def key(self) -> Key:
        """What tells the trial from the others of a run."""
        return self.policy, self.group, self.index

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
class StepRecord:
    """One action, as the robot and the truth saw it."""

    primitive: Primitive
    target_is_goal: bool  # False: another object took its place
    goal_visible_px: int  # heightmap pixels of the goal that the robot saw before
    position: tuple[float, float, float]  # m, world frame: the surface point under the pixel
    yaw: float  # rad: grasp: closing direction; push: direction of travel
    q: float | None  # value of the action; None: the policy gives none
    q_grasp: float | None  # best Q_g over the goal or its stand-in; None: there was none
    q_push: float | None  # Q_p of the best push; None: there was none, or none was needed
    holding: bool  # the robot believes that it carried something away
    holds_goal: bool  # and that it was the goal
    changed: bool  # the camera saw the scene change
    executed: bool  # False: the robot stopped early
    lifted: bool  # the jaw carried something away (the simulator's truth)
    why: str  # of the decision, in words
    decision_s: float  # s of wall time from the picture to the action
    action_s: float  # s of wall time for the motion


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """One trial, scored by the simulator's truth."""

    policy: str = "default"  # its name in the run
    scene: str = ""  # as in SceneConfig.name
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
    steps: tuple[StepRecord, ...] = ()  # its actions, of the attempt that was scored

    @property
    def key(self) -> Key:
        """What tells the trial from the others of a run."""
        return self.policy, self.group, self.index

    @property
    def actions(self) -> int:
        """Pushes and grasps."""
        return self.pushes + self.grasps
