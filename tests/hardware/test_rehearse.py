"""A whole episode through the makers' client libraries, with the simulated cell behind them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import run

pytestmark = pytest.mark.slow


def test_a_ur_retrieves_through_its_own_protocol(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rtde_control", reason="ur_rtde is not installed: pip install '.[ur]'")
    pytest.importorskip("pymodbus", reason="pymodbus is not installed: pip install '.[rg2]'")
    out = tmp_path / "out"
    words = ("rehearse", "ur5e", "--objects", "3", "--seed", "1", "--policy", "geometric")
    code, said, _ = run(capsys, *words, "--speedup", "3", "--out", str(out))
    assert code == 0, said
    record = json.loads((out / "episode.json").read_text())
    truth = record["truth"]
    assert record["claimed_success"], record["reason"]
    assert truth["success"]
    assert truth["opened_holding"] == 0
    assert truth["asked"] <= 0.3
    assert truth["low"][2] > 0
    assert (out / "pictures" / "decision-01.png").is_file()
