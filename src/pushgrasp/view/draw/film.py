"""What a film shows over its pictures: title, captions, the robot's view, the ending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from . import panels
from .actions import ActionGeometry
from .sheet import CARD, INK, RIM, Color, Picture, font, wrap

if TYPE_CHECKING:
    from ...interfaces import RGBDFrame
    from ...retrieve import Step

SIZE = (1280, 720)  # pixels, width and height; even, as the codec wants
_EDGE = 28  # pixels around the picture that stay free
_INSET = 264  # pixels per side of the robot's view
_BAND = 84  # pixels, the caption's height
_SHADE = (16, 18, 24)
_WHITE: Color = (255, 255, 255)
_PALE: Color = (206, 212, 222)
_GOOD: Color = (110, 226, 170)
_BAD: Color = (255, 168, 120)


@dataclass(frozen=True)
class Layer:
    """A rectangle that is laid over a picture."""

    x: int
    y: int
    color: npt.NDArray[np.float32]  # (h, w, 3) sRGB
    opacity: npt.NDArray[np.float32]  # (h, w, 1), 0 to 1


def lay(picture: Picture, layers: Sequence[Layer], share: float = 1.0) -> Picture:
    """Return a picture with layers over it.

    Args:
        picture: (720, 1280, 3) sRGB.
        layers: what to lay over it, the last on top.
        share: of their opacity, 0 to 1.
    """
    result = picture.copy()
    for layer in layers:
        h, w = layer.opacity.shape[:2]
        part = result[layer.y : layer.y + h, layer.x : layer.x + w]
        opacity = share * layer.opacity
        part[:] = np.rint(layer.color * opacity + part * (1 - opacity)).astype(np.uint8)
    return result


def title_layer(goal: str, goal_rgb: Color, lines: Sequence[str], small: str) -> Layer:
    """Draw the opening title over the whole picture.

    Args:
        goal: what to retrieve, "red block".
        goal_rgb: its colour, sRGB.
        lines: sentences on the scene.
        small: scene, robot, policy.
    """
    image, draw = _transparent(*SIZE, shade=165)
    draw.text((_EDGE, 40), "pushgrasp", (*_PALE, 255), font(24, True))
    text = f"Find the {goal}"
    y = 268
    draw.rounded_rectangle((_EDGE + 32, y + 4, _EDGE + 92, y + 64), 10, goal_rgb, _WHITE, 3)
    draw.text((_EDGE + 120, y - 6), text, _WHITE, font(60, True))
    y += 96
    for sentence in lines:
        for line in wrap(sentence, SIZE[0] - 240, 30):
            draw.text((_EDGE + 120, y), line, _WHITE, font(30))
            y += 42
    draw.text((_EDGE, SIZE[1] - 52), small, (*_PALE, 255), font(20))
    return _layer(image, 0, 0)


def ending_layer(sentence: str, *, success: bool) -> Layer:
    """Draw the result into the caption's place."""
    return _caption(f"{'✓' if success else '✗'}  {sentence}", _GOOD if success else _BAD, 36)


def caption_layer(text: str) -> Layer:
    """Draw what the robot does, in a sentence or two."""
    return _caption(text, _WHITE, 31)


def outcome_layer(text: str, *, good: bool) -> Layer:
    """Draw what came of it."""
    return _caption(f"{'✓' if good else '✗'}  {text}", _GOOD if good else _BAD, 31)


def inset_layer(step: Step, geometry: ActionGeometry, frame: RGBDFrame | None) -> Layer:
    """Draw the heightmap's colours with the goal, the target and the action.

    Args:
        step: the decision.
        geometry: what the action is drawn with.
        frame: see `panels.crop_of`.
    """
    image, draw = _transparent(_INSET + 12, _INSET + 42)
    draw.rounded_rectangle((0, 0, _INSET + 11, _INSET + 41), 10, (*CARD, 238))
    draw.text((10, 18), "What the robot sees", INK, font(15, True), anchor="lm")
    draw.text((_INSET + 2, 18), f"action {step.index + 1}", INK, font(13), anchor="rm")
    crop = panels.crop_of(step, _INSET, frame)
    image.paste(Image.fromarray(panels.color_panel(step, crop, geometry)), (6, 36))
    return _layer(image, _EDGE, _EDGE)


def goal_layer(goal: str, goal_rgb: Color) -> Layer:
    """Draw the goal's colour and name into the upper right corner."""
    size, text = 22, f"Goal: {goal}"
    width = round(font(size, True).getlength(text)) + 78
    image, draw = _transparent(width, 52)
    draw.rounded_rectangle((0, 0, width - 1, 51), 12, (*CARD, 238))
    draw.rounded_rectangle((14, 12, 42, 40), 6, goal_rgb, RIM, 2)
    draw.text((56, 26), text, INK, font(size, True), anchor="lm")
    return _layer(image, SIZE[0] - _EDGE - width, _EDGE)


def _caption(text: str, color: Color, size: int) -> Layer:
    while size > 18 and font(size, True).getlength(text) > SIZE[0] - 2 * _EDGE:
        size -= 1
    image, draw = _transparent(SIZE[0], _BAND, shade=200)
    draw.text((SIZE[0] // 2, _BAND // 2), text, color, font(size, True), anchor="mm")
    return _layer(image, 0, SIZE[1] - _BAND)


def _transparent(
    width: int, height: int, shade: int = 0
) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGBA", (width, height), (*_SHADE, shade))
    return image, ImageDraw.Draw(image)


def _layer(image: Image.Image, x: int, y: int) -> Layer:
    pixels = np.asarray(image, np.float32)
    return Layer(x, y, pixels[..., :3].copy(), pixels[..., 3:] / np.float32(255))
