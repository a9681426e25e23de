"""The commands for stations, on devices from a file: nothing but the arm's log tells of motions."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pushgrasp.cli.main import main
from pushgrasp.cli.station_episode import StationEpisode
from pushgrasp.hardware.reach import make_reach
from pushgrasp.hardware.station import read_station
from pushgrasp.interfaces import Intrinsics
from pushgrasp.perception.camera_file import CameraSpec, look_at, write_cameras
from pushgrasp.perception.observation import Observation

DEVICES = Path(__file__).with_name("plugin_devices.py")
SPEC = CameraSpec("front", Intrinsics(), look_at((-1.0, 0.0, 0.5), (-0.5, 0.0, 0.0)))


def station(
    folder: Path,
    *,
    fault: str = "",
    jaw: str = "",
    table: float | str = 0.0,
    model: str = "",
    home: tuple[float, float, float] = (-0.5, 0.46, 0.25),
) -> str:
    write_cameras(folder / "front.json", [SPEC])
    value: dict[str, Any] = {
        "format": "pushgrasp-station",
        "version": 1,
        "arm": {"driver": f"{DEVICES}:Arm", "address": f"{folder / 'log'}#{fault}", "model": model,
                "T_flange_tool": np.eye(4).tolist()},
        "jaw": {"driver": f"{DEVICES}:Jaw", "address": jaw},
        "cameras": [{"driver": f"{DEVICES}:Camera", "source": str(table),
                     "calibration": "front.json"}],
        "T_world_base": np.eye(4).tolist(),
        "fence": {"low": [-0.8, -0.3, 0.001], "high": [-0.2, 0.6, 0.4]},
        "home": list(home),
    }  # fmt: skip
    (folder / "station.json").write_text(json.dumps(value))
    return str(folder / "station.json")


def moved(folder: Path) -> list[list[float]]:
    log = folder / "log"
    return [json.loads(line)["to"] for line in log.read_text().splitlines()] if log.exists() else []


def run(*words: str) -> int:
    return main(list(words))


@pytest.mark.parametrize("robot", ["franka", "ur5e"])
def test_a_new_station_file_is_valid_and_never_replaces_one(robot: str, tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    assert run("station", "--new", robot, "--out", str(path)) == 0
    assert read_station(path).confirm
    make_reach(read_station(path))  # its home can be reached, with the base as it says
    before = path.read_text()
    assert before.count('"//') > 5
    assert run("station", "--new", robot, "--out", str(path)) == 2
    assert path.read_text() == before


def test_a_good_station_is_ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", station(tmp_path)) == 0
    assert capsys.readouterr().out.endswith("ready\n")
    assert moved(tmp_path) == []


@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        ({"fault": "dead"}, "FAIL  arm: the arm does not answer; switch it on"),
        ({"fault": "heavy"}, "force at rest: the arm feels 25 N"),
        ({"fault": "tilted"}, "tool: the fingers are tilted by 37 degrees"),
        ({"fault": "outside"}, "the finger tips are outside the fence"),
        ({"home": (-0.7, 0.05, 0.3)}, "choose another home pose"),
        ({"jaw": "lost"}, "the jaw says 400 mm"),
        ({"table": 9.0}, "the table is 9.0 mm above where it should be"),
        ({"table": -500.0}, "it sees no table where the workspace is"),
        ({"model": "ur7"}, "there is no model 'ur7'"),
    ],
)
def test_each_fault_is_named_and_forbids_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], faults: dict[str, Any], sentence: str
) -> None:
    path = station(tmp_path, **faults)
    assert run("check", path) == 1
    assert sentence in capsys.readouterr().out
    words = ("retrieve", "--station", path, "--goal", "red", "--policy", "geometric")
    assert run(*words, "--no-confirm", "--out", str(tmp_path / "out")) == 1
    assert moved(tmp_path) == []


def test_an_old_or_missing_calibration_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = station(tmp_path)
    os.utime(tmp_path / "front.json", (0, 0))
    assert run("check", path) == 1
    assert "days old; calibrate again" in capsys.readouterr().out
    (tmp_path / "front.json").unlink()
    assert run("check", path) == 1
    assert "run pushgrasp calibrate" in capsys.readouterr().out


def retrieve(folder: Path, *words: str) -> int:
    fixed = ("--goal", "red", "--policy", "geometric", "--out", str(folder / "out"))
    return run("retrieve", "--station", str(folder / "station.json"), *fixed, *words)


def test_a_dry_run_shows_the_decision_and_moves_nothing(tmp_path: Path) -> None:
    station(tmp_path)
    assert retrieve(tmp_path, "--dry-run") == 0
    assert moved(tmp_path) == []
    assert (tmp_path / "out" / "next.png").stat().st_size > 10_000


def test_what_perception_has_to_say_is_printed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = "the camera sees the table 3.0 mm above where it should be"
    station(tmp_path, table=3.0)
    assert retrieve(tmp_path, "--dry-run") == 0
    assert capsys.readouterr().out.count(sentence) == 1
    answers(monkeypatch, "q")
    assert retrieve(tmp_path) == 130
    assert capsys.readouterr().out.count(sentence) == 1, "before the person is asked"


def answers(monkeypatch: pytest.MonkeyPatch, *said: str) -> None:
    given = iter(said)

    def answer(_prompt: str) -> str:
        try:
            return next(given)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", answer)


def over_table(folder: Path) -> list[list[float]]:
    return [to for to in moved(folder) if to[2] < 0.24]


def test_a_person_is_asked_by_default_and_may_stop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    station(tmp_path)
    answers(monkeypatch, "q")
    assert retrieve(tmp_path) == 130
    assert over_table(tmp_path) == []
    assert (tmp_path / "out" / "next.png").is_file()


def test_nobody_to_ask_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    station(tmp_path)
    answers(monkeypatch)
    assert retrieve(tmp_path) == 2
    assert over_table(tmp_path) == []


def test_a_no_gives_another_action_and_a_yes_carries_it_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    station(tmp_path, fault="low")
    answers(monkeypatch, "what?", "n", "y", "q")
    retrieve(tmp_path)
    assert over_table(tmp_path)
    record = json.loads((tmp_path / "out" / "episode.json").read_text())
    assert len(record["steps"]) == 1
    assert (tmp_path / "out" / "pictures" / "decision-01.png").is_file()


def test_the_first_motion_is_slow_and_straight_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    station(tmp_path, fault="low")
    answers(monkeypatch, "q")
    retrieve(tmp_path)
    first = json.loads((tmp_path / "log").read_text().splitlines()[0])
    assert first["to"] == pytest.approx([-0.5, 0.0, 0.25])
    assert first["speed"] == 0.03


def test_a_camera_that_is_moved_during_the_episode_ends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    station(tmp_path, table="0,12")
    assert retrieve(tmp_path, "--no-confirm") == 2
    assert "has moved since the start" in capsys.readouterr().err


def test_what_perception_has_to_say_is_said_before_anything_moves_without_asking_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    station(tmp_path, fault="low", table=3.0)
    motions: list[int] = []  # over the table, at each time that something is said
    say = StationEpisode._say  # pyright: ignore[reportPrivateUsage]

    def counted(episode: StationEpisode, observation: Observation) -> None:
        motions.append(len(over_table(tmp_path)))
        say(episode, observation)

    monkeypatch.setattr(StationEpisode, "_say", counted)
    retrieve(tmp_path, "--no-confirm", "--max-actions", "1")
    assert motions[0] == 0
    assert over_table(tmp_path)


def test_options_of_a_station_without_one_are_refused(tmp_path: Path) -> None:
    out = ("--out", str(tmp_path / "out"))
    assert run("retrieve", "--dry-run", *out) == 2
    assert run("retrieve", "--station", station(tmp_path), *out) == 2  # no goal
