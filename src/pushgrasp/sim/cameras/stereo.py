"""What stereo matching makes of a perfect depth image. Arrays in, arrays out; no simulator.

It follows the published figures of the RealSense D405 and what is known of its kind of matcher:
- baseline 18 mm, best from 7 to 50 cm, under 2 % off at 50 cm, no projector of its own: its
  data sheet (337029) and the maintainers in librealsense issues #11427 and #15016;
- depth noise is z^2 / (focal length * baseline) times the noise of the disparity: "Tuning depth
  cameras for best performance", Intel's white paper. Of that noise its author says "as low as
  0.032 but it is best to use about 0.08" pixels (librealsense issue #3904);
- disparities have 5 bits below the pixel and flat surfaces look bumpy: Keselman et al., "Intel
  RealSense stereoscopic depth cameras", CVPR workshops, 2017, section 4.2.6, of the R200; the
  bumps are wider than a pixel, for neighbours are matched by windows that overlap;
- what only the left imager sees has no depth: geometry.
How often pixels drop out or lie between two surfaces depends on texture and light, and no
figures are published: those are assumptions, marked so below.

At 0.7 m a single picture of a D405 is thus 3.4 mm off (standard deviation), at 0.5 m 1.7 mm.
The default intrinsics (618 px) show nearly the middle 640x480 pixels of its 1280x720 picture.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import cv2
import numpy as np
import numpy.typing as npt

from ...errors import UserError

FloatImage = npt.NDArray[np.float32]

_PATCH_PX = 3  # px, the spread that makes patches without depth some 6 px wide
_SMOOTH_PX = 12  # px over which the lateral error of an edge stays the same
_QUANTILES = np.array([NormalDist().inv_cdf((i + 0.5) / 256) for i in range(256)], np.float32)
_QUANTILES /= _QUANTILES.std()


@dataclass(frozen=True)
class DepthNoise:
    """A stereo camera's depth; the defaults are a D405's, one picture, nothing filtered."""

    baseline: float = 0.018
    """m between the imagers; the right one stands on the picture's +x side."""
    focal_px: float = 643.0
    """Pixels, of the stream in which the camera matches: 1280 wide, the best it has. D405s gave
    426.6 (realsense-ros issue #3289) and 425.0 at 848, two thirds; it is the same at 640x480."""
    subpixel: float = 0.08
    """Pixels, standard deviation of the disparity in one picture."""
    floor: float = 0.032
    """Pixels, the part of `subpixel` that stays however many pictures are averaged."""
    disparity_step: float = 1 / 32
    """Pixels, the matcher's resolution."""
    depth_unit: float = 1e-4
    """m, what one count of the depth image stands for."""
    correlation_px: float = 1.5
    """Pixels, sigma of the bumps; a matching window of 7 pixels has about that (assumed)."""
    frames_averaged: int = 1
    """Pictures of one still scene whose depths are averaged into one."""
    near: float = 0.07
    """m; nothing closer has depth (848x480; 0.10 at 1280x720)."""
    far: float = 1.5
    """m; nothing farther has depth (assumed: three times its best range)."""
    lateral_px: float = 0.7
    """Pixels by which outlines wander (assumed)."""
    edge_dropout: float = 0.4
    """Chance that a pixel at a depth step has no depth (assumed)."""
    edge_mixing: float = 0.3
    """Chance that one lies between the two surfaces instead: a flying pixel (assumed)."""
    graze: tuple[float, float] = (75.0, 86.0)
    """Degrees between surface normal and ray from which pixels drop out as at a step, at first
    none, then all that do (assumed)."""
    patches: float = 0.003
    """Share of the picture without depth for lack of texture, in small patches (assumed)."""

    def __post_init__(self) -> None:
        numbers = dataclasses.asdict(self)
        for name in ("baseline", "focal_px", "disparity_step", "depth_unit", "frames_averaged"):
            if numbers[name] <= 0:
                raise UserError(f"the noise has {name} {numbers[name]}; it must be above 0")
        for name in ("subpixel", "floor", "correlation_px", "near", "lateral_px"):
            if numbers[name] < 0:
                raise UserError(f"the noise has {name} {numbers[name]}; it must be 0 or more")
        for name in ("edge_dropout", "edge_mixing", "patches"):
            if not 0 <= numbers[name] <= 1:
                raise UserError(f"the noise has {name} {numbers[name]}; a share is 0 to 1")
        if self.floor > self.subpixel:
            raise UserError(f"the noise has floor {self.floor}, above subpixel {self.subpixel}")
        if not self.near < self.far:
            raise UserError(f"the noise has near {self.near} m; it must be below far {self.far} m")
        if not 0 < self.graze[0] < self.graze[1] < 90:
            raise UserError(f"the noise has graze {self.graze}; two rising angles, 0 to 90 degrees")

    @property
    def disparity_std(self) -> float:
        """Pixels, what is left of `subpixel` after averaging."""
        passing = self.subpixel**2 - self.floor**2
        return float(np.sqrt(self.floor**2 + passing / self.frames_averaged))

    def std(self, depth: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(...) m, standard deviation on a flat surface at depths (...) in m."""
        squared = np.square(np.asarray(depth, np.float64))
        return squared * (self.disparity_std / (self.focal_px * self.baseline))


def match(depth: FloatImage, fx: float, noise: DepthNoise, rng: np.random.Generator) -> FloatImage:
    """Depths (H, W) in m, 0 for none, as the matcher would find them; fx in pixels."""
    solid = np.where(depth > 0, depth, np.float32(1e6))  # what has no depth is far away
    missing = (depth < noise.near) | (depth > noise.far)
    missing |= _hidden_from_the_right(solid, fx, noise.baseline)

    square = np.ones((3, 3), np.uint8)
    nearest, farthest = cv2.erode(solid, square), cv2.dilate(solid, square)
    tangent = (farthest - nearest) * np.float32(fx / 2) / nearest  # of the angle to the ray
    low, high = np.tan(np.radians(noise.graze))
    steep = np.clip((tangent - low) / (high - low), 0, 1)
    draw = rng.random(depth.shape, np.float32)
    dropout, mixing = noise.edge_dropout * steep, noise.edge_mixing * steep
    missing |= draw < dropout
    if 0 < noise.patches < 1:
        bumps = _bumps(depth.shape, _PATCH_PX, rng)
        missing |= bumps > NormalDist().inv_cdf(1 - noise.patches)

    near_step = cv2.dilate((tangent > low).view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    found = _wander(solid, near_step, noise.lateral_px, rng)
    mixed = (draw > 1 - mixing) & (farthest < noise.far)
    share = rng.random(int(mixed.sum()), np.float32)
    found[mixed] = nearest[mixed] + share * (farthest - nearest)[mixed]

    matched = np.float32(noise.focal_px * noise.baseline)
    disparity = matched / found
    if noise.disparity_std > 0:
        bumps = _bumps(depth.shape, noise.correlation_px, rng)
        disparity += np.float32(noise.disparity_std) * bumps
    step = np.float32(noise.disparity_step / noise.frames_averaged)
    disparity = np.rint(disparity / step) * step
    missing |= (disparity <= matched / np.float32(noise.far)) | (found > noise.far)
    unit = np.float32(noise.depth_unit)
    result = np.rint(matched / np.maximum(disparity, step) / unit) * unit
    return np.where(missing, np.float32(0), result)


def _hidden_from_the_right(depth: FloatImage, fx: float, baseline: float) -> npt.NDArray[np.bool_]:
    """(H, W) bool: what the right imager does not see, for something nearer is before it.

    A point's column there is its own less the disparity; it is hidden if any point to the
    right of it in this picture comes out further left.
    """
    right = np.arange(depth.shape[1], dtype=np.float32) - np.float32(fx * baseline) / depth
    least = np.minimum.accumulate(right[:, ::-1], axis=1)[:, ::-1]
    return right > least


def _wander(
    depth: FloatImage, where: npt.NDArray[np.bool_], spread: float, rng: np.random.Generator
) -> FloatImage:
    """The depth image, (H, W) both, with its outlines shifted by some pixels where asked.

    Args:
        spread: pixels, standard deviation of the shift, which changes slowly over the picture.
    """
    height, width = depth.shape
    coarse = (2, height // _SMOOTH_PX + 2, width // _SMOOTH_PX + 2)
    shift = rng.normal(0.0, spread, coarse).astype(np.float32)
    rows, columns = np.nonzero(where)
    down, right = (
        np.rint(cv2.resize(s, (width, height))[rows, columns]).astype(np.intp) for s in shift
    )
    result = depth.copy()
    result[rows, columns] = depth[
        np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)
    ]
    return result


def _bumps(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> FloatImage:
    """(H, W) normal noise of mean 0 and deviation 1, smooth over `sigma` pixels."""
    white = rough_normal(shape, rng)
    if sigma <= 0:
        return white
    kernel = _kernel(sigma)
    smooth = cv2.sepFilter2D(white, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(smooth, np.float32)


def rough_normal(shape: tuple[int, ...], rng: np.random.Generator) -> FloatImage:
    """Normal noise of mean 0 and deviation 1 in 256 steps, the largest 2.9; the fastest way."""
    return _QUANTILES[np.frombuffer(rng.bytes(int(np.prod(shape))), np.uint8)].reshape(shape)


@lru_cache(maxsize=8)
def _kernel(sigma: float) -> FloatImage:
    """(N, 1) Gaussian that keeps the deviation of white noise."""
    kernel = cv2.getGaussianKernel(2 * int(np.ceil(3 * sigma)) + 1, sigma, cv2.CV_32F)
    return np.asarray(kernel / np.linalg.norm(kernel), np.float32)
