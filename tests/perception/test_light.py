"""Noise and light, estimated from a picture."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import BLUE, COOL, RED, WARM, Ball, Box, picture

from pushgrasp.perception.colors import TABLE_COLOR
from pushgrasp.perception.goal import Goal
from pushgrasp.perception.heightmap import project
from pushgrasp.perception.light import (
    CONFIRMED,
    UNKNOWN,
    angle_between,
    color_noise,
    estimate,
    table_color,
)
from pushgrasp.perception.perceive import observe
from pushgrasp.perception.segmentation import object_mask
from pushgrasp.workspace import Workspace

THINGS = (Ball((-0.5, 0.0), 0.035, RED), Box((-0.58, 0.10), (0.025, 0.03, 0.03), BLUE))


@pytest.mark.parametrize("noise", [0.0, 1.0, 3.0, 6.0])
def test_noise_is_measured(noise: float) -> None:
    frame, _ = picture(*THINGS, noise=noise)
    assert color_noise([frame]) == pytest.approx(noise, abs=0.4)


def test_the_tables_colour_is_measured_beside_the_things() -> None:
    frame, number = picture(*THINGS, table=(120, 80, 60), noise=2)
    seen = project(frame, Workspace())
    found = table_color(seen, object_mask(seen))
    assert found is not None
    assert np.allclose(found, np.median(frame.color[number == 0], axis=0), atol=2)
    covered = np.ones(seen.height.shape, bool)
    assert table_color(seen, covered) is None


def test_a_table_of_the_known_colour_confirms_the_light() -> None:
    view = estimate(np.array(TABLE_COLOR, np.float32) * 0.9, None)
    assert view.lights[0].tolerance == pytest.approx(CONFIRMED)
    assert np.allclose(view.lights[0].gain, 1)


def test_a_tinted_table_of_the_known_colour_tells_the_light() -> None:
    seen = np.array(TABLE_COLOR, np.float32) * COOL
    view = estimate(seen, None)
    assert len(view.lights) == 2  # the goal's colour may have been read in this very light
    gain = view.lights[1].gain
    assert angle_between(gain * TABLE_COLOR, seen) < np.radians(0.5)
    assert view.lights[1].tolerance > CONFIRMED


def test_another_table_tells_nothing() -> None:
    for table in ((180, 130, 85), (220, 220, 215), (10, 10, 10)):
        view = estimate(np.array(table, np.float32), None)
        assert [light.tolerance for light in view.lights] == [UNKNOWN]
        assert np.allclose(view.lights[0].gain, 1)
    assert estimate(None, None).lights[0].tolerance == UNKNOWN


@pytest.mark.parametrize(
    ("table", "reference", "why"),
    [
        ((180, 130, 85), None, "in another light is not known"),
        ((60, 90, 200), (180, 130, 85), "no light makes a table of #b48255"),
        (None, None, "too little of the table is seen"),
    ],
)
def test_a_light_that_cannot_be_estimated_is_told_with_the_remedy(
    table: tuple[int, int, int] | None, reference: tuple[int, int, int] | None, why: str
) -> None:
    now = None if table is None else np.array(table, np.float32)
    view = estimate(now, None if reference is None else np.array(reference, np.float32))
    assert why in view.unknown
    assert "--table-color" in view.unknown
    assert estimate(np.array(TABLE_COLOR, np.float32), None).unknown == ""


def test_a_goal_read_in_another_light_on_an_unknown_table_is_never_missed_silently() -> None:
    wood = (176, 132, 88)
    for color in ((200, 60, 40), (110, 165, 205), (205, 180, 145), (37, 60, 24)):
        things = (Ball((-0.5, 0.0), 0.035, color), Box((-0.58, 0.10), (0.025, 0.03, 0.03), BLUE))
        by_lamp, number = picture(*things, lamp=WARM, sky=WARM, table=wood)
        r, g, b = (int(v) for v in np.median(by_lamp.color[number == 1], axis=0))
        frame, _ = picture(*things, lamp=COOL, sky=COOL, table=wood, noise=2)
        assert "the light could not be estimated" in " ".join(observe(frame, (r, g, b)).notes)
        shown = observe(by_lamp, Goal(mask=number == 1))
        assert shown.notes == ()


def test_a_table_that_was_told_tells_the_light_whatever_its_colour() -> None:
    wood = np.array((180, 130, 85), np.float32)
    view = estimate(wood * WARM, wood)
    assert len(view.lights) == 1
    assert np.allclose(view.lights[0].gain, WARM, atol=0.02)
    other = estimate(np.array((60, 90, 200), np.float32), wood)  # no light does that
    assert other.lights[0].tolerance == UNKNOWN
