"""Crops: they turn with the scene, mirror with it, and count the goal's cells right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from drawn_scenes import PILE, draw, turned

from pushgrasp.policy.value.proposals import CANDIDATE, PUSH
from pushgrasp.policy.value.views import (
    GOAL_M,
    HIGHEST,
    OUTSIDE,
    UNSEEN,
    Goals,
    goal_cells,
    goal_numbers,
    goal_planes,
    table,
    views,
)


def _candidate(row: float, column: float, rotation: int, length: float = 0.1) -> np.ndarray:
    place = (round(row), round(column))
    return np.array([(PUSH, *place, rotation % 16, length, 1.0, 1, np.nan)], CANDIDATE)


def _views_of(turn: float, rotation: int):
    seen = draw(PILE, turn)
    made = table(seen.heightmap.height, seen.labels, seen.goal.astype(np.uint8))[None]
    place = turned([100.0, 120.0], turn)
    return views(made, np.zeros(1, int), _candidate(place[0], place[1], rotation))


def test_a_scene_turned_with_its_action_looks_the_same() -> None:
    still, spun = _views_of(0.0, 0), _views_of(np.pi / 2, 4)
    for name in ("fine", "coarse"):
        a, b = getattr(still, name), getattr(spun, name)
        assert (a == b).all(-1).mean() > 0.93  # but for borders that fall on other pixels


def test_a_mirrored_view_is_the_mirror_image() -> None:
    seen = draw(PILE)
    made = table(seen.heightmap.height, seen.labels, seen.goal)[None]
    c, at = _candidate(100, 120, 3), np.zeros(1, int)
    plain, mirrored = views(made, at, c), views(made, at, c, mirror=np.array([True]))
    assert (plain.fine == mirrored.fine[:, ::-1]).mean() > 0.99


def test_unseen_and_outside_are_no_heights() -> None:
    seen = draw(PILE, unseen=True)
    made = table(seen.heightmap.height, seen.labels, seen.goal)
    assert (made[0, :, 0] == OUTSIDE).all()
    inner = made[1:-1, 1:-1, 0]
    assert ((inner == UNSEEN) == ~seen.heightmap.seen[::2, ::2]).all()
    assert inner[inner != UNSEEN].max() <= HIGHEST


def test_goal_cells_are_means_over_cells() -> None:
    rng = np.random.default_rng(0)
    crop = rng.integers(0, 5, (3, 16, 16, 3)).astype(np.uint8)
    crop[..., 0] = rng.integers(0, 256, (3, 16, 16))
    goals = np.array([[1, 2], [3, 9], [4, 4]], np.uint8)
    cells = goal_cells(crop, goals, 4)
    mask = crop[:, None, :, :, 2] == goals[:, :, None, None]
    cover = mask.reshape(3, 2, 4, 4, 4, 4).mean((3, 5))
    assert np.allclose(cells[:, :, 0], cover)
    height = np.where(crop[..., 0] <= HIGHEST, crop[..., 0], 0)[:, None] * mask * 0.01
    assert np.allclose(cells[:, :, 1], height.reshape(3, 2, 4, 4, 4, 4).mean((3, 5)), atol=1e-6)


def test_a_goal_ahead_is_along_the_action() -> None:
    made = table(np.zeros((224, 224), np.float32), *(np.zeros((224, 224), int),) * 2)[None]
    c = _candidate(100, 100, 4)  # rotation 4 points along the rows
    v = views(made, np.zeros(1, int), c)
    goals = Goals(
        owner=np.array([[1]], np.uint8),
        visible_px=np.array([[80]]),
        center=np.array([[[150.0, 100.0]]]),
        tries=np.array([[0]]),
        n_segments=np.array([5]),
    )
    numbers = goal_numbers(c, v, goals)[0, 0]
    assert np.allclose(numbers[3:6], (1.0, 0.0, 1.0), atol=1e-5)  # 50 px are 10 cm
    hidden = goal_numbers(c, v, replace(goals, visible_px=np.array([[0]])))[0, 0]
    assert hidden[0] == 1
    assert (hidden[3:6] == 0).all()


def test_the_surroundings_of_a_goal_show_it_in_the_middle() -> None:
    seen = draw(PILE)
    made = table(seen.heightmap.height, seen.labels, seen.goal)[None]
    places = np.argwhere(seen.goal)
    goals = Goals(
        owner=np.array([[1]], np.uint8),
        visible_px=np.array([[len(places)]]),
        center=places.mean(0)[None, None],
        tries=np.array([[0]]),
        n_segments=np.array([5]),
    )
    planes = goal_planes(made, np.zeros(1, int), goals, np.zeros(1, int))[0, 0]
    rows, columns = np.nonzero(planes[4])
    middle = (planes.shape[1] - 1) / 2
    assert abs(rows.mean() - middle) < 1
    assert abs(columns.mean() - middle) < 1
    area = len(rows) * GOAL_M**2
    assert abs(area / (len(places) * 4e-6) - 1) < 0.1
    hidden = replace(goals, visible_px=np.array([[0]]))
    assert not goal_planes(made, np.zeros(1, int), hidden, np.zeros(1, int))[0, 0, 4].any()
