"""`pushgrasp replay`: a trial of an evaluation again, exactly, and shown."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from rich.console import Console

from ..errors import SimulatorFault, UserError
from ..evaluation.reproduce import RecordedTrial, difference, failed_trials, find_trial, same
from ..evaluation.results import read_settings, read_trials
from ..evaluation.steps import StepRecorder
from ..evaluation.trial import scene_config
from ..policy.load import load_policy
from ..sim.robots.registry import gripper
from ..sim.scenes.build import build_scene
from ..utils.threads import use_one_thread
from .show import check_places, show_episode

FAILURES = "failures"
"""In place of a trial: the list of those that were not completed."""


def run_replay(
    folder: Path, trial: str, *, policy: str | None, out: Path, video: bool, rerun: Path | None
) -> int:
    """Play a trial again, or list the failed ones; see `cli.Replay` for the arguments."""
    settings = read_settings(folder)
    records, damaged = read_trials(folder)
    for sentence in damaged:
        print(f"warning: {sentence}", file=sys.stderr)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if trial == FAILURES:
        for line in failed_trials(settings, records, policy, folder) or ["no trial failed"]:
            console.print(line)
        return 0
    chosen = find_trial(settings, records, trial, policy, folder)
    check_places(out, rerun)
    for change in chosen.changes:
        print(f"warning: {change}", file=sys.stderr)
    return _play(chosen, out, video, rerun, console)


def _play(
    chosen: RecordedTrial, out: Path, video: bool, rerun: Path | None, console: Console
) -> int:
    use_one_thread()
    record, spec = chosen.record, chosen.spec
    policy = load_policy(chosen.source, gripper(spec.robot))
    config = dataclasses.replace(scene_config(spec, record.seed), visual_meshes=video)
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
            scene, policy, spec.view, policy_name=record.policy, out=out, video=video,
            rerun=rerun, console=console, on_step=recorder,
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
