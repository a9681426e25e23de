"""Recorded trials, played again and kept with all that was seen, done and achieved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import SimulatorFault
from ..evaluation.records import TrialRecord
from ..evaluation.reproduce import RecordedTrial, difference, find_trial
from ..evaluation.results import read_settings, read_trials
from ..evaluation.steps import StepRecorder
from ..evaluation.trial import play, scene_config
from ..interfaces import Camera, RGBDFrame
from ..perception.colors import color_name
from ..policy.load import load_policy
from ..retrieve import Step
from ..sim.robots.registry import gripper
from ..sim.scenes.build import Scene, build_scene

ACTION_NAMES = ("is_push", "rotation", "row", "column", "x", "y", "z", "yaw")
"""Numbers of an action: 0 grasp or 1 push; 0 to 15; pixel of the heightmap; its surface point,
m, world frame; rad: closing direction of a grasp, direction of travel of a push."""
OUTCOME_NAMES = ("holding", "holds_goal", "changed", "lifted")
"""What the robot believes after the action (see `interfaces.Outcome`), and whether the jaw lifted
something by the ground truth."""


@dataclass(frozen=True)
class ExportedStep:
    """One action: what was seen before it, what was done, what came of it."""

    image: npt.NDArray[np.uint8]  # (H, W, 3) sRGB of the first camera
    depth: npt.NDArray[np.float32]  # (H, W) m; 0: no return
    color: npt.NDArray[np.uint8]  # (N, N, 3) sRGB of the heightmap
    height: npt.NDArray[np.float32]  # (N, N) m above the table; NaN: unseen
    objects: npt.NDArray[np.bool_]  # (N, N)
    goal: npt.NDArray[np.bool_]  # (N, N); empty while it is hidden
    action: npt.NDArray[np.float32]  # ACTION_NAMES
    outcome: npt.NDArray[np.bool_]  # OUTCOME_NAMES


@dataclass
class ExportedEpisode:
    """A trial that was played again."""

    record: TrialRecord
    goal_rgb: tuple[int, int, int]  # sRGB
    resolution: float  # m per pixel of the heightmap
    steps: list[ExportedStep] = field(default_factory=list[ExportedStep])
    success: bool = False  # by the ground truth
    differs: str = ""  # how it differs from the record; "": it does not

    @property
    def task(self) -> str:
        """The task in words."""
        return f"Retrieve the {color_name(self.goal_rgb)} object from the pile."


def recorded_trials(folder: Path, policy: str | None, limit: int | None) -> list[RecordedTrial]:
    """Find the trials of an evaluation.

    Args:
        folder: of the evaluation.
        policy: whose trials; None: of the only one. See `find_trial`.
        limit: of the number of trials, the first of each group in turn; None: all.
    Raises:
        UserError: there are none, or a scene or a policy is gone.
    """
    settings = read_settings(folder)
    records, _ = read_trials(folder)
    names = dict.fromkeys((r.index, r.group) for r in records)
    keys = sorted(names, key=lambda key: key[0])[:limit]
    return [
        find_trial(settings, records, f"{group}:{index}", policy, folder) for index, group in keys
    ]


def play_again(trials: Sequence[RecordedTrial], device: str = "auto") -> Iterator[ExportedEpisode]:
    """Play recorded trials again, one after another.

    A trial that a simulator fault ends is left out; one that differs from its record says how.

    Args:
        trials: from `recorded_trials`.
        device: see `load_policy`.
    """
    for trial in trials:
        record, spec = trial.record, trial.spec
        policy = load_policy(trial.source, gripper(spec.robot), device=device)
        scene = build_scene(scene_config(spec, record.seed))
        if spec.view.cameras:
            scene.visible_fraction = scene.visible_from(spec.view)
        visible = scene.visible_fraction
        episode = ExportedEpisode(record, scene.goal_rgb, scene.workspace.resolution)
        # Not one of the robot's cameras, so that watching changes nothing.
        recorder = StepRecorder(_Collector(episode, scene.make_cameras(spec.view)[0]))
        try:
            result = play(scene, policy, spec.view, on_step=recorder)
        except SimulatorFault:
            continue
        episode.success = result.success
        episode.differs = difference(record, visible, recorder.steps, result)
        yield episode


class _Collector:
    """Keeps each action with the image from before it; see `OnStep`."""

    def __init__(self, episode: ExportedEpisode, camera: Camera) -> None:
        self._episode, self._camera = episode, camera
        self._frame = camera.capture()

    def __call__(self, scene: Scene, step: Step, lifted: bool) -> None:
        if step.decision.action is not None:
            self._episode.steps.append(exported_step(step, self._frame, lifted))
        self._frame = self._camera.capture()


def exported_step(step: Step, frame: RGBDFrame, lifted: bool) -> ExportedStep:
    """Return what is kept of a step.

    Args:
        step: of `retrieve`, with an action.
        frame: the camera image from before it.
        lifted: the jaw lifted an object, by the ground truth.
    """
    action, outcome, seen = step.decision.action, step.outcome, step.observation
    assert action is not None
    numbers = (
        action.primitive == "push", action.rotation, *action.pixel, *action.position, action.yaw
    )  # fmt: skip
    flags = (outcome.holding, outcome.holds_goal, outcome.changed, lifted)
    return ExportedStep(
        image=frame.color,
        depth=np.nan_to_num(frame.depth),
        color=seen.heightmap.color,
        height=seen.heightmap.height,
        objects=seen.objects,
        goal=seen.goal,
        action=np.array(numbers, np.float32),
        outcome=np.array(flags, bool),
    )
