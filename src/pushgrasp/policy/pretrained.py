"""The weights of a learned policy on disk: `model.safetensors`, checked by its hash."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ..errors import UserError
from ..utils.files import reason, write_atomic, write_json
from .config import CONFIG, MODEL, POLICY_FORMAT, PolicyConfig

Weights = dict[str, dict[str, Tensor]]
"""State dicts by primitive: "grasp" and, if trained, "push"."""
Bits = Literal[8, 16, 32]
"""Bits in which a kernel's values are stored."""
SCALE = ":scale"
"""End of the name of the scales of a kernel stored in 8 bits."""


def write_policy(folder: Path, config: PolicyConfig, weights: Weights, *, bits: Bits = 32) -> None:
    """Write a policy. `config.json` comes last, so a save that was cut off is noticed.

    Args:
        folder: made if missing; other files in it stay.
        config: `networks` and `sha256` are filled in from the weights.
        weights: of its networks.
        bits: of tensors of two dimensions and more. In 8 bits, each output channel is stored as
            integers from -127 to 127 and a scale.
    Raises:
        UserError: a file cannot be written, or the metadata is not plain JSON.
    """
    tensors = {
        f"{part}.{name}": tensor
        for part, state in weights.items()
        for key, value in state.items()
        for name, tensor in _stored(key, value, bits).items()
    }
    model = safetensors.torch.save(tensors)
    content = {
        **POLICY_FORMAT.header,
        "sha256": hashlib.sha256(model).hexdigest(),
        "networks": sorted(weights),
        "network": asdict(config.network),
        "decision": asdict(config.decision),
        "primitive": asdict(config.primitive),
        "metadata": config.metadata,
    }
    write_atomic(folder / MODEL, model)
    write_json(folder / CONFIG, content)


def read_weights(folder: Path, config: PolicyConfig) -> Weights:
    """Read the weights of a policy's folder.

    Args:
        folder: of the policy.
        config: read from the same folder.
    Raises:
        UserError: the file is missing, damaged, altered, or does not fit `config.json`.
    """
    path = folder / MODEL
    tensors = read_tensors(path, config.sha256)
    weights: Weights = {part: {} for part in config.networks}
    for key, value in tensors.items():
        part, _, name = key.partition(".")
        if part not in weights:
            raise UserError(f"{path} has weights of {part!r}, which {CONFIG} does not announce")
        weights[part][name] = value
    return {part: _restored(state) for part, state in weights.items()}


def read_tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    """Read a file of tensors.

    Args:
        path: of the safetensors file.
        sha256: its hash, as its configuration has it.
    Raises:
        UserError: the file is missing, damaged or altered.
    """
    try:
        model = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {reason(error)}") from error
    if hashlib.sha256(model).hexdigest() != sha256:
        raise UserError(
            f"{path} is not the file that {CONFIG} was saved with: it was cut off, altered or "
            f"exchanged; fetch or save the policy again"
        )
    try:
        return safetensors.torch.load(model)
    except SafetensorError as error:
        raise UserError(f"{path} is not a safetensors file: {error}") from error


def load_strictly(network: nn.Module, weights: dict[str, Tensor], where: Path) -> None:
    """Load weights into a network that they must fit exactly.

    Args:
        network: changed in place.
        weights: its state dict.
        where: the policy's folder, for the message.
    Raises:
        UserError: a weight is missing, left over, misshapen, or not a finite number.
    """
    own = network.state_dict()
    shared = own.keys() & weights.keys()
    for what, keys in (
        ("lacks", own.keys() - weights.keys()),
        ("also has", weights.keys() - own.keys()),
        ("has misshapen", {k for k in shared if own[k].shape != weights[k].shape}),
        (
            "has infinite or undefined values in",
            {k for k, v in weights.items() if not v.isfinite().all()},
        ),
    ):
        if keys:
            raise UserError(
                f"{where / MODEL} does not fit the network of {CONFIG}: it {what} "
                f"{', '.join(sorted(keys)[:3])}{' ...' if len(keys) > 3 else ''}"
            )
    network.load_state_dict(weights)


def _stored(key: str, value: Tensor, bits: Bits) -> dict[str, Tensor]:
    """Return what is stored of a tensor, by name."""
    value = value.detach().cpu().contiguous()
    if bits == 32 or value.ndim < 2 or not value.is_floating_point():
        return {key: value}
    if bits == 16:
        return {key: value.half()}
    channels = value.float().flatten(1)
    scale = channels.abs().amax(1).clamp_min(torch.finfo(torch.float32).tiny) / 127
    integers = (channels / scale[:, None]).round().to(torch.int8).reshape(value.shape)
    return {key: integers, key + SCALE: scale}


def _restored(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of which `_stored` made these, to within their bits."""
    whole = {key: value for key, value in stored.items() if not key.endswith(SCALE)}
    for key in stored.keys() - whole.keys():
        of, scale = key.removesuffix(SCALE), stored[key]
        if of in whole and whole[of].ndim > 1 and scale.shape == whole[of].shape[:1]:
            whole[of] = (whole[of].float().flatten(1) * scale[:, None]).reshape(whole[of].shape)
    return whole
