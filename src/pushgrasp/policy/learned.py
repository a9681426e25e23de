"""A learned policy: two Q-networks and the numbers of its rule.

On disk it is a folder: `config.json` (readable, small) and `model.safetensors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import UserError
from ..interfaces import Action
from ..perception.observation import Observation
from ..primitives import PrimitiveConfig
from . import rule
from .base import Candidate, Decision, Mask, Memory, QMap
from .config import DecisionConfig, NetworkConfig, PolicyConfig, read_config
from .learned_settings import with_changes
from .load import PolicySource
from .maps import highest, smooth
from .networks import QNetwork, build
from .pretrained import Bits, load_strictly, read_weights, write_policy


@dataclass
class Policy:
    """Decides with Q-networks, which are in evaluation mode and never changed by deciding."""

    network: NetworkConfig
    decision: DecisionConfig
    primitive: PrimitiveConfig
    grasp: QNetwork
    push: QNetwork | None  # None: not trained (yet); then it only grasps
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])  # of its training; plain JSON
    name: str = ""

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        """Choose the next action.

        Args:
            observation: the current look at the table.
            memory: of the earlier actions; None at the start of an episode.
            refused: actions that the robot has just said it cannot do.
        Returns:
            The decision; its action is None if there is nothing left to do.
        """
        return rule.decide(
            self, observation, memory or Memory(), self.decision,
            refused=refused,
        )  # fmt: skip

    def best_push(self, observation: Observation) -> Candidate:
        """Find the best push for the current target even if the rule needs none, to show it."""
        return rule.best_push(self, observation, self.decision)

    def grasp_maps(self, observation: Observation, targets: Sequence[Mask]) -> list[QMap]:
        """Score the grasps of each target (H, W); see `rule.Scores`."""
        seen = observation.heightmap.seen
        masks = [target & seen for target in targets]
        if self.network.window == "workspace" and not self.grasp.sees_target and masks:
            union = np.logical_or.reduce(masks)
            whole = self.grasp.score(observation, union, union)  # one map serves them all
            return [np.where(mask, whole, np.float32(-np.inf)) for mask in masks]
        return [
            self.grasp.score(observation, target, mask)
            for target, mask in zip(targets, masks, strict=True)
        ]

    def push_map(self, observation: Observation, target: Mask) -> QMap | None:
        """Score the pushes on all objects and the target (H, W); see `rule.Scores`."""
        if self.push is None:
            return None
        allowed = (observation.objects | target) & observation.heightmap.seen
        return self.push.score(observation, target, allowed)

    def best_grasp(self, observation: Observation, target: Mask) -> float:
        """Return the highest Q_g over a target (H, W); 0, the value of a failure, without any."""
        q_map = self.grasp.score(observation, target, target)
        return highest(smooth(q_map, self.decision.smooth_px))

    @classmethod
    def random_init(
        cls,
        network: NetworkConfig | None = None,
        decision: DecisionConfig | None = None,
        primitive: PrimitiveConfig | None = None,
        *,
        seed: int = 0,
        with_push: bool = True,
        name: str = "random",
    ) -> Policy:
        """Make a policy with untrained networks; the same for the same seed.

        Raises:
            UserError: the network's configuration is impossible.
        """
        network = network or NetworkConfig()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            grasp = build(network, "grasp").eval()
            push = build(network, "push").eval() if with_push else None
        return cls(
            network=network,
            decision=decision or DecisionConfig(),
            primitive=primitive or PrimitiveConfig(),
            grasp=grasp,
            push=push,
            name=name,
        )

    @classmethod
    def from_pretrained(cls, source: str | Path | PolicySource, device: str = "auto") -> Policy:
        """Load a learned policy, ready to decide.

        Args:
            source: a name, or the folder of a policy or of a training run.
            device: see `load_policy`.
        Raises:
            UserError: there is no such policy or device, or its files are wrong, cut or altered.
        """
        found = source if isinstance(source, PolicySource) else PolicySource.resolve(source)
        if found.kind != "learned" or found.path is None:
            raise UserError(f"{found.source} is not a learned policy; load it with load_policy")
        config = read_config(found.path)
        weights = read_weights(found.path, config)
        policy = cls.random_init(
            config.network,
            *with_changes(config, found.changes),
            with_push="push" in weights,
            name=found.name,
        )
        policy.metadata = config.metadata
        for part, network in policy.networks().items():
            load_strictly(network, weights[part], found.path)
            network.to(choose_device(device, for_gpu=network.for_gpu))
        return policy

    def save_pretrained(self, folder: str | Path, *, bits: Bits = 32) -> None:
        """Write the policy as a folder with `config.json` and `model.safetensors`.

        Args:
            folder: made if missing; other files in it stay.
            bits: of the kernels: 16 for half the size and values changed by about 0.1 %, 8 for a
                quarter and about 1 %.
        Raises:
            UserError: the files cannot be written.
        """
        weights = {part: network.state_dict() for part, network in self.networks().items()}
        config = PolicyConfig(self.network, self.decision, self.primitive, metadata=self.metadata)
        write_policy(Path(folder), config, weights, bits=bits)

    def networks(self) -> dict[str, QNetwork]:
        """Return the networks, by primitive."""
        return {"grasp": self.grasp} | ({"push": self.push} if self.push else {})


def choose_device(device: str, *, for_gpu: bool) -> torch.device:
    """Choose the device that networks run on.

    Args:
        device: "cpu", "cuda", "cuda:N", or "auto": the GPU, if there is one and it pays.
        for_gpu: it pays.
    Raises:
        UserError: PyTorch has no such device.
    """
    if device == "auto":
        return torch.device("cuda" if for_gpu and torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError:
        found = None
    if found is None or found.type not in ("cpu", "cuda"):
        raise UserError(f"no device {device!r}; it is auto, cpu, cuda or cuda:N")
    if found.type == "cuda":
        n = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (found.index or 0) >= n:
            there = f"{n} GPU{'' if n == 1 else 's'}" if n else "no GPU"
            raise UserError(
                f"device {device!r} is not available: PyTorch {torch.__version__} finds {there} "
                "here; use cpu or auto"
            )
    return found
