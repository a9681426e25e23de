"""A run's state in one safetensors file: weights, optimisers, RNG states and counters.

The file is replaced atomically, so weights and counters always match.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from ..errors import UserError
from ..interfaces import Primitive
from ..utils.files import write_atomic

Networks = Mapping[Primitive, nn.Module]
Optimizers = Mapping[Primitive, Optimizer]


def save_checkpoint(
    path: Path,
    networks: Networks,
    optimizers: Optimizers,
    rng: np.random.Generator,
    state: dict[str, Any],
) -> None:
    """Write everything that a run needs to continue as if it had not stopped.

    Args:
        path: the file; replaced atomically.
        networks, optimizers: by name.
        rng: the run's random number generator; PyTorch's is saved too.
        state: counters and thresholds, JSON-serialisable.
    Raises:
        UserError: the disk is full; the previous checkpoint is kept.
    """
    tensors: dict[str, Tensor] = {"torch_rng": torch.get_rng_state()}
    groups: dict[str, Any] = {}
    for name, network in networks.items():
        for key, tensor in network.state_dict().items():
            tensors[f"network/{name}/{key}"] = tensor.detach().cpu().contiguous()
    for name, optimizer in optimizers.items():
        saved = optimizer.state_dict()
        groups[name] = saved["param_groups"]
        for index, values in saved["state"].items():
            for key, tensor in values.items():
                tensors[f"optimizer/{name}/{index}/{key}"] = tensor.detach().cpu().contiguous()
    metadata = {
        "state": json.dumps(state),
        "groups": json.dumps(groups),
        "numpy_rng": json.dumps(rng.bit_generator.state),
    }
    write_atomic(path, save(tensors, metadata))


def load_checkpoint(
    path: Path, networks: Networks, optimizers: Optimizers, rng: np.random.Generator
) -> dict[str, Any]:
    """Load a checkpoint.

    Args:
        path: the file.
        networks, optimizers, rng: of the same kind as saved; overwritten.
    Returns:
        The state given to `save_checkpoint`.
    Raises:
        UserError: the file is missing, damaged, or does not fit.
    """
    with _named(path):
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        for name, network in networks.items():
            network.load_state_dict(_below(tensors, f"network/{name}/"), strict=True)
        groups = json.loads(metadata["groups"])
        for name, optimizer in optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, tensor in _below(tensors, f"optimizer/{name}/").items():
                index, field = key.split("/")
                state.setdefault(int(index), {})[field] = tensor
            optimizer.load_state_dict({"state": state, "param_groups": groups[name]})
        rng.bit_generator.state = json.loads(metadata["numpy_rng"])
        torch.set_rng_state(tensors["torch_rng"])
        return json.loads(metadata["state"])


def read_state(path: Path) -> dict[str, Any]:
    """Read only the state given to `save_checkpoint`.

    Raises:
        UserError: the file is missing or damaged.
    """
    with _named(path), safe_open(path, "pt") as file:
        return json.loads(file.metadata()["state"])


@contextmanager
def _named(path: Path) -> Generator[None]:
    """Turn errors in a block that reads a checkpoint into a UserError that names the file."""
    try:
        yield
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} is no checkpoint of this run: {reason}") from error


def save_weights(path: Path, networks: Networks) -> None:
    """Publish the networks' weights for the rollout workers, atomically."""
    write_atomic(
        path,
        save(
            {
                f"{name}/{key}": tensor.detach().cpu().contiguous()
                for name, network in networks.items()
                for key, tensor in network.state_dict().items()
            }
        ),
    )


def load_weights(path: Path, networks: Networks) -> None:
    """Load published weights into networks of the same kind."""
    with safe_open(path, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    for name, network in networks.items():
        network.load_state_dict(_below(tensors, f"{name}/"), strict=True)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
