"""Train a value policy: play scenes, learn from all actions so far, play on with what was learned.

A run's folder holds `config.json` (recipe and seed), `scenes/` (a file per scene played),
`weights-K.safetensors` (the networks after stage K), `weights.safetensors` (the newest, which the
workers use) and in the end `policy/`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...parallel.pool import Pool, WorkersLostError
from ...policy.config import CONFIG
from ...policy.load import RUN_POLICY
from ...policy.value.network import ValueNetwork
from ...policy.value.saved import load_networks, save_networks, save_value_policy
from ...utils.files import write_atomic, write_json
from ...utils.output import only_writer
from ...utils.provenance import commit
from ...utils.threads import torch_threads
from ..config import TrainingConfig
from ..status import ProgressLine
from ..train import Interrupt
from .fit import amount, fit
from .play_scene import PlayJob, PlaySetup, prepare_scenes
from .recipe import VALUE_RUN_FORMAT, ValueRecipe, check_value_recipe, is_value_run, read_run
from .store import load_store
from .transitions import SceneRecord

SCENES, WEIGHTS = "scenes", "weights.safetensors"
BACKLOG = 2
CARD = """# {name}

A pushgrasp value policy: takes the grasp or push after which a goal is out of the clutter soonest.
Trained in simulation by `pushgrasp train`; load it with `load_policy`.

| | |
|---|---|
{rows}
"""
MAX_EMPTY_SCENES = 50
"""Scenes in a row in which nothing could be played, after which training stops."""


@dataclass
class ValueRun:
    """A run's folder."""

    directory: Path
    recipe: ValueRecipe
    seed: int

    def count(self, stage: int) -> tuple[int, int]:
        """Return how many actions a stage has, and the number of its next scene."""
        lengths = [
            (int(path.stem.split("-")[-1]), SceneRecord.count(path))
            for path in (self.directory / SCENES).glob(f"play-{stage}-*.npz")
        ]
        return sum(n for _, n in lengths), 1 + max((scene for scene, _ in lengths), default=-1)

    def weights(self, stage: int) -> Path:
        """Return the file of the networks that are learned after a stage."""
        return self.directory / f"weights-{stage}.safetensors"


def train_value(recipe: ValueRecipe | None, out: Path, config: TrainingConfig) -> Path:
    """Train a value policy.

    Args:
        recipe: the method. None: the run's own, when resuming.
        out: folder of the run: new, empty, or of the run to resume.
        config: workers, seed and time limit; initial weights cannot be given.
    Returns:
        The policy's folder, `out`/policy.
    Raises:
        UserError: bad input, a full disk, workers that keep dying.
        KeyboardInterrupt: what was played and learned before is saved.
    """
    config.check()
    if config.init_from or config.imagenet or config.wandb:
        raise UserError(
            "init_from, imagenet and wandb do not go with a value recipe: its networks start from "
            "random weights; leave them out"
        )
    out = out.expanduser().absolute()
    with only_writer(out), Pool(config.rollouts, config.workers, backlog=BACKLOG) as pool:
        run = _open(recipe, out, config)
        pool.start(prepare_scenes, PlaySetup(run.recipe, run.seed, out / WEIGHTS), shared="weights")
        try:
            return _learn(run, pool, config.time_limit)
        except WorkersLostError as error:
            raise UserError(f"{error}; resume the run in {out} once that is fixed") from error


def _open(recipe: ValueRecipe | None, out: Path, config: TrainingConfig) -> ValueRun:
    """Create a run or find the one to resume."""
    if config.resume:
        if not is_value_run(out):
            raise UserError(f"{out} holds no run of a value recipe to resume")
        own, seed = read_run(out)
        if recipe not in (None, own) or config.seed not in (None, seed):
            raise UserError(
                f"the run in {out} was started with other numbers of recipe {own.name!r} or seed "
                f"{seed}; leave out recipe and seed to resume it, or choose another folder"
            )
        return ValueRun(out, own, seed)
    if recipe is None:
        raise UserError("a new run needs a recipe; name one")
    check_value_recipe(recipe)
    if any(path.name != SCENES and not path.name.startswith(".") for path in out.glob("*")):
        raise UserError(f"{out} is not empty; choose a new or an empty folder, or resume its run")
    (out / SCENES).mkdir(parents=True, exist_ok=True)
    seed = config.seed or 0
    header = {**VALUE_RUN_FORMAT.header, "seed": seed}
    write_json(out / CONFIG, {**header, "recipe": asdict(recipe)})
    return ValueRun(out, recipe, seed)


