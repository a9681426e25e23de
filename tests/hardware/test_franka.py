"""The Franka driver through franky and libfranka, against a simulated cell behind franky-sim."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run
from latency import is_within, later, slowness

from pushgrasp.errors import RobotError, UserError
from pushgrasp.hardware.connect import open_arm, open_jaw
from pushgrasp.hardware.robot import upright
from pushgrasp.hardware.station import Station, read_station

pytest.importorskip("franky", reason="franky is not installed: pip install '.[franka]'")
from pushgrasp.hardware.franka import FrankaArm, FrankaHand

pytestmark = pytest.mark.slow

TABLE = -0.02  # m, base frame: the base stands 20 mm above the table


@pytest.fixture
def cell() -> Iterator[Any]:
    pytest.importorskip(
        "franky_sim", reason="franky-sim is not installed: pip install '.[rehearsal]'"
    )
    from pushgrasp.hardware.rehearsal.launch import rehearsal
    from pushgrasp.hardware.rehearsal.session import Session

    with rehearsal(Session("fr3", "", n_objects=1, seed=1)) as running:
        yield running


@pytest.fixture
def station(cell: Any) -> Station:
    return read_station(cell.station)


@pytest.fixture
def arm(station: Station) -> Iterator[FrankaArm]:
    made = open_arm(station.arm, station.jaw)
    assert isinstance(made, FrankaArm)
    yield made
    made.close()


def wait_until_it_moves(cell: Any) -> None:
    deadline = time.monotonic() + 20
    while not cell.report()["moving"] and time.monotonic() < deadline:
        time.sleep(0.05)


def at(y: float, z: float, yaw: float = 0.0) -> np.ndarray:
    return upright((0.52, y, z), yaw)


def test_lines_guard_and_leaving_a_contact(arm: FrankaArm, cell: Any) -> None:
    target = at(-0.40, 0.2, 0.4)
    assert arm.move(target, 0.3, 40.0) is False
    assert np.allclose(arm.state().T_base_tool, target, atol=1e-3)
    assert arm.move(at(-0.40, TABLE + 0.03, 0.4), 0.3, 40.0) is False
    assert arm.move(at(-0.40, TABLE - 0.02, 0.4), 0.05, 20.0) is True  # the table
    pressed = TABLE - arm.state().T_base_tool[2, 3]
    assert pressed < 0.004
    assert arm.move(at(-0.40, 0.1, 0.4), 0.2, 20.0) is False  # away from it
    said = cell.report()
    assert said["worst_force"] > 18.0
    assert said["force_limit"] > 20.0 + 20.0  # a guard comes before a reflex


def test_the_tool_is_not_faster_along_a_diagonal(arm: FrankaArm, cell: Any) -> None:
    """franky's limits are per axis."""
    for target in (at(-0.3, 0.3), at(-0.1, 0.15, 0.4), at(-0.4, 0.25, 0.8)):
        target[0, 3] += 0.2 * target[1, 3] + 0.1
        assert arm.move(target, 0.15, 40.0) is False
    assert 0.08 < cell.report()["asked"] < 0.155


def test_stop_from_another_thread_ends_a_motion(arm: FrankaArm) -> None:
    def seconds_to_stop() -> float:
        y = -0.1 if arm.state().T_base_tool[1, 3] < -0.3 else -0.45
        said: list[float] = []
        later(0.6, lambda: (said.append(time.monotonic()), arm.stop()))
        assert arm.move(at(y, 0.25), 0.1, 40.0) is False
        return time.monotonic() - said[0]

    assert is_within(0.3, seconds_to_stop)
    arm.stop()  # a second time is harmless
    assert abs(arm.state().T_base_tool[1, 3]) > 0.11
    assert arm.move(at(-0.40, 0.2), 0.3, 40.0) is False  # it moves again when asked


@pytest.mark.parametrize(
    ("word", "sentence"), [("reflex", "clear the place"), ("button", "stop button is pressed")]
)
def test_a_stopped_robot_names_the_persons_next_step(
    arm: FrankaArm, cell: Any, word: str, sentence: str
) -> None:
    later(0.0, lambda: (wait_until_it_moves(cell), cell.tell(word)))
    with pytest.raises(RobotError, match=sentence):
        arm.move(at(0.0, 0.25), 0.05, 40.0)
    if word == "reflex":  # cleared by the next motion, which a person starts
        assert arm.move(at(-0.4, 0.25), 0.3, 40.0) is False
        return
    with pytest.raises(RobotError, match=sentence):
        arm.move(at(0.0, 0.25), 0.05, 40.0)
    time.sleep(0.5)
    assert not cell.report()["moving"]


