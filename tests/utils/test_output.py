"""Results appear whole, replace their like, and leave alone what is not theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pushgrasp.errors import UserError
from pushgrasp.utils import output

CONTENTS = ("record.json", "pictures")
KILLED_IN_THE_SWAP = """
import os, sys
from pathlib import Path
from pushgrasp.utils.output import output_folder

renames = []

def rename(source, target, really=os.rename):
    renames.append(source)
    if len(renames) == 2:
        os._exit(9)
    really(source, target)

os.rename = rename
with output_folder(sys.argv[1], ("record.json", "pictures"), "record.json") as folder:
    (folder / "record.json").write_text("new")
"""


def fill(folder: Path, text: str) -> None:
    with output.output_folder(folder, CONTENTS, "record.json") as partial:
        (partial / "pictures").mkdir()
        (partial / "record.json").write_text(text)


def test_an_output_folder_appears_whole_and_replaces_its_like(tmp_path: Path) -> None:
    folder, plain = tmp_path / "new" / "out", tmp_path / "plain"
    fill(folder, "1")
    fill(folder, "2")
    assert (folder / "record.json").read_text() == "2"
    assert os.listdir(folder.parent) == ["out"]
    plain.mkdir()
    assert folder.stat().st_mode == plain.stat().st_mode, "others may read it as usual"


@pytest.mark.parametrize("error", [KeyboardInterrupt, UserError, ValueError])
def test_an_interrupted_output_folder_leaves_nothing(
    tmp_path: Path, error: type[BaseException]
) -> None:
    folder = tmp_path / "out"
    with pytest.raises(error), output.output_folder(folder, CONTENTS, "record.json") as partial:
        (partial / "pictures").mkdir()
        raise error
    assert os.listdir(tmp_path) == []
    fill(folder, "kept")
    with pytest.raises(error), output.output_folder(folder, CONTENTS, "record.json"):
        raise error
    assert (folder / "record.json").read_text() == "kept"
    assert os.listdir(tmp_path) == ["out"]


def test_earlier_results_return_when_new_ones_cannot_take_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, really = tmp_path / "out", os.rename
    fill(folder, "old")

    def rename(source: Path, target: Path) -> None:
        if source.suffix == ".partial":
            raise OSError(5, "Input/output error")
        really(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(UserError, match=r"cannot write .*out: Input/output error"):
        fill(folder, "new")
    assert (folder / "record.json").read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_a_kill_between_the_renames_loses_no_results(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    fill(folder, "old")
    killed = subprocess.run([sys.executable, "-c", KILLED_IN_THE_SWAP, str(folder)], timeout=60)
    assert killed.returncode == 9
    assert not folder.exists()
    with pytest.raises(ValueError), output.output_folder(folder, CONTENTS, "record.json"):  # noqa: PT011
        raise ValueError
    assert (folder / "record.json").read_text() == "old"
    fill(folder, "new")
    assert (folder / "record.json").read_text() == "new"
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".old")]


def test_folders_that_only_look_like_left_overs_stay(tmp_path: Path) -> None:
    for name in (".out.old", ".out.backup.old", ".output.0123abcd.old"):
        (tmp_path / name).mkdir()
    before = set(os.listdir(tmp_path))
    fill(tmp_path / "out", "1")
    assert set(os.listdir(tmp_path)) == before | {"out"}


def test_what_is_not_ours_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "out"
    fill(folder, "1")
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"holds something else \(thesis\.tex\)"):
        output.check_output_folder(folder, CONTENTS, "record.json")
    (folder / "record.json").unlink()
    (folder / "thesis.tex").unlink()
    with pytest.raises(UserError, match=r"no record\.json"):
        output.check_output_folder(folder, CONTENTS, "record.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is not a folder"):
        output.check_output_folder(tmp_path / "file", CONTENTS, "record.json")
    with pytest.raises(UserError, match="is not a writable folder"):
        output.check_output_folder(tmp_path / "file" / "out", CONTENTS, "record.json")
    empty = tmp_path / "empty"
    empty.mkdir()
    output.check_output_folder(empty, CONTENTS, "record.json")
    monkeypatch.chdir(empty)
    with pytest.raises(UserError, match="name a folder inside it"):
        output.check_output_folder(".", CONTENTS, "record.json")


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    fill(Path("~/out"), "1")
    assert os.listdir(tmp_path) == ["out"]
    assert output.check_output_file("~/page.html", "--out", ".html") == tmp_path / "page.html"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("page.txt", r"--out .*page\.txt: the file's name must end in one of \.html, \.htm"),
        ("folder.html", r"--out .*folder\.html is a folder; name a file"),
        ("file/page.html", r"--out .*page\.html cannot be written: .*file is not a writable"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_work(
    tmp_path: Path, name: str, sentence: str
) -> None:
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=sentence):
        output.check_output_file(tmp_path / name, "--out", ".html", ".htm")
