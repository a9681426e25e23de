"""Results of evaluations that nobody played, for tests of what is made of results."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pushgrasp.evaluation.records import TrialRecord, TrialSpec
from pushgrasp.evaluation.results import to_line
from pushgrasp.evaluation.steps import StepRecord
from pushgrasp.retrieve import End
from pushgrasp.sim.scenes.layouts import PROCEDURAL
from pushgrasp.view.draw.strip import CELL, COLUMNS

ENDS = {
    End.FAILED_GRASPS: "5 grasps in a row failed",
    End.NO_CHANGE: "5 actions in a row changed nothing",
    End.GOAL_LEFT: "the goal left the workspace",
    End.MAX_ACTIONS: "30 actions, the most allowed",
    End.NOTHING_TO_DO: "nothing to do: none is left",
}
HIDDEN = ("challenging-01", "challenging-03", "challenging-08", "challenging-09")
DIFFICULTY = {"default": 0.02, "paper": 0.2, "paper-no-switching": 0.28, "wang2024": 0.4}


def make_trial(
    policy: str, group: str, index: int, *, scene: str, hardness: float = 0.3, run_seed: int = 7
) -> TrialRecord:
    """A trial that might have been; the same for the same arguments."""
    spec = TrialSpec(group, index, scene, 10, 0, run_seed)
    random = np.random.default_rng([spec.seed() % 2**32, *policy.encode()])
    visible = max(0.0, round(float(np.random.default_rng(spec.seed()).normal(0.4, 0.35)), 4))
    if scene in HIDDEN:
        visible = 0.0
    failed = random.random() < hardness * (1.6 - min(visible, 1.0))
    claimed = not failed or random.random() < 0.05
    n = int(random.integers(1, 10))
    steps = [make_step(random, last=i == n - 1, good=not failed) for i in range(n)]
    grasps = [step for step in steps if step.primitive == "grasp"]
    end = End.GOAL_IN_HAND if claimed else list(ENDS)[int(random.integers(len(ENDS)))]
    return TrialRecord(
        policy=policy,
        scene=scene,
        group=group,
        index=index,
        seed=spec.seed(),
        goal=f"brick-{index % 10}",
        visible_fraction=min(visible, 1.0),
        success=not failed,
        claimed_success=claimed,
        end=end,
        reason=ENDS.get(end, "the goal is in the hand"),
        pushes=n - len(grasps),
        grasps=len(grasps),
        good_grasps=sum(bool(step.lifted) for step in grasps),
        decision_s=0.08,
        wall_s=round(n * 0.6 + float(random.random()), 3),
        robot_s=n * 6.5,
        steps=tuple(steps),
    )


def make_step(random: np.random.Generator, *, last: bool, good: bool) -> StepRecord:
    """An action somewhere on the table."""
    push = not last and random.random() < 0.3
    lifted = not push and (good if last else random.random() < 0.7)
    x, y = random.normal((-0.5, 0), 0.06, 2)
    goal = last or random.random() < 0.4
    return StepRecord(
        primitive="push" if push else "grasp",
        target_is_goal=bool(goal),
        goal_visible_px=int(random.integers(0, 700)),
        position=(float(x), float(y), 0.04),
        yaw=float(random.integers(16)) * math.pi / 8,
        q=float(random.random()),
        q_grasp=float(random.random()),
        q_push=float(random.random()) if push else None,
        holding=bool(lifted),
        holds_goal=bool(lifted and goal),
        changed=bool(lifted or random.random() < 0.6),
        executed=True,
        lifted=bool(lifted),
        why="Q_g 0.91 is over 0.5 and the clutter round the target is 12 %",
        decision_s=0.081,
        action_s=0.52,
    )


def write_results(
    folder: Path,
    groups: Mapping[str, tuple[str, int]],
    *,
    policies: Sequence[str] = ("default",),
    trials: int = 10,
    wanted: int | None = None,
    pictures: bool = False,
    records: Sequence[TrialRecord] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> list[TrialRecord]:
    """A folder of results.

    Args:
        folder: made if missing.
        groups: scene and number of objects by the group's name.
        policies: their names.
        trials: of each policy in each group.
        wanted: how many there should be, if not so many.
        pictures: a strip for each trial, about as large as a real one.
        records: instead of trials that are made up here.
        settings: other than the usual ones.
    Returns:
        The records.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lots = [
        {"policy": p, "name": g, "scene": scene, "objects": n, "trials": wanted or trials}
        for p in policies
        for g, (scene, n) in groups.items()
    ]
    if records is None:
        records = [
            make_trial(
                lot["policy"], lot["name"], i, scene=lot["scene"],
                hardness=DIFFICULTY.get(lot["policy"], 0.5) * (0.4 + lot["objects"] / 20),
            )
            for lot in lots
            for i in range(trials)
        ]  # fmt: skip
    about = {
        "format": "pushgrasp-evaluation", "version": 1,
        "policies": [{"name": p, "source": p, "sha256": p.encode().hex()} for p in policies],
        "scenes": list(dict.fromkeys(scene for scene, _ in groups.values())),
        "objects": sorted({n for scene, n in groups.values() if scene in PROCEDURAL}) or [10],
        "trials": wanted or trials, "seed": 7, "goal": None, "robot": "gantry", "cameras": [],
        "noise": "", "camera_backend": "ray", "randomise": False, "groups": lots,
        "program": "0.1.0", "commit": "3d231fe",
        "machine": {
            "processor": "AMD EPYC", "cores": 2, "python": "3.11.2",
            "packages": {"mujoco": "3.17.0", "numpy": "2.4.6", "torch": "2.13.0"},
        },
    }  # fmt: skip
    (folder / "settings.json").write_text(json.dumps({**about, **(settings or {})}))
    (folder / "trials.jsonl").write_text("".join(map(to_line, records)))
    if pictures:
        for record in records:
            write_strip(folder, record)
    return list(records)


def write_strip(folder: Path, record: TrialRecord) -> Path:
    """A strip for a trial; see `strip_bytes`."""
    path = folder / "pictures" / record.policy / f"{record.group}-{record.index:04d}.webp"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(strip_bytes(len(record.steps)))
    return path


@cache
def strip_bytes(n: int) -> bytes:
    """A strip in which step i is of the colour `step_color(i)`, but for a grain."""
    random = np.random.default_rng(n)
    columns, rows = min(n, COLUMNS), -(-n // COLUMNS)
    picture = np.zeros((rows * CELL, columns * CELL, 3))
    for i in range(n):
        row, column = divmod(i, COLUMNS)
        cell = picture[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
        cell[:] = step_color(i)
    grain = random.normal(0, 15, (rows * CELL // 3, columns * CELL // 3, 1))
    picture += np.kron(grain, np.ones((3, 3, 1)))
    buffer = io.BytesIO()
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    image.save(buffer, "WEBP", quality=60)
    return buffer.getvalue()


def step_color(i: int) -> tuple[int, int, int]:
    """Of a made-up picture of step i; the same for every twelfth."""
    return 90, 80 + 10 * (i % 12), 120
