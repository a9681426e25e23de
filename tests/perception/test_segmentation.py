"""Objects and the goal on hand-made heightmaps."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.perception.colors import ANCESTOR_COLORS, PALETTE, TABLE_COLOR, parse_color
from pushgrasp.perception.heightmap import Heightmap
from pushgrasp.perception.segmentation import goal_mask, label_objects, matches, object_mask
from pushgrasp.workspace import Workspace

Color = tuple[int, int, int]
RED, BLUE = parse_color("red"), parse_color("blue")


def scene(*patches: tuple[slice, slice, Color, float], noise: float = 0.0) -> Heightmap:
    """A table with patches (rows, columns, colour, brightness) 5 cm high, later ones on top."""
    color = np.zeros((224, 224, 3)) + TABLE_COLOR
    height = np.zeros((224, 224), np.float32)
    for rows, columns, rgb, shade in patches:
        color[rows, columns] = np.multiply(rgb, shade)
        height[rows, columns] = 0.05
    color += np.random.default_rng(0).normal(0, noise, color.shape)
    return Heightmap(np.rint(color).clip(0, 255).astype(np.uint8), height, Workspace())


def unsee(heightmap: Heightmap, unseen: npt.NDArray[np.bool_]) -> Heightmap:
    color, height = heightmap.color.copy(), heightmap.height.copy()
    color[unseen], height[unseen] = 0, np.nan
    return Heightmap(color, height, heightmap.workspace)


def test_shade_does_not_split_and_colour_does() -> None:
    hm = scene(
        (np.s_[50:100], np.s_[50:80], RED, 1.0),
        (np.s_[100:120], np.s_[50:80], RED, 0.55),
        (np.s_[50:120], np.s_[80:90], BLUE, 1.0),
        noise=3,
    )
    labels = label_objects(hm)
    assert labels.max() == 2
    assert (labels[50:120, 50:80] == 1).all()  # the larger comes first
    assert (labels[50:120, 80:90] == 2).all()
    assert (labels > 0).sum() == 70 * 40


def test_an_unseen_gap_cuts_and_unseen_cells_belong_to_nothing() -> None:
    hm = scene((np.s_[50:100], np.s_[50:80], RED, 1.0))
    gap = np.zeros(hm.height.shape, bool)
    gap[70:72] = True
    cut = unsee(hm, gap)
    assert label_objects(cut).max() == 2
    for mask in (object_mask(cut), label_objects(cut) > 0, goal_mask(cut, RED)):
        assert not mask[gap].any()


def test_specks_join_what_they_touch_or_vanish() -> None:
    hm = scene(
        (np.s_[50:100], np.s_[50:80], RED, 1.0),
        (np.s_[60:63], np.s_[60:63], BLUE, 1.0),  # within red
        (np.s_[150:153], np.s_[150:153], BLUE, 1.0),  # alone
    )
    labels = label_objects(hm)
    assert labels.max() == 1
    assert (labels > 0).sum() == 50 * 30
    assert labels[61, 61] == 1
    goal = goal_mask(hm, BLUE)
    assert goal[60:63, 60:63].all()
    assert goal.sum() == 18


def test_goal_specks_are_left_out() -> None:
    hm = scene((np.s_[50:51], np.s_[50:52], RED, 1.0), (np.s_[80:81], np.s_[50:53], RED, 1.0))
    assert goal_mask(hm, RED).sum() == 3


def test_an_empty_or_unseen_table_has_no_objects() -> None:
    hm = scene()
    blind = unsee(hm, np.ones(hm.height.shape, bool))
    for nothing in (hm, blind):
        assert not object_mask(nothing).any()
        assert not label_objects(nothing).any()
        assert not goal_mask(nothing, RED).any()
    assert label_objects(blind).dtype == np.int32


@pytest.mark.parametrize("colors", [ANCESTOR_COLORS, tuple(PALETTE.values())])
def test_close_colours_side_by_side_stay_two(colors: tuple[str, ...]) -> None:
    """Touching stripes 12 mm wide, in the worst of light, with noise."""
    for a, b in combinations([parse_color(c) for c in colors], 2):
        cosine = np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)
        if cosine < np.cos(np.radians(11.5)):
            continue
        equal = min(0.6 * float(np.linalg.norm(b) / np.linalg.norm(a)), 1.0)
        for shade_a, shade_b in ((0.55, 0.55), (1.0, 1.0), (equal, 0.6)):
            left, right = np.s_[50:120, 50:56], np.s_[50:120, 56:62]
            hm = scene((*left, a, shade_a), (*right, b, shade_b), noise=3)
            goal, labels = goal_mask(hm, a), label_objects(hm)
            assert goal[left].mean() > 0.97
            assert goal[right].mean() < 0.005
            assert (
                np.bincount(labels[left].ravel()).argmax()
                != np.bincount(labels[right].ravel()).argmax()
            )


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_labels_are_contiguous_sorted_and_inside_the_objects(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = list(PALETTE.values())
    patches = []
    for _ in range(rng.integers(1, 15)):
        row, column, height, width = rng.integers((0, 0, 1, 1), (200, 200, 50, 50))
        rgb = parse_color(names[rng.integers(30)])
        shade = float(rng.uniform(0.55, 1))
        patches.append((np.s_[row : row + height], np.s_[column : column + width], rgb, shade))
    hm = unsee(scene(*patches, noise=2), rng.random((224, 224)) < 0.02)
    labels = label_objects(hm)
    sizes = np.bincount(labels.reshape(-1))[1:]
    assert (sizes >= 15).all()
    assert (np.diff(sizes) <= 0).all()
    assert not (labels[~object_mask(hm)]).any()
    assert (labels == label_objects(hm)).all()


@given(
    rgb=st.tuples(*[st.integers(0, 255)] * 3),
    goal=st.tuples(*[st.integers(0, 255)] * 3),
    scale=st.floats(0.9, 1.1),
)
def test_matching_is_by_angle_not_brightness(rgb: Color, goal: Color, scale: float) -> None:
    pixel = np.array(rgb, float)
    assert matches(np.array(goal), goal) == any(goal)
    if any(rgb) and any(goal):
        ratio = pixel @ goal / np.dot(goal, goal)
        if 0.45 < ratio < 1.1:
            cosine = pixel @ goal / np.linalg.norm(pixel) / np.linalg.norm(goal)
            if abs(np.degrees(np.arccos(min(cosine, 1.0))) - 2.7) > 0.1:
                assert matches(pixel * scale, goal) == matches(pixel, goal)
                assert matches(pixel, goal) == (cosine > np.cos(np.radians(2.7)))
