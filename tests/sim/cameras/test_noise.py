"""A depth camera's errors against their formulas."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Intrinsics, RGBDFrame
from pushgrasp.sim.cameras.noise import (
    D405,
    D405_AVERAGED,
    ColorNoise,
    SensorNoise,
    read_noise,
    sense,
)
from pushgrasp.sim.cameras.stereo import DepthNoise

LENS = Intrinsics(160, 120, 618.0, 618.0, 80.0, 60.0)
FLAT = DepthNoise(edge_dropout=0, edge_mixing=0, lateral_px=0, patches=0)


def frame_of(depth: npt.ArrayLike, color: int = 120) -> RGBDFrame:
    full = np.broadcast_to(np.asarray(depth, np.float32), (120, 160)).copy()
    return RGBDFrame(np.full((120, 160, 3), color, np.uint8), full, LENS, np.eye(4))


def step(near: float = 0.6, far: float = 0.7) -> npt.NDArray[np.float32]:
    """A near half on the right, a far one on the left."""
    depth = np.full((120, 160), far, np.float32)
    depth[:, 80:] = near
    return depth


def depth_noise(depth: npt.ArrayLike, noise: DepthNoise, seed: int = 0) -> npt.NDArray[np.float32]:
    frame = frame_of(depth)
    return sense(frame, SensorNoise(depth=noise), np.random.default_rng(seed)).depth


@pytest.mark.parametrize("z", [0.3, 0.5, 0.7])
def test_noise_grows_with_the_distance_squared(z: float) -> None:
    errors = np.concatenate([depth_noise(z, FLAT, s).ravel() - np.float32(z) for s in range(3)])
    expected = z**2 * 0.08 / (643 * 0.018)
    assert np.isclose(FLAT.std(z), expected)
    assert np.isclose(errors.std(), expected, rtol=0.08)
    assert abs(errors.mean()) < 0.15 * expected


def test_published_figures_of_the_d405() -> None:
    assert D405.depth is not None
    assert D405_AVERAGED.depth is not None
    assert np.isclose(D405.depth.std(0.7), 3.4e-3, atol=1e-4)
    assert D405.depth.std(0.5) < 0.02 * 0.5  # the data sheet's 2 % at 50 cm
    assert np.isclose(D405_AVERAGED.depth.std(0.7), 1.6e-3, atol=1e-4)


@given(n=st.integers(1, 10_000))
def test_averaging_helps_down_to_the_floor(n: int) -> None:
    noise = dataclasses.replace(FLAT, frames_averaged=n)
    more = dataclasses.replace(FLAT, frames_averaged=n + 1)
    assert noise.floor < more.disparity_std < noise.disparity_std <= noise.subpixel


def test_averaged_noise_is_what_it_says() -> None:
    noise = dataclasses.replace(FLAT, frames_averaged=16)
    errors = np.concatenate([depth_noise(0.6, noise, s).ravel() - 0.6 for s in range(3)])
    assert np.isclose(errors.std(), noise.std(0.6), rtol=0.08)


def correlation(error: npt.NDArray[np.float32], lag: int) -> float:
    return float(np.corrcoef(error[:, lag:].ravel(), error[:, :-lag].ravel())[0, 1])


def test_neighbours_err_alike_and_distant_pixels_do_not() -> None:
    error = depth_noise(0.6, FLAT) - np.float32(0.6)
    assert correlation(error, 1) > 0.7  # exp(-1 / (4 sigma^2)) is 0.89 for sigma 1.5
    assert abs(correlation(error, 12)) < 0.1
    alone = depth_noise(0.6, dataclasses.replace(FLAT, correlation_px=0)) - np.float32(0.6)
    assert abs(correlation(alone, 1)) < 0.05


def test_depths_come_in_steps() -> None:
    coarse = dataclasses.replace(FLAT, depth_unit=1e-3)
    counts = depth_noise(0.6, coarse) / 1e-3
    assert np.allclose(counts, np.rint(counts), atol=1e-3)
    fine = depth_noise(0.6, dataclasses.replace(FLAT, depth_unit=1e-6))
    disparity = 643 * 0.018 / fine * 32
    assert np.allclose(disparity, np.rint(disparity), atol=0.01)


def test_what_only_the_left_imager_sees_has_no_depth() -> None:
    exact = dataclasses.replace(FLAT, subpixel=0, floor=0)
    seen = depth_noise(step(0.4, 0.8), exact)
    width = 618 * 0.018 * (1 / 0.4 - 1 / 0.8)  # pixels: 13.9
    hidden = (seen == 0).sum(1)
    assert (abs(hidden - width) <= 1).all()
    assert (seen[:, int(80 - width) + 1 : 80] == 0).all()  # to the left of the nearer thing
    assert (depth_noise(step(0.4, 0.8)[:, ::-1], exact) > 0).all()  # the other side is seen


def test_edges_drop_out_mix_and_wander_and_surfaces_do_not() -> None:
    exact = DepthNoise(subpixel=0, floor=0, patches=0)
    clean = step()[:, ::-1]  # nothing is hidden
    seen = np.stack([depth_noise(clean, exact, s) for s in range(5)])
    edge = np.abs(np.arange(160) - 79.5) < 3
    assert (abs(seen[:, :, ~edge] - clean[:, ~edge]) < 1e-3).all()
    at_edge = seen[:, :, np.abs(np.arange(160) - 79.5) < 1]
    assert np.isclose((at_edge == 0).mean(), exact.edge_dropout, atol=0.05)
    between = (at_edge > 0.605) & (at_edge < 0.695)
    assert np.isclose(between.mean(), 0.9 * exact.edge_mixing, atol=0.05)
    lateral = DepthNoise(subpixel=0, floor=0, patches=0, edge_dropout=0, edge_mixing=0)
    ends = (depth_noise(clean, lateral) < 0.65).sum(1)
    assert np.isclose(ends.std(), lateral.lateral_px, atol=0.4)
    assert np.abs(np.diff(ends)).mean() < 0.3  # smooth along the outline


def test_grazing_surfaces_drop_out() -> None:
    exact = DepthNoise(subpixel=0, floor=0, patches=0)
    rows = np.arange(120, dtype=np.float32)[:, None] - 60
    for angle, low, high in ((60.0, 0.0, 0.001), (85.0, 0.15, 0.4)):
        depth = 0.7 / (1 + np.tan(np.radians(angle)) * rows / 618)  # a plane, turned about x
        depth = np.broadcast_to(depth, (120, 160))
        inside = slice(50, 70)  # elsewhere a ray meets it at another angle
        assert low <= (depth_noise(depth, exact)[inside] == 0).mean() <= high


def test_too_near_and_too_far_has_no_depth() -> None:
    exact = dataclasses.replace(FLAT, subpixel=0, floor=0)
    depth = np.full((120, 160), 0.5, np.float32)
    depth[:40], depth[80:] = 0.069, 1.6
    seen = depth_noise(depth, exact)
    assert not seen[:40].any()
    assert (seen[41:79] > 0).all()
    assert not seen[80:].any()


def test_patches_have_the_share_they_should() -> None:
    noise = dataclasses.replace(FLAT, patches=0.02)
    lost = [(depth_noise(0.5, noise, s) == 0).mean() for s in range(40)]
    assert np.isclose(np.mean(lost), 0.02, rtol=0.25)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_picture_stays_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.03, 2.0, (120, 160)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.3] = 0
    frame = frame_of(depth, color=int(rng.integers(256)))
    before = frame.depth.copy(), frame.color.copy()
    everything = dataclasses.replace(D405, white=0.001)
    a, b = (sense(frame, everything, np.random.default_rng(seed)) for _ in range(2))
    assert (a.depth == b.depth).all()
    assert (a.color == b.color).all()
    assert (frame.depth == before[0]).all()
    assert (frame.color == before[1]).all()
    assert a.depth.dtype == np.float32
    assert a.color.dtype == np.uint8
    assert np.isfinite(a.depth).all()
    assert (a.depth >= 0).all()
    assert not a.depth[depth == 0].any()  # no depth from nowhere


def test_white_noise_knows_no_neighbours_and_makes_no_returns() -> None:
    depth = np.full((120, 160), 0.5, np.float32)
    depth[:10] = 0
    seen = sense(frame_of(depth), SensorNoise(white=0.002), np.random.default_rng(3))
    assert not seen.depth[:10].any()
    assert np.isclose((seen.depth[10:] - 0.5).std(), 0.002, rtol=0.05)
    assert (seen.color == 120).all()


def test_colour_noise() -> None:
    frame = frame_of(0.5)
    noise = SensorNoise(color=ColorNoise(sigma=3.0, gain=0.05, balance=0.0))
    rng = np.random.default_rng(0)
    seen = np.stack([sense(frame, noise, rng).color for _ in range(100)]).astype(np.float32)
    means = seen.mean((1, 2))  # (100, 3): a picture's channels are brighter or darker together
    assert np.isclose(means[:, 0].std(), 120 * 0.05, rtol=0.25)
    assert np.allclose(means[:, 0], means[:, 1], atol=0.5)
    assert np.isclose((seen - means[:, None, None]).std(), 3.0, rtol=0.05)
    assert (sense(frame_of(0.5, 255), noise, rng).color > 200).all()  # does not wrap round


def test_nothing_asked_nothing_done() -> None:
    frame, rng = frame_of(0.5), np.random.default_rng(0)
    assert sense(frame, None, rng) is frame
    assert (sense(frame, SensorNoise(), rng).depth == frame.depth).all()
    blind = frame_of(0.0)
    assert not sense(blind, D405, rng).depth.any()


def test_noise_from_a_file() -> None:
    assert read_noise(None, "x") is None
    assert read_noise("d405", "x") == D405
    assert read_noise(dataclasses.asdict(D405), "x") == D405
    assert read_noise({"white": 0.001}, "x") == SensorNoise(white=0.001)
    assert read_noise({"depth": {"frames_averaged": 4}}, "x") == SensorNoise(
        depth=DepthNoise(frames_averaged=4)
    )


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("d435", "d405-averaged"),
        (3, "object"),
        ({"blur": 1}, "unknown field 'blur'"),
        ({"white": -0.001}, "white -0.001"),
        ({"depth": {"baseline": 0}}, "baseline 0"),
        ({"depth": {"patches": 1.5}}, "patches 1.5"),
        ({"depth": {"floor": 0.1}}, "floor 0.1"),
        ({"depth": {"near": 2.0}}, "near 2.0"),
        ({"depth": {"graze": [80, 70]}}, "graze"),
        ({"depth": {"frames_averaged": 1.5}}, "frames_averaged"),
        ({"color": {"sigma": -1}}, "0 or more"),
    ],
)
def test_impossible_noise_is_refused(value: Any, word: str) -> None:
    with pytest.raises(UserError, match=word):
        read_noise(value, "cameras.json: camera 0: noise")
