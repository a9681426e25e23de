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
from PIL import Image

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


def test_an_opaque_picture_with_transparency_is_a_photo(tmp_path: Path) -> None:
    image = np.dstack([photo(), np.full((100, 120), 255, np.uint8)])  # a screenshot
    path = save(tmp_path / "screenshot.png", image)
    with pytest.raises(UserError, match="which part of it is the goal"):
        Goal.from_picture(path)
    goal = Goal.from_picture(path, (30, 40, 40, 30))
    assert goal.table is not None
    assert np.allclose(goal.table, DESK, atol=1)


def test_a_region_that_leaves_nothing_round_the_goal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="covers 100% of the photo"):
        Goal.from_picture(save(tmp_path / "photo.png", photo()), (0, 0, 100, 120))


def test_a_picture_without_colour_is_refused(tmp_path: Path) -> None:
    grey = np.repeat(photo().mean(2, keepdims=True).astype(np.uint8), 3, 2)
    with pytest.raises(UserError, match="has no colour"):
        Goal.from_picture(save(tmp_path / "grey.png", grey), (30, 40, 40, 30))
    path = tmp_path / "one_channel.png"
    cv2.imwrite(str(path), grey[..., 0])
    with pytest.raises(UserError, match="has no colour"):
        Goal.from_picture(path, (30, 40, 40, 30))


@pytest.mark.parametrize(
    ("region", "cause"),
    [
        ((30, 40, 90, 30), "does not lie in"),
        ((30, 40, 0, 30), "0 high, 30 wide.*from 1"),
        ((30, 40, 5, 5), "25"),
    ],
)
def test_a_region_outside_or_too_small_is_refused(
    tmp_path: Path, region: tuple[int, int, int, int], cause: str
) -> None:
    with pytest.raises(UserError, match=cause):
        Goal.from_picture(save(tmp_path / "photo.png", photo()), region)


def test_files_that_are_no_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    save(tmp_path / "whole.png", photo())
    save(tmp_path / "whole.jpg", photo())
    for name, cause in (
        ("text.png", "no picture"),
        ("empty.png", "is empty"),
        ("folder.png", "Is a directory"),
        ("half.png", "cut off"),
        ("half.jpg", "cut off"),
    ):
        if name.startswith("half"):
            data = (tmp_path / name.replace("half", "whole")).read_bytes()
            (tmp_path / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(UserError, match=rf"{name}.*{cause}"):
            Goal.from_picture(tmp_path / name, (30, 40, 40, 30))
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


def test_a_photo_is_read_upright(tmp_path: Path) -> None:
    """Phones turn a picture by its EXIF orientation only; a region is chosen in the turned one."""
    turned = Image.fromarray(np.rot90(photo()).copy())
    exif = turned.getexif()
    exif[0x0112] = 6  # shown after a turn by 90 degrees clockwise
    turned.save(tmp_path / "phone.jpg", exif=exif, quality=95)
    appearance = Goal.from_picture(tmp_path / "phone.jpg", (30, 40, 40, 30)).appearance()
    assert appearance is not None
    assert np.allclose(appearance.colors[0], RED, atol=4)


HALF = np.zeros((100, 120), bool)
HALF[:50] = True


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"color": RED, "box": (1, 2, 3, 4)}, "by color and by box; give one of them"),
        ({"color": "red"}, "goal's color 'red': .*three numbers"),
        ({"color": RED, "table": (999, 0, 0)}, "goal's table .*0 to 255"),
        ({"name": 3}, "name is 3; it must be a text"),
        ({"mask": np.zeros((4, 5), bool)}, "mask is empty"),
        ({"mask": ~np.zeros((4, 5), bool)}, "100% of the picture; is it inverted"),
        ({"mask": 0.3 * HALF}, r"float64 from 0 to 0.3; .*threshold"),
        ({"mask": HALF[..., None]}, r"shape \(100, 120, 1\).*mask\[..., 0\]"),
        ({"mask": "mask.png"}, "from_mask reads a file"),
        ({"box": (1.5, 2, 30, 40)}, "four whole numbers of pixels: row, column, height, width"),
        ({"box": (1, 2, 3)}, "four whole numbers"),
        ({"box": "here"}, "four whole numbers"),
        ({"box": (-1, 2, 3, 4)}, "row -1"),
        ({"box": (1, 2, 0, 4)}, "0 high"),
        ({"picture": photo()}, r"shape \(100, 120, 3\); it must be RGBA.*np.dstack"),
        ({"picture": "mug.png"}, "from_picture reads a file"),
        ({"picture": np.zeros((9, 9, 4), np.uint8)}, "all of it is transparent"),
    ],
)
def test_a_goal_that_cannot_be_right_is_refused(fields: dict[str, Any], cause: str) -> None:
    with pytest.raises(UserError, match=cause):
        Goal(**fields)


def test_masks_of_two_numbers_and_boxes_of_numpy_are_taken() -> None:
    for mask in (1.0 * HALF, HALF.astype(np.uint8) * 255, HALF.tolist()):
        goal = Goal(mask=mask)  # type: ignore[arg-type]
        assert (goal.first_frame_mask((100, 120)) == HALF).all()
    box = Goal(box=tuple(np.array([30, 40, 40, 30]))).box  # type: ignore[arg-type]
    assert box == (30, 40, 40, 30)


def test_a_mask_file_with_small_numbers_or_all_white_is_refused(tmp_path: Path) -> None:
    labels = np.dstack([HALF.astype(np.uint8)] * 3)
    with pytest.raises(UserError, match="mask is empty, its largest value is 1 of 255"):
        Goal.from_mask(save(tmp_path / "labels.png", labels))
    with pytest.raises(UserError, match=r"white.png: the mask covers 100%.*inverted"):
        Goal.from_mask(save(tmp_path / "white.png", np.full((9, 9, 3), 255, np.uint8)))


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
