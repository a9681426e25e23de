"""One gradient step: a batch from the replay, its targets, its loss."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from ..interfaces import Primitive
from ..perception.heightmap import Heightmap
from ..perception.observation import Observation
from ..perception.segmentation import object_mask
from ..policy.networks import QNetwork, Scenes, at_pixels
from ..workspace import N_ROTATIONS, Workspace
from .recipes import Recipe
from .replay_buffer import Replay, unpack_target
from .rewards import reward_in_alternation, target

MAX_SHIFT_PX = 8
"""Largest random shift of crops, in heightmap pixels (16 mm)."""
MAX_ROTATION = 0.2
"""Largest random rotation of crops, in rotation indices (4.5 degrees)."""
REFRESH = 300
"""Updates for which the value of a next state is kept."""
CHUNK = 16
"""Crops computed at once: 64 would need 64 MB, freshly mapped for every batch."""


def update(
    network: QNetwork,
    optimizer: Optimizer,
    replay: Replay,
    recipe: Recipe,
    rng: np.random.Generator,
    n_updates: int = 0,
    *,
    alternating: bool = False,
) -> float:
    """Take one gradient step on a batch.

    Args:
        network: in training mode; actions of its primitive are drawn.
        optimizer: of its parameters.
        replay: the TD errors of the drawn actions are updated.
        recipe: batch size, loss, discount, augmentation.
        rng: draws the batch and its augmentation.
        n_updates: gradient steps so far.
        alternating: True in stage 3, where equation 4 rewards the grasps of all stages, so that
            every failure has one label.
    Returns:
        The loss, in nats or squared units of Q.
    """
    primitive, output = network.primitive, network.config.output
    indices = replay.draw(rng, recipe.batch_size, primitive, recipe.replay_priority)
    actions = replay.actions[indices]
    rewards = actions["reward"]
    if alternating and primitive == "grasp":
        rewards = [
            reward_in_alternation(recipe.rewards, bool(a["reward"] > 0), bool(a["target_changed"]))
            for a in actions
        ]
    next_q = np.zeros(len(actions))
    if recipe.discount > 0:
        next_q = next_values(network, replay, indices, n_updates, recipe.workspace)
    labels = torch.tensor(
        [
            target(float(r), float(q), recipe.discount, output)
            for r, q in zip(rewards, next_q, strict=True)
        ],
        device=network.device,
    )
    x, places = encode_crops(
        network,
        replay,
        indices,
        *augment(actions["rotation"], primitive, recipe, rng),
        recipe.workspace,
    )
    with network.autocast():
        predicted = at_pixels(network(x), places)[:, 0]
    loss = loss_of(predicted, labels, recipe)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    q = predicted.detach().sigmoid() if output == "probability" else predicted.detach()
    replay.actions["td_error"][indices] = (q - labels).abs().cpu().numpy()
    return float(loss.detach())


def loss_of(predicted: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    """Compute the mean loss of the executed pixels (section III-C.4).

    Args:
        predicted: (B,) logits for bce, Q for huber.
        labels: (B,) from `rewards.target`.
    """
    if recipe.loss == "bce":
        return functional.binary_cross_entropy_with_logits(predicted, labels)
    return functional.huber_loss(predicted, labels)


def augment(
    rotations: npt.NDArray[np.integer],
    primitive: Primitive,
    recipe: Recipe,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Draw random views of the same actions.

    Args:
        rotations: (B,) rotation indices.
        primitive: of all of them.
        recipe: which augmentations.
        rng: random number generator.
    Returns:
        (B,) rotation indices, for half of the grasps rotated by 180 degrees, and all perturbed if
        the recipe augments; (B, 2) shifts of the crops in heightmap pixels; (B, 2) True to mirror
        the crops' rows, never their columns.
    """
    n = len(rotations)
    rotated, shifts, flips = rotations.astype(np.float64), np.zeros((n, 2)), np.zeros((n, 2), bool)
    if primitive == "grasp" and recipe.symmetric_grasps:
        rotated += N_ROTATIONS // 2 * rng.integers(2, size=n)
    if recipe.augment:
        rotated += rng.uniform(-MAX_ROTATION, MAX_ROTATION, n)
        shifts = rng.uniform(-MAX_SHIFT_PX, MAX_SHIFT_PX, (n, 2))
        flips[:, 0] = rng.integers(2, size=n)
    return rotated, shifts, flips


