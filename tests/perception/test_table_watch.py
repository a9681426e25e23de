"""The table is watched from one look of an episode to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import PILE, draw

from pushgrasp.errors import UserError
from pushgrasp.perception.heightmap import Heightmap
from pushgrasp.perception.segmentation import object_mask
from pushgrasp.perception.table_watch import TableWatch


def watched(*looks: Heightmap) -> None:
    watch = TableWatch()
    for look in looks:
        watch.check(look, object_mask(look))


@pytest.fixture
def first() -> Heightmap:
    return draw(PILE).heightmap


@pytest.mark.parametrize(("lift", "words"), [(0.04, "40 mm higher"), (-0.02, "20 mm lower")])
def test_a_table_that_moves_stops_the_robot(first: Heightmap, lift: float, words: str) -> None:
    with pytest.raises(UserError, match=words):
        watched(first, first, replace(first, height=first.height + np.float32(lift)))


def test_a_table_that_tilts_stops_the_robot_though_its_middle_stays(first: Heightmap) -> None:
    slope = np.linspace(-0.04, 0.04, first.height.shape[0], dtype=np.float32)[:, None]
    with pytest.raises(UserError, match="off its plane"):
        watched(first, replace(first, height=first.height + slope))


def test_a_table_out_of_sight_stops_the_robot(first: Heightmap) -> None:
    gone = np.full_like(first.height, np.nan)
    with pytest.raises(UserError, match="only 0% of the table"):
        watched(first, replace(first, height=gone))


def test_things_that_come_to_lie_on_the_table_and_noise_do_not(first: Heightmap) -> None:
    rng = np.random.default_rng(0)
    noisy = first.height + rng.normal(0, 0.003, first.height.shape).astype(np.float32)
    covered = noisy.copy()
    bare = np.flatnonzero(first.seen & ~object_mask(first))
    covered.reshape(-1)[bare[: int(0.4 * len(bare))]] = 0.05  # 40 % of it
    watched(replace(first, height=noisy), replace(first, height=covered), first)


def test_a_table_that_hardly_shows_is_not_watched(first: Heightmap) -> None:
    full = np.full_like(first.height, 0.05)
    full[:5] = 0.0
    watched(replace(first, height=full), replace(first, height=full + np.float32(0.02)))
