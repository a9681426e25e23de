"""How a person tells the robot what to retrieve: a colour, a picture, a place, a name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import UserError
from .color_modes import color_modes
from .colors import format_color

RGB = tuple[int, int, int]
Box = tuple[int, int, int, int]

MIN_PICTURE_PX = 60  # a smaller picture does not show a thing's colours


@dataclass(frozen=True, eq=False)
class Appearance:
    """The goal's colours, and the light in which they were seen."""

    colors: npt.NDArray[np.float32]  # (K, 3) sRGB 0..255, the commonest first
    weights: npt.NDArray[np.float32]  # (K,) shares, sum 1
    table: npt.NDArray[np.float32] | None = None  # (3,) the table in the same light; None: unknown


@dataclass(frozen=True, eq=False)
class Goal:
    """An object to retrieve.

    Exactly one of `color`, `picture`, `mask` and `box` is given; or none, where a segmenter of
    the user's knows the goal by its `name`.
    """

    color: RGB | None = None  # sRGB 0..255
    picture: npt.NDArray[np.uint8] | None = None  # (H, W, 4) RGBA; alpha 0: not the goal
    mask: npt.NDArray[np.bool_] | None = None  # (H, W) in the first frame of the first camera
    box: Box | None = None  # row, column, height, width in that frame
    name: str = ""  # for people, and for a segmenter that understands words
    table: RGB | None = None
    """The table's colour in the light in which `color` was read. None: not known."""

    @classmethod
    def of(cls, value: Goal | RGB) -> Goal:
        """Take a goal as it is, and three numbers for a colour."""
        if isinstance(value, Goal):
            return value
        given: Any = value  # whatever a caller without a type checker gives
        try:
            r, g, b = (int(v) for v in given)
            fits = (r, g, b) == tuple(given) and min(r, g, b) >= 0 and max(r, g, b) <= 255
        except (TypeError, ValueError):
            r, g, b, fits = 0, 0, 0, False
        if not fits:
            raise UserError(
                f"goal {given!r}: it is a Goal, or a colour as three numbers from 0 to 255 (red is "
                "(255, 0, 0)); parse_color reads a colour's name"
            )
        return cls(color=(r, g, b))

    @classmethod
    def from_picture(cls, path: str | Path, region: Box | None = None) -> Goal:
        """Read a picture of the goal.

        Args:
            path: a cut-out with transparency (RGBA), or a photo of which `region` shows it.
            region: row, column, height, width in pixels.
        Raises:
            UserError: it cannot be read, is opaque without a region, or shows too little.
        """
        image = _read_image(path)
        if region is None and image.shape[2] == 3:
            raise UserError(
                f"{path} has no transparency: which part of it is the goal? Give the goal's "
                "region (row, column, height, width), or a cut-out as RGBA"
            )
        table = None
        if image.shape[2] == 3:
            assert region is not None
            inside, around = _box_mask(region, image.shape[:2], str(path))
            if around.sum() >= MIN_PICTURE_PX:
                r, g, b = np.median(image[around], axis=0)
                table = (int(r), int(g), int(b))
            image = np.dstack([image, 255 * inside.astype(np.uint8)])
        elif region is not None:
            inside, _ = _box_mask(region, image.shape[:2], str(path))
            image[..., 3] = np.where(inside, image[..., 3], 0)
        if (shown := int((image[..., 3] > 127).sum())) < MIN_PICTURE_PX:
            raise UserError(
                f"{path} shows {shown} pixels of the goal; give a picture with at least "
                f"{MIN_PICTURE_PX}"
            )
        return cls(picture=image, name=Path(path).stem, table=table)

    @classmethod
    def from_mask(cls, path: str | Path) -> Goal:
        """Read a mask of the first frame: white where the goal is.

        Raises:
            UserError: it cannot be read, or nothing in it is white.
        """
        image = _read_image(path)[..., :3].max(axis=2) > 127
        if not image.any():
            raise UserError(f"{path}: the mask is empty; make it white where the goal is")
        return cls(mask=image, name=Path(path).stem)

    @property
    def on_first_frame(self) -> bool:
        """True if the goal is shown by a place in the first frame."""
        return self.mask is not None or self.box is not None

    def check_visible(self) -> None:
        """Check that a colour, a picture or a place shows what the goal looks like.

        Raises:
            UserError: only its name is given.
        """
        if self.color is None and self.picture is None and not self.on_first_frame:
            raise UserError(
                f"the goal {self.name!r} is given by words alone; use a colour, a picture, a box "
                "or a mask, or a segmenter that understands words"
            )

    def describe(self) -> str:
        """Name the goal for people."""
        if self.name:
            return self.name
        if self.color is not None:
            return format_color(self.color)
        return "the goal shown" if self.box is None else f"the thing in the box {self.box}"

    def first_frame_mask(self, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Give the place of a goal that is shown in the first frame.

        Args:
            shape: (H, W) of that frame.
        Raises:
            UserError: the mask has another shape, or the box lies outside.
        """
        if self.mask is not None:
            if self.mask.shape != shape:
                raise UserError(
                    f"the goal's mask has {self.mask.shape[0]} x {self.mask.shape[1]} pixels and "
                    f"the frame {shape[0]} x {shape[1]}; draw the mask on the camera's picture"
                )
            return self.mask
        assert self.box is not None
        return _box_mask(self.box, shape, "the goal's box")[0]

    def appearance(self) -> Appearance | None:
        """Colours of the goal as given; None if only a frame or a segmenter can show them."""
        table = None if self.table is None else np.array(self.table, np.float32)
        if self.color is not None:
            return Appearance(np.array([self.color], np.float32), np.ones(1, np.float32), table)
        if self.picture is not None:
            shown = self.picture[..., 3] > 127
            colors, weights = color_modes(self.picture[shown][:, :3])
            return Appearance(colors, weights, table)
        return None


def _box_mask(
    box: Box, shape: tuple[int, int], where: str
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(H, W) inside a box, and the frame of half its size around it."""
    row, column, height, width = box
    if (
        min(height, width) < 1
        or row < 0
        or column < 0
        or row + height > shape[0]
        or (column + width > shape[1])
    ):
        raise UserError(
            f"{where}: the region row {row}, column {column}, {height} high, {width} wide does "
            f"not lie in a picture of {shape[0]} x {shape[1]} pixels (rows x columns)"
        )
    inside, around = np.zeros(shape, bool), np.zeros(shape, bool)
    inside[row : row + height, column : column + width] = True
    h, w = max(height // 2, 4), max(width // 2, 4)
    around[max(row - h, 0) : row + height + h, max(column - w, 0) : column + width + w] = True
    return inside, around & ~inside


def _read_image(path: str | Path) -> npt.NDArray[np.uint8]:
    """(H, W, 3) RGB or (H, W, 4) RGBA."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    image: Any = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if image is None:
        raise UserError(f"{path} is no picture that can be read; give a PNG or JPEG")
    if image.dtype != np.uint8:
        image = (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else None
    if image is None:
        raise UserError(f"{path}: its pixels are not 8 or 16 bits; give a PNG or JPEG")
    if image.ndim == 2:
        image = np.dstack([image] * 3)
    order = [2, 1, 0] if image.shape[2] == 3 else [2, 1, 0, 3]
    return np.ascontiguousarray(image[..., order])
