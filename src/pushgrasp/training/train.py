"""Training: workers play scenes, one process learns from what they send.

`train` reads from top to bottom; the gradient step is `learner.update`, the rewards are in
`rewards`, how a scene is played is in `rollout`.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ..errors import UserError
from ..interfaces import Primitive
from ..parallel.pool import Pool, Where, WorkersLostError
from ..utils.output import only_writer
from ..utils.threads import torch_threads
from .actor import Setup
from .begin import begin_run, resume_run
from .card import write_card
from .learner import cosine_rate, freeze_all_but, update
from .messages import Message, SceneEnd, SceneJob
from .meter import Meter
from .metrics import MetricsLog, ProgressLine
from .recipes import RECIPES, Recipe
from .resources import Watch, read_memory, warn_at_start
from .rollout import prepare_player
from .run import CONFIG, WEIGHTS, Run
from .timing import Every, Interrupt

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
BACKLOG = 2
"""Scenes that a worker holds, so that it never waits for the learner."""
PUBLISH_EVERY = 50
"""Samples after which the workers get new weights."""
COMMIT_EVERY = 16
"""Samples after which the replay is made safe."""
SAVE_PERIOD = 45.0
"""Seconds between checkpoints."""
LOG_PERIOD = 15.0
"""Seconds between lines of metrics."""
MAX_BARREN = 200
"""Scenes without an action of the trained primitive before there is something wrong."""
MAX_LAG = 200
"""Updates that the learner may owe before the workers get no new scenes."""


class Rollouts(Protocol):
    """Where samples come from; see `pool.Pool`."""

    deaths: int

    def assign(self, next_job: Callable[[], SceneJob]) -> object: ...

    def cancel(self) -> None: ...

    def receive(self, timeout: float) -> list[tuple[int, Message]]: ...


def train(
    recipe: Recipe | None,
    out: str | Path,
    *,
    seed: int | None = None,
    workers: int | None = None,
    resume: bool = False,
    init_from: str | Path | None = None,
    imagenet: Path | None = None,
    time_limit_s: float | None = None,
    rollouts: Where = "local",
) -> Path:
    """Train a policy.

    Args:
        recipe: how; None: `default`, or at resume the run's own, which another may not replace.
        out: directory of the run; new or empty, or at resume that of the run.
        seed: of all chance in the run; None: 0, or at resume the run's own.
        workers: processes that play scenes; None: one a core.
        resume: go on with a run that was stopped or killed.
        init_from: a policy, by folder or name, to start from.
        imagenet: file of torchvision's DenseNet-121 weights to start from; "fetch" downloads it
            (once, into ~/.cache/pushgrasp).
        time_limit_s: stop after so many seconds, with a checkpoint and the policy so far.
        rollouts: where the workers run: in processes here, or on a Ray cluster.
    Returns:
        The policy's folder, `out`/policy.
    Raises:
        UserError: bad input, a full disk.
        KeyboardInterrupt: it was interrupted; everything so far is saved.
    """
    if seed is not None and seed < 0:
        raise UserError(f"--seed {seed}: a seed is 0 or more")
    if time_limit_s is not None and not time_limit_s > 0:
        raise UserError(f"--time-limit {time_limit_s}: it must be above 0 s")
    if resume and (init_from is not None or imagenet is not None):
        raise UserError(
            "--init-from and --imagenet say what a new run starts from; leave them out with "
            "--resume, which goes on with the run's own weights"
        )
    out = Path(out).expanduser().absolute()
    if resume and not (out / CONFIG).is_file():
        raise UserError(f"--resume: {out} holds no training run; leave the flag out to begin one")
    is_new, was_there = False, out.exists()
    try:
        with Pool(rollouts, workers, backlog=BACKLOG) as pool, only_writer(out):
            is_new = not any(out.iterdir())
            if resume:
                run = resume_run(out, recipe, seed)
            else:
                run = begin_run(out, recipe or RECIPES["default"], seed or 0, init_from, imagenet)
            setup = Setup(run.recipe, run.seed, out / WEIGHTS)
            n_here = pool.n if rollouts == "local" else 0
            warn_at_start(run, n_here, ProgressLine().say, read_memory())
            pool.start(prepare_player, setup, shared="weights")
            with torch_threads(len(os.sched_getaffinity(0)) - pool.n):
                return learn(run, pool, time_limit_s)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise UserError(
            f"the disk is full at {out}; make room and go on with --resume: "
            "all but the last minute is saved"
        ) from error
    except WorkersLostError as error:
        raise UserError(f"{error}; mend that, and resume the run in {out}") from error
    finally:
        if is_new and not (out / CONFIG).is_file():  # it never began: leave nothing behind
            shutil.rmtree(out, ignore_errors=True)
            if was_there:
                out.mkdir()


def learn(run: Run, rollouts: Rollouts, time_limit_s: float | None = None) -> Path:
    """Carry a run through its stages, to the end or until it is told to stop.

    Args:
        run: new or resumed.
        rollouts: plays the scenes that it is fed.
        time_limit_s: as for `train`.
    Returns:
        The policy's folder.
    """
    with Interrupt() as interrupt, MetricsLog(run.directory) as log, ProgressLine() as progress:
        end = time.monotonic() + (time_limit_s if time_limit_s is not None else float("inf"))
        watch = Watch(run.directory, progress.say)
        stopped = False
        for index, stage in enumerate(run.recipe.stages):
            if stopped or is_done(run, index):
                continue
            primitive, meter = stage.trains, Meter(run, index)
            saving, logging = Every(SAVE_PERIOD), Every(LOG_PERIOD)
            freeze_all_but(run.networks, primitive)
            run.measure_threshold()
            run.publish()
            rollouts.cancel()
            barren = 0  # scenes in a row that gave nothing

            while not (stopped or is_done(run, index)):
                owed = run.updates_owed(primitive)
                if run.samples[index] < stage.n_samples and owed < MAX_LAG:
                    rollouts.assign(lambda index=index: run.next_job(index))
                had = run.samples[index]
                for worker, message in rollouts.receive(0.0 if owed > 0 else 0.2):
                    meter.received(message)
                    take_in(run, index, worker, message)
                    barren += isinstance(message, SceneEnd)
                barren = barren if run.samples[index] == had < stage.n_samples else 0
                if barren > MAX_BARREN:
                    run.save()
                    raise UserError(
                        f"stage {stage.name}: {barren} scenes in a row had nothing to {primitive}; "
                        f"is Q_g* {run.grasp_threshold:.2f} what it should be?"
                    )
                if owed > 0:
                    with meter.learning():
                        meter.losses.append(improve(run, primitive, stage.alternates))
                if saving.is_due():
                    run.save()
                if logging.is_due():
                    run.replay.commit()  # so that a kill takes back nothing that was told
                    log.write(sum(run.samples), meter.report(rollouts.deaths))
                    watch.look(read_memory())
                progress.show(stage.name, run.samples[index], stage.n_samples, meter.note())
                stopped = interrupt.requested or time.monotonic() >= end

            log.write(sum(run.samples), meter.report(rollouts.deaths))
            run.save()
        run.measure_threshold()
        if stopped:
            progress.say(f"stopped; `pushgrasp train --resume --out {run.directory}` goes on")
        folder = run.directory / "policy"
        run.policy().save_pretrained(folder)
        write_card(run, folder)
    if interrupt.requested:
        raise KeyboardInterrupt
    return folder


def is_done(run: Run, index: int) -> bool:
    """Whether a stage has its samples, and has learned from them or leaves it to the next."""
    stages = run.recipe.stages
    primitive = stages[index].trains
    if any(run.samples[index + 1 :]):
        return True
    if run.samples[index] < stages[index].n_samples:
        return False
    goes_on = index + 1 < len(stages) and stages[index + 1].trains == primitive
    return goes_on or run.updates_owed(primitive) <= 0


def take_in(run: Run, index: int, worker: int, message: Message) -> None:
    """Keep what a worker sent, and give out new weights now and then."""
    if isinstance(message, SceneEnd):
        run.faults += bool(message.fault)
    elif run.record(worker, message, index):
        if len(run.replay) % COMMIT_EVERY == 0:
            run.replay.commit()
        if len(run.replay) % PUBLISH_EVERY == 0:
            run.publish()


def improve(run: Run, primitive: Primitive, alternating: bool = False) -> float:
    """One gradient step at the rate that is due; returns the loss."""
    done, planned = run.updates[primitive], run.updates_planned(primitive)
    optimizer = run.optimizers[primitive]
    for group in optimizer.param_groups:
        group["lr"] = cosine_rate(done, planned, run.recipe)
    loss = update(
        run.networks[primitive], optimizer, run.replay, run.recipe, run.rng, done,
        alternating=alternating,
    )  # fmt: skip
    run.updates[primitive] += 1
    return loss
