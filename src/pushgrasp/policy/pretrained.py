"""Policies on disk: `config.json`, readable, and `model.safetensors`, checked by its hash."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ..errors import UserError
from ..primitives import PrimitiveConfig
from ..utils.config_json import from_json
from ..utils.files import read_json, write_atomic, write_json
from .config import DecisionConfig, NetworkConfig

FORMAT = "pushgrasp-policy"
VERSION = 1
CONFIG, MODEL = "config.json", "model.safetensors"
WEIGHTS = Path(__file__).parent / "weights"
"""Policies that come with the package, a folder each."""
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "paper-no-switching": ("paper", {"switching": False}),
}
"""Policies that decide by another's networks: whose, and what differs in the rule."""


@dataclass(frozen=True)
class SavedPolicy:
    """What a policy's folder holds."""

    network: NetworkConfig
    decision: DecisionConfig
    primitive: PrimitiveConfig
    weights: dict[str, dict[str, Tensor]]  # by primitive: "grasp" and, if trained, "push"
    metadata: dict[str, Any] = field(default_factory=dict)  # of its training; plain JSON


def policy_names() -> list[str]:
    """The policies that come with the package."""
    names = {config.parent.name for config in WEIGHTS.glob(f"*/{CONFIG}")}
    return sorted(names | {name for name, (base, _) in VARIANTS.items() if base in names})


def find_policy(source: str | Path) -> Path:
    """The folder of a policy.

    Args:
        source: a folder, or the name of a policy that comes with the package.
    Raises:
        UserError: it is neither; the message lists the names.
    """
    folder = Path(source).expanduser()
    if (folder / CONFIG).exists():
        return folder
    if str(source) in policy_names():
        base, _ = VARIANTS.get(str(source), (str(source), {}))
        return WEIGHTS / base
    if folder.is_dir():
        raise UserError(f"{folder} is no policy: it holds no {CONFIG}")
    names = ", ".join(policy_names()) or "none"
    raise UserError(f"no policy {str(source)!r}: it is no folder, and the named ones are: {names}")


def write_policy(folder: Path, saved: SavedPolicy, *, half: bool = False) -> None:
    """Write a policy. `config.json` comes last, so a save that was cut off is noticed.

    Args:
        folder: made if missing; other files in it stay.
        saved: the policy.
        half: keep tensors of two dimensions and more in 16 bits.
    Raises:
        UserError: a file cannot be written, or the metadata is not plain JSON.
    """
    tensors = {
        f"{part}.{key}": _stored(value, half)
        for part, weights in saved.weights.items()
        for key, value in weights.items()
    }
    model = safetensors.torch.save(tensors)
    config = {
        "format": FORMAT,
        "version": VERSION,
        "sha256": hashlib.sha256(model).hexdigest(),
        "networks": sorted(saved.weights),
        "network": dataclasses.asdict(saved.network),
        "decision": dataclasses.asdict(saved.decision),
        "primitive": dataclasses.asdict(saved.primitive),
        "metadata": saved.metadata,
    }
    write_atomic(folder / MODEL, model)
    write_json(folder / CONFIG, config)


@dataclass(frozen=True)
class PolicyConfig:
    """What a policy's config.json holds."""

    network: NetworkConfig
    decision: DecisionConfig
    primitive: PrimitiveConfig
    networks: list[str]  # the primitives whose weights the folder holds
    sha256: str  # of the file with the weights
    metadata: dict[str, Any]


def read_policy(folder: Path) -> SavedPolicy:
    """Read a policy's folder and check it.

    Raises:
        UserError: a file is missing, damaged, altered, or of another kind; the message names
            the file and the reason.
    """
    config = read_config(folder)
    return SavedPolicy(
        network=config.network,
        decision=config.decision,
        primitive=config.primitive,
        weights=_read_weights(folder / MODEL, config.sha256, config.networks),
        metadata=config.metadata,
    )


def read_config(folder: Path) -> PolicyConfig:
    """Read a policy's config.json and check it; the weights are left alone.

    Raises:
        UserError: it is missing, damaged, or of another kind; the message names the reason.
    """
    path = folder / CONFIG
    config = read_json(path)
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise UserError(f"{path} is no policy's configuration: its format is not {FORMAT!r}")
    if config.get("version") != VERSION:
        raise UserError(
            f"{path} has format version {config.get('version')!r}; this program reads {VERSION}"
        )
    known = ("format", "version", "sha256", "networks", "network", "decision", "primitive")
    for name in known:
        if name not in config:
            raise UserError(f"{path} lacks the field {name!r}")
    if unknown := sorted(config.keys() - {*known, "metadata"}):
        raise UserError(f"{path} has the unknown field {unknown[0]!r}")
    if config["networks"] not in (["grasp"], ["grasp", "push"]):
        raise UserError(f"{path}: networks is {config['networks']!r}; expected grasp and push")
    metadata = config.get("metadata", {})
    if not isinstance(metadata, dict):
        raise UserError(f"{path}: metadata is {metadata!r}; it must be an object")
    return PolicyConfig(
        network=from_json(NetworkConfig, config["network"], f"{path}: network"),
        decision=from_json(DecisionConfig, config["decision"], f"{path}: decision"),
        primitive=from_json(PrimitiveConfig, config["primitive"], f"{path}: primitive"),
        networks=config["networks"],
        sha256=config["sha256"],
        metadata=metadata,
    )


def load_strictly(network: nn.Module, weights: dict[str, Tensor], where: Path) -> None:
    """Put weights into a network that must fit them exactly.

    Raises:
        UserError: a weight is missing, left over, of another shape, or not a number.
    """
    own = network.state_dict()
    for what, keys in (
        ("lacks", own.keys() - weights.keys()),
        ("also has", weights.keys() - own.keys()),
        (
            "has misshapen",
            {k for k in own.keys() & weights.keys() if own[k].shape != weights[k].shape},
        ),
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


def _read_weights(path: Path, sha256: str, parts: list[str]) -> dict[str, dict[str, Tensor]]:
    try:
        model = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    if hashlib.sha256(model).hexdigest() != sha256:
        raise UserError(
            f"{path} is not the file that {CONFIG} was saved with: it was cut off, altered or "
            f"exchanged; fetch or save the policy again"
        )
    try:
        tensors = safetensors.torch.load(model)
    except SafetensorError as error:
        raise UserError(f"{path} is no safetensors file: {error}") from error
    weights: dict[str, dict[str, Tensor]] = {part: {} for part in parts}
    for key, value in tensors.items():
        part, _, name = key.partition(".")
        if part not in weights:
            raise UserError(f"{path} has weights of {part!r}, which {CONFIG} does not announce")
        weights[part][name] = value
    return weights


def _stored(value: Tensor, half: bool) -> Tensor:
    value = value.detach().cpu().contiguous()
    return value.half() if half and value.is_floating_point() and value.ndim > 1 else value
