"""The numbers of a learned policy, and the `config.json` that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from ..errors import UserError
from ..primitives import PrimitiveConfig
from ..utils.config_json import FileFormat, check_range, from_json

CONFIG, MODEL = "config.json", "model.safetensors"
"""The files in a policy's folder."""
POLICY_FORMAT = FileFormat("pushgrasp-policy", 1, "a policy's configuration")


@dataclass(frozen=True)
class NetworkConfig:
    """Which network, and how it sees."""

    name: Literal["compact", "densenet121"] = "compact"
    output: Literal["probability", "value"] = "probability"
    """probability: sigmoid of the output is the probability that a grasp succeeds, or that a
    push helps; value: the output is Q itself (paper)."""
    window: Literal["target", "workspace"] = "target"
    """What the network's square crop is centred on."""
    crop_px: int = 64
    """Side of the crop in its own pixels: a multiple of 8 (compact) or 32 (densenet121)."""
    crop_resolution: float = 0.0035
    """Metres per pixel of the crop."""
    widths: tuple[int, int, int] = (32, 64, 96)
    """Channels of `compact` at 1/2, 1/4 and 1/8 of the crop's resolution; multiples of 4."""


@dataclass(frozen=True)
class DecisionConfig:
    """From Q maps to an action."""

    RETIRED: ClassVar[tuple[str, ...]] = ("push_margin", "push_threshold")
    """Settings of earlier versions; files that hold them as null still load."""

    switching: bool = True
    """Take another target while the goal is hidden (section III-B); off: the ablation."""
    switch_px: int = 5
    """The goal is hidden when its mask has this many pixels or fewer (authors' code)."""
    push_all_weight: float = 0.95
    """Weight of the all-object mask on the push map (authors' code)."""
    push_target_weight: float = 0.05
    """Weight of the target's mask on the push map (authors' code)."""
    grasp_threshold: float = 0.5
    """Q_g*: grasp when the best Q_g over the target exceeds it (section III-C.2). Measured at
    the end of stage 1 and stored with the weights."""
    occupancy_limit: float = 1.0
    """Grasp only while the occupied share of the ring around the target is at most this (III-B)."""
    max_pushes: int | None = None
    """Pushes in a row after which the best grasp is taken; None: no limit."""
    smooth_px: int = 0
    """Half the side in pixels of the square, with the neighbouring rotations, over which Q_g is
    averaged: the highest of many uncertain values is too high. 0: no averaging."""
    avoid_repeats: bool = False
    """Exclude actions that failed or changed nothing, while the scene there is unchanged."""
    grasp_repeat_m: float = 0.015
    """Grasps nearer than this,"""
    grasp_repeat_deg: float = 30.0
    """and less than this apart modulo 180 degrees, count as the same grasp."""
    push_repeat_m: float = 0.020
    """Pushes nearer than this,"""
    push_repeat_deg: float = 23.0
    """and less than this apart, count as the same push."""
    distrust: float = 1.0
    """Factor on the target's Q_g per failed grasp in a row: a network that was wrong about a heap
    may be wrong again, so clear the way or push before the next try."""
    clear_blockers: bool = False
    """Rather than push, grasp an object beside the target when that is likely to succeed; and
    any object at all when pushing, too, has led nowhere."""
    blocker_threshold: float = 0.5
    """Q_g above which a blocking object is grasped and removed."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("switch_px", 0, 10_000),
            ("push_all_weight", 0.0, 1.0),
            ("push_target_weight", 0.0, 1.0),
            ("occupancy_limit", 0.0, 1.0),
            ("smooth_px", 0, 50),
            ("distrust", 0.0, 1.0),
        ):
            check_range(self, name, low, high)
        if self.max_pushes is not None:
            check_range(self, "max_pushes", 0, 1_000)


def with_threshold(decision: DecisionConfig, grasp_threshold: float) -> DecisionConfig:
    """The same decision rule with the Q_g* that training measured."""
    return replace(decision, grasp_threshold=grasp_threshold)


@dataclass(frozen=True)
class PolicyConfig:
    """The content of a policy's `config.json`."""

    network: NetworkConfig
    decision: DecisionConfig
    primitive: PrimitiveConfig
    networks: list[str] = field(default_factory=list[str])  # whose weights the folder holds
    sha256: str = ""  # of the file with the weights
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])  # of the training; plain JSON


def read_config(folder: Path) -> PolicyConfig:
    """Read a policy's `config.json` and check it; the weights are not touched.

    Raises:
        UserError: the file is missing, damaged or of another kind; the message says why.
    """
    path = folder / CONFIG
    config = POLICY_FORMAT.read(path)
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
