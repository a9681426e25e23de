"""Create a run's folder, once all other input has been checked, or load it to resume the run."""

from __future__ import annotations

import dataclasses
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..errors import UserError
from ..policy.learned import Policy, choose_device
from ..policy.networks import build
from ..policy.networks.densenet import DenseNet, fetch_imagenet
from ..utils.cache import cache_folder
from ..utils.config_json import from_json
from ..utils.files import write_json
from .checkpoint import load_checkpoint, read_state
from .config import TrainingConfig
from .learner import make_optimizer
from .recipe_file import RUN_FORMAT
from .recipes import RECIPES, Recipe, check_recipe
from .replay_buffer import PRIMITIVES, Replay, n_committed
from .run import CHECKPOINT, CONFIG, POLICY, REPLAY, WEIGHTS, Networks, Run, is_trained


@dataclass(frozen=True)
class Start:
    """Initial state of a new run."""

    recipe: Recipe
    seed: int
    networks: Networks
    grasp_threshold: float


def prepare_start(
    directory: Path, recipe: Recipe | None = None, config: TrainingConfig | None = None
) -> Start:
    """Make the initial networks of a new run. Nothing is written.

    Args:
        directory: of the new run: missing, empty, or left by a start that was killed.
        recipe: how to train; None: `default`.
        config: seed, initial weights and device.
    Raises:
        UserError: the folder is taken, the recipe cannot be trained, or weights do not fit.
    """
    recipe, config = recipe or RECIPES["default"], config or TrainingConfig()
    seed = config.seed or 0
    check_recipe(recipe)
    check_free(directory)
    torch.manual_seed(np.random.SeedSequence(seed).generate_state(1)[0])
    networks, threshold = _build(recipe, config.device), recipe.decision.grasp_threshold
    if config.imagenet is not None:
        _load_imagenet(networks, recipe, config.imagenet)
    if config.init_from is not None:
        policy = Policy.from_pretrained(config.init_from, config.device)
        if policy.network != recipe.network:
            raise UserError(
                f"policy {config.init_from} cannot be the start: its networks differ from those of "
                f"recipe {recipe.name!r}"
            )
        for network in policy.networks().values():
            networks[network.primitive].load_state_dict(network.state_dict())
        threshold = policy.decision.grasp_threshold
    return Start(recipe, seed, networks, threshold)


def create_run(directory: Path, start: Start) -> Run:
    """Create a run's files, all or none.

    Args:
        directory: as for `prepare_start`.
        start: from `prepare_start`.
    Raises:
        UserError: the folder has been taken meanwhile, or a file cannot be written.
        OSError: the disk is full.
    """
    check_free(directory)
    _remove_false_start(directory)
    try:
        run = _make_run(directory, start.recipe, start.seed, start.networks)
        run.grasp_threshold = start.grasp_threshold
        run.save()
        run.publish()
        # Last: a folder with a configuration holds a run that can be resumed.
        config = {"seed": start.seed, "recipe": dataclasses.asdict(start.recipe)}
        write_json(directory / CONFIG, {**RUN_FORMAT.header, **config})
    except BaseException:
        _remove_false_start(directory)
        raise
    return run


def check_free(directory: Path) -> None:
    """Check that a run may be created in a folder.

    Raises:
        UserError: it holds a run, or files other than those of a killed start.
    """
    if (directory / CONFIG).exists():
        raise UserError(f"{directory} holds a training run; resume it, or choose another folder")
    if directory.exists() and any(directory.iterdir()) and not _is_false_start(directory):
        raise UserError(f"{directory} is not empty; choose a new or an empty folder")


def _is_false_start(directory: Path) -> bool:
    """Tell if a run was killed there while it was being created, before any action was recorded.

    Its replay is created first and its configuration last.
    """
    found = {entry.name for entry in directory.iterdir() if not entry.match(".*.partial")}
    records = {entry.name for entry in directory.glob(f"{REPLAY}/*")}
    return (
        REPLAY in found
        and found <= {REPLAY, CHECKPOINT, WEIGHTS}
        and records <= {"observations.bin", "actions.bin"}
    )


def _remove_false_start(directory: Path) -> None:
    _drop_partial_files(directory)
    shutil.rmtree(directory / REPLAY, ignore_errors=True)
    for name in (CHECKPOINT, WEIGHTS, CONFIG):
        (directory / name).unlink(missing_ok=True)


def _load_imagenet(networks: Networks, recipe: Recipe, source: Path) -> None:
    dense = [network for network in networks.values() if isinstance(network, DenseNet)]
    if not dense:
        raise UserError(
            f"ImageNet weights are for densenet121; recipe {recipe.name!r} has the network "
            f"{recipe.network.name}"
        )
    if str(source) == "fetch":
        source = fetch_imagenet(cache_folder())
    for network in dense:
        network.load_imagenet(source)


