"""Where metrics are shown besides `metrics.jsonl`: TensorBoard, and Weights & Biases on demand."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..utils.files import to_json
from ..utils.optional import need
from .recipes import Recipe

GROUPS = {
    "success_greedy": "success/greedy",
    "success_explored": "success/explored",
    "loss": "learning/loss",
    "updates": "learning/updates",
    "epsilon": "learning/epsilon",
    "grasp_threshold": "learning/grasp_threshold",
    "samples_per_s": "speed/samples_per_s",
    "wall_s": "speed/wall_s",
    "faults": "health/faults",
    "worker_deaths": "health/worker_deaths",
    "stage_samples": "progress/stage_samples",
}
"""Names on the boards, by names in `metrics.jsonl`; shares of time are under "time/"."""


Picture = npt.NDArray[np.uint8]


class Board(Protocol):
    """Shows the metrics of a run, and pictures of actions."""

    def write(self, samples: int, values: Mapping[str, float]) -> None:
        """Show numbers by name; the x axis is the number of actions so far."""
        ...

    def show(self, samples: int, name: str, picture: Picture) -> None:
        """Show a picture, (H, W, 3) uint8 sRGB."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


def board_values(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the finite numbers of a line of metrics under their names on the boards."""
    return {
        GROUPS.get(name, f"time/{name.removeprefix('share_')}"): value
        for name, value in values.items()
        if isinstance(value, int | float) and np.isfinite(value)
    }


def hyperparameters(recipe: Recipe) -> dict[str, str | float | bool]:
    """Return a recipe's numbers by dotted name, as `--set` takes them."""
    flat: dict[str, str | float | bool] = {}

    def add(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, part in value.items():
                add(f"{name}.{key}" if name else key, part)
        elif isinstance(value, list) and any(isinstance(part, dict) for part in value):
            for i, part in enumerate(value):
                add(f"{name}.{i}", part)
        else:
            flat[name] = value if isinstance(value, str | float | int) else json.dumps(value)

    add("", json.loads(to_json(dataclasses.asdict(recipe))))
    return flat


class TensorBoard:
    """TensorBoard files in the run's folder; a resumed run continues them."""

    def __init__(self, directory: Path, recipe: Recipe | None) -> None:
        # Slow to import, and not needed by rollout workers.
        from torch.utils.tensorboard.summary import hparams
        from torch.utils.tensorboard.writer import SummaryWriter

        folder = directory / "tensorboard"
        is_new = not folder.exists()
        self._board = SummaryWriter(str(folder))
        if recipe is not None and is_new:
            writer = self._board.file_writer  # add_hparams would make another run
            assert writer is not None
            for summary in hparams(hyperparameters(recipe), {"success/greedy": 0.0}):
                writer.add_summary(summary)
            text = to_json(dataclasses.asdict(recipe), indent=2)
            self._board.add_text("recipe", "    " + text.replace("\n", "\n    "))

    def write(self, samples: int, values: Mapping[str, float]) -> None:
        """See Board."""
        for name, value in values.items():
            self._board.add_scalar(name, value, samples)
        self._board.flush()

    def show(self, samples: int, name: str, picture: Picture) -> None:
        """See Board."""
        self._board.add_image(name, picture, samples, dataformats="HWC")

    def close(self) -> None:
        """See Board."""
        self._board.close()


class WandB:
    """A run at Weights & Biases; a resumed run continues it.

    Args:
        directory: of the run, which gives the run its name and its identity.
        recipe: shown as its configuration.
        project: of Weights & Biases.
    Raises:
        UserError: the extra is not installed, or the service refuses.
    """

    def __init__(self, directory: Path, recipe: Recipe | None, project: str) -> None:
        self._wandb = need("wandb", "wandb")
        mark = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]
        config = hyperparameters(recipe) if recipe is not None else {}
        try:
            self._run = self._wandb.init(
                project=project, name=directory.name, id=mark, resume="allow", config=config,
                dir=str(directory),
            )  # fmt: skip
        except self._wandb.Error as error:
            raise UserError(
                f"wandb: {error}; log in with `wandb login`, or set WANDB_MODE=offline"
            ) from error
        self._run.define_metric("*", step_metric="samples")

    def write(self, samples: int, values: Mapping[str, float]) -> None:
        """See Board."""
        self._run.log({**values, "samples": samples})

    def show(self, samples: int, name: str, picture: Picture) -> None:
        """See Board."""
        self._run.log({name: self._wandb.Image(picture), "samples": samples})

    def close(self) -> None:
        """See Board."""
        self._run.finish()
