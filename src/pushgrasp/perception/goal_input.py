"""What a person may show the goal with: colours, picture files, masks and boxes, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import UserError

RGB = tuple[int, int, int]
Box = tuple[int, int, int, int]  # row, column, height, width

LARGEST_MASK = 0.9  # of the picture; a larger mask is an inverted one
JPEG, JPEG_END, PNG, PNG_END = b"\xff\xd8\xff", b"\xff\xd9", b"\x89PNG", b"IEND"


def check_color(value: Any, what: str) -> RGB:
    """Take three whole numbers from 0 to 255 as a colour.

    Raises:
        UserError: they are something else.
    """
    try:
        r, g, b = (int(v) for v in value)
        fits = (r, g, b) == tuple(value) and min(r, g, b) >= 0 and max(r, g, b) <= 255
    except (TypeError, ValueError):
        r, g, b, fits = 0, 0, 0, False
    if not fits:
        raise UserError(
            f"{what} {value!r:.60}: it must be a colour as three numbers from 0 to 255 (red is "
            "(255, 0, 0)); parse_color reads a colour's name, and Goal takes pictures and masks"
        )
    return r, g, b


def check_picture(value: Any, what: str) -> npt.NDArray[np.uint8]:
    """Take an (H, W, 4) array of uint8, some of it opaque.

    Raises:
        UserError: it is something else.
    """
    image = np.asarray(value)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 4:
        hint = (
            "Goal.from_picture reads a file"
            if isinstance(value, str | Path)
            else "np.dstack([rgb, alpha]) adds an alpha channel, 255 on the goal and 0 beside it"
        )
        raise UserError(
            f"{what} is {image.dtype} of shape {image.shape}; it must be RGBA, uint8 of shape "
            f"(H, W, 4): {hint}"
        )
    if not (image[..., 3] > 127).any():
        raise UserError(f"{what}: all of it is transparent; the goal must be opaque, alpha 255")
    return image


def check_mask(value: Any, what: str) -> npt.NDArray[np.bool_]:
    """Take an (H, W) array of booleans, or of two numbers, the larger on the goal.

    Raises:
        UserError: it has another shape, shades, nothing, or nearly all of the picture.
    """
    image = np.asarray(value)
    if image.dtype.kind not in "biuf" or image.ndim != 2:
        hint = ": give mask[..., 0]" if image.ndim == 3 else ""
        hint = ": Goal.from_mask reads a file" if isinstance(value, str | Path) else hint
        raise UserError(
            f"{what} is {image.dtype} of shape {image.shape}; it must be booleans of shape (H, W)"
            f"{hint}"
        )
    if image.dtype != bool:
        if not (np.isin(image, (0, 1)).all() or np.isin(image, (0, 255)).all()):
            raise UserError(
                f"{what} is {image.dtype} from {image.min():g} to {image.max():g}; it must be "
                "booleans: compare it with a threshold, for example mask > 0.5"
            )
        image = image > 0
    if not image.any():
        raise UserError(f"{what} is empty; it must be true where the goal is")
    if (share := float(image.mean())) > LARGEST_MASK:
        raise UserError(
            f"{what} covers {share:.0%} of the picture; is it inverted? It must be true, or "
            "white, where the goal is only"
        )
    return image


def check_box(value: Any, what: str) -> Box:
    """Take four whole numbers: row, column, height, width.

    Raises:
        UserError: they are something else, or describe no rectangle.
    """
    try:
        row, column, height, width = (int(v) for v in value)
        fits = (row, column, height, width) == tuple(value)
    except (TypeError, ValueError, OverflowError):
        row, column, height, width, fits = 0, 0, 0, 0, False
    if not fits:
        raise UserError(
            f"{what} is {value!r:.60}; it must be four whole numbers of pixels: row, column, "
            "height, width"
        )
    if min(row, column) < 0 or min(height, width) < 1:
        raise UserError(
            f"{what} is row {row}, column {column}, {height} high, {width} wide; row and column "
            "are from 0, height and width from 1"
        )
    return row, column, height, width


def box_mask(
    box: Box, shape: tuple[int, int], what: str
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Draw a box.

    Args:
        box: row, column, height, width.
        shape: (H, W) of the picture.
        what: the start of the sentence.
    Returns:
        (H, W) inside the box, and the frame of half its size around it.
    Raises:
        UserError: the box does not lie in the picture.
    """
    row, column, height, width = check_box(box, what)
    if row + height > shape[0] or column + width > shape[1]:
        raise UserError(
            f"{what}, row {row}, column {column}, {height} high, {width} wide, does not lie "
            f"in a picture of {shape[0]} x {shape[1]} pixels (rows x columns). The order "
            "is row, column, height, width, from the upper left"
        )
    inside, around = np.zeros(shape, bool), np.zeros(shape, bool)
    inside[row : row + height, column : column + width] = True
    h, w = max(height // 2, 4), max(width // 2, 4)
    around[max(row - h, 0) : row + height + h, max(column - w, 0) : column + width + w] = True
    return inside, around & ~inside


def read_image(path: str | Path) -> npt.NDArray[np.uint8]:
    """Read a picture upright, as viewers show it.

    Returns:
        (H, W, 3) RGB or (H, W, 4) RGBA.
    Raises:
        UserError: it cannot be read, is cut off, or has no 8 or 16 bits.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    if not data.size:
        raise UserError(f"{path} is empty; give a PNG or JPEG")
    start, end = data[:4].tobytes(), data[-4096:].tobytes()
    if (start.startswith(JPEG) and JPEG_END not in end) or (start == PNG and PNG_END not in end):
        raise UserError(f"{path} is cut off: its end is missing; copy it again")
    image = _decode(data, cv2.IMREAD_UNCHANGED)
    if image is None:
        raise UserError(f"{path} is no picture that can be read; give a PNG or JPEG")
    if image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8:
        image = _decode(data, cv2.IMREAD_COLOR)  # turned as its EXIF orientation says
        assert image is not None
    if image.dtype == np.uint16:
        image = image >> 8
    elif image.dtype != np.uint8:
        raise UserError(f"{path}: its pixels are {image.dtype}, not 8 or 16 bits; give a PNG")
    if image.ndim == 2:
        image = np.dstack([image] * 3)
    order = [2, 1, 0] if image.shape[2] == 3 else [2, 1, 0, 3]
    return np.ascontiguousarray(image[..., order], np.uint8)


def _decode(data: npt.NDArray[np.uint8], flags: int) -> npt.NDArray[Any] | None:
    try:
        image: Any = cv2.imdecode(data, flags)
    except cv2.error:  # larger than OpenCV reads, for example
        return None
    return image
