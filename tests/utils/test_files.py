import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.utils import files

CONTENTS = ("record.json", "pictures")
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(plain)
def test_json_gives_back_what_it_was_given(value):
    assert json.loads(files.to_json(value)) == value


def test_json_is_strict_about_numbers():
    value = {"nan": float("nan"), "array": np.array([1.5, np.inf]), "n": np.int64(3), "t": (1, 2)}
    assert json.loads(files.to_json(value)) == {
        "nan": None, "array": [1.5, None], "n": 3, "t": [1, 2],
    }  # fmt: skip


def test_write_atomic_replaces_and_makes_folders(tmp_path: Path):
    path = tmp_path / "a" / "b.txt"
    files.write_atomic(path, "first")
    files.write_atomic(path, b"second")
    assert path.read_text() == "second"
    assert os.listdir(path.parent) == ["b.txt"]


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path, monkeypatch):
    path = tmp_path / "b.txt"
    files.write_atomic(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"b\.txt: No space left"):
        files.write_atomic(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["b.txt"]


@pytest.mark.parametrize("content", ["", "{", '{"a": NaN', "\x00"])
def test_read_json_says_what_is_wrong_and_where(tmp_path: Path, content: str):
    path = tmp_path / "c.json"
    path.write_text(content)
    with pytest.raises(UserError, match=r"c\.json is not a JSON file: .*line 1"):
        files.read_json(path)
    with pytest.raises(UserError, match=r"cannot read .*none\.json"):
        files.read_json(tmp_path / "none.json")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="not text"):
        files.read_json(path)


def _fill(folder: Path, text: str) -> None:
    with files.output_folder(folder, CONTENTS, "record.json") as partial:
        (partial / "pictures").mkdir()
        (partial / "record.json").write_text(text)


def test_an_output_folder_appears_whole_and_replaces_its_like(tmp_path: Path):
    folder = tmp_path / "new" / "out"
    _fill(folder, "1")
    _fill(folder, "2")
    assert (folder / "record.json").read_text() == "2"
    assert os.listdir(folder.parent) == ["out"]
    assert folder.stat().st_mode & 0o777 == 0o777 & ~_umask()


@pytest.mark.parametrize("error", [KeyboardInterrupt, UserError, ValueError])
def test_an_interrupted_output_folder_leaves_nothing(tmp_path: Path, error):
    folder = tmp_path / "out"
    with pytest.raises(error), files.output_folder(folder, CONTENTS, "record.json") as partial:
        (partial / "pictures").mkdir()
        raise error
    assert os.listdir(tmp_path) == []
    _fill(folder, "kept")
    with pytest.raises(error), files.output_folder(folder, CONTENTS, "record.json"):
        raise error
    assert (folder / "record.json").read_text() == "kept"
    assert os.listdir(tmp_path) == ["out"]


def test_what_is_not_ours_is_not_touched(tmp_path: Path, monkeypatch):
    folder = tmp_path / "out"
    _fill(folder, "1")
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"holds something else \(thesis\.tex\)"):
        files.check_output_folder(folder, CONTENTS, "record.json")
    (folder / "record.json").unlink()
    (folder / "thesis.tex").unlink()
    with pytest.raises(UserError, match=r"no record\.json"):
        files.check_output_folder(folder, CONTENTS, "record.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is not a folder"):
        files.check_output_folder(tmp_path / "file", CONTENTS, "record.json")
    with pytest.raises(UserError, match="is not a folder to write in"):
        files.check_output_folder(tmp_path / "file" / "out", CONTENTS, "record.json")
    empty = tmp_path / "empty"
    empty.mkdir()
    files.check_output_folder(empty, CONTENTS, "record.json")
    monkeypatch.chdir(empty)
    with pytest.raises(UserError, match="name a folder inside it"):
        files.check_output_folder(".", CONTENTS, "record.json")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_an_older_file_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    files.write_atomic(path, "old")

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UserError, match="cannot write"):
        files.write_atomic(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["record.json"]
