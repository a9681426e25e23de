"""The RG2 through the real Modbus client and through XML-RPC, against servers on the loopback."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator, Iterator
from typing import Any
from xmlrpc.server import SimpleXMLRPCServer

import pytest

from pushgrasp.errors import RobotError, UserError
from pushgrasp.hardware.rg2 import ModbusLink, Rg2, XmlRpcLink

SPEED = 0.15  # m/s


class Fingers:
    """A jaw in real time, with a thing of some width between its pads."""

    def __init__(self, thing: float = 0.0) -> None:
        self.thing = thing
        self.at, self.goal, self.since = 0.11, 0.11, time.monotonic()
        self.forces: list[float] = []
        self.stopped = False

    def move(self, width: float, force: float) -> None:
        self.at, self.goal, self.since = self.status()[0], width, time.monotonic()
        self.forces.append(force)
        self.stopped = False

    def stop(self) -> None:
        self.at, self.since, self.stopped = self.status()[0], time.monotonic(), True
        self.goal = self.at

    def status(self) -> tuple[float, bool, bool]:
        end = max(self.goal, self.thing) if self.goal < self.at else self.goal
        way = SPEED * (time.monotonic() - self.since)
        if way >= abs(end - self.at):
            return end, False, end > self.goal
        return self.at + (way if end > self.at else -way), True, False


def modbus(fingers: Fingers) -> Generator[ModbusLink, None, None]:
    pytest.importorskip("pymodbus", reason="pymodbus is not installed: pip install '.[rg2]'")
    from pushgrasp.hardware.rehearsal.rg2_box import Rg2Box

    box = Rg2Box(fingers)
    try:
        yield ModbusLink("127.0.0.1", box.port)
    finally:
        box.close()


def xmlrpc(fingers: Fingers) -> Generator[XmlRpcLink, None, None]:
    server = SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False, allow_none=True)

    def rg_grip(_index: Any, mm: Any, newtons: Any) -> None:
        fingers.move(mm / 1e3, newtons)

    server.register_function(rg_grip)
    server.register_function(lambda _: 1e3 * fingers.status()[0], "rg_get_width")
    server.register_function(lambda _: fingers.status()[1], "rg_get_busy")
    server.register_function(lambda _: fingers.status()[2], "rg_get_grip_detected")
    server.register_function(lambda _: fingers.stop(), "rg_stop")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield XmlRpcLink("127.0.0.1", server.server_address[1])
    server.shutdown()
    server.server_close()


@pytest.fixture(params=[modbus, xmlrpc], ids=["modbus", "xmlrpc"])
def jaw(request: pytest.FixtureRequest) -> Iterator[tuple[Rg2, Fingers]]:
    fingers = Fingers()
    for link in request.param(fingers):
        made = Rg2(link)
        yield made, fingers
        made.close()


def test_it_opens_and_closes_on_nothing(jaw: tuple[Rg2, Fingers]) -> None:
    rg2, _ = jaw
    assert rg2.grip(0.0, 15.0) is False
    assert rg2.width() == pytest.approx(0.0, abs=1e-4)
    assert rg2.open(0.08) is True
    assert rg2.width() == pytest.approx(0.08, abs=1e-4)


def test_it_stops_on_a_thing_and_keeps_its_force(jaw: tuple[Rg2, Fingers]) -> None:
    rg2, fingers = jaw
    fingers.thing = 0.038
    assert rg2.grip(0.0, 15.0) is True
    assert rg2.width() == pytest.approx(0.038, abs=1e-4)
    assert fingers.forces[-1] == pytest.approx(15.0)
    rg2.stop()  # nothing moves: the grip must not be touched
    assert not fingers.stopped


def test_stop_from_another_thread_ends_a_motion(jaw: tuple[Rg2, Fingers]) -> None:
    rg2, fingers = jaw
    threading.Timer(0.15, rg2.stop).start()
    begun = time.monotonic()
    rg2.grip(0.0, 15.0)
    assert time.monotonic() - begun < 0.15 + 0.3
    assert fingers.status()[0] > 0.05


def test_forces_and_widths_are_kept_within_the_device(jaw: tuple[Rg2, Fingers]) -> None:
    rg2, fingers = jaw
    rg2.grip(-1.0, 500.0)
    assert fingers.forces[-1] == pytest.approx(40.0)
    rg2.open(0.5)
    assert rg2.width() <= rg2.gripper.max_width + 1e-4


def test_a_box_that_goes_silent_is_a_sentence() -> None:
    pytest.importorskip("pymodbus")
    links = modbus(Fingers())
    rg2 = Rg2(next(links))
    links.close()
    with pytest.raises(RobotError, match=r"gone silent|No response|compute box"):
        for _ in range(3):
            rg2.width()
    with pytest.raises(RobotError, match="check its power"):
        ModbusLink("127.0.0.1", 1)
    with pytest.raises(RobotError, match="URCap is installed"):
        Rg2(XmlRpcLink("127.0.0.1", 1))


def test_a_missing_package_names_its_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymodbus.client", None)
    with pytest.raises(UserError, match=r"pip install '\.\[rg2\]'"):
        ModbusLink("127.0.0.1", 1)
