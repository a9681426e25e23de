"""Learn Q(s, a) = E[gamma^(n-1)] from played candidates, n the actions until the goal is out.

An experiment: no recipe and no policy uses it yet.

The networks begin as the shipped ones. A grasp is judged in a crop around the object that it is
of, a push in one around the goal, each with two more input planes: the goal's mask, and how the
action is carried out. Their weights begin at 0, so at first the value is what the shipped network
says: the probability that this grasp holds its object.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from pushgrasp.interfaces import Primitive
from pushgrasp.policy.config import NetworkConfig
from pushgrasp.policy.networks.base import QNetwork, Scenes
from pushgrasp.policy.networks.compact import Compact, FlipConv
from pushgrasp.policy.networks.crops import at_pixels, centroid, crops, to_crop
from pushgrasp.training.lookahead.records import (
    Ending,
    Kind,
    Records,
    goal_masks,
    load_scene,
    values,
)
from pushgrasp.workspace import N_ROTATIONS, Workspace

GAMMA = 0.8
GRASP_DEPTH, PUSH_LENGTH = 0.02, 0.10  # m, at which the second extra plane is 0
DEPTH_UNIT, LENGTH_UNIT = 0.01, 0.10  # m over those that make it 1
MAX_SHIFT_PX = 6.0  # by which crops are shifted in training
MAX_TURN = 0.25  # steps of rotation, likewise
PLAYOUT_WEIGHT = 0.5  # in the loss, of actions that only the policy would choose

Mask = npt.NDArray[np.bool_]


class ValueNetwork(Compact):
    """`compact` with two more planes: the goal's mask, and the action's depth or length."""

    def __init__(self, config: NetworkConfig, primitive: Primitive) -> None:
        super().__init__(config, primitive)
        fine = config.widths[0] // self.n_flips
        self.stem = FlipConv(7, fine, 4, self.n_flips, stride=2, lift=True)

    @classmethod
    def begin(cls, shipped: QNetwork) -> ValueNetwork:
        """Make one whose value is what a shipped network says."""
        network = cls(shipped.config, shipped.primitive)
        weights = {k: v.clone() for k, v in shipped.state_dict().items()}
        kernel = weights["stem.kernel"]
        extra = kernel.new_zeros(kernel.shape[0], kernel.shape[1], 2, *kernel.shape[3:])
        weights["stem.kernel"] = torch.cat([kernel, extra], dim=2)
        network.load_state_dict(weights)
        return network.eval()


@dataclass(frozen=True)
class Dataset:
    """Samples of many scenes, those of one primitive or all."""

    height: npt.NDArray[np.float16]  # (S, H, W)
    labels: npt.NDArray[np.uint8]  # (S, H, W)
    goal: Mask  # (S, H, W)
    compared: Mask  # (S,)
    scene: npt.NDArray[np.int64]  # (S,) index of the file
    kinds: list[str]  # of the files' scenes
    samples: Records  # (N,), `state` indexes the arrays above

    def of(self, primitive: int, scenes: npt.ArrayLike) -> Records:
        """Return the samples of a primitive (0 grasp, 1 push) in some scenes that say something."""
        s = self.samples
        chosen = (s["primitive"] == primitive) & np.isin(self.scene[s["state"]], scenes)
        return s[chosen & (s["ending"] != Ending.FAULT)]


def load(folder: Path | list[Path]) -> Dataset:
    """Read all scenes of one or more folders."""
    folders = [folder] if isinstance(folder, Path) else folder
    paths = sorted(p for f in folders for p in f.glob("scene-*.npz"))
    all_states, all_samples, scene, kinds = [], [], [], []
    offset = 0
    for index, path in enumerate(paths):
        states, samples, meta = load_scene(path)
        samples = samples.copy()
        samples["state"] += offset
        offset += len(states)
        all_states.append(states)
        all_samples.append(samples)
        scene.append(np.full(len(states), index))
        kinds.append(str(meta["scene"]).split("-2")[0])
    states = np.concatenate(all_states)
    return Dataset(
        states["height"],
        states["labels"],
        goal_masks(states),
        states["compared"],
        np.concatenate(scene),
        kinds,
        np.concatenate(all_samples),
    )


def encode(
    network: ValueNetwork,
    data: Dataset,
    samples: Records,
    rng: np.random.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the network's input and where in it the actions are.

    Args:
        network: of the samples' primitive.
        data: holds the states.
        samples: (B,) of one primitive.
        rng: draws other views of the same actions; None: as they are.
    """
    state = samples["state"]
    goal, labels = data.goal[state], data.labels[state]
    target = _targets(samples, goal, labels) if network.primitive == "grasp" else goal
    scenes = Scenes(data.height[state].astype(np.float32), labels, target, None, Workspace())
    planes = network.planes(scenes)
    options = torch.as_tensor(_options(samples, network.primitive))[:, None, None, None]
    planes = torch.cat(
        [planes, torch.as_tensor(goal)[:, None].float(), options.expand(-1, 1, *goal.shape[1:])], 1
    )
    n = len(samples)
    rotations = samples["rotation"].astype(np.float64)
    shifts, flips = np.zeros((n, 2)), np.zeros((n, 2), bool)
    if rng is not None:
        if network.primitive == "grasp":
            rotations += N_ROTATIONS // 2 * rng.integers(2, size=n)
        rotations += rng.uniform(-MAX_TURN, MAX_TURN, n)
        shifts = rng.uniform(-MAX_SHIFT_PX, MAX_SHIFT_PX, (n, 2))
        flips[:, 0] = rng.integers(2, size=n)
    centers = centroid(torch.as_tensor(target)) + torch.as_tensor(shifts).float()
    angles = torch.as_tensor(rotations * 2 * np.pi / N_ROTATIONS).float()
    flipped = torch.as_tensor(flips)
    c, workspace = network.config, Workspace()
    x = crops(
        planes, centers, angles,
        crop_px=c.crop_px, crop_resolution=c.crop_resolution, workspace=workspace, flips=flipped,
    )  # fmt: skip
    pixels = torch.as_tensor(np.stack([samples["row"], samples["column"]], -1).astype(np.float32))
    place = to_crop(
        pixels[:, None], centers, angles,
        crop_px=c.crop_px, crop_resolution=c.crop_resolution, workspace=workspace, flips=flipped,
    )  # fmt: skip
    return x, place


