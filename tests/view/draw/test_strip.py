"""The picture strip of a trial: what it shows, how large it is, what it leaves behind."""

from pathlib import Path

import numpy as np
import pytest
from made_steps import make_step
from PIL import Image

from pushgrasp.errors import UserError
from pushgrasp.view.draw.sheet import ACTION, GOAL, GOOD, TARGET, Picture
from pushgrasp.view.draw.strip import CELL, COLUMNS, Strip


def has(picture: Picture, color: tuple[int, int, int], within: int = 60) -> bool:
    """Whether a colour occurs, but for what shrinking and compression do to thin lines."""
    distance = np.abs(picture.astype(int) - np.array(color)).max(axis=-1)
    return bool((distance < within).sum() > 10)


def test_each_step_has_its_cell_side_by_side(tmp_path: Path):
    strip = Strip()
    strip.add(make_step("push"), lifted=False)
    strip.add(make_step("grasp", hidden=True), lifted=True)
    strip.add(make_step(None), lifted=False)
    path = tmp_path / "pictures" / "default" / "random-10-0003.webp"
    strip.save(path)
    with Image.open(path) as image:
        assert image.format == "WEBP"
        picture = np.asarray(image.convert("RGB"))
    assert picture.shape == (CELL, 3 * CELL, 3)
    push, other, idle = np.split(picture, 3, axis=1)
    assert has(push, GOAL)
    assert has(push, ACTION, within=30)
    assert not has(push, TARGET)
    assert has(other, TARGET)
    assert not has(other, GOAL)  # it is hidden
    assert not has(idle, ACTION, within=30)
    bars = [cell[-4:].reshape(-1, 3).mean(0) for cell in (push, other, idle)]
    near = [np.abs(bar - GOOD).max() < 20 for bar in bars]
    assert near == [False, True, False]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_step_takes_a_few_kilobytes(tmp_path: Path):
    strip = Strip()
    for _ in range(10):
        strip.add(make_step("grasp"), lifted=True)
    strip.save(tmp_path / "a.webp")
    assert (tmp_path / "a.webp").stat().st_size < 10 * 3000


def test_many_steps_go_into_rows(tmp_path: Path):
    strip = Strip()
    for i in range(COLUMNS + 3):
        strip.add(make_step("grasp"), lifted=i == COLUMNS + 1)
    strip.save(tmp_path / "a.webp")
    with Image.open(tmp_path / "a.webp") as image:
        assert image.size == (COLUMNS * CELL, 2 * CELL)
        picture = np.asarray(image.convert("RGB"))
    marks = picture[[CELL - 3, 2 * CELL - 3], CELL // 2 :: CELL]
    green = np.abs(marks.astype(int) - GOOD).max(axis=-1) < 20
    assert np.argwhere(green).tolist() == [[1, 1]]


def test_without_a_step_there_is_no_file(tmp_path: Path):
    Strip().save(tmp_path / "a.webp")
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path):
    strip = Strip()
    strip.add(make_step("grasp"), lifted=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        strip.save(tmp_path / "file" / "a.webp")
