"""Station files are read strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pushgrasp.errors import UserError
from pushgrasp.hardware.station import read_station


def station(**changes: Any) -> dict[str, Any]:
    value: dict[str, Any] = {
        "format": "pushgrasp-station",
        "version": 1,
        "// arm": "a comment",
        "arm": {"driver": "ur", "address": "127.0.0.1", "// x": [1]},
        "jaw": {"driver": "rg2-modbus"},
        "cameras": [{"driver": "folder", "source": "pictures", "calibration": "front.json"}],
        "T_world_base": [[-1, 0, 0, 0.02], [0, -1, 0, 0], [0, 0, 1, 0.02], [0, 0, 0, 1]],
        "fence": {"low": [-0.8, -0.3, 0.001], "high": [-0.2, 0.6, 0.4]},
        "home": [-0.5, 0.46, 0.25],
    }
    return value | changes


def write(folder: Path, value: Any) -> Path:
    path = folder / "station.json"
    path.write_text(json.dumps(value))
    return path


def test_a_station_is_read_and_comments_are_left_out(tmp_path: Path) -> None:
    read = read_station(write(tmp_path, station()))
    assert read.arm.driver == "ur"
    assert read.caps.speed == 0.1
    assert read.confirm
    assert read.base()[0, 3] == 0.02


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": "other"}, "not a station file"),
        ({"version": 2}, "format version 2; this program reads 1"),
        ({"speeed": 1}, "unknown field 'speeed'"),
        ({"cameras": []}, "no camera"),
        ({"fence": {"low": [-0.8, -0.3, -0.01], "high": [-0.2, 0.6, 0.4]}}, "above the table"),
        ({"home": [-0.5, 0.9, 0.25]}, "home lies outside the fence: .* widen the fence"),
        ({"travel_height": 0.5}, "corner .* lies outside the fence"),
        ({"caps": {"speed": 3.0}}, "caps: speed is 3.0; it must be above 0 and at most 0.5"),
        ({"caps": {"free_guard": 0.0}}, "free_guard is 0.0"),
        ({"T_world_base": [[1, 0, 0, 450], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}, "millim"),
        ({"T_world_base": [[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}, "not a pose"),
    ],
)
def test_what_is_not_safe_is_refused(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence) as refused:
        read_station(write(tmp_path, station(**changes)))
    assert "station.json" in str(refused.value)
