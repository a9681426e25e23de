"""The UR driver through the real client library, against a controller that speaks its protocol."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from latency import is_within, later, slowness
from ur_machine import Point

from pushgrasp.errors import RobotError, UserError
from pushgrasp.hardware.rehearsal.launch import free_host
from pushgrasp.hardware.rehearsal.rtde import RTDE_PORT, RtdeController
from pushgrasp.hardware.robot import upright

HERE = Path(__file__).parent
pytest.importorskip("rtde_control", reason="ur_rtde is not installed: pip install '.[ur]'")
from pushgrasp.hardware import ur  # noqa: E402
from pushgrasp.hardware.ur import UrArm  # noqa: E402

HIGH, LOW = upright((0.4, 0.0, 0.3), 0.0), upright((0.4, 0.0, 0.05), 0.0)
OVER_FLOOR = upright((0.4, 0.0, 0.13), 0.0)  # the floor is at 0.10
T_FLANGE_TOOL = np.diag([1.0, -1.0, -1.0, 1.0])


class Controller:
    def __init__(self) -> None:
        self.host = free_host()
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "ur_machine.py"), self.host],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        assert self.process.stdout.readline() == "ready\n"

    def say(self, word: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def report(self) -> dict[str, Any]:
        self.say("report")
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the client more time than a real cell does: the machine that runs tests is busy."""
    monkeypatch.setattr(ur, "WATCHDOG_HZ", 1.0)
    monkeypatch.setattr(ur, "STALE", 0.6)
    monkeypatch.setattr(ur, "HUNG", 0.6)


@pytest.fixture
def controller() -> Iterator[Controller]:
    running = Controller()
    yield running
    running.process.kill()
    running.process.wait()


@pytest.fixture
def quick_arm(controller: Controller) -> Iterator[UrArm]:
    made = UrArm(controller.host, T_flange_tool=T_FLANGE_TOOL)
    yield made
    with contextlib.suppress(RobotError):  # the controller has died
        made.close()


@pytest.fixture
def arm(patience: None, quick_arm: UrArm) -> UrArm:
    return quick_arm


def test_a_line_ends_where_it_was_sent(arm: UrArm) -> None:
    target = upright((0.4, 0.05, 0.28), 0.5)
    assert arm.move(target, 0.2, 40.0) is False
    assert np.allclose(arm.state().T_base_tool, target, atol=1e-3)


def test_the_guard_counts_from_the_tare_and_stops_in_time(
    arm: UrArm, controller: Controller
) -> None:
    arm.move(OVER_FLOOR, 0.4, 40.0)
    assert arm.move(LOW, 0.05, 20.0) is True
    pressed = 0.10 - controller.report()["z"]
    assert 0.004 <= pressed < 0.010  # 20 N at 5 N/mm is 4 mm; the rest is reaction time
    assert arm.move(OVER_FLOOR, 0.1, 40.0) is False


def test_an_arm_that_presses_on_something_may_leave_it_but_not_press_more(arm: UrArm) -> None:
    arm.move(OVER_FLOOR, 0.4, 40.0)
    assert arm.move(LOW, 0.05, 45.0) is True
    assert arm.move(LOW, 0.05, 20.0) is True  # 10 N more than it pressed with
    assert arm.move(OVER_FLOOR, 0.1, 20.0) is False  # away: what it presses with is over this guard


def test_stop_from_another_thread_ends_a_motion(arm: UrArm, controller: Controller) -> None:
    def seconds_to_stop() -> float:
        y = 0.3 if arm.state().T_base_tool[1, 3] < 0.1 else -0.3
        said: list[float] = []
        later(0.4, lambda: (said.append(time.monotonic()), arm.stop()))
        assert arm.move(upright((0.4, y, 0.3), 0.0), 0.1, 40.0) is False
        seconds = time.monotonic() - said[0]
        assert not controller.report()["moving"]
        return seconds

    assert is_within(0.3, seconds_to_stop)
    arm.stop()  # a second time is harmless


def test_no_faster_than_asked(arm: UrArm, controller: Controller) -> None:
    arm.move(upright((0.4, 0.02, 0.3), 0.0), 0.07, 40.0)
    assert controller.report()["asked"] == pytest.approx(0.07)


