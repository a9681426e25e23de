"""Numbers of a fit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FitConfig:
    """Numbers of a fit."""

    iterations: int = 3
    """Times that the next looks' values are computed anew after the first, without them."""
    epochs: float = 4.0
    """Passes over the actions in each iteration; twice as many in the first and the last."""
    goals: int = 5
    """Goals of each action in each iteration."""
    grasps: int = 14
    """Grasps among the next look's candidates at most, drawn anew."""
    pushes: int = 6
    """Pushes among the next look's candidates, drawn anew."""
    best: int = 2
    """Of the candidates' values the mean of so many is the look's."""
    batch: int = 64
    learning_rate: float = 1e-3
    networks: int = 2
    seed: int = 0
