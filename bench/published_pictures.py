"""Draw the decisions of some published trials, so that their report shows them.

    python bench/published_pictures.py results/random
    pushgrasp report results/random

Plays again, for each policy and group, its first trial that was not completed, and for one policy
its first completed ones, and keeps the strip of every trial that came out exactly as recorded.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pushgrasp.evaluation.records import TrialRecord
from pushgrasp.evaluation.reproduce import difference, find_trial
from pushgrasp.evaluation.results import read_settings, read_trials, strip_path
from pushgrasp.evaluation.steps import StepRecorder
from pushgrasp.evaluation.trial import play, scene_config
from pushgrasp.policy.load import load_policy
from pushgrasp.sim.robots.registry import gripper
from pushgrasp.sim.scenes.build import build_scene
from pushgrasp.utils.threads import use_one_thread
from pushgrasp.view.draw.actions import ActionGeometry
from pushgrasp.view.trial_strips import StripWriter


def chosen(records: list[TrialRecord], policy: str, most_steps: int) -> list[TrialRecord]:
    """Choose the trials to draw: short enough, and without a simulator fault before."""
    found: dict[tuple[str, str, bool], TrialRecord] = {}
    for record in records:
        if record.faults or not 0 < len(record.steps) <= most_steps:
            continue
        if not record.success or record.policy == policy:
            found.setdefault((record.policy, record.group, record.success), record)
    return list(found.values())


def draw(folder: Path, record: TrialRecord) -> str:
    """Play a trial again and keep its strip; returns the difference to the record, if any."""
    settings, (records, _) = read_settings(folder), read_trials(folder)
    trial = find_trial(settings, records, f"{record.group}:{record.index}", record.policy, folder)
    policy = load_policy(trial.source, gripper(trial.spec.robot))
    scene = build_scene(scene_config(trial.spec, record.seed))
    path = strip_path(folder, record.policy, record.group, record.index)
    writer = StripWriter(path, ActionGeometry(policy.primitive, gripper(trial.spec.robot)))
    recorder = StepRecorder(writer.begin_attempt())
    result = play(scene, policy, trial.spec.view, on_step=recorder)
    differs = difference(record, scene.visible_fraction, recorder.steps, result)
    if not differs:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer.finish()
    return differs


def main() -> int:
    parser = argparse.ArgumentParser(description="pictures for a published report")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--policy", default="default", help="whose completed trials are drawn, too")
    parser.add_argument("--most-steps", type=int, default=20, help="longer trials are left out")
    args = parser.parse_args()
    use_one_thread()
    records, _ = read_trials(args.folder)
    trials = chosen(records, args.policy, args.most_steps)
    for i, record in enumerate(trials, 1):
        name = f"{record.policy} {record.group}:{record.index}"
        print(f"{i}/{len(trials)} {name}: {draw(args.folder, record) or 'as recorded'}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
