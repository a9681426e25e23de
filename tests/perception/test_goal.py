"""Ways to tell the goal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.perception.color_modes import MAX_MODES, color_modes
from pushgrasp.perception.goal import Goal

RED, WHITE, DESK = (200, 40, 30), (230, 230, 225), (90, 95, 100)


def photo() -> npt.NDArray[np.uint8]:
    """A red thing of 40 x 30 pixels on a grey desk."""
    image = np.full((100, 120, 3), DESK, np.uint8)
    image[30:70, 40:70] = RED
    return image


def save(path: Path, image: npt.NDArray[np.uint8]) -> Path:
    order = [2, 1, 0] if image.shape[2] == 3 else [2, 1, 0, 3]
    cv2.imwrite(str(path), image[..., order])
    return path


def test_three_numbers_are_a_colour_and_a_goal_is_itself() -> None:
    goal = Goal.of(RED)
    assert goal.color == RED
    assert Goal.of(goal) is goal
    assert goal.describe() == "#c8281e"
    appearance = goal.appearance()
    assert appearance is not None
    assert appearance.colors.tolist() == [list(RED)]
    assert appearance.table is None


@pytest.mark.parametrize(
    "wrong", ["red", (200, 40), (300, 0, 0), (-1, 0, 0), (0.9, 0.1, 0.1), None]
)
def test_what_is_no_colour_is_refused_in_a_sentence(wrong: Any) -> None:
    with pytest.raises(UserError, match="three numbers from 0 to 255"):
        Goal.of(wrong)


def test_a_cut_out_shows_its_opaque_pixels(tmp_path: Path) -> None:
    image = np.dstack([photo(), np.zeros((100, 120), np.uint8)])
    image[30:70, 40:70, 3] = 255
    goal = Goal.from_picture(save(tmp_path / "mug.png", image))
    assert goal.name == "mug"
    appearance = goal.appearance()
    assert appearance is not None
    assert np.allclose(appearance.colors, [RED], atol=1)


def test_a_photo_needs_a_region_and_shows_the_table_beside_it(tmp_path: Path) -> None:
    path = save(tmp_path / "photo.png", photo())
    with pytest.raises(UserError, match="which part of it is the goal"):
        Goal.from_picture(path)
    goal = Goal.from_picture(path, (30, 40, 40, 30))
    appearance = goal.appearance()
    assert appearance is not None
    assert np.allclose(appearance.colors, [RED], atol=1)
    assert appearance.table is not None
    assert np.allclose(appearance.table, DESK, atol=1)


@pytest.mark.parametrize(
    ("region", "cause"),
    [((30, 40, 90, 30), "does not lie in"), ((30, 40, 0, 30), "does not"), ((30, 40, 5, 5), "25")],
)
def test_a_region_outside_or_too_small_is_refused(
    tmp_path: Path, region: tuple[int, int, int, int], cause: str
) -> None:
    with pytest.raises(UserError, match=cause):
        Goal.from_picture(save(tmp_path / "photo.png", photo()), region)


def test_files_that_are_no_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("text.png", "empty.png"):
        with pytest.raises(UserError, match="no picture"):
            Goal.from_picture(tmp_path / name)
    with pytest.raises(UserError, match="missing"):
        Goal.from_picture(tmp_path / "missing.png")


def test_a_mask_or_box_is_a_place_in_the_first_frame(tmp_path: Path) -> None:
    white = np.zeros((100, 120, 3), np.uint8)
    white[30:70, 40:70] = 255
    goal = Goal.from_mask(save(tmp_path / "mask.png", white))
    assert goal.on_first_frame
    assert goal.appearance() is None
    assert goal.first_frame_mask((100, 120)).sum() == 40 * 30
    with pytest.raises(UserError, match="100 x 120 pixels and the frame 480 x 640"):
        goal.first_frame_mask((480, 640))
    box = Goal(box=(30, 40, 40, 30))
    assert (box.first_frame_mask((100, 120)) == goal.first_frame_mask((100, 120))).all()
    with pytest.raises(UserError, match="does not lie in"):
        box.first_frame_mask((50, 50))
    with pytest.raises(UserError, match="empty"):
        Goal.from_mask(save(tmp_path / "black.png", np.zeros((10, 10, 3), np.uint8)))


def test_a_plain_thing_has_one_colour_and_print_has_several() -> None:
    rng = np.random.default_rng(0)
    shade = rng.uniform(0.5, 1, (2000, 1))
    plain = np.clip(shade * RED + rng.normal(0, 3, (2000, 3)), 0, 255).astype(np.uint8)
    colors, weights = color_modes(plain)
    assert len(colors) == 1
    assert weights.tolist() == [1]
    printed = plain.copy()
    printed[:700] = np.clip(shade[:700] * WHITE + rng.normal(0, 3, (700, 3)), 0, 255)
    colors, weights = color_modes(printed)
    assert len(colors) == 2
    assert weights[0] == pytest.approx(0.65, abs=0.05)
    red, white = colors / np.linalg.norm(colors, axis=1, keepdims=True)
    assert red @ RED / np.linalg.norm(RED) > 0.995
    assert white @ WHITE / np.linalg.norm(WHITE) > 0.995


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 300))
def test_any_pixels_have_modes(seed: int, n: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (n, 3), dtype=np.uint8)
    colors, weights = color_modes(pixels)
    assert 1 <= len(colors) == len(weights) <= MAX_MODES
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert (np.diff(weights) <= 0).all()
    assert np.isfinite(colors).all()