def encode_crops(
    network: QNetwork,
    replay: Replay,
    indices: npt.NDArray[np.int64],
    rotations: npt.NDArray[np.float64],
    shifts: npt.NDArray[np.float64],
    flips: npt.NDArray[np.bool_],
    workspace: Workspace,
) -> tuple[Tensor, Tensor]:
    """Encode some records as training input, with views from `augment`; see `QNetwork.encode`."""
    inputs, places = [], []
    for first in range(0, len(indices), CHUNK):
        part = slice(first, first + CHUNK)
        actions = replay.actions[indices[part]]
        x, place = network.encode(
            read_scenes(replay, indices[part], workspace),
            np.stack([actions["row"], actions["column"]], axis=1),
            rotations[part],
            shifts=shifts[part],
            flips=flips[part],
        )
        inputs.append(x)
        places.append(place)
    return torch.cat(inputs), torch.cat(places)


def read_scenes(replay: Replay, indices: npt.NDArray[np.int64], workspace: Workspace) -> Scenes:
    """Read the states of some records, as a network's input."""
    records = replay.observations[indices]
    return Scenes(
        height=records["height"].astype(np.float32),
        labels=records["labels"],
        target=np.stack([unpack_target(bits, replay.shape) for bits in records["target"]]),
        color=records["color"] if replay.color else None,
        workspace=workspace,
    )


def next_values(
    network: QNetwork,
    replay: Replay,
    indices: npt.NDArray[np.int64],
    n_updates: int,
    workspace: Workspace,
) -> npt.NDArray[np.float64]:
    """Compute the best Q of the next states, by the current or a recent network.

    A value is kept for REFRESH updates: it costs 8 or 16 crops, and slowly moving targets stabilise
    learning (Mnih et al. 2015).

    Args:
        network: for the actions' primitive.
        replay: holds the next states.
        indices: (B,) of the actions.
        n_updates: gradient steps so far.
        workspace: of the recorded states.
    Returns:
        (B,) values; 0 where there is no next state or it does not count (`rewards.bootstraps`).
    """
    actions, drawn = replay.actions, replay.actions[indices]
    counts = drawn["bootstraps"] & (drawn["next"] >= 0)
    known = (drawn["next_q_at"] >= 0) & (drawn["next_q_at"] > n_updates - REFRESH)
    for i in np.unique(indices[counts & ~known]):
        observation, wanted = read_observation(replay, int(actions["next"][i]), workspace)
        allowed = wanted if network.primitive == "grasp" else observation.objects | wanted
        best = float(network.score(observation, wanted, allowed).max())
        actions["next_q"][i] = best if np.isfinite(best) else 0.0
        actions["next_q_at"][i] = n_updates
    return np.where(counts, actions["next_q"][indices], 0.0)


def read_observation(
    replay: Replay, index: int, workspace: Workspace
) -> tuple[Observation, npt.NDArray[np.bool_]]:
    """Read one state, and the (H, W) mask of its target."""
    record = replay.observations[index]
    wanted = unpack_target(record["target"], replay.shape)
    height = record["height"].astype(np.float32)
    color = record["color"] if replay.color else np.zeros((*replay.shape, 3), np.uint8)
    heightmap = Heightmap(color, height, workspace)
    labels = record["labels"].astype(np.int32)
    return Observation(heightmap, labels, object_mask(heightmap), wanted), wanted


def cosine_rate(done: int, total: int, recipe: Recipe) -> float:
    """Return the learning rate after `done` of `total` updates: half a cosine from start to end."""
    share = min(done / total, 1.0) if total else 1.0
    span = recipe.learning_rate - recipe.learning_rate_end
    return recipe.learning_rate_end + span * 0.5 * (1.0 + float(np.cos(np.pi * share)))


def freeze_all_but(networks: dict[Primitive, QNetwork], trainee: Primitive) -> None:
    """Freeze all networks but one, BatchNorm statistics included.

    The authors' code freezes only head layers, so the trunks drift.
    """
    for name, network in networks.items():
        network.requires_grad_(name == trainee)
        network.train(name == trainee)


def make_optimizer(network: nn.Module, recipe: Recipe) -> Optimizer:
    """Make the optimiser: Adam, as in the authors' code."""
    return torch.optim.Adam(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
    )
