"""OnRobot RG2: by Modbus TCP to its compute box, or by XML-RPC to the URCap on a UR controller.

Widths are between the fingertip pads, as the device counts them with its fingertip offset.
"""

from __future__ import annotations

import threading
import time
import xmlrpc.client
from typing import Any, Protocol

from ..errors import RobotError
from ..interfaces import GripperSpec
from .extras import need

DEVICE, PORT = 65, 502  # Modbus unit and port of the compute box
XMLRPC_PORT = 41414
# Registers (OnRobot, "Connectivity guide"): written together from 0; read from 258 on
TARGET, OFFSET, WIDTH, STATUS = 0, 258, 275, 268
GRIP_WITH_OFFSET, STOP = 16, 8
BUSY, GRIPPED, SAFETY, ERROR = 0b1, 0b10, 0b11_1100, 0b100_0000

POLL = 0.01  # s
TIMEOUT = 4.0  # s for the longest stroke at the lowest force
REPLY = 1.0  # s in which the box must answer
MIN_FORCE = 3.0  # N
NEAR = 0.003  # m from the width asked for: arrived


class Link(Protocol):
    """The two ways to an RG2."""

    def move(self, width: float, force: float) -> None:
        """Begin to move to a width (m), pressing with a force (N)."""
        ...

    def status(self) -> tuple[float, bool, bool, str]:
        """Return the width (m), busy, gripping, and what is wrong ("" for nothing)."""
        ...

    def stop(self) -> None:
        """Stop moving; a grip is kept."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Rg2:
    """An RG2 as a `Jaw`.

    Args:
        link: the way to it.
        gripper: its geometry.
    """

    def __init__(self, link: Link, gripper: GripperSpec | None = None) -> None:
        self.gripper = gripper or GripperSpec()
        self._link = link
        self._halt = threading.Event()
        self._lock = threading.RLock()
        self.width()  # an RG2 that does not answer is told now

    def width(self) -> float:
        """See `Jaw.width`."""
        return self._status()[0]

    def open(self, width: float) -> bool:
        """See `Jaw.open`."""
        width = min(max(width, 0.0), self.gripper.max_width)
        reached, _ = self._go(width, self.gripper.max_force)
        return width - reached < NEAR

    def grip(self, width: float, force: float) -> bool:
        """See `Jaw.grip`."""
        force = min(max(force, MIN_FORCE), self.gripper.max_force)
        reached, gripped = self._go(max(width, 0.0), force)
        return gripped or reached - width > NEAR

    def stop(self) -> None:
        """See `Jaw.stop`."""
        self._halt.set()
        with self._lock:
            if self._status()[1]:
                self._link.stop()

    def close(self) -> None:
        """See `Jaw.close`."""
        with self._lock:
            self._link.close()

    def _go(self, width: float, force: float) -> tuple[float, bool]:
        """Move, wait, and return the width (m) and whether the device feels a grip."""
        self._halt.clear()
        self._wait()  # a busy RG2 ignores commands
        with self._lock:
            self._link.move(width, force)
        time.sleep(2 * POLL)
        return self._wait()

    def _wait(self) -> tuple[float, bool]:
        deadline = time.monotonic() + TIMEOUT
        while True:
            width, busy, gripped, _ = self._status()
            if not busy or self._halt.is_set():
                return width, gripped
            if time.monotonic() > deadline:
                raise RobotError(
                    f"the RG2 is still moving after {TIMEOUT:.0f} s; stop and check it"
                )
            time.sleep(POLL)

    def _status(self) -> tuple[float, bool, bool, str]:
        with self._lock:
            status = self._link.status()
        if status[3]:
            raise RobotError(status[3])
        return status


class ModbusLink:
    """The compute box's Modbus TCP server.

    Args:
        address: of the compute box.
        port: of its Modbus server.
    Raises:
        UserError: pymodbus is not installed.
        RobotError: nobody answers there.
    """

    def __init__(self, address: str, port: int = PORT) -> None:
        modbus = need("pymodbus.client", "rg2")
        self._address = address
        self._client: Any = modbus.ModbusTcpClient(address, port=port, timeout=REPLY, retries=0)
        if not self._client.connect():
            raise RobotError(
                f"no RG2 compute box answers at {address}:{port}; check its power, its network "
                "cable and the address"
            )

    def move(self, width: float, force: float) -> None:
        """See `Link.move`."""
        values = [round(force * 10), round(width * 1e4), GRIP_WITH_OFFSET]
        self._ask("write_registers", TARGET, values)

    def status(self) -> tuple[float, bool, bool, str]:
        """See `Link.status`."""
        flags, *rest = self._ask("read_holding_registers", STATUS, count=8)
        width = rest[WIDTH - STATUS - 1] / 1e4
        wrong = ""
        if flags & SAFETY:
            wrong = "the RG2's safety switch is pushed or has triggered; free it, cycle its power"
        elif flags & ERROR:
            wrong = "the RG2 reports an error of its own; cycle its power"
        return width, bool(flags & BUSY), bool(flags & GRIPPED), wrong

    def stop(self) -> None:
        """See `Link.stop`."""
        self._ask("write_registers", TARGET + 2, [STOP])

    def close(self) -> None:
        """See `Link.close`."""
        self._client.close()

    def _ask(self, method: str, address: int, *values: Any, **options: Any) -> list[int]:
        exceptions = need("pymodbus.exceptions", "rg2")
        try:
            answer = getattr(self._client, method)(address, *values, device_id=DEVICE, **options)
        except (exceptions.ModbusException, OSError) as error:
            raise RobotError(
                f"the RG2 compute box at {self._address} has gone silent: {error}"
            ) from error
        if answer.isError():
            raise RobotError(
                f"the compute box at {self._address} answers {answer}; is the device on it an "
                f"RG2 (unit {DEVICE})?"
            )
        return list(getattr(answer, "registers", []))


class XmlRpcLink:
    """OnRobot's URCap on a UR controller, without a compute box.

    Args:
        address: of the UR controller.
        index: of the tool, 0 for a single one.
    """

    def __init__(self, address: str, port: int = XMLRPC_PORT, index: int = 0) -> None:
        self._address, self._index = f"{address}:{port}", index
        transport = _TimedTransport()
        self._server: Any = xmlrpc.client.ServerProxy(f"http://{self._address}/", transport)

    def move(self, width: float, force: float) -> None:
        """See `Link.move`."""
        self._ask("rg_grip", 1e3 * width, force)

    def status(self) -> tuple[float, bool, bool, str]:
        """See `Link.status`."""
        width = self._ask("rg_get_width") / 1e3
        return width, bool(self._ask("rg_get_busy")), bool(self._ask("rg_get_grip_detected")), ""

    def stop(self) -> None:
        """See `Link.stop`."""
        self._ask("rg_stop")

    def close(self) -> None:
        """See `Link.close`."""
        self._server("close")()

    def _ask(self, method: str, *values: float) -> Any:
        try:
            return getattr(self._server, method)(self._index, *values)
        except (OSError, xmlrpc.client.Error) as error:
            raise RobotError(
                f"the RG2's URCap at {self._address} does not answer ({error}); check that "
                "OnRobot's URCap is installed and running on the controller"
            ) from error


class _TimedTransport(xmlrpc.client.Transport):
    def make_connection(self, host: Any) -> Any:
        connection = super().make_connection(host)
        connection.timeout = REPLY
        return connection
