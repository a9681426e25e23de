"""`pushgrasp replay`: play a recorded trial again and show it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from ..errors import SimulatorFault, UserError
from .options import Device, EpisodeOptions, Folder

if TYPE_CHECKING:
    from ..evaluation.reproduce import RecordedTrial

FAILURES = "failures"
"""In place of a trial: list the trials that were not completed."""


@dataclass(frozen=True, kw_only=True)
class ReplayCommand(EpisodeOptions):
    """Play a trial of an evaluation again, exactly as recorded, with pictures and video.

    Examples:
      pushgrasp replay runs/two failures
      pushgrasp replay runs/two random-20:7 --policy default
    """

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """Folder of the evaluation."""
    trial: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="GROUP:INDEX|failures")]
    """The trial, such as random-20:7; failures lists those that were not completed, and why."""
    policy: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="NAME|DIR|FILE.py:CLASS", help_behavior_hint="(default: the only one)"
        ),
    ] = None
    """Whose trial, if several policies played it; or where that policy is now."""
    device: Device = "auto"
    """Where networks run: cpu, cuda, cuda:1; auto: a GPU for densenet121, else the CPU."""
    out: Folder = Path("pushgrasp-replay")
    """Folder for pictures, video and episode.json; an earlier episode's is replaced."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..evaluation.reproduce import failed_trials, find_trial
        from ..evaluation.results import read_settings, read_trials

        settings = read_settings(self.folder)
        records, damaged = read_trials(self.folder)
        for sentence in damaged:
            print(f"warning: {sentence}", file=sys.stderr)
        if self.trial == FAILURES:
            lines = failed_trials(settings, records, self.policy, self.folder)
            print(*(lines or ["no trial failed"]), sep="\n")
            return 0
        recorded = find_trial(settings, records, self.trial, self.policy, self.folder)
        self.check()
        for change in recorded.changes:
            print(f"warning: {change}", file=sys.stderr)
        return _play(recorded, self)


def _play(recorded: RecordedTrial, options: ReplayCommand) -> int:
    from ..evaluation.reproduce import difference, same
    from ..evaluation.steps import StepRecorder
    from ..evaluation.trial import scene_config
    from ..policy.load import load_policy
    from ..sim.robots.registry import gripper
    from ..sim.scenes.build import build_scene
    from ..utils.threads import use_one_thread
    from .show import show_episode

    use_one_thread()
    console = Console(highlight=False, markup=False, soft_wrap=True)
    record, spec = recorded.record, recorded.spec
    policy = load_policy(recorded.source, gripper(spec.robot), device=options.device)
    config = scene_config(spec, record.seed)
    recorder = StepRecorder()
    try:
        with console.status("building the scene"):
            scene = build_scene(config)
        if scene.goal_name != record.goal:
            raise UserError(
                f"the goal of {record.group}:{record.index} was {record.goal}, and is "
                f"{scene.goal_name} now; has the scene {spec.scene} been changed?"
            )
        result = show_episode(
            scene, policy, spec.view, options, policy_name=record.policy, console=console,
            on_step=recorder,
        )  # fmt: skip
    except SimulatorFault as fault:
        console.print(
            f"Not as recorded: after {len(recorder.steps)} actions the simulator failed: {fault}",
            style="bold red",
        )
        return 1
    differs = difference(record, scene.visible_fraction, recorder.steps, result)
    console.print(f"Not as recorded: {differs}." if differs else same(recorder.steps))
    return 1 if differs else 0
