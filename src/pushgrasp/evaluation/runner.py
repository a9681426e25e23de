"""Many trials on several processes; the result does not depend on how many."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

from .. import __version__
from ..colors import PALETTE
from ..errors import UserError
from ..files import check_output_folder, to_json, write_atomic, write_json
from ..sim.layouts import (
    DROPPED,
    choose_goal,
    expand,
    known_scenes,
    possible_goals,
    read_fixed,
)  # fmt: skip
from ..sim.robots import robot_model
from ..sim.views import ViewConfig
from .metrics import score_groups
from .processes import Play, run_parallel
from .records import TrialRecord, TrialSpec

CONTENTS = ("trials.jsonl", "summary.json")
"""What `evaluate` leaves in its folder; the summary comes last."""

Progress = Callable[[int, int, TrialRecord], None]
"""Called after each trial with how many are done, how many there are, and the trial's record."""


def evaluate(
    policy: str | Path,
    scenes: Sequence[str],
    objects: Sequence[int],
    *,
    trials: int,
    seed: int,
    workers: int,
    out: str | Path,
    goal: int | None = None,
    robot: str = "gantry",
    view: ViewConfig | None = None,
    randomise: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Play trials with a policy and work out its rates.

    Args:
        policy: name or directory of a policy.
        scenes: random, heap, challenging-01 and so on, or preset files; a group each, or one
            for each number of objects.
        objects: numbers of objects of random and heap scenes.
        trials: of each group.
        seed: of the run; each trial's own follows from it, the group's name and its index.
        workers: processes, one thread each.
        out: folder for trials.jsonl, a line a trial as it ends, and at last summary.json.
        goal: index of the goal among the objects; None: the first and the second object in
            turn in random and heap scenes, the first in the workspace in fixed ones.
        robot: which one.
        view: its cameras; None for the default one.
        randomise: vary masses, frictions, sizes, colours and light.
        progress: see Progress.
    Returns:
        What is in summary.json: the settings, `groups` (see metrics.Group), and totals.
    Raises:
        UserError: bad settings, no such scene or policy, or no place for the results.
        SimulatorFault: the simulator spoilt every attempt at a trial.
    """
    from ..policy import Policy

    specs = plan_trials(scenes, objects, trials=trials, seed=seed, goal=goal, robot=robot)
    common = {"view": view or ViewConfig(), "randomise": randomise}
    specs = [dataclasses.replace(spec, **common) for spec in specs]
    if workers < 1:
        raise UserError(f"--workers {workers}: at least one process is needed")
    Policy.from_pretrained(str(policy))  # a wrong one is found out before anything is written
    folder = check_output_folder(out, CONTENTS, CONTENTS[0])
    (folder / CONTENTS[1]).unlink(missing_ok=True)  # it would tell of other trials
    write_atomic(folder / CONTENTS[0], "")
    start, records = time.perf_counter(), []
    played = run_parallel(specs, min(workers, len(specs)), load_player, str(policy))
    with open(folder / CONTENTS[0], "a", encoding="utf-8") as log, closing(played):
        for record in played:
            records.append(record)
            _append(log, record)
            if progress is not None:
                progress(len(records), len(specs), record)
    order = {(spec.group, spec.index): i for i, spec in enumerate(specs)}
    records.sort(key=lambda r: order[r.group, r.index])
    groups = score_groups(records)
    summary = {
        "policy": str(policy),
        "scenes": list(scenes),
        "objects": list(objects),
        "goal": goal,
        "robot": robot,
        "cameras": [camera.name for camera in common["view"].cameras],
        "noise": common["view"].noise,
        "camera_backend": common["view"].backend,
        "randomise": randomise,
        "trials": trials,
        "seed": seed,
        "version": __version__,
        "groups": [dataclasses.asdict(group) for group in groups],
        "faults": sum(group.faults for group in groups),
        "wrong_claims": sum(group.wrong_claims for group in groups),
        "missed_claims": sum(group.missed_claims for group in groups),
        "wall_s": time.perf_counter() - start,
    }
    write_json(folder / CONTENTS[1], summary)
    return summary


def plan_trials(
    scenes: Sequence[str],
    objects: Sequence[int],
    *,
    trials: int,
    seed: int,
    goal: int | None,
    robot: str = "gantry",
) -> list[TrialSpec]:
    """The trials of a run, group after group.

    Args:
        scenes, objects, trials, seed, goal, robot: as for `evaluate`.
    Raises:
        UserError: bad settings, or no such scene.
    """
    if trials < 1:
        raise UserError(f"--trials {trials}: at least one trial is needed")
    if seed < 0:
        raise UserError(f"--seed {seed}: a seed is 0 or more")
    robot_model(robot)  # an unknown one is an error
    if not scenes:
        raise UserError(f"no scene given; there are: {known_scenes()}")
    specs: list[TrialSpec] = []
    groups: set[str] = set()
    for scene in [one for name in scenes for one in expand(name)]:
        fixed = scene not in DROPPED
        for n_objects, goals in [_fixed(scene)] if fixed else _dropped(scene, objects):
            group = Path(scene).stem if fixed else f"{scene}-{n_objects}"
            if group in groups:
                raise UserError(f"two groups would be called {group}; name each scene once")
            groups.add(group)
            if goal is not None:
                goals = [_checked_goal(goal, goals, scene, n_objects)]
            default = goals[:1] if fixed else goals[:2]
            specs += [
                TrialSpec(
                    group, i, scene, n_objects, default[i % len(default)], seed, robot, fixed=fixed
                )
                for i in range(trials)
            ]
    return specs


def _dropped(scene: str, objects: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Numbers of objects and possible goals of a scene whose objects are dropped."""
    if not objects:
        raise UserError(f"the scene {scene} needs --objects, one or more numbers")
    for n in objects:
        if not 1 <= n <= len(PALETTE):
            raise UserError(f"--objects {n}: a scene has 1 to {len(PALETTE)} objects")
    return [(n, list(range(n))) for n in objects]


def _fixed(scene: str) -> tuple[int, list[int]]:
    """Number of objects and possible goals, which lie in the workspace, of a fixed scene."""
    layout = read_fixed(scene)
    first = choose_goal(layout, None, scene)
    others = [i for i in possible_goals(layout) if i != first]
    return len(layout.objects), [first, *others]


def _checked_goal(goal: int, goals: Sequence[int], scene: str, n_objects: int) -> int:
    if not 0 <= goal < n_objects:
        raise UserError(
            f"--goal {goal}: {scene} has {n_objects} objects, so the goal is 0 to {n_objects - 1}"
        )
    if goal not in goals:
        raise UserError(
            f"--goal {goal}: that object of {scene} lies outside the workspace; "
            f"in it are {', '.join(map(str, goals))}"
        )
    return goal


def _append(log: TextIO, record: TrialRecord) -> None:
    try:
        log.write(to_json(dataclasses.asdict(record)) + "\n")
        log.flush()
    except OSError as error:
        raise UserError(f"cannot write {log.name}: {error.strerror}") from error


def load_player(policy: str) -> Play:
    """What a process does once, before its first trial."""
    import cv2
    import torch

    from ..policy import Policy
    from .trial import run_trial

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    loaded = Policy.from_pretrained(policy)
    return lambda spec: run_trial(spec, loaded)