def fit(
    networks: dict[int, ValueNetwork],
    data: Dataset,
    scenes: npt.ArrayLike,
    *,
    epochs: float = 8.0,
    batch: int = 48,
    learning_rate: float = 5e-4,
    seed: int = 0,
) -> dict[int, float]:
    """Train a network per primitive on what was played; returns their last losses.

    Args:
        networks: by primitive, 0 grasp, 1 push; changed in place.
        data: holds the samples.
        scenes: indices of the scenes to learn from.
        epochs: times that each sample is seen.
        batch, learning_rate: of the steps; the rate falls by half a cosine.
        seed: of batches and views.
    """
    losses = {}
    for primitive, network in networks.items():
        rng = np.random.default_rng([seed, primitive])
        torch.manual_seed(seed)
        samples = data.of(primitive, scenes)
        wanted = values(samples, GAMMA)
        weight = np.where(samples["kind"] == Kind.PLAYOUT, PLAYOUT_WEIGHT, 1.0).astype(np.float32)
        steps = max(1, round(epochs * len(samples) / batch))
        optimizer = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=1e-4)
        network.train()
        recent = []
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * 0.5 * (1 + np.cos(np.pi * step / steps))
            chosen = rng.integers(len(samples), size=batch)
            x, place = encode(network, data, samples[chosen], rng)
            with network.autocast():
                logits = at_pixels(network(x), place)[:, 0]
            loss = functional.binary_cross_entropy_with_logits(
                logits, torch.as_tensor(wanted[chosen]), weight=torch.as_tensor(weight[chosen])
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            recent.append(float(loss.detach()))
        network.eval()
        losses[primitive] = float(np.mean(recent[-50:]))
    return losses


@torch.inference_mode()
def predict(
    networks: dict[int, ValueNetwork], data: Dataset, samples: Records, batch: int = 64
) -> npt.NDArray[np.float32]:
    """Return the (N,) values of actions."""
    q = np.zeros(len(samples), np.float32)
    for primitive, network in networks.items():
        which = np.flatnonzero(samples["primitive"] == primitive)
        for first in range(0, len(which), batch):
            part = which[first : first + batch]
            x, place = encode(network, data, samples[part])
            with network.autocast():
                q[part] = at_pixels(network(x), place)[:, 0].float().sigmoid().numpy()
    return q


def _targets(samples: Records, goal: Mask, labels: npt.NDArray[np.uint8]) -> Mask:
    """(B, H, W) the objects that grasps are of: the goal, or what is segmented at the pixel."""
    n = np.arange(len(samples))
    row, column = samples["row"], samples["column"]
    label = labels[n, row, column]
    other = (labels == label[:, None, None]) & (label > 0)[:, None, None] & ~goal
    on_goal = goal[n, row, column] | (label == 0)
    return np.where(on_goal[:, None, None], goal, other)


def _options(samples: Records, primitive: Primitive) -> npt.NDArray[np.float32]:
    if primitive == "grasp":
        return ((samples["depth"] - GRASP_DEPTH) / DEPTH_UNIT).astype(np.float32)
    return ((samples["length"] - PUSH_LENGTH) / LENGTH_UNIT).astype(np.float32)
