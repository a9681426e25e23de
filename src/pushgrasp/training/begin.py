"""Starting and resuming: a run's directory, checked before any work is done."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import torch

from ..errors import UserError
from ..interfaces import Primitive
from ..policy.learned import Policy
from ..policy.load import VARIANTS
from ..policy.networks import QNetwork, build
from ..policy.networks.densenet import DenseNet, fetch_imagenet
from ..utils.cache import cache_folder
from ..utils.config_json import from_json
from ..utils.files import read_json, write_json
from .checkpoint import load_checkpoint
from .learner import make_optimizer
from .recipes import Recipe
from .replay_buffer import PRIMITIVES, Replay
from .rollout import keeps_color
from .run import CHECKPOINT, CONFIG, WEIGHTS, Run, is_trained

FORMAT, VERSION = "pushgrasp-run", 1


def begin_run(
    directory: Path,
    recipe: Recipe,
    seed: int,
    init_from: str | Path | None = None,
    imagenet: Path | None = None,
) -> Run:
    """Start a run in a new or empty directory, or where one was killed before it had begun.

    Args:
        directory: of the run.
        recipe: how to train.
        seed: of all chance in the run.
        init_from: a policy, by folder or name, to start from.
        imagenet: file of torchvision's DenseNet-121 weights, or "fetch".
    Raises:
        UserError: something is there, the recipe cannot be trained, or weights do not fit.
    """
    check_recipe(recipe)
    if (directory / CONFIG).exists():
        raise UserError(
            f"--out {directory} holds a training run; add --resume to go on with it, "
            "or name another folder"
        )
    if directory.exists() and any(directory.iterdir()):
        if not _is_false_start(directory):
            raise UserError(f"--out {directory} is not empty; name a new or an empty folder")
        _drop_partial_files(directory)
    torch.manual_seed(np.random.SeedSequence(seed).generate_state(1)[0])
    run = _new_run(directory, recipe, seed)
    if imagenet is not None:
        start_from_imagenet(run, imagenet)
    if init_from is not None:
        start_from(run, Policy.from_pretrained(init_from), init_from)
    run.save()
    run.publish()
    # Last, so that there is a run to go on with from here on and not before.
    config = {"format": FORMAT, "version": VERSION, "seed": seed}
    write_json(directory / CONFIG, {**config, "recipe": dataclasses.asdict(recipe)})
    return run


def resume_run(directory: Path, recipe: Recipe | None = None, seed: int | None = None) -> Run:
    """Go on with a run where it was stopped or killed.

    Actions are counted by the replay, which is newer than the checkpoint after a kill.

    Args:
        directory: of the run.
        recipe, seed: those of the run, or None; they cannot be changed.
    Raises:
        UserError: there is no run, it has another recipe or seed, or its files are damaged.
    """
    path = directory / CONFIG
    if not path.exists():
        raise UserError(f"--resume: {directory} holds no training run ({CONFIG} is missing)")
    config = read_json(path)
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise UserError(f"{path} is no training run's configuration")
    if config.get("version") != VERSION or not isinstance(config.get("seed"), int):
        raise UserError(f"{path} was written by another version of this program")
    own = from_json(Recipe, config.get("recipe"), f"{path}: recipe")
    if recipe is not None and recipe != own:
        other = "other numbers of that recipe" if recipe.name == own.name else repr(own.name)
        raise UserError(
            f"--recipe {recipe.name}: the run in {directory} was begun with {other}; leave "
            "--recipe out to go on with it, or name another folder for a new run"
        )
    if seed is not None and seed != config["seed"]:
        raise UserError(
            f"--seed {seed}: the run in {directory} was begun with seed {config['seed']}; leave "
            "--seed out to go on with it, or name another folder for a new run"
        )
    _drop_partial_files(directory)
    run = _new_run(directory, own, config["seed"])
    state = load_checkpoint(directory / CHECKPOINT, run.networks, run.optimizers, run.rng)
    run.updates, run.next_scene = state["updates"], state["next_scene"]
    run.grasp_threshold, run.faults = state["grasp_threshold"], state["faults"]
    run.elapsed_s = state["elapsed_s"]
    actions = run.replay.actions
    for stage in range(len(own.stages)):
        scenes = actions["scene"][actions["stage"] == stage]
        run.next_scene[stage] = max(run.next_scene[stage], int(scenes.max(initial=-1)) + 1)
    # Values that networks worked out which the kill took away.
    done = np.array([run.updates[p] for p in PRIMITIVES])[actions["primitive"]]
    actions["next_q_at"][actions["next_q_at"] > done] = -1
    run.publish()
    return run


def check_recipe(recipe: Recipe) -> None:
    """Whether a recipe can be trained.

    Raises:
        UserError: it cannot; the message names the number.
    """
    if recipe.name in VARIANTS:
        raise UserError(
            f"recipe {recipe.name!r} decides by the networks of {VARIANTS[recipe.name][0]!r} and "
            "needs no training of its own; train that one"
        )
    for stage in recipe.stages:
        if stage.n_samples < 1 or not stage.n_objects or not stage.scenes:
            raise UserError(
                f"recipe {recipe.name!r}: stage {stage.name} needs at least one sample, "
                "number of objects and kind of scene"
            )
        if not all(0 <= e <= 1 for e in stage.epsilon):
            raise UserError(
                f"recipe {recipe.name!r}: stage {stage.name} has epsilon {stage.epsilon}; "
                "it is a chance, 0 to 1"
            )
    if recipe.batch_size < 2 or recipe.updates_per_sample <= 0 or not 0 <= recipe.discount < 1:
        raise UserError(
            f"recipe {recipe.name!r} needs a batch_size of at least 2, updates_per_sample above "
            "0 and a discount of at least 0 and below 1"
        )
    if (recipe.loss == "bce") != (recipe.network.output == "probability"):
        raise UserError(
            f"recipe {recipe.name!r} has loss {recipe.loss!r} for the output "
            f"{recipe.network.output!r}; probability goes with bce, value with huber"
        )


def start_from_imagenet(run: Run, source: Path) -> None:
    """Take over DenseNet-121's weights for ImageNet.

    Args:
        run: its networks are changed.
        source: file of torchvision's weights; "fetch" downloads it, once, into the user's cache.
    Raises:
        UserError: the recipe's network is another, or the file is missing or does not fit.
    """
    networks = [n for n in run.networks.values() if isinstance(n, DenseNet)]
    if not networks:
        raise UserError(f"--imagenet is for densenet121, not for {run.recipe.network.name}")
    if str(source) == "fetch":
        source = fetch_imagenet(cache_folder())
    for network in networks:
        network.load_imagenet(source)


def start_from(run: Run, policy: Policy, name: str | Path) -> None:
    """Take over a policy's weights and Q_g*.

    Raises:
        UserError: its networks are of another make than the recipe's.
    """
    if policy.network != run.recipe.network:
        raise UserError(
            f"--init-from {name}: its networks differ from those of recipe {run.recipe.name!r}"
        )
    for network in policy.networks().values():
        run.networks[network.primitive].load_state_dict(network.state_dict())
    run.grasp_threshold = policy.decision.grasp_threshold


def _is_false_start(directory: Path) -> bool:
    """Whether a run was killed there before it had begun, which leaves no action to lose.

    The configuration is written before the first action is played, and `replay` is made first.
    """
    found = {entry.name for entry in directory.iterdir() if not entry.match(".*.partial")}
    records = {entry.name for entry in directory.glob("replay/*")}
    return (
        "replay" in found
        and found <= {"replay", CHECKPOINT, WEIGHTS}
        and records <= {"observations.bin", "actions.bin"}
    )


def _drop_partial_files(directory: Path) -> None:
    """Remove what a kill left half written; see `files.write_atomic`."""
    for path in directory.rglob(".*.partial"):
        path.unlink()


def _new_run(directory: Path, recipe: Recipe, seed: int) -> Run:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    networks: dict[Primitive, QNetwork] = {
        p: build(recipe.network, p).to(device) for p in PRIMITIVES
    }
    replay = Replay(directory / "replay", recipe.workspace.shape, keeps_color(recipe))
    stages = range(len(recipe.stages))
    return Run(
        directory=directory,
        recipe=recipe,
        seed=seed,
        networks=networks,
        optimizers={p: make_optimizer(n, recipe) for p, n in networks.items()},
        replay=replay,
        rng=np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,))),
        updates=dict.fromkeys(PRIMITIVES, 0),
        next_scene=[0 for _ in stages],
        samples=[
            int(((replay.actions["stage"] == i) & is_trained(replay.actions, stage)).sum())
            for i, stage in enumerate(recipe.stages)
        ],
        grasp_threshold=recipe.decision.grasp_threshold,
    )
