"""What a depth camera adds to a perfect picture. Arrays in, arrays out; no simulator."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...interfaces import RGBDFrame
from ...utils.config_json import from_json
from .stereo import DepthNoise, match, rough_normal


@dataclass(frozen=True)
class ColorNoise:
    """A colour camera's errors (assumed: a small sensor indoors, after white balance)."""

    sigma: float = 3.0
    """Of 255, standard deviation of each channel of each pixel."""
    gain: float = 0.03
    """Standard deviation of a whole picture's brightness, as a share: exposure."""
    balance: float = 0.004
    """Standard deviation of a whole picture's gain in each channel: white balance."""

    def __post_init__(self) -> None:
        if min(self.sigma, self.gain, self.balance) < 0:
            raise UserError(f"{self}: a colour's noise is 0 or more")


@dataclass(frozen=True)
class SensorNoise:
    """All that a camera adds to what there is to see."""

    white: float = 0.0
    """m, standard deviation of a depth error that knows no distance and no neighbours."""
    depth: DepthNoise | None = None
    color: ColorNoise | None = None

    def __post_init__(self) -> None:
        if self.white < 0:
            raise UserError(f"the noise has white {self.white} m; it must be 0 or more")


D405 = SensorNoise(depth=DepthNoise(), color=ColorNoise())
"""One picture, as it comes."""
D405_AVERAGED = SensorNoise(depth=DepthNoise(frames_averaged=16), color=ColorNoise())
"""Half a second of pictures of a scene that lies still: 1.6 mm at 0.7 m."""
NOISES = {"d405": D405, "d405-averaged": D405_AVERAGED}
"""By the names that a file of cameras may use."""


def read_noise(value: object, where: str) -> SensorNoise | None:
    """The noise that a file asks for.

    Args:
        value: parsed JSON: null, a name, or the fields of `SensorNoise`.
        where: the file and place, for the message.
    Raises:
        UserError: it is none of these.
    """
    if value is None:
        return None
    if isinstance(value, str):
        if value not in NOISES:
            raise UserError(f"{where} is {value!r}; it must be null, one of {', '.join(NOISES)}, "
                            "or an object with the numbers of a noise")  # fmt: skip
        return NOISES[value]
    return from_json(SensorNoise, value, where)


def sense(frame: RGBDFrame, noise: SensorNoise | None, rng: np.random.Generator) -> RGBDFrame:
    """The picture that a real camera would have taken.

    Args:
        frame: a perfect one; it is left as it is.
        noise: of the camera; None for none.
        rng: drawn from; the same state gives the same picture.
    Returns:
        A frame with other depth and colour. Pixels without depth get none.
    """
    if noise is None:
        return frame
    depth, color = frame.depth, frame.color
    seen = depth > 0
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not len(rows):
        return frame
    cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if noise.depth is not None:
        depth = np.zeros_like(depth)
        depth[cut] = match(frame.depth[cut], frame.intrinsics.fx, noise.depth, rng)
    if noise.white > 0:
        error = rng.normal(0.0, noise.white, depth.shape).astype(np.float32)
        depth = np.where(depth > 0, np.maximum(depth + error, np.float32(1e-3)), depth)
    if noise.color is not None:
        color = color.copy()
        color[cut] = _colored(color[cut], noise.color, rng)
    return dataclasses.replace(frame, depth=depth, color=color)


def _colored(
    color: npt.NDArray[np.uint8], noise: ColorNoise, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Colours (H, W, 3) with the noise of pixels and of the whole picture."""
    gain = (1 + rng.normal(0.0, noise.gain)) * (1 + rng.normal(0.0, noise.balance, 3))
    error = np.float32(noise.sigma) * rough_normal(color.shape, rng)
    bright = color * gain.astype(np.float32)
    return np.asarray(cv2.add(bright, error, dtype=cv2.CV_8U), np.uint8)  # rounds, stays in 0..255
