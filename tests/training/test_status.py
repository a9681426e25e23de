"""The progress line."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pushgrasp.training.status import ProgressLine


def test_the_remaining_time_is_for_the_current_stage(monkeypatch: pytest.MonkeyPatch):
    """The default recipe has two consecutive stages with one name."""
    clock = [0.0]
    monkeypatch.setattr("pushgrasp.training.status.time.monotonic", lambda: clock[0])
    said = io.StringIO()
    line = ProgressLine(Console(file=said, width=200))
    for at, done, total in ((0, 0, 4000), (600, 4000, 4000), (660, 0, 4500), (720, 450, 4500)):
        clock[0] = at
        line.show("grasp-goal", done, total, "well")
    assert said.getvalue().splitlines()[-1] == "grasp-goal: 450/4500, 9 min left, well"
