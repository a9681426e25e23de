"""Checkpoints and published weights: complete, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import Adam

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Primitive
from pushgrasp.training.checkpoint import (
    load_checkpoint,
    load_weights,
    read_state,
    save_checkpoint,
    save_weights,
)

STATE = {"updates": {"grasp": 3, "push": 0}, "grasp_threshold": 1.78}


def networks(seed: int, width: int = 3) -> dict[Primitive, nn.Module]:
    torch.manual_seed(seed)
    primitives: tuple[Primitive, ...] = ("grasp", "push")
    return {p: nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width)) for p in primitives}


def step(nets: dict[Primitive, nn.Module], optimizers: dict[Primitive, Adam]) -> None:
    optimizers["grasp"].zero_grad()
    nets["grasp"](torch.rand(4, 2)).square().sum().backward()
    optimizers["grasp"].step()


def adams(nets: dict[Primitive, nn.Module]) -> dict[Primitive, Adam]:
    return {name: Adam(network.parameters(), 0.01) for name, network in nets.items()}


def weights(nets: dict[Primitive, nn.Module]) -> dict[str, Tensor]:
    return {f"{n}/{k}": v.clone() for n, net in nets.items() for k, v in net.state_dict().items()}


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_a_loaded_checkpoint_continues_exactly(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    nets, rng = networks(0), np.random.default_rng(5)
    optimizers = adams(nets)
    step(nets, optimizers)
    save_checkpoint(path, nets, optimizers, rng, STATE)
    step(nets, optimizers)
    drawn, drawn_by_torch = rng.random(3), torch.rand(3)

    others, other_rng = networks(1), np.random.default_rng(6)
    other_optimizers = adams(others)
    assert load_checkpoint(path, others, other_optimizers, other_rng) == STATE
    assert read_state(path) == STATE
    step(others, other_optimizers)
    assert equal(weights(others), weights(nets))
    np.testing.assert_array_equal(other_rng.random(3), drawn)
    assert torch.equal(torch.rand(3), drawn_by_torch)


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_a_checkpoint_that_does_not_fit_is_named(tmp_path: Path, damage: str) -> None:
    path, nets = tmp_path / "checkpoint.safetensors", networks(0)
    width = 4 if damage == "other" else 3
    save_checkpoint(path, nets, adams(nets), np.random.default_rng(0), STATE)
    if damage == "missing":
        path.unlink()
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    others = networks(0, width)
    with pytest.raises(UserError, match=r"checkpoint.safetensors is no checkpoint of this run"):
        load_checkpoint(path, others, adams(others), np.random.default_rng(0))
    if damage != "other":
        with pytest.raises(UserError, match=r"checkpoint.safetensors is no checkpoint"):
            read_state(path)


def test_published_weights_are_read_back(tmp_path: Path) -> None:
    nets, others = networks(0), networks(1)
    save_weights(tmp_path / "weights.safetensors", nets)
    assert not equal(weights(nets), weights(others))
    load_weights(tmp_path / "weights.safetensors", others)
    assert equal(weights(nets), weights(others))
