"""Many trials on several processes; the result does not depend on how many."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
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
        objects: numbers of objects, where they are dropped.
        trials: of each group.
        seed: of the run; each trial's own follows from it, the group's name and its index.
        workers: processes, one thread each.
        out: folder for trials.jsonl, a line a trial as it ends, and at last summary.json.
        goal: index of the goal among the objects; None: the first and the second object in
            turn where objects are dropped; in fixed scenes the file's, or else the first.
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
    start, records = time.perf_counter(), []
    played = run_parallel(specs, min(workers, len(specs)), load_player, str(policy))
    with ExitStack() as stack:
        stack.enter_context(closing(played))
        for record in played:
            if not records:  # an earlier result stays until there is something to put there
                (folder / CONTENTS[1]).unlink(missing_ok=True)
                write_atomic(folder / CONTENTS[0], "")
                log = stack.enter_context(open(folder / CONTENTS[0], "a", encoding="utf-8"))
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
        "cameras": [camera.describe() for camera in common["view"].cameras],
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
        found = [_fixed(scene, goal)] if fixed else _dropped(scene, objects, goal)
        for n_objects, goals in found:
            group = Path(scene).stem if fixed else f"{scene}-{n_objects}"
            if group in groups:
                raise UserError(f"two groups would be called {group}; name each scene once")
            groups.add(group)
            specs += [
                TrialSpec(
                    group, i, scene, n_objects, goals[i % len(goals)], seed, robot, fixed=fixed
                )
                for i in range(trials)
            ]
    return specs


def _dropped(scene: str, objects: Sequence[int], goal: int | None) -> list[tuple[int, list[int]]]:
    """Numbers of objects and goals, in turn, of a scene whose objects are dropped."""
    if not objects:
        raise UserError(f"the scene {scene} needs --objects, one or more numbers")
    for n in objects:
        if not 1 <= n <= len(PALETTE):
            raise UserError(f"--objects {n}: a scene has 1 to {len(PALETTE)} objects")
        if goal is not None and not 0 <= goal < n:
            raise UserError(f"--goal {goal}: {scene} has {n} objects, so the goal is 0 to {n - 1}")
    return [(n, [0, 1][:n] if goal is None else [goal]) for n in objects]


def _fixed(scene: str, goal: int | None) -> tuple[int, list[int]]:
    """Number of objects of a fixed scene, and its one goal."""
    layout = read_fixed(scene)
    return len(layout.objects), [choose_goal(layout, goal, scene)]


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
