"""A trial's decisions as one small image file, side by side."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from ...utils.files import write_atomic
from .actions import ActionGeometry
from .panels import color_panel, crop_of
from .sheet import GOOD, PAPER, RIM, Picture

if TYPE_CHECKING:
    from ...retrieve import Step

CELL = 144
"""Pixels per side of each step's picture."""
COLUMNS = 32
"""Steps per row: a WebP is at most 16,383 pixels wide."""
_DRAWN = 2 * CELL  # pixels; drawn larger and then shrunk for fine lines
_QUALITY = 60  # 2 to 3 KB per step
_MARK = 5  # pixels, the bar under a step that lifted something


class Strip:
    """The pictures of a trial's steps, kept in memory until they are saved.

    Args:
        geometry: what actions are drawn with; None: the standard jaw and primitives.
    """

    def __init__(self, geometry: ActionGeometry | None = None) -> None:
        self._geometry = geometry or ActionGeometry()
        self._cells: list[Picture] = []

    def add(self, step: Step, lifted: bool) -> None:
        """Draw a step: the colours from above, outlines of goal and target, the action.

        Args:
            step: what was seen, decided and done.
            lifted: the jaw took something off the table, by the simulator's ground truth; such
                a step has a green bar at the bottom.
        """
        large = color_panel(step, crop_of(step, _DRAWN), self._geometry)
        cell = cv2.resize(large, (CELL, CELL), interpolation=cv2.INTER_AREA)
        if lifted:
            cell[-_MARK - 1 :], cell[-_MARK:] = RIM, GOOD
        self._cells.append(cell.astype(np.uint8))

    def picture(self) -> Picture:
        """Draw the steps side by side, (rows * CELL, columns * CELL, 3) sRGB; see `COLUMNS`."""
        columns = min(len(self._cells), COLUMNS)
        rows = -(-len(self._cells) // COLUMNS)
        sheet = np.full((rows * CELL, columns * CELL, 3), PAPER, np.uint8)
        for i, cell in enumerate(self._cells):
            row, column = divmod(i, COLUMNS)
            sheet[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL] = cell
        return sheet

    def save(self, path: str | Path) -> None:
        """Write the strip as a WebP file, whole or not at all; nothing is written without a step.

        Raises:
            UserError: the place cannot be written, or the disk is full.
        """
        if not self._cells:
            return
        buffer = io.BytesIO()
        Image.fromarray(self.picture()).save(buffer, "WEBP", quality=_QUALITY, method=4)
        write_atomic(path, buffer.getvalue())
