"""Targets, occupancy and change on hand-made maps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.policy.targeting import choose_target, occupancy

SHAPE = (224, 224)
Box = tuple[slice, slice]
A: Box = np.s_[100:125, 100:125]
B: Box = np.s_[40:60, 40:60]


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


def labels_of(*boxes: Box) -> npt.NDArray[np.int32]:
    labels = np.zeros(SHAPE, np.int32)
    for i, box in enumerate(boxes):
        labels[box] = i + 1
    return labels


# --- occupancy ---------------------------------------------------------------------


def test_occupancy_is_0_when_free_and_1_when_hemmed_in() -> None:
    height = height_of((A, 0.05))
    assert occupancy(mask_of(A), height) == 0
    around = height_of((np.s_[90:135, 90:135], 0.05))
    assert occupancy(mask_of(A), around) == 1
    half = height_of((np.s_[90:135, 90:112], 0.05), (A, 0.05))
    assert 0.3 < occupancy(mask_of(A), half) < 0.7


def test_a_shadow_does_not_hem_in() -> None:
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


# --- the target --------------------------------------------------------------------


def test_a_visible_goal_is_the_target() -> None:
    height = height_of((A, 0.03), (B, 0.1))
    target = choose_target(mask_of(A), labels_of(A, B), height, switch_px=5)
    assert target.is_goal
    assert target.visible_px == 625
    assert (target.mask == mask_of(A)).all()
    assert target.occupancy == 0
    assert "625" in target.why


def test_a_hidden_goal_gives_way_to_the_highest_object() -> None:
    height = height_of((A, 0.03), (B, 0.1))
    few = mask_of(np.s_[200:201, 200:205])
    target = choose_target(few, labels_of(A, B), height, switch_px=5)
    assert not target.is_goal
    assert target.visible_px == 5
    assert (target.mask == mask_of(B)).all()
    assert "100 mm" in target.why
    assert choose_target(mask_of(np.s_[0:1, 0:6]), labels_of(A, B), height, switch_px=5).is_goal


def test_one_noisy_pixel_or_a_sliver_is_not_the_highest_object() -> None:
    sliver: Box = np.s_[10:12, 10:20]
    height = height_of((A, 0.03), (B, 0.05), (sliver, 0.2))
    height[110, 110] = 0.3
    height[111, 111] = np.nan
    labels = labels_of(A, B, sliver)
    target = choose_target(mask_of(), labels, height, switch_px=5)
    assert (target.mask == mask_of(B)).all()


def test_switching_off_keeps_the_goal_however_small() -> None:
    height = height_of((A, 0.03))
    for goal in (mask_of(), mask_of(np.s_[0:1, 0:2])):
        target = choose_target(goal, labels_of(A), height, switch_px=5, switching=False)
        assert target.is_goal
        assert (target.mask == goal).all()


def test_a_goal_under_a_high_threshold_is_no_other_object() -> None:
    height = height_of((A, 0.1), (B, 0.03))
    target = choose_target(mask_of(A), labels_of(A, B), height, switch_px=1000)
    assert (target.mask == mask_of(B)).all()
    alone = choose_target(mask_of(A), labels_of(A), height, switch_px=1000)
    assert alone.is_goal
    assert alone.mask.any()


def test_an_empty_table_has_an_empty_target() -> None:
    target = choose_target(mask_of(), labels_of(), height_of(), switch_px=5)
    assert not target.mask.any()
    assert target.visible_px == 0
    assert target.occupancy == 1
    assert "no other object" in target.why
