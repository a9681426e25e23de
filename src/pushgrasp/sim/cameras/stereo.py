"""Noise of a stereo depth camera, from a perfect depth image. Arrays in and out; no simulator.

The model follows published figures of the RealSense D405 and of its kind of matcher:
- baseline 18 mm, best from 7 to 50 cm, under 2 % off at 50 cm, no projector of its own: its
  data sheet (337029) and the maintainers in librealsense issues #11427 and #15016;
- depth noise is z^2 / (focal length * baseline) times the disparity noise: "Tuning depth cameras
  for best performance", Intel's white paper. Its author gives "as low as 0.032 but it is best to
  use about 0.08" pixels (librealsense issue #3904);
- disparities have 5 fractional bits and flat surfaces look bumpy: Keselman et al., "Intel
  RealSense stereoscopic depth cameras", CVPR workshops, 2017, section 4.2.6, on the R200; the
  bumps are wider than a pixel because matching windows overlap;
- points that only the left imager sees have no depth (geometry).
How often pixels drop out or lie between two surfaces depends on texture and light, and no
figures are published; those values are assumptions, marked below.

At 0.7 m the standard deviation of a single D405 image is thus 3.4 mm, at 0.5 m 1.7 mm. The default
intrinsics (618 px) show nearly the central 640x480 pixels of its 1280x720 image.
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

_PATCH_PX = 3  # px, sigma that makes patches without depth some 6 px wide
_SMOOTH_PX = 12  # px, correlation length of an edge's lateral error


def _unit_quantiles() -> FloatImage:
    """Return 256 quantiles of the normal distribution, scaled to standard deviation 1."""
    levels = [NormalDist().inv_cdf((i + 0.5) / 256) for i in range(256)]
    quantiles = np.array(levels, np.float32)
    quantiles /= quantiles.std()
    return quantiles


_QUANTILES = _unit_quantiles()


@dataclass(frozen=True)
class DepthNoise:
    """Stereo depth noise; defaults: a single unfiltered D405 image."""

    baseline: float = 0.018
    """m between the imagers; the right one is on the image's +x side."""
    focal_px: float = 643.0
    """Focal length of the stream used for matching, px: 1280 wide, the camera's best. D405s
    reported 426.6 (realsense-ros issue #3289) and 425.0 at 848, two thirds; it is the same at
    640x480."""
    subpixel: float = 0.08
    """Standard deviation of the disparity in one image, px."""
    floor: float = 0.032
    """The part of `subpixel` that averaging does not remove, px."""
    disparity_step: float = 1 / 32
    """Resolution of the matcher, px."""
    depth_unit: float = 1e-4
    """m per count of the depth image."""
    correlation_px: float = 1.5
    """Sigma of the bumps, px; about that of a 7 px matching window (assumed)."""
    frames_averaged: int = 1
    """Number of images of a static scene whose depths are averaged."""
    near: float = 0.07
    """m, minimum depth (848x480; 0.10 at 1280x720)."""
    far: float = 1.5
    """m, maximum depth (assumed: three times the best range)."""
    lateral_px: float = 0.7
    """Standard deviation of an outline's shift, px (assumed)."""
    edge_dropout: float = 0.4
    """Probability that a pixel at a depth step has no depth (assumed)."""
    edge_mixing: float = 0.3
    """Probability that it lies between the two surfaces instead: a flying pixel (assumed)."""
    graze: tuple[float, float] = (75.0, 86.0)
    """Angles between surface normal and ray, degrees, over which dropout rises from none to that
    of a step (assumed)."""
    patches: float = 0.003
    """Share of the image without depth for lack of texture, in small patches (assumed)."""

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
        """Standard deviation of the disparity after averaging, px."""
        passing = self.subpixel**2 - self.floor**2
        return float(np.sqrt(self.floor**2 + passing / self.frames_averaged))

    def std(self, depth: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Compute the standard deviation (...) in m on a flat surface at depths (...) in m."""
        squared = np.square(np.asarray(depth, np.float64))
        return squared * (self.disparity_std / (self.focal_px * self.baseline))


def match(depth: FloatImage, fx: float, noise: DepthNoise, rng: np.random.Generator) -> FloatImage:
    """Simulate stereo matching of depths (H, W) in m, 0 for none; fx in pixels."""
    solid = np.where(depth > 0, depth, np.float32(1e6))  # missing depth: far away
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
    """Mask (H, W) of the points that are occluded in the right imager.

    A point's column there is its column here minus the disparity; it is occluded if any point to
    its right in this image projects further left.
    """
    right = np.arange(depth.shape[1], dtype=np.float32) - np.float32(fx * baseline) / depth
    least = np.minimum.accumulate(right[:, ::-1], axis=1)[:, ::-1]
    return right > least


def _wander(
    depth: FloatImage, where: npt.NDArray[np.bool_], spread: float, rng: np.random.Generator
) -> FloatImage:
    """Shift the outlines of a depth image (H, W) by some pixels where a mask (H, W) says.

    Args:
        spread: standard deviation of the shift, px; it varies slowly over the image.
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
    """Draw normal noise (H, W), mean 0, deviation 1, smoothed over `sigma` pixels."""
    white = rough_normal(shape, rng)
    if sigma <= 0:
        return white
    kernel = _kernel(sigma)
    smooth = cv2.sepFilter2D(white, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(smooth, np.float32)


def rough_normal(shape: tuple[int, ...], rng: np.random.Generator) -> FloatImage:
    """Draw normal noise, mean 0, deviation 1, quantised to 256 levels up to 2.9: the fastest."""
    return _QUANTILES[np.frombuffer(rng.bytes(int(np.prod(shape))), np.uint8)].reshape(shape)


@lru_cache(maxsize=8)
def _kernel(sigma: float) -> FloatImage:
    """Return a Gaussian kernel (N, 1) that preserves the deviation of white noise."""
    kernel = cv2.getGaussianKernel(2 * int(np.ceil(3 * sigma)) + 1, sigma, cv2.CV_32F)
    return np.asarray(kernel / np.linalg.norm(kernel), np.float32)
