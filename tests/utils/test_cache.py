"""Files that can be made again lie where the system wants them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushgrasp.utils.cache import cache_folder


def test_the_cache_follows_the_xdg_specification(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("meshes") == tmp_path / "pushgrasp" / "meshes"
    assert cache_folder(app="other") == tmp_path / "other"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/paths/do/not/count")
    assert cache_folder() == Path.home() / ".cache" / "pushgrasp"