def test_a_discontinuity_is_tried_again_once(arm: FrankaArm, cell: Any) -> None:
    later(0.0, lambda: (wait_until_it_moves(cell), cell.tell("discontinuity")))
    target = at(-0.2, 0.25)
    assert arm.move(target, 0.1, 40.0) is False
    assert np.allclose(arm.state().T_base_tool, target, atol=1e-3)

    over = threading.Event()

    def strike_again_and_again() -> None:
        while not over.wait(0.3):
            cell.tell("discontinuity")

    later(0.0, strike_again_and_again)
    try:
        with pytest.raises(RobotError, match="twice; check the real-time kernel"):
            arm.move(at(-0.45, 0.25), 0.01, 40.0)
    finally:
        over.set()


@pytest.mark.parametrize("how", ["freeze", "die"])
def test_a_silent_controller_is_told_in_time(arm: FrankaArm, cell: Any, how: str) -> None:
    later(0.5, lambda: cell.tell(how))
    begun = time.monotonic()
    with pytest.raises(RobotError, match="fr3 at 127"):
        arm.move(at(0.1, 0.25), 0.05, 40.0)
    assert time.monotonic() - begun < 0.5 + 1.5 * slowness()  # libfranka's own limit is 1 s
    with pytest.raises(RobotError):
        arm.move(at(0.1, 0.25), 0.05, 40.0)


def test_the_hand_grips_nothing_and_opens(station: Station) -> None:
    hand = open_jaw(station.jaw, station.arm)
    assert isinstance(hand, FrankaHand)
    assert hand.grip(0.0, 15.0) is False
    assert hand.width() < 0.002
    assert hand.open(0.05) is True
    assert hand.width() == pytest.approx(0.05, abs=0.003)
    later(0.2, hand.stop)
    hand.grip(0.0, 15.0)
    time.sleep(0.5)
    assert hand.width() > 0.01  # stopped on its way


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_arm(cell: Any, number: signal.Signals) -> None:
    script = (
        "import sys, signal\n"
        "from pushgrasp.cli.station_episode import stop_once\n"
        "from pushgrasp.hardware.connect import connect\n"
        "from pushgrasp.hardware.station import read_station\n"
        "from pushgrasp.interfaces import MoveTo\n"
        "with connect(read_station(sys.argv[1])) as there, stop_once():\n"
        "    print('moving', flush=True)\n"
        "    there.robot.execute(MoveTo((-0.5, -0.1, 0.25), 0.0, 0.1))\n"
    )
    command = [sys.executable, "-c", script, str(cell.station)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout
    assert process.stdout.readline() == "moving\n"
    wait_until_it_moves(cell)
    assert cell.report()["moving"]
    before = cell.report()["time"]
    process.send_signal(number)
    _, text = process.communicate(timeout=15)
    assert number == signal.SIGKILL or "KeyboardInterrupt" in text  # it must not go on
    time.sleep(0.7)
    said = cell.report()
    assert not said["moving"]
    assert said["moved_at"] - before < 1.0  # simulated s, a report's time included
    assert said["low"][1] > 0.0  # far from its goal


def test_nobody_there_is_a_sentence() -> None:
    with pytest.raises(RobotError, match=r"127\.0\.0\.9"):
        FrankaArm("127.0.0.9", T_flange_tool=np.eye(4), realtime=False)


def test_a_missing_package_names_its_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "franky", None)
    with pytest.raises(UserError, match=r"pip install '\.\[franka\]'"):
        FrankaArm("127.0.0.1", T_flange_tool=np.eye(4))


def test_a_franka_retrieves_through_its_own_protocol(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(
        "franky_sim", reason="franky-sim is not installed: pip install '.[rehearsal]'"
    )
    words = ("rehearse", "franka", "--objects", "3", "--seed", "1", "--policy", "geometric")
    code, said, _ = run(capsys, *words, "--out", str(tmp_path / "out"))
    assert code == 0, said
    record = json.loads((tmp_path / "out" / "episode.json").read_text())
    assert record["claimed_success"], record["reason"]
    assert record["truth"]["success"]
    assert record["truth"]["opened_holding"] == 0
