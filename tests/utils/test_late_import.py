"""Acting on modules once they are imported."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from pushgrasp.utils.late_import import after_import

seen: list[object] = []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that modules are imported from."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    seen.clear()
    return tmp_path


def test_an_action_waits_for_the_whole_module_and_is_done_once(folder: Path) -> None:
    (folder / "made_module.py").write_text("early = 1\nlate = early + 1\n")
    after_import("made_module", lambda module: seen.append(module.late))
    assert seen == []
    assert "made_module" not in sys.modules
    module = importlib.import_module("made_module")
    assert seen == [2]
    assert module.__spec__ is not None
    assert module.__spec__.origin == str(folder / "made_module.py")
    importlib.reload(module)
    del sys.modules["made_module"]
    importlib.import_module("made_module")
    assert seen == [2]


def test_an_imported_module_is_acted_on_at_once(folder: Path) -> None:
    after_import("sys", seen.append)
    assert seen == [sys]


def test_a_missing_module_is_missed_as_ever(folder: Path) -> None:
    after_import("no_such_module", seen.append)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        importlib.import_module("no_such_module")
    assert seen == []