def _learn(run: ValueRun, pool: Pool, time_limit: float | None) -> Path:
    end = time.monotonic() + (time_limit if time_limit is not None else float("inf"))
    newest: Path | None = None
    with Interrupt() as interrupt, ProgressLine() as progress:

        def is_stopped() -> bool:
            return interrupt.requested or time.monotonic() >= end

        for stage in range(len(run.recipe.stages)):
            weights = run.weights(stage)
            if not weights.exists():
                _play(run, stage, pool, progress, is_stopped)
                if is_stopped():
                    progress.say(
                        f"stopped; `pushgrasp train --resume --out {run.directory}` continues"
                    )
                    break
                _fit(run, stage, progress)
            newest = weights
            (run.directory / WEIGHTS).write_bytes(weights.read_bytes())
        if interrupt.requested:
            raise KeyboardInterrupt
    if newest is None:
        raise UserError(
            f"{run.directory} has no policy yet: the time was up before the first stage was learned"
        )
    return _write_policy(run, newest)


def _play(
    run: ValueRun,
    stage: int,
    pool: Pool,
    progress: ProgressLine,
    is_stopped: Callable[[], bool],
) -> None:
    """Play a stage's scenes until it has all its actions, or until `is_stopped`."""
    wanted = run.recipe.stages[stage].n_actions
    had, first = run.count(stage)
    jobs = _count_up(stage, first)
    pool.cancel()
    empty = 0
    while had < wanted and not is_stopped():
        pool.assign(lambda: next(jobs))
        for _, played in pool.receive(0.5):
            empty = 0 if played.record is not None else empty + 1
            if played.record is not None:
                name = f"play-{stage}-{played.job.scene:05d}.npz"
                played.record.save(run.directory / SCENES / name)
                had += len(played.record)
        if empty > MAX_EMPTY_SCENES:
            raise UserError(f"{empty} scenes in a row had nothing to play; check the robot's cell")
        progress.show(f"play {stage + 1}", min(had, wanted), wanted, "actions")
    pool.cancel()


def _count_up(stage: int, first: int) -> Iterator[PlayJob]:
    while True:
        yield PlayJob(stage, first)
        first += 1


def _fit(run: ValueRun, stage: int, progress: ProgressLine) -> None:
    """Learn from all actions so far, and save the networks."""
    config = run.recipe.fit
    store = load_store([run.directory / SCENES])
    actions = np.arange(len(store.look))
    total, done = amount(len(actions), config), 0

    def tick(n: int) -> None:
        nonlocal done
        done += n
        progress.show(f"fit {stage + 1}", min(done, total), total, f"{len(actions)} actions")

    with torch_threads(1):  # two need more time than one: the networks are small
        networks = fit(store, actions, config, progress.say, tick=tick)
    save_networks(networks, run.weights(stage))


def _write_policy(run: ValueRun, weights: Path) -> Path:
    folder = run.directory / RUN_POLICY
    counts = [run.count(stage)[0] for stage in range(len(run.recipe.stages))]
    metadata = {"recipe": run.recipe.name, "seed": run.seed, "actions": counts, "commit": commit()}
    networks = load_networks(weights)
    save_value_policy(folder, networks, run.recipe.decision, metadata)
    facts = {
        "Recipe": run.recipe.name,
        "Based on": run.recipe.decision.base,
        "Networks": f"{len(networks)} of {_n_weights(networks[0]) / 1e6:.2f} M weights",
        "Seed": run.seed,
        "Actions, by stage": ", ".join(map(str, counts)),
        "Commit": commit() or "unknown",
    }
    rows = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    write_atomic(folder / "README.md", CARD.format(name=run.directory.name, rows=rows))
    return folder


def _n_weights(network: ValueNetwork) -> int:
    return sum(p.numel() for p in network.parameters())
