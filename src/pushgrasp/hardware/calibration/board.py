"""The ChArUco board: drawn to print true to size, and found in pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ...utils.files import write_atomic

DOTS_PER_MM = 600 / 25.4  # of the printed page
A4 = (297.0, 210.0)  # mm
RULER = 100  # mm, printed beside the board, to be measured


@dataclass(frozen=True)
class Board:
    """A ChArUco board. The default fills an A4 page and is read 0.7 m away at 848 pixels.

    The board's frame has its origin in the corner of the first square, x along the columns.
    """

    columns: int = 7
    rows: int = 5
    square: float = 0.038  # m, side of a square, as measured on the print
    marker: float = 0.028  # m

    def detect(
        self, image: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Find the board's inner corners.

        Args:
            image: (H, W) or (H, W, 3) uint8; infrared or colour.
        Returns:
            (N, 2) px and (N, 3) m on the board; N is 0 if nothing was found.
        """
        board = self._opencv()
        corners, ids, _, _ = cv2.aruco.CharucoDetector(board).detectBoard(image)
        if ids is None or len(ids) == 0:  # pyright: ignore[reportUnnecessaryComparison]
            return np.zeros((0, 2)), np.zeros((0, 3))
        numbers = np.reshape(np.asarray(ids, np.intp), -1)
        points = np.asarray(board.getChessboardCorners(), np.float64)[numbers]
        return np.asarray(corners, np.float64).reshape(-1, 2), points

    def draw(self, dots_per_mm: float = DOTS_PER_MM) -> npt.NDArray[np.uint8]:
        """Return the board as a (H, W) uint8 picture without a margin."""
        size = tuple(round(1e3 * self.square * n * dots_per_mm) for n in (self.columns, self.rows))
        return np.asarray(self._opencv().generateImage(size), np.uint8)

    def _opencv(self) -> cv2.aruco.CharucoBoard:
        words = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
        return cv2.aruco.CharucoBoard((self.columns, self.rows), self.square, self.marker, words)


def print_board(path: str | Path, board: Board) -> None:
    """Write the board as a PDF of one A4 page, true to size, with a ruler to check the print.

    Raises:
        UserError: the place cannot be written.
    """
    scale = DOTS_PER_MM
    page = Image.new("L", (round(A4[0] * scale), round(A4[1] * scale)), 255)
    picture = Image.fromarray(board.draw(scale))
    left = (page.width - picture.width) // 2
    page.paste(picture, (left, round(4 * scale)))
    draw = ImageDraw.Draw(page)
    y = round((A4[1] - 8) * scale)
    for mm in range(0, RULER + 1, 10):
        x = left + round(mm * scale)
        draw.line((x, y, x, y + round(3 * scale)), fill=0, width=6)
    draw.line((left, y, left + round(RULER * scale), y), fill=0, width=6)
    text = f"Print at 100 %. This line must measure {RULER} mm."
    draw.text((left + round((RULER + 4) * scale), y), text, fill=0, font_size=round(4 * scale))
    part = Path(path).with_suffix(".tmp.pdf")
    try:
        page.save(part, "PDF", resolution=25.4 * scale)
        data = part.read_bytes()
    finally:
        part.unlink(missing_ok=True)
    write_atomic(path, data)
