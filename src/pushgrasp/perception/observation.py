"""Input of a decision: the heightmap and what segmentation found on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import Action, Primitive
from ..workspace import N_ROTATIONS, rotation_angle
from .heightmap import Heightmap


@dataclass(frozen=True)
class Observation:
    """One look at the table. All images have the workspace's shape (H, W).

    Raises:
        UserError: an image has another shape; the message names it.
    """

    heightmap: Heightmap
    labels: npt.NDArray[np.int32]  # (H, W) 0 background, 1..n one connected region each
    objects: npt.NDArray[np.bool_]  # (H, W) seen and above the table, walls left out
    goal: npt.NDArray[np.bool_]  # (H, W) the goal's pixels; empty while it is hidden
    walls: npt.NDArray[np.bool_] | None = None
    """(H, W) walls of a tote round the workspace, never a target; None: not looked for."""
    notes: tuple[str, ...] = ()
    """Sentences for the user: corrections, cameras left out, doubts about the goal."""
    ambiguous: str = ""
    """The reason if the goal cannot be distinguished from another thing, both named; else ""."""

    def __post_init__(self) -> None:
        shape = self.heightmap.workspace.shape
        images = {
            "height": self.heightmap.height,
            "labels": self.labels,
            "object mask": self.objects,
            "goal mask": self.goal,
        }
        if self.walls is not None:
            images["mask of walls"] = self.walls
        for name, image in images.items():
            if image.shape != shape:
                raise UserError(
                    f"the {name} has shape {image.shape}; the workspace has {shape} pixels"
                )

    def action(
        self,
        primitive: Primitive,
        rotation: int,
        row: int,
        column: int,
        *,
        q: float = float("nan"),
        why: str = "",
    ) -> Action:
        """An action at a pixel.

        Args:
            primitive: grasp or push.
            rotation: 0 to 15.
            row, column: of the heightmap; where nothing was seen, the action's height is NaN.
            q: its value.
            why: it was chosen, in words.
        Raises:
            UserError: there is no such primitive, rotation or pixel.
        """
        self._check(primitive, rotation, row, column)
        workspace = self.heightmap.workspace
        x, y = workspace.to_xy(row, column)
        z = workspace.table_z + float(self.heightmap.height[row, column])
        return Action(
            primitive=primitive,
            pixel=(row, column),
            rotation=rotation,
            position=(float(x), float(y), z),
            yaw=float(rotation_angle(rotation)),
            q=q,
            why=why,
        )

    def check(self, action: Action) -> None:
        """Make sure that an action is one of this look.

        Raises:
            UserError: it has no such primitive, rotation or pixel.
        """
        self._check(action.primitive, action.rotation, *action.pixel)

    def _check(self, primitive: str, rotation: int, row: int, column: int) -> None:
        if primitive not in get_args(Primitive):
            raise UserError(
                f"no primitive {primitive!r}; there are: {', '.join(get_args(Primitive))}"
            )
        if rotation not in range(N_ROTATIONS):
            raise UserError(f"no rotation {rotation}; there are 0 to {N_ROTATIONS - 1}")
        rows, columns = self.heightmap.workspace.shape
        if row not in range(rows) or column not in range(columns):
            raise UserError(f"no pixel ({row}, {column}); the heightmap has {rows} x {columns}")
