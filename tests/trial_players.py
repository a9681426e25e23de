"""Players of trials that need no simulator, for other processes to import."""

from __future__ import annotations

import os
import time
from typing import Any

from pushgrasp.evaluation.player import Play
from pushgrasp.evaluation.records import TrialRecord, TrialSpec
from pushgrasp.evaluation.steps import StepRecord
from pushgrasp.retrieve import End


def step(**values: Any) -> StepRecord:
    """A grasp of the goal that succeeds, but for the values given."""
    given: dict[str, Any] = {
        "primitive": "grasp",
        "target_is_goal": True,
        "goal_visible_px": 400,
        "position": (-0.5, 0.1234567, 0.02),
        "yaw": 0.5,
        "q": 0.75,
        "q_grasp": 0.75,
        "q_push": None,
        "holding": True,
        "holds_goal": True,
        "changed": True,
        "executed": True,
        "lifted": True,
        "why": "Q_g 0.75 is over 0.5",
        "decision_s": 0.0123456,
        "action_s": 0.1,
    }
    return StepRecord(**(given | values))


def trial(index: int = 0, *, success: bool = True, **values: Any) -> TrialRecord:
    """A trial of one grasp, but for the values given."""
    given: dict[str, Any] = {
        "group": "random-10",
        "scene": "random",
        "seed": index,
        "goal": "object_00",
        "visible_fraction": 0.5,
        "claimed_success": success,
        "end": End.GOAL_IN_HAND if success else End.FAILED_GRASPS,
        "reason": "the goal is in the hand" if success else "5 grasps in a row failed",
        "pushes": 0,
        "grasps": 1,
        "good_grasps": int(success),
        "steps": (step(),),
    }
    return TrialRecord(index=index, success=success, **(given | values))


def record_of(spec: TrialSpec) -> TrialRecord:
    """A trial that follows from its spec alone."""
    luck = spec.seed() + len(spec.policy)
    success = luck % 3 > 0
    return trial(
        spec.index,
        success=success,
        policy=spec.policy,
        group=spec.group,
        scene=spec.scene,
        seed=spec.seed(),
        visible_fraction=(luck % 7) / 6,
        pushes=luck % 5,
        grasps=1 + luck % 2,
        decision_s=(luck % 1000) / 30_011,
        wall_s=(luck % 1000) / 300,
        robot_s=(luck % 1000) / 30,
    )


def play_quickly(_: Any) -> Play:
    """Later trials sooner."""

    def play(spec: TrialSpec) -> TrialRecord:
        time.sleep(0.02 * ((spec.index + 1) % 3))
        return record_of(spec)

    return play


def die_always(_: Any) -> Play:
    def play(_spec: TrialSpec) -> TrialRecord:
        os._exit(9)

    return play
