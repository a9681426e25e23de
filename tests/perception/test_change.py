"""Change between hand-made maps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pushgrasp.perception.change import changed, moved
from pushgrasp.perception.heightmap import Heightmap
from pushgrasp.workspace import Workspace

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


def map_of(height: npt.NDArray[np.float32]) -> Heightmap:
    return Heightmap(np.zeros((*SHAPE, 3), np.uint8), height, Workspace())


def test_taking_the_target_away_is_a_change() -> None:
    before, after = map_of(height_of((A, 0.05), (B, 0.05))), map_of(height_of((B, 0.05)))
    assert changed(before, after, mask_of(A))
    assert moved(before, after)
    assert not changed(before, after, mask_of(B))  # not near
    assert not changed(before, before, mask_of(A))
    assert not changed(before, after, mask_of())


def test_change_counts_pixels_and_heights_as_the_method_does() -> None:
    before = map_of(height_of((A, 0.05)))
    exactly_100 = map_of(height_of((A, 0.05), (np.s_[100:110, 100:110], 0.02)))
    more = map_of(height_of((A, 0.05), (np.s_[100:110, 100:111], 0.02)))
    assert not changed(before, exactly_100, mask_of(A))
    assert changed(before, more, mask_of(A))
    assert not changed(before, map_of(height_of((A, 0.042))), mask_of(A))  # 8 mm
    assert not changed(before, map_of(height_of((A, 0.08))), mask_of(A))  # rose


def test_cells_that_turn_unseen_count_where_something_was() -> None:
    before = map_of(height_of((A, 0.05)))
    hidden = height_of((A, 0.05))
    hidden[A] = np.nan
    assert changed(before, map_of(hidden), mask_of(A))
    assert moved(before, map_of(hidden))
    assert not changed(map_of(hidden), before, mask_of(A))  # was unseen: says nothing
    shadow = height_of((A, 0.05))
    shadow[30:60, 30:60] = np.nan  # over bare table
    assert not moved(before, map_of(shadow))


def test_a_move_of_4_mm_is_noticed_and_flickering_edges_are_not() -> None:
    before = map_of(height_of((A, 0.05)))
    assert moved(before, map_of(height_of((np.s_[100:125, 102:127], 0.05))))
    assert not moved(before, map_of(height_of((np.s_[99:125, 100:126], 0.05))))
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.002, SHAPE).astype(np.float32)
    assert not moved(before, map_of(before.height + noise))
