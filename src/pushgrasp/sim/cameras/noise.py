"""Sensor noise of an RGB-D camera. Arrays in, arrays out; no simulator."""

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
    """Noise of a colour image (assumed: a small sensor indoors, after white balance)."""

    sigma: float = 3.0
    """Standard deviation of each channel of each pixel, of 255."""
    gain: float = 0.03
    """Standard deviation of an image's brightness, as a share: exposure."""
    balance: float = 0.004
    """Standard deviation of an image's gain in each channel: white balance."""

    def __post_init__(self) -> None:
        if min(self.sigma, self.gain, self.balance) < 0:
            raise UserError(f"{self}: colour noise must be 0 or more")


@dataclass(frozen=True)
class SensorNoise:
    """Noise of an RGB-D camera."""

    white: float = 0.0
    """m, standard deviation of white depth noise: independent of distance and of neighbours."""
    depth: DepthNoise | None = None
    color: ColorNoise | None = None

    def __post_init__(self) -> None:
        if self.white < 0:
            raise UserError(f"the noise has white {self.white} m; it must be 0 or more")


D405 = SensorNoise(depth=DepthNoise(), color=ColorNoise())
"""A single RealSense D405 image."""
D405_AVERAGED = SensorNoise(depth=DepthNoise(frames_averaged=16), color=ColorNoise())
"""The mean of 16 images of a static scene, half a second: 1.6 mm at 0.7 m."""
NOISES = {"d405": D405, "d405-averaged": D405_AVERAGED}
"""By the names used in camera files."""


def read_noise(value: object, where: str) -> SensorNoise | None:
    """Read a noise model from parsed JSON.

    Args:
        value: null, a name, or an object with the fields of `SensorNoise`.
        where: file and place, for messages.
    Raises:
        UserError: the value is none of these.
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
    """Add sensor noise to a frame.

    Args:
        frame: a perfect one; not modified.
        noise: of the camera; None for none.
        rng: the same state gives the same noise.
    Returns:
        The noisy frame; pixels without depth stay without.
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
    """Add per-pixel and per-image noise to colours (H, W, 3)."""
    gain = (1 + rng.normal(0.0, noise.gain)) * (1 + rng.normal(0.0, noise.balance, 3))
    error = np.float32(noise.sigma) * rough_normal(color.shape, rng)
    bright = color * gain.astype(np.float32)
    return np.asarray(cv2.add(bright, error, dtype=cv2.CV_8U), np.uint8)  # rounds, stays in 0..255
