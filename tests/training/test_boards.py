"""Metrics are shown in groups, with the recipe's numbers beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from interrupts import wait_until
from painted import TINY
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pushgrasp.errors import UserError
from pushgrasp.training.boards import board_values, hyperparameters
from pushgrasp.training.config import TrainingConfig
from pushgrasp.training.metrics import MetricsLog, read_metrics
from pushgrasp.training.recipes import RECIPES
from pushgrasp.utils import optional
from pushgrasp.utils.config_changes import with_settings

LINE = {"stage": "push", "stage_samples": 10, "wall_s": 2.0, "loss": float("nan")} | {
    "success_greedy": 0.5,
    "share_camera": 0.25,
}


def test_numbers_are_grouped_and_what_is_no_number_is_left_out() -> None:
    assert board_values(LINE) == {
        "progress/stage_samples": 10,
        "speed/wall_s": 2.0,
        "success/greedy": 0.5,
        "time/camera": 0.25,
    }


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_hyperparameters_have_the_names_that_set_takes(name: str) -> None:
    numbers = hyperparameters(RECIPES[name])
    assert numbers["stages.0.n_samples"] == RECIPES[name].stages[0].n_samples
    settings = [f"{key}={value}" for key, value in numbers.items()]
    assert with_settings(RECIPES[name], settings, "recipe") == RECIPES[name]


def test_tensorboard_has_groups_and_the_recipe_once(tmp_path: Path) -> None:
    for samples in (10, 20):  # the second time as if resumed
        with MetricsLog(tmp_path, TINY) as log:
            log.write(samples, LINE)
            log.show(samples, "actions/push", np.zeros((8, 8, 3), np.uint8))
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert [event.step for event in board.Scalars("success/greedy")] == [10, 20]
    assert [event.step for event in board.Images("actions/push")] == [10, 20]
    assert len(board.Tensors("recipe/text_summary")) == 1
    assert "_hparams_/session_start_info" in board.summary_metadata


def test_wandb_is_written_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    with MetricsLog(tmp_path, TINY, wandb="test") as log:
        log.write(10, LINE)
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    # Its service writes in blocks, at whose ends a name may be cut, and may be late.
    wait_until(lambda: any(name in file.read_bytes() for name in (b"success/gr", b"time/cam")))
    assert b"batch_size" in file.read_bytes(), "the recipe"
    assert len(read_metrics(tmp_path)[0]) == 1


def test_a_missing_wandb_is_told_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(optional.importlib, "import_module", missing)
    with pytest.raises(UserError, match=r"pip install '\.\[wandb\]'"):
        TrainingConfig(wandb="mine").check()
