"""Files are read strictly, and written whole or not at all."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.utils import files

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(plain)
def test_json_gives_back_what_it_was_given(value: object) -> None:
    assert json.loads(files.to_json(value)) == value


def test_json_is_strict_about_numbers() -> None:
    value = {"nan": float("nan"), "array": np.array([1.5, np.inf]), "n": np.int64(3), "t": (1, 2)}
    assert json.loads(files.to_json(value)) == {
        "nan": None, "array": [1.5, None], "n": 3, "t": [1, 2],
    }  # fmt: skip


def test_write_atomic_replaces_and_creates_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    files.write_atomic(path, "first")
    files.write_atomic(path, b"second")
    assert path.read_text() == "second"
    assert os.listdir(path.parent) == ["b.txt"]


@pytest.mark.parametrize(
    ("function", "error"),
    [("fsync", OSError(28, "No space left on device")), ("replace", OSError(5, "I/O error"))],
)
def test_a_failed_write_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, error: OSError
) -> None:
    path = tmp_path / "b.txt"
    files.write_atomic(path, "old")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(UserError, match=rf"cannot write .*b\.txt: {error.strerror}"):
        files.write_atomic(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["b.txt"]


def test_threads_that_write_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "shared.txt"
    contents = [str(i) * 1000 for i in range(4)]

    def write(content: str) -> list[str]:
        seen: list[str] = []
        for _ in range(40):
            files.write_atomic(path, content)
            seen.append(path.read_text())
        return seen

    with ThreadPoolExecutor(4) as pool:
        for seen in pool.map(write, contents):
            assert set(seen) <= set(contents), "a reader met half of a file"
    assert os.listdir(tmp_path) == ["shared.txt"]


@pytest.mark.parametrize("content", ["", "{", '{"a": NaN', "\x00"])
def test_read_json_says_what_is_wrong_and_where(tmp_path: Path, content: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(content)
    with pytest.raises(UserError, match=r"c\.json is not a JSON file: .*line 1"):
        files.read_json(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfe", "is not a scene file: it is not text"),
        (b'{"goal": 1, "goal": 2}', "has the field 'goal' twice in one object"),
        (b"[" * 100_000, "is not a scene file: it is nested too deeply"),
        (b"1" * 5000, "is not a scene file: it has a number of 5000 digits"),
        (b"[1" + b" " * 10_000 + b"]", "is not a scene file: it is longer than 9,000 bytes"),
    ],
)
def test_what_a_file_would_be_misread_as_is_refused(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        files.read_json(path, "scene file", max_bytes=9_000 if b" " in content[:9] else None)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read the scene file .*none\.json: No such file"):
        files.read_json(tmp_path / "none.json", "scene file")


def test_text_from_other_systems_is_read(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_bytes("\ufeff[1,\r\n2]\r\n".encode())
    assert files.read_json(path) == [1, 2]
    assert files.read_text(path) == "[1,\n2]\n"
