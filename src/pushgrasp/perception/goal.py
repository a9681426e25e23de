"""How a person tells the robot what to retrieve: a colour, a picture, a place, a name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from .color_modes import color_modes, lit_parts
from .colors import format_color
from .goal_input import (
    LARGEST_MASK,
    RGB,
    Box,
    box_mask,
    check_box,
    check_color,
    check_mask,
    check_picture,
    read_image,
)

OPAQUE = 0.995  # share of the pixels, from which on it counts as all of them
GREY = 1  # of 255, difference between the channels of a picture without colour
MIN_PICTURE_PX = 60  # a smaller picture does not show a thing's colours


@dataclass(frozen=True, eq=False)
class Appearance:
    """The goal's colours, and the light in which they were seen."""

    colors: npt.NDArray[np.float32]  # (K, 3) sRGB 0..255, the commonest first
    weights: npt.NDArray[np.float32]  # (K,) shares, sum 1
    table: npt.NDArray[np.float32] | None = None  # (3,) the table in the same light; None: unknown
    lit: npt.NDArray[np.float32] | None = None
    """(K,) brightness of the lit part of what shows each colour, over the colour's own; None:
    not known."""

    @classmethod
    def of_pixels(
        cls, pixels: npt.NDArray[np.uint8], table: npt.NDArray[np.float32] | None
    ) -> Appearance:
        """Read it off (N, 3) pixels that show the goal."""
        colors, weights = color_modes(pixels)
        return cls(colors, weights, table, lit_parts(pixels, colors))


@dataclass(frozen=True, eq=False)
class Goal:
    """An object to retrieve.

    Exactly one of `color`, `picture`, `mask` and `box` is given; or none, where a segmenter of
    the user's knows the goal by its `name`.

    Raises:
        UserError: several are given, or one of them cannot be right.
    """

    color: RGB | None = None  # sRGB 0..255
    picture: npt.NDArray[np.uint8] | None = None  # (H, W, 4) RGBA; alpha 0: not the goal
    mask: npt.NDArray[np.bool_] | None = None  # (H, W) in the first frame of the first camera
    box: Box | None = None  # row, column, height, width in that frame
    name: str = ""  # for people, and for a segmenter that understands words
    table: RGB | None = None
    """The table's colour in the light in which `color` was read. None: not known."""

    def __post_init__(self) -> None:
        given = [w for w in ("color", "picture", "mask", "box") if getattr(self, w) is not None]
        if len(given) > 1:
            raise UserError(f"the goal is told by {' and by '.join(given)}; give one of them")
        values: dict[str, Any] = vars(self)  # whatever a caller without a type checker gives
        checks = {
            "color": check_color, "table": check_color, "picture": check_picture,
            "mask": check_mask, "box": check_box,
        }  # fmt: skip
        for field, check in checks.items():
            if (value := values[field]) is not None:
                object.__setattr__(self, field, check(value, f"the goal's {field}"))
        if not isinstance(values["name"], str):
            raise UserError(f"the goal's name is {values['name']!r}; it must be a text")

    @classmethod
    def of(cls, value: Goal | RGB) -> Goal:
        """Take a goal as it is, and three numbers for a colour."""
        if isinstance(value, Goal):
            return value
        return cls(color=check_color(value, "goal"))

    @classmethod
    def from_picture(cls, path: str | Path, region: Box | None = None) -> Goal:
        """Read a picture of the goal.

        Args:
            path: a cut-out with transparency (RGBA), or a photo of which `region` shows it.
            region: row, column, height, width in pixels.
        Raises:
            UserError: it cannot be read, is opaque without a region, or shows too little.
        """
        image = read_image(path)
        if image.shape[2] == 4 and (image[..., 3] > 127).mean() > OPAQUE:
            image = np.ascontiguousarray(image[..., :3])  # a screenshot, no cut-out
        if region is None and image.shape[2] == 3:
            raise UserError(
                f"{path} has no transparency: which part of it is the goal? Give the goal's "
                "region (row, column, height, width), or a cut-out as RGBA"
            )
        table = None
        if image.shape[2] == 3:
            assert region is not None
            inside, around = box_mask(region, image.shape[:2], f"{path}: the region")
            if (share := float(inside.mean())) > LARGEST_MASK:
                raise UserError(
                    f"{path}: the region covers {share:.0%} of the photo; it must lie round the "
                    "goal, with some of the table beside it in the picture, which tells the light"
                )
            if around.sum() >= MIN_PICTURE_PX:
                r, g, b = np.median(image[around], axis=0)
                table = (int(r), int(g), int(b))
            image = np.dstack([image, 255 * inside.astype(np.uint8)])
        elif region is not None:
            inside, _ = box_mask(region, image.shape[:2], f"{path}: the region")
            image[..., 3] = np.where(inside, image[..., 3], 0)
        if (shown := int((image[..., 3] > 127).sum())) < MIN_PICTURE_PX:
            raise UserError(
                f"{path} shows {shown} pixels of the goal; give a picture with at least "
                f"{MIN_PICTURE_PX}"
            )
        colors = image[image[..., 3] > 127][:, :3]
        if (np.ptp(colors, axis=1) <= GREY).mean() > OPAQUE:
            raise UserError(
                f"{path} has no colour: red, green and blue are equal where it shows the goal. "
                "Give a colour picture; a goal that is grey can be told by its colour, #rrggbb"
            )
        return cls(picture=image, name=Path(path).stem, table=table)

    @classmethod
    def from_mask(cls, path: str | Path) -> Goal:
        """Read a mask of the first frame: white where the goal is.

        Raises:
            UserError: it cannot be read, or nothing in it is white.
        """
        image = read_image(path)[..., :3].max(axis=2)
        if not (image > 127).any():
            raise UserError(
                f"{path}: the mask is empty, its largest value is {image.max()} of 255; make it "
                "white where the goal is"
            )
        return cls(mask=check_mask(image > 127, f"{path}: the mask"), name=Path(path).stem)

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
        return box_mask(self.box, shape, "the goal's box")[0]

    def appearance(self) -> Appearance | None:
        """Colours of the goal as given; None if only a frame or a segmenter can show them."""
        table = None if self.table is None else np.array(self.table, np.float32)
        if self.color is not None:
            return Appearance(np.array([self.color], np.float32), np.ones(1, np.float32), table)
        if self.picture is not None:
            shown = self.picture[..., 3] > 127
            return Appearance.of_pixels(self.picture[shown][:, :3], table)
        return None
