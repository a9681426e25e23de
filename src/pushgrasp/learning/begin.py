"""Starting and resuming: a run's directory, checked before any work is done."""

from __future__ import annotations

import dataclasses
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from ..configs import from_json
from ..errors import UserError
from ..files import read_json, write_json
from ..interfaces import Primitive
from ..networks import QNetwork, build
from ..networks.densenet import DenseNet
from ..policy import Policy
from ..recipes import Recipe
from ..workspace import Workspace
from .checkpoint import load_checkpoint
from .learner import make_optimizer
from .replay import PRIMITIVES, Replay
from .rollout import keeps_color
from .run import CHECKPOINT, CONFIG, Run

FORMAT, VERSION = "pushgrasp-run", 1


def begin_run(
    directory: Path,
    recipe: Recipe,
    seed: int,
    init_from: str | Path | None = None,
    imagenet: Path | None = None,
) -> Run:
    """Start a run in a new or empty directory.

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
        raise UserError(f"--out {directory} is not empty; name a new or an empty folder")
    torch.manual_seed(np.random.SeedSequence(seed).generate_state(1)[0])
    run = _new_run(directory, recipe, seed)
    if imagenet is not None:
        for network in run.networks.values():
            if not isinstance(network, DenseNet):
                raise UserError(f"--imagenet is for densenet121, not for {recipe.network.name}")
            network.load_imagenet(imagenet)
    if init_from is not None:
        start_from(run, Policy.from_pretrained(init_from), init_from)
    run.save()
    run.publish()
    # Last, so that there is a run to go on with from here on and not before.
    config = {"format": FORMAT, "version": VERSION, "seed": seed}
    write_json(directory / CONFIG, {**config, "recipe": dataclasses.asdict(recipe)})
    return run


def resume_run(directory: Path) -> Run:
    """Go on with a run where it was stopped or killed.

    Actions are counted by the replay, which is newer than the checkpoint after a kill.

    Raises:
        UserError: there is no run, or its files are damaged.
    """
    path = directory / CONFIG
    if not path.exists():
        raise UserError(f"--resume: {directory} holds no training run ({CONFIG} is missing)")
    config = read_json(path)
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise UserError(f"{path} is no training run's configuration")
    if config.get("version") != VERSION or not isinstance(config.get("seed"), int):
        raise UserError(f"{path} was written by another version of this program")
    recipe = from_json(Recipe, config.get("recipe"), f"{path}: recipe")
    run = _new_run(directory, recipe, config["seed"])
    state = load_checkpoint(directory / CHECKPOINT, run.networks, run.optimizers, run.rng)
    run.updates, run.next_scene = state["updates"], state["next_scene"]
    run.grasp_threshold, run.faults = state["grasp_threshold"], state["faults"]
    run.elapsed_s = state["elapsed_s"]
    for stage in range(len(recipe.stages)):
        scenes = run.replay.actions["scene"][run.replay.actions["stage"] == stage]
        run.next_scene[stage] = max(run.next_scene[stage], int(scenes.max(initial=-1)) + 1)
    run.publish()
    return run


def check_recipe(recipe: Recipe) -> None:
    """Whether a recipe can be trained.

    Raises:
        UserError: it cannot; the message names the number.
    """
    for stage in recipe.stages:
        if stage.name == "alternate":
            raise UserError(
                f"recipe {recipe.name!r} has a stage 'alternate', which cannot be trained yet; "
                "use grasp-any, grasp-goal and push"
            )
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


@contextmanager
def only_writer(directory: Path) -> Iterator[None]:
    """Hold a run's directory for this process alone.

    Raises:
        UserError: another process trains there, or the directory cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"--out {directory} cannot be made: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise UserError(f"another process is training in {directory}; wait or stop it") from error
    finally:
        os.close(descriptor)


def _new_run(directory: Path, recipe: Recipe, seed: int) -> Run:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    networks: dict[Primitive, QNetwork] = {
        p: build(recipe.network, p).to(device) for p in PRIMITIVES
    }
    replay = Replay(directory / "replay", Workspace().shape, keeps_color(recipe))
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
        samples=[int((replay.actions["stage"] == stage).sum()) for stage in stages],
        grasp_threshold=recipe.decision.grasp_threshold,
    )
