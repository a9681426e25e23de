"""Masks, weights and what is read off them, as properties."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from drawn_scenes import PILE, Block, draw
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.interfaces import Action, Primitive
from pushgrasp.policy.config import DecisionConfig
from pushgrasp.policy.maps import (
    best,
    by_distance,
    highest,
    neighbours,
    occupancy,
    smooth,
    suppress,
    weight_push,
)
from pushgrasp.workspace import Workspace

SMALL = Workspace(size=0.04)  # 20 x 20 pixels
RULE = DecisionConfig()
SEEDS = st.integers(0, 2**32 - 1)


def action(primitive: Primitive, pixel: tuple[int, int], rotation: int = 0) -> Action:
    x, y = SMALL.to_xy(*pixel)
    return Action(
        primitive, pixel, rotation, (float(x), float(y), 0.05), rotation * math.pi / 8, 0.5
    )


def random_case(seed: int, low: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    q = rng.uniform(low, 1, (16, 20, 20)).astype(np.float32)
    q[rng.random(q.shape) < 0.2] = -np.inf
    objects = rng.random((20, 20)) < 0.5
    return q, objects, objects & (rng.random((20, 20)) < 0.3)


@given(SEEDS)
def test_positive_pushes_are_multiplied_by_the_weights(seed: int) -> None:
    q, objects, target = random_case(seed, 0.0)
    weighted = weight_push(q, objects, target, RULE)
    weight = 0.95 * objects + 0.05 * target
    on = np.isfinite(q) & objects
    np.testing.assert_allclose(
        weighted[on], q[on] * np.broadcast_to(weight, q.shape)[on], rtol=1e-5
    )
    assert np.isneginf(weighted[~on]).all()


@given(SEEDS)
def test_weights_never_favour_what_weighs_less(seed: int) -> None:
    """Even where all values are negative: of equal pushes that of the target is the better."""
    q, objects, target = random_case(seed, -2.0)
    light = weight_push(q, objects, np.zeros_like(target), RULE)
    heavy = weight_push(q, objects, target, RULE)
    on = np.isfinite(light)
    assert (heavy[on] >= light[on] - 1e-6).all()
    same = on & ~target  # and among equal weights the order stays
    order = np.argsort(q[same])
    assert (np.diff(heavy[same][order]) >= -1e-6).all()


def test_nothing_to_push_stays_nothing() -> None:
    q = np.ones((16, 20, 20), np.float32)
    empty = np.zeros((20, 20), bool)
    assert best(weight_push(q, empty, empty, RULE)) is None
    assert best(weight_push(np.full_like(q, -np.inf), ~empty, empty, RULE)) is None


def test_best_is_the_first_of_equals() -> None:
    q = np.full((16, 20, 20), -np.inf, np.float32)
    assert best(q) is None
    q[[9, 3, 3], [1, 7, 7], [2, 8, 5]] = 0.25
    assert best(q) == (3, 7, 5)
    assert highest(q) == 0.25


def test_nothing_is_worth_what_a_failure_is() -> None:
    assert highest(np.full((16, 20, 20), -np.inf, np.float32)) == 0.0
    assert highest(np.full((16, 20, 20), -0.5, np.float32)) == -0.5


@given(
    st.sampled_from(["grasp", "push"]),
    st.tuples(st.integers(0, 19), st.integers(0, 19)),
    st.integers(0, 15),
)
def test_what_is_alike_is_ruled_out_and_nothing_else(
    primitive: Primitive, pixel: tuple[int, int], rotation: int
) -> None:
    q = np.zeros((16, 20, 20), np.float32)
    left = suppress(q, [action(primitive, pixel, rotation)], primitive, SMALL, RULE)
    assert not q.any()  # the map given is not changed
    radius, turns = (0.015, {0, 1, 7, 8, 9, 15}) if primitive == "grasp" else (0.02, {0, 1, 15})
    rows, columns = np.mgrid[:20, :20]
    near = np.hypot(rows - pixel[0], columns - pixel[1]) * 0.002 <= radius
    for r in range(16):
        ruled_out = np.isneginf(left[r])
        expected = near if (r - rotation) % 16 in turns else np.zeros_like(near)
        np.testing.assert_array_equal(ruled_out, expected)


def test_the_other_primitive_is_not_ruled_out() -> None:
    q = np.zeros((16, 20, 20), np.float32)
    assert suppress(q, [action("push", (3, 3))], "grasp", SMALL, RULE) is q


def test_neighbours_are_the_objects_beside_the_target_nearest_first() -> None:
    seen = draw((*PILE, Block(0.15, 0.15)))
    beside = neighbours(seen.labels, seen.goal)
    labels = [set(np.unique(seen.labels[mask])) for mask in beside]
    assert len(labels) == 3
    assert all(len(found) == 1 and not found & {0, 1, 6} for found in labels)
    assert all(not (mask & seen.goal).any() for mask in beside)
    alone = draw((Block(0, 0), Block(0.1, 0.1)))
    assert neighbours(alone.labels, alone.goal) == []
    assert neighbours(alone.labels, np.zeros_like(alone.goal)) == []


def test_a_sliver_is_no_neighbour() -> None:
    labels = np.zeros((60, 60), np.int32)
    labels[20:40, 20:40], labels[20:39, 42], labels[42:45, 20:30] = 1, 2, 3  # 400, 19 and 30 px
    (beside,) = neighbours(labels, labels == 1)
    np.testing.assert_array_equal(beside, labels == 3)


def test_smooth_keeps_a_flat_map_and_what_is_left_out() -> None:
    q = np.full((16, 40, 40), -np.inf, np.float32)
    q[:, 10:20, 12:30] = 0.7
    smoothed = smooth(q, 3)
    assert np.array_equal(np.isfinite(smoothed), np.isfinite(q))
    np.testing.assert_allclose(smoothed[np.isfinite(q)], 0.7, rtol=1e-5)


def test_smooth_prefers_a_plateau_to_a_single_high_value() -> None:
    q = np.full((16, 40, 40), -np.inf, np.float32)
    q[:, 5:35, 5:35] = 0.1
    q[4, 8, 8] = 1.0
    q[8:11, 20:30, 20:30] = 0.8
    assert best(q) == (4, 8, 8)
    rotation, row, column = best(smooth(q, 2)) or (0, 0, 0)
    assert rotation == 9
    assert 20 <= row < 30
    assert 20 <= column < 30
    assert smooth(q, 0) is q


def test_by_distance_names_all_others_the_nearest_first() -> None:
    labels = np.zeros((60, 60), np.int32)
    labels[5:10, 5:10], labels[20:25, 5:10], labels[50:55, 50:55] = 1, 2, 3
    assert by_distance(labels, labels == 1) == [2, 3]
    assert by_distance(labels, labels == 3) == [2, 1]
    assert by_distance(labels, np.zeros((60, 60), bool)) == [1, 2, 3]


SHAPE = (224, 224)
Box = tuple[slice, slice]
A: Box = np.s_[100:125, 100:125]


def mask_of(*boxes: Box) -> npt.NDArray[np.bool_]:
    mask = np.zeros(SHAPE, bool)
    for box in boxes:
        mask[box] = True
    return mask


def height_of(*boxes: tuple[Box, float]) -> npt.NDArray[np.float32]:
    height = np.zeros(SHAPE, np.float32)
    for box, h in boxes:
        height[box] = h
    return height


# --- occupancy ---------------------------------------------------------------------


def test_occupancy_is_0_when_free_and_1_when_surrounded() -> None:
    height = height_of((A, 0.05))
    assert occupancy(mask_of(A), height) == 0
    around = height_of((np.s_[90:135, 90:135], 0.05))
    assert occupancy(mask_of(A), around) == 1
    half = height_of((np.s_[90:135, 90:112], 0.05), (A, 0.05))
    assert 0.3 < occupancy(mask_of(A), half) < 0.7


def test_a_shadow_does_not_count_as_occupied() -> None:
    height = height_of((A, 0.05))
    height[100:125, 125:160] = np.nan
    assert occupancy(mask_of(A), height) == 0
    height[height == 0] = np.nan
    assert occupancy(mask_of(A), height) == 1  # nothing of the ring is seen


def test_an_empty_target_cannot_be_free() -> None:
    assert occupancy(mask_of(), height_of()) == 1


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_occupancy_is_a_share_and_grows_with_clutter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height = np.where(rng.random(SHAPE) < 0.1, np.nan, rng.uniform(0, 0.05, SHAPE))
    height = height.astype(np.float32)
    r, c = rng.integers(5, 190, 2)
    target = mask_of(np.s_[r : r + 20, c : c + 20])
    before = occupancy(target, height)
    higher = np.where(rng.random(SHAPE) < 0.3, np.maximum(height, 0.1), height)
    assert 0 <= before <= occupancy(target, higher.astype(np.float32)) <= 1
    assert occupancy(target, np.roll(height, 0)) == before