def resume_run(
    directory: Path, recipe: Recipe | None = None, config: TrainingConfig | None = None
) -> Run:
    """Load a run that was stopped or killed.

    Actions are counted by the replay, which is newer than the checkpoint after a kill.

    Args:
        directory: of the run.
        recipe: None, or the run's own: it cannot be changed.
        config: the device; its seed must be None or the run's own.
    Raises:
        UserError: there is no run, it has another recipe or seed, or its files are damaged or
            incomplete.
    """
    check_resumable(directory)
    found, config = RUN_FORMAT.read(directory / CONFIG), config or TrainingConfig()
    if not isinstance(found.get("seed"), int):
        raise UserError(f"{directory / CONFIG} has no seed; it must be an integer")
    own = from_json(Recipe, found.get("recipe"), f"{directory / CONFIG}: recipe")
    if recipe is not None and recipe != own:
        other = "other numbers of that recipe" if recipe.name == own.name else repr(own.name)
        raise UserError(
            f"recipe {recipe.name}: the run in {directory} was started with {other}; leave out "
            "the recipe to resume it, or choose another folder for a new run"
        )
    if config.seed is not None and config.seed != found["seed"]:
        raise UserError(
            f"seed {config.seed}: the run in {directory} was started with seed {found['seed']}; "
            "leave out the seed to resume it, or choose another folder for a new run"
        )
    networks = _build(own, config.device)
    _drop_partial_files(directory)
    _check_replay(directory, own)
    run = _make_run(directory, own, found["seed"], networks)
    state = load_checkpoint(directory / CHECKPOINT, run.networks, run.optimizers, run.rng)
    run.updates, run.next_scene = state["updates"], state["next_scene"]
    run.grasp_threshold, run.faults = state["grasp_threshold"], state["faults"]
    run.elapsed_s = state["elapsed_s"]
    actions = run.replay.actions
    for stage in range(len(own.stages)):
        scenes = actions["scene"][actions["stage"] == stage]
        run.next_scene[stage] = max(run.next_scene[stage], int(scenes.max(initial=-1)) + 1)
    # Forget next-state values computed by updates that the kill has undone.
    done = np.array([*(run.updates[p] for p in PRIMITIVES), 0])[actions["primitive"]]
    actions["next_q_at"][actions["next_q_at"] > done] = -1
    run.publish()
    return run


def check_resumable(directory: Path) -> None:
    """Check that a folder holds a run.

    Raises:
        UserError: it does not.
    """
    if not (directory / CONFIG).is_file():
        raise UserError(f"{directory} holds no training run to resume ({CONFIG} is missing)")


def _check_replay(directory: Path, recipe: Recipe) -> None:
    """Refuse a replay that has fewer actions than the networks have learned from."""
    state, n = read_state(directory / CHECKPOINT), n_committed(directory / REPLAY)
    # Older checkpoints do not say how many there were.
    n_known = state.get("n_records", recipe.batch_size if any(state["updates"].values()) else 0)
    if n < n_known:
        raise UserError(
            f"{directory / REPLAY} holds {n} of the {n_known} or more actions that the run had "
            "recorded; copy the whole folder of the run, or start another run from "
            f"{directory / POLICY}"
        )


def _drop_partial_files(directory: Path) -> None:
    """Remove files that a kill left half-written; see `files.write_atomic`."""
    for path in directory.rglob(".*.partial"):
        with suppress(OSError):
            path.unlink()


def _build(recipe: Recipe, device: str) -> Networks:
    place = choose_device(device, for_gpu=True)
    return {primitive: build(recipe.network, primitive).to(place) for primitive in PRIMITIVES}


def _make_run(directory: Path, recipe: Recipe, seed: int, networks: Networks) -> Run:
    replay = Replay(directory / REPLAY, recipe.workspace.shape, recipe.keeps_color)
    actions = replay.actions
    return Run(
        directory=directory,
        recipe=recipe,
        seed=seed,
        networks=networks,
        optimizers={p: make_optimizer(n, recipe) for p, n in networks.items()},
        replay=replay,
        rng=np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,))),
        updates=dict.fromkeys(PRIMITIVES, 0),
        next_scene=[0 for _ in recipe.stages],
        samples=[
            int(((actions["stage"] == i) & is_trained(actions, stage)).sum())
            for i, stage in enumerate(recipe.stages)
        ],
        grasp_threshold=recipe.decision.grasp_threshold,
    )
