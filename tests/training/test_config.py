"""The options of training are checked without PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pushgrasp.errors import UserError
from pushgrasp.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -3}, "seed -3: a seed is 0 or more"),
        ({"workers": 0}, "workers 0: at least one is needed"),
        ({"time_limit": 0.0}, "time limit 0.0: it must be above 0 s"),
        ({"time_limit": float("nan")}, "time limit nan: it must be above 0 s"),
        ({"resume": True, "init_from": "default"}, "a resumed run has its own"),
        ({"resume": True, "imagenet": Path("fetch")}, "a resumed run has its own"),
    ],
)
def test_impossible_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        TrainingConfig(**options).check()


def test_possible_options_are_accepted() -> None:
    TrainingConfig().check()
    TrainingConfig(resume=True, workers=3, time_limit=0.5, device="cpu").check()
    TrainingConfig(seed=0, init_from="default").check()
