"""A value policy on disk: a folder with `config.json` and `model.safetensors`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from ...errors import UserError
from ...interfaces import GripperSpec
from ...utils.files import write_atomic, write_json
from ..config import CONFIG, MODEL
from ..learned import Policy
from ..networks.compact import Compact
from ..pretrained import load_strictly, read_tensors
from .config import SavedValue, ValueConfig, read_value_config
from .network import ValueNetwork
from .policy import ValuePolicy


def save_value_policy(
    folder: Path,
    networks: Sequence[ValueNetwork],
    config: ValueConfig,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Write a value policy. `config.json` comes last, so a save that was cut off is noticed.

    Args:
        folder: made if missing; other files in it stay.
        networks: the lowest of their values counts.
        config: its numbers.
        metadata: of the training; plain JSON.
    Raises:
        UserError: a file cannot be written.
    """
    model = safetensors.torch.save(pack_networks(networks))
    saved = SavedValue(config, hashlib.sha256(model).hexdigest(), metadata or {})
    write_atomic(folder / MODEL, model)
    write_json(folder / CONFIG, saved.content)


def load_value_policy(folder: Path, gripper: GripperSpec | None = None) -> ValuePolicy:
    """Load a value policy and the learned policy that it is based on.

    Args:
        folder: of the policy.
        gripper: the robot's jaw; None: an RG2's.
    Raises:
        UserError: a file is missing, damaged or altered, or there is no such base.
    """
    saved = read_value_config(folder)
    networks = unpack_networks(read_tensors(folder / MODEL, saved.sha256), folder)
    base = Policy.from_pretrained(saved.decision.base, "cpu")
    if not isinstance(base.grasp, Compact):
        raise UserError(f"{folder}: its base {saved.decision.base!r} has no `compact` networks")
    return ValuePolicy(
        networks, gripper, base, saved.decision.margin, base.grasp, saved.decision.patience
    )


def save_networks(networks: Sequence[ValueNetwork], path: Path) -> None:
    """Write the networks' weights as one safetensors file."""
    write_atomic(path, safetensors.torch.save(pack_networks(networks)))


def load_networks(path: Path) -> list[ValueNetwork]:
    """Read what `save_networks` wrote.

    Raises:
        UserError: the weights are not of such networks.
    """
    return unpack_networks(safetensors.torch.load_file(path), path.parent)


def pack_networks(networks: Sequence[ValueNetwork]) -> dict[str, Tensor]:
    """Return the weights of all networks, named by the network's number."""
    return {f"{k}.{name}": w for k, n in enumerate(networks) for name, w in n.state_dict().items()}


def unpack_networks(weights: dict[str, Tensor], where: Path) -> list[ValueNetwork]:
    """Make the networks of which these are the weights, in evaluation mode.

    Args:
        weights: of `pack_networks`.
        where: the policy's folder, for messages.
    Raises:
        UserError: the weights are not of such networks.
    """
    by_network: dict[str, dict[str, Tensor]] = {}
    for key, w in weights.items():
        number, _, name = key.partition(".")
        by_network.setdefault(number, {})[name] = w
    if sorted(by_network) != [str(k) for k in range(len(by_network))] or not by_network:
        raise UserError(f"{where / MODEL} does not hold the weights of value networks")
    networks: list[ValueNetwork] = []
    for number in sorted(by_network):
        network = ValueNetwork()
        load_strictly(network, by_network[number], where)
        networks.append(network.eval())
    return networks
