"""Q-networks: `densenet121` as in the paper, `compact` for a CPU. A config's name picks one."""

from __future__ import annotations

from ...errors import UserError
from ...interfaces import Primitive
from ..config import NetworkConfig
from .base import QNetwork, Scenes
from .compact import Compact
from .crops import at_pixels
from .densenet import DenseNet

__all__ = ["NETWORKS", "QNetwork", "Scenes", "at_pixels", "build"]

NETWORKS: dict[str, type[QNetwork]] = {"compact": Compact, "densenet121": DenseNet}


def build(config: NetworkConfig, primitive: Primitive) -> QNetwork:
    """Make a network with random weights from PyTorch's global RNG.

    Args:
        config: which one, and how it sees.
        primitive: whose actions it scores.
    Raises:
        UserError: there is no such network, or its crop has an impossible size.
    """
    if config.name not in NETWORKS:
        raise UserError(f"no network {config.name!r}; there are: {', '.join(sorted(NETWORKS))}")
    return NETWORKS[config.name](config, primitive)