def test_the_rehearsed_controllers_answers_are_not_held_back_by_tcp() -> None:
    """Nagle's algorithm delays small packages by up to 40 ms: forces, and the answers to stops."""
    host, over = free_host(), threading.Event()
    controller = RtdeController(Point(), host)
    serving = threading.Thread(target=controller.serve, args=(lambda: not over.is_set(),))
    serving.start()
    with socket.create_connection((host, RTDE_PORT)):
        accepted: list[socket.socket] = []
        while not accepted:
            time.sleep(0.01)
            accepted = [
                key.data.socket
                for key in list(controller._selector.get_map().values())
                if not isinstance(key.data, int)
            ]
        assert accepted[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        over.set()
        serving.join()


@pytest.mark.parametrize("how", ["freeze", "die"])
def test_a_silent_controller_is_told_within_a_second(
    quick_arm: UrArm, controller: Controller, how: str
) -> None:
    arm = quick_arm
    later(0.3, lambda: controller.say(how))
    begun = time.monotonic()
    with pytest.raises(RobotError, match=r"gone silent|has stopped|controller at 127"):
        arm.move(upright((0.4, 0.4, 0.3), 0.0), 0.05, 40.0)
    assert time.monotonic() - begun < 0.3 + 1.0 * slowness()
    time.sleep(1.0)  # a busy machine may have seemed silent a moment before
    time.sleep(0.25)  # a state may be 0.2 s old
    with pytest.raises(RobotError):
        arm.state()


def test_a_controller_that_freezes_in_the_middle_of_a_question_is_told(
    quick_arm: UrArm, controller: Controller
) -> None:
    controller.say("freeze")
    begun = time.monotonic()
    with pytest.raises(RobotError, match="gone silent"):
        quick_arm._ask("zeroFtSensor")  # ur_rtde itself waits for minutes
    assert time.monotonic() - begun < 1.2 * slowness()
    quick_arm.stop()  # returns, though nobody can be told
    with pytest.raises(RobotError, match="gone silent"):
        quick_arm.move(HIGH, 0.1, 40.0)


def test_a_protective_stop_names_the_persons_next_step(arm: UrArm, controller: Controller) -> None:
    later(0.3, lambda: controller.say("protective"))
    with pytest.raises(RobotError, match="protective stop; find the cause, unlock it"):
        arm.move(upright((0.4, 0.4, 0.3), 0.0), 0.05, 40.0)
    with pytest.raises(RobotError, match="protective stop"):
        arm.move(HIGH, 0.05, 40.0)  # it is never unlocked from here


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        (5, "safeguard stop; close the safeguard"),
        (6, "system emergency stop; release it"),
        (7, "emergency stop; release the button"),
        (9, "fault; look at the pendant"),
    ],
)
def test_each_stop_names_the_persons_next_step(
    arm: UrArm, controller: Controller, mode: int, sentence: str
) -> None:
    later(0.3, lambda: controller.say(f"mode {mode}"))
    with pytest.raises(RobotError, match=sentence):
        arm.move(upright((0.4, 0.4, 0.3), 0.0), 0.05, 40.0)
    assert not controller.report()["moving"]


def test_a_force_sensor_that_gives_no_number_stops_the_arm(
    arm: UrArm, controller: Controller
) -> None:
    later(0.3, lambda: controller.say("nan"))
    with pytest.raises(RobotError, match="the force sensor gives no number; arm stopped"):
        arm.move(upright((0.4, 0.4, 0.3), 0.0), 0.05, 40.0)
    assert not controller.report()["moving"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_arm_and_is_not_lost(
    controller: Controller, number: signal.Signals
) -> None:
    script = (
        "import numpy as np\n"
        "from pushgrasp.cli.station_episode import stop_once\n"
        "from pushgrasp.hardware.robot import upright\n"
        "from pushgrasp.hardware.ur import UrArm\n"
        f"arm = UrArm('{controller.host}', T_flange_tool=np.diag([1.0, -1, -1, 1]))\n"
        "with stop_once():\n"
        "    print('moving', flush=True)\n"
        "    try:\n"
        "        arm.move(upright((0.4, 0.9, 0.3), 0.0), 0.05, 40.0)\n"
        "    except KeyboardInterrupt:\n"
        "        arm.stop()\n"
        "        print('stopped', flush=True)\n"
        "        arm.close()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout
    assert process.stdout.readline() == "moving\n"
    deadline = time.monotonic() + 20
    while not controller.report()["moving"] and time.monotonic() < deadline:
        time.sleep(0.05)
    sent = time.monotonic()
    process.send_signal(number)
    assert process.stdout.readline() == "stopped\n"
    process.wait(15)
    said = controller.report()
    assert not said["moving"]
    assert said["last_motion"] - sent < 0.3 * slowness()


def test_kill_9_stops_the_arm_by_its_watchdog(controller: Controller) -> None:
    script = (
        "import numpy as np\n"
        "from pushgrasp.hardware.robot import upright\n"
        "from pushgrasp.hardware.ur import UrArm\n"
        f"arm = UrArm('{controller.host}', T_flange_tool=np.diag([1.0, -1, -1, 1]))\n"
        "print('moving', flush=True)\n"
        "arm.move(upright((0.4, 0.9, 0.3), 0.0), 0.05, 40.0)\n"
    )

    def seconds_to_rest() -> float:
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=os.environ
        )
        assert process.stdout
        assert process.stdout.readline() == "moving\n"
        time.sleep(0.5)
        was_moving = controller.report()["moving"]
        killed = time.monotonic()
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.6)
        report = controller.report()
        assert not report["moving"]
        return report["last_motion"] - killed if was_moving else 1.0

    assert is_within(0.2, seconds_to_rest)


def test_nobody_there_is_a_sentence() -> None:
    with pytest.raises(RobotError, match="check that it is on"):
        UrArm("127.0.0.1", T_flange_tool=T_FLANGE_TOOL)


def test_a_missing_package_names_its_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtde_control", None)
    with pytest.raises(UserError, match=r"pip install '\.\[ur\]'"):
        UrArm("127.0.0.1", T_flange_tool=T_FLANGE_TOOL)
