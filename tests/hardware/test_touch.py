"""Touching what the camera sees."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import run
from plugin_devices import BLOCK
from test_commands import moved, station


def test_it_touches_the_blocks_and_tells_the_miss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = station(tmp_path, fault="floor")
    code, said, _ = run(capsys, "touch", path, "--no-confirm")
    assert code == 0
    assert "2 touches; contact was at most +3.0 mm from what is seen" in said
    assert min(z for _, _, z in moved(tmp_path)) >= BLOCK[2] - 0.011


def test_a_place_that_nobody_sees_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, said = run(capsys, "touch", station(tmp_path), "--no-confirm", "--at", "0.5", "0.0")
    assert code == 2
    assert "no camera sees that place" in said
