"""Training: workers play scenes, and one process learns from the samples they send.

Start at `train`, which sets up a run, and `learn`, its loop. The gradient step is
`learner.update`; rewards are in `rewards`; `rollout` plays the scenes.
"""

from __future__ import annotations

import errno
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ..errors import UserError
from ..interfaces import Primitive
from ..parallel.pool import Pool, WorkersLostError
from ..primitives import PrimitiveConfig
from ..utils.output import only_writer
from ..utils.threads import n_cores, torch_threads
from ..workspace import Workspace
from .actor import RolloutSetup
from .boards import Picture
from .config import TrainingConfig
from .learner import cosine_rate, freeze_all_but, update
from .messages import Message, Sample, SceneEnd, SceneJob
from .metrics import MetricsLog, StageMetrics
from .recipes import Recipe
from .replay_buffer import PRIMITIVES
from .resources import ResourceMonitor
from .rollout import prepare_player
from .run import CONFIG, POLICY, WEIGHTS, Run
from .run_folder import check_resumable, create_run, prepare_start, resume_run
from .status import ProgressLine, write_card

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
BACKLOG = 2
"""Scenes assigned to a worker ahead, so that it never waits for the learner."""
PUBLISH_EVERY = 50
"""Records between publications of new weights to the workers."""
COMMIT_EVERY = 16
"""Records between commits of the replay to disk."""
SAVE_PERIOD = 45.0
"""Seconds between checkpoints."""
LOG_PERIOD = 15.0
"""Seconds between lines of metrics."""
MAX_EMPTY_SCENES = 200
"""Consecutive scenes without an action of the trained primitive after which training stops."""
MAX_UPDATES_OWED = 200
"""Gradient steps by which the learner may lag before workers get no new scenes."""


DrawSample = Callable[[Sample, Workspace, PrimitiveConfig], Picture]
"""Draws a training action for the boards."""


class Rollouts(Protocol):
    """The source of samples; see `pool.Pool`."""

    deaths: int

    def assign(self, next_job: Callable[[], SceneJob]) -> object: ...

    def cancel(self) -> None: ...

    def receive(self, timeout: float) -> list[tuple[int, Message]]: ...


def train(
    recipe: Recipe | None,
    out: str | Path,
    config: TrainingConfig | None = None,
    draw: DrawSample | None = None,
) -> Path:
    """Train a policy.

    Args:
        recipe: the method. None: `default`, or the run's own when resuming, which is fixed.
        out: folder of the run: new, empty, or of the run to resume.
        config: see TrainingConfig; None: its defaults.
        draw: draws an action of each kind with every line of metrics; None: no pictures.
    Returns:
        The policy's folder, `out`/policy.
    Raises:
        UserError: bad input, a full disk, workers that keep dying.
        KeyboardInterrupt: after saving everything.
    """
    config = config or TrainingConfig()
    config.check()
    out = Path(out).expanduser().absolute()
    if config.resume:
        check_resumable(out)
    try:
        with Pool(config.rollouts, config.workers, backlog=BACKLOG) as pool:
            return _train(recipe, out, config, pool, draw)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        saved = (out / CONFIG).is_file()
        what = "all but the last minute is saved; resume it" if saved else "nothing was saved"
        raise UserError(f"the disk is full at {out}; make room: {what}") from error
    except WorkersLostError as error:
        raise UserError(f"{error}; resume the run in {out} once that is fixed") from error


def _train(
    recipe: Recipe | None, out: Path, config: TrainingConfig, pool: Pool, draw: DrawSample | None
) -> Path:
    is_local = config.rollouts == "local"
    n_here = pool.n if is_local else 0
    start = None if config.resume else prepare_start(out, recipe, config)
    with only_writer(out):
        run = create_run(out, start) if start else resume_run(out, recipe, config)
        ResourceMonitor(run, ProgressLine().say).check_start(n_here)
        device = config.device if is_local else "auto"
        setup = RolloutSetup(run.recipe, run.seed, out / WEIGHTS, device)
        pool.start(prepare_player, setup, shared="weights")
        with torch_threads(n_cores() - n_here):
            return learn(run, pool, config.time_limit, config.wandb, draw)


def learn(
    run: Run,
    rollouts: Rollouts,
    time_limit: float | None = None,
    wandb: str | None = None,
    draw: DrawSample | None = None,
) -> Path:
    """Train all stages of a run that are not done, until the end or an interruption.

    Args:
        run: new or resumed.
        rollouts: plays the assigned scenes.
        time_limit, wandb: see TrainingConfig.
        draw: see `train`.
    Returns:
        The policy's folder.
    Raises:
        KeyboardInterrupt: after saving everything.
    """
    metrics = MetricsLog(run.directory, run.recipe, wandb)
    with Interrupt() as interrupt, metrics as log, ProgressLine() as progress:
        end = time.monotonic() + (time_limit if time_limit is not None else float("inf"))

        def is_stopped() -> bool:
            return interrupt.requested or time.monotonic() >= end

        monitor = ResourceMonitor(run, progress.say)
        for index in range(len(run.recipe.stages)):
            if not is_stopped() and not stage_is_done(run, index):
                learn_stage(run, index, rollouts, log, progress, monitor, is_stopped, draw)
        run.measure_threshold()
        if is_stopped():
            progress.say(f"stopped; `pushgrasp train --resume --out {run.directory}` continues")
        folder = run.directory / POLICY
        run.policy().save_pretrained(folder)
        for sentence in write_card(run, folder):
            progress.say(f"warning: {sentence}")
    if interrupt.requested:
        raise KeyboardInterrupt
    return folder


def learn_stage(
    run: Run,
    index: int,
    rollouts: Rollouts,
    log: MetricsLog,
    progress: ProgressLine,
    monitor: ResourceMonitor,
    is_stopped: Callable[[], bool],
    draw: DrawSample | None = None,
) -> None:
    """Train one stage from its current state to its end, or until `is_stopped`.

    Raises:
        UserError: its scenes offer no action of the primitive that it trains.
    """
    stage, metrics = run.recipe.stages[index], StageMetrics(run, index)
    saving, logging = Every(SAVE_PERIOD), Every(LOG_PERIOD)
    freeze_all_but(run.networks, stage.trains)
    run.measure_threshold()
    run.publish()
    rollouts.cancel()
    latest: dict[int, Sample] = {}  # an action of each kind
    n_empty = 0  # consecutive scenes without a sample

    while not (is_stopped() or stage_is_done(run, index)):
        owed, had = run.updates_owed(stage.trains), run.samples[index]
        if had < stage.n_samples and owed < MAX_UPDATES_OWED:
            rollouts.assign(lambda: run.next_job(index))
        for worker, message in rollouts.receive(0.0 if owed > 0 else 0.2):
            metrics.count(message)
            keep(run, index, worker, message)
            if isinstance(message, Sample):
                latest[int(message.action["primitive"])] = message
            n_empty += isinstance(message, SceneEnd)
        n_empty = n_empty if run.samples[index] == had < stage.n_samples else 0
        if n_empty > MAX_EMPTY_SCENES:
            run.save()
            raise UserError(
                f"stage {stage.name}: {n_empty} consecutive scenes had nothing to {stage.trains}; "
                f"check Q_g*, which is {run.grasp_threshold:.2f}"
            )
        if owed > 0:
            with metrics.learning() as losses:
                losses.append(train_step(run, stage.trains, alternating=stage.alternates))
        if saving.is_due():
            run.save()
        if logging.is_due():
            run.replay.commit()  # so that a kill undoes nothing that was reported
            log.write(sum(run.samples), metrics.report(rollouts.deaths))
            show_actions(run, latest, log, draw)
            monitor.check()
        progress.show(stage.name, run.samples[index], stage.n_samples, metrics.summary())

    log.write(sum(run.samples), metrics.report(rollouts.deaths))
    show_actions(run, latest, log, draw)
    run.save()


def show_actions(
    run: Run, latest: Mapping[int, Sample], log: MetricsLog, draw: DrawSample | None
) -> None:
    """Show the last action of each kind on the boards."""
    if draw is None:
        return
    for i, sample in latest.items():
        if i < len(PRIMITIVES):  # not a state in which a scene ended
            picture = draw(sample, run.recipe.workspace, run.recipe.primitive)
            log.show(sum(run.samples), f"actions/{PRIMITIVES[i]}", picture)


def stage_is_done(run: Run, index: int) -> bool:
    """Tell if a stage has all samples, and has learned from them or leaves that to the next."""
    stages = run.recipe.stages
    primitive = stages[index].trains
    if any(run.samples[index + 1 :]):
        return True
    if run.samples[index] < stages[index].n_samples:
        return False
    next_learns_it = index + 1 < len(stages) and stages[index + 1].trains == primitive
    return next_learns_it or run.updates_owed(primitive) <= 0


def keep(run: Run, index: int, worker: int, message: Message) -> None:
    """Record a worker's message; commits and publishes weights periodically."""
    if isinstance(message, SceneEnd):
        run.faults += bool(message.fault)
    elif run.record(worker, message, index):
        if len(run.replay) % COMMIT_EVERY == 0:
            run.replay.commit()
        if len(run.replay) % PUBLISH_EVERY == 0:
            run.publish()


def train_step(run: Run, primitive: Primitive, *, alternating: bool = False) -> float:
    """Take one gradient step at the current learning rate; returns the loss."""
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


class Every:
    """Timer of a periodic action."""

    def __init__(self, period: float) -> None:
        self._period, self._last = period, time.monotonic()

    def is_due(self) -> bool:
        """Return True once per period."""
        now = time.monotonic()
        if now - self._last < self._period:
            return False
        self._last = now
        return True


class Interrupt:
    """Ctrl-C or SIGTERM as a flag, so that the run is saved; a second one interrupts at once."""

    def __init__(self) -> None:
        self.requested = False
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _request(self, *_: object) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
