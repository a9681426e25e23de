"""A Universal Robots controller for one client library: RTDE, dashboard and script port.

It speaks what `ur_rtde` asks for: protocol version 2, its register dialogue, and the few dashboard
questions of its constructor. Source: Universal Robots, "Real-Time Data Exchange (RTDE) guide", and
the dialogue of ur_rtde 1.6.5 as recorded.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

RTDE_PORT, DASHBOARD_PORT, SCRIPT_PORTS = 30004, 29999, (30001, 30002, 30003)
PERIOD = 0.002  # s between two data packages
CONTROLLER_VERSION = (5, 17, 3, 0)

_STRUCT = {
    "DOUBLE": "d", "UINT64": "Q", "UINT32": "I", "INT32": "i", "UINT8": "B", "BOOL": "?",
    "VECTOR3D": "3d", "VECTOR6D": "6d", "VECTOR6INT32": "6i", "VECTOR6UINT32": "6I",
}  # fmt: skip
_DOUBLES = (
    "timestamp", "actual_execution_time", "speed_scaling", "target_speed_fraction",
    "actual_momentum", "actual_main_voltage", "actual_robot_voltage", "actual_robot_current",
    "standard_analog_input0", "standard_analog_input1", "standard_analog_output0",
    "standard_analog_output1", "payload", "tcp_force_scalar", "tool_output_current",
)  # fmt: skip
_VECTORS3 = ("actual_tool_accelerometer", "elbow_position", "elbow_velocity", "payload_cog")
_INTS = ("robot_mode", "safety_mode", "safety_status", "tool_mode")
_UINTS = ("runtime_state", "robot_status_bits", "safety_status_bits", "output_bit_registers0_to_31",
          "output_bit_registers32_to_63", "speed_slider_mask", "io_current")  # fmt: skip
_UINT64 = ("actual_digital_input_bits", "actual_digital_output_bits")
_UINT8 = ("standard_digital_output_mask", "configurable_digital_output_mask",
          "standard_digital_output", "configurable_digital_output", "standard_analog_output_mask",
          "standard_analog_output_type", "tool_digital_output_mask", "tool_digital_output",
          "tool_output_mode", "tool_digital_output0_mode", "tool_digital_output1_mode")  # fmt: skip

# Commands of ur_rtde's script, in its input_int_register_0
MOVE_L, FORCE_ZERO, STOP_L, STOP_J, WATCHDOG, STOP_SCRIPT = 3, 8, 33, 34, 35, 255
_READY, _DONE = 1, 2  # in output_int_register_0
_PLAYING, _STOPPED = 2, 1  # runtime_state
ROBOT_RUNNING, NORMAL, PROTECTIVE = 7, 1, 3  # robot_mode, safety_mode

Vector = npt.NDArray[np.float64]


@lru_cache(maxsize=512)
def type_of(name: str) -> str:
    """Return the RTDE type of a field, or NOT_FOUND."""
    if name in _DOUBLES or "_double_register_" in name:
        return "DOUBLE"
    if name in _INTS or "_int_register_" in name:
        return "INT32"
    if name in _UINTS or "_bit_register" in name:
        return "UINT32"
    if name in _VECTORS3:
        return "VECTOR3D"
    if name in _UINT64:
        return "UINT64"
    if name in _UINT8:
        return "UINT8"
    if name == "joint_mode":
        return "VECTOR6INT32"
    if name.startswith(("actual_", "target_", "joint_", "ft_raw", "payload_inertia")):
        return "VECTOR6D"
    return "DOUBLE" if name.startswith(("speed_slider", "standard_", "tool_")) else "NOT_FOUND"


def _pack(number: int, names: list[str], fields: Mapping[str, Any]) -> bytes:
    """Return the body of a data package: the recipe's number, then its fields."""
    form, values = ">B", list[Any]([number])
    for name in names:
        kind = _STRUCT.get(type_of(name), "d")
        form += kind
        n = int(kind[0]) if kind[0].isdigit() else 1
        value = fields.get(name, 0)
        values.extend(value.tolist() if isinstance(value, np.ndarray) else [value] * n)
    return struct.pack(form, *values)


class Machine(Protocol):
    """What stands behind the protocol. Poses are (6,) x, y, z in m and a rotation vector, base."""

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def move_line(self, pose: Vector, speed: float, acceleration: float) -> None:
        """Begin a straight motion."""
        ...

    def stop(self, deceleration: float) -> None:
        """Begin to brake."""
        ...

    def is_moving(self) -> bool:
        """Return True until the motion has ended."""
        ...

    def zero_force(self) -> None:
        """Tare the force sensor."""
        ...

    def hear(self, connected: bool) -> None:
        """Take note of a client's sign of life, or that it has gone."""
        ...

    def fault(self) -> str:
        """Return why the arm had to stop by itself; "" if it did not."""
        ...

    def pose(self) -> Vector:
        """Return the tool's pose."""
        ...

    def joints(self) -> Vector:
        """Return (6,) rad."""
        ...

    def force(self) -> Vector:
        """Return (6,) N and N m on the tool since the tare, base frame."""
        ...


@dataclass
class _Client:
    socket: socket.socket
    port: int
    buffer: bytearray = field(default_factory=bytearray)
    outputs: dict[int, list[str]] = field(default_factory=dict)
    inputs: dict[int, list[str]] = field(default_factory=dict)
    started: bool = False


class RtdeController:
    """The controller; `serve` runs it in this thread until told to stop.

    Args:
        machine: the arm.
        host: address to listen at.
        now: clock, s.
        patience: factor on the time after which the watchdog stops the program.
    """

    def __init__(
        self,
        machine: Machine,
        host: str = "127.0.0.1",
        now: Callable[[], float] = time.monotonic,
        *,
        patience: float = 1.0,
    ) -> None:
        self.machine, self._patience = machine, patience
        self.safety_mode = NORMAL
        self.frozen = False  # a controller that keeps its sockets and says nothing
        self.fastest = 0.0  # m/s, the largest speed that a client asked for
        self._now = now
        self._registers: dict[str, float] = {}
        self._program = False
        self._busy = 0  # the command that is being carried out
        self._async_id = 0
        self._async = False
        self._watchdog: float | None = None  # s between kicks at the most
        self._kicked = 0.0
        self._time = 0.0
        self._selector = selectors.DefaultSelector()
        for port in (RTDE_PORT, DASHBOARD_PORT, *SCRIPT_PORTS):
            listener = socket.create_server((host, port), backlog=4)
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, port)

    def serve(self, keep_going: Callable[[], bool]) -> None:
        """Answer, and let the machine's time pass with the clock's, until told to stop."""
        last = self._now()
        try:
            while keep_going():
                due = last + PERIOD
                for key, _ in self._selector.select(max(0.0, due - self._now())):
                    self._handle(key)
                now = self._now()
                if now < due:
                    continue
                if not self.frozen:
                    # Its own clock: a process that had to wait for a core must not see a client
                    # as silent that had to wait as well.
                    seconds = min(now - last, 0.02)
                    self._time += seconds
                    self._advance(seconds)
                    self._publish()
                last = now
        finally:
            for key in list(self._selector.get_map().values()):
                sock = key.data.socket if isinstance(key.data, _Client) else key.fileobj
                assert isinstance(sock, socket.socket)
                sock.close()
            self._selector.close()

    @property
    def is_running(self) -> bool:
        """True while the client's program runs."""
        return self._program

    def protective_stop(self, mode: int = PROTECTIVE) -> None:
        """Brake, end the program and wait in a safety mode, as after too much force."""
        self.machine.stop(10.0)
        self.safety_mode, self._program = mode, False

    # --- sockets -------------------------------------------------------------------

    def _handle(self, key: selectors.SelectorKey) -> None:
        if not isinstance(key.data, _Client):
            assert isinstance(key.fileobj, socket.socket)
            sock, _ = key.fileobj.accept()
            sock.setblocking(False)
            # Otherwise small packages wait for acknowledgements, up to 40 ms: a late force.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = _Client(sock, key.data)
            self._selector.register(sock, selectors.EVENT_READ, client)
            if key.data == DASHBOARD_PORT:
                self._send(client, b"Connected: Universal Robots Dashboard Server\n")
            return
        client = key.data
        try:
            data = client.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return
        client.buffer += data
        if self.frozen:
            return
        if client.port == RTDE_PORT:
            self._read_rtde(client)
        elif client.port == DASHBOARD_PORT:
            self._read_dashboard(client)
        elif b"end" in data and b"RTDE Control Script" in client.buffer:
            client.buffer.clear()
            self._program, self._busy, self._async, self._watchdog = True, 0, False, None
            self._registers["output_int_register_0"] = _READY

    def _drop(self, client: _Client) -> None:
        if client.port == RTDE_PORT:
            self.machine.hear(False)
        self._selector.unregister(client.socket)
        client.socket.close()

    def _send(self, client: _Client, data: bytes) -> None:
        try:
            client.socket.sendall(data)
        except OSError:
            if client.socket.fileno() >= 0:
                self._drop(client)

    def _read_dashboard(self, client: _Client) -> None:
        while b"\n" in client.buffer:
            line, _, rest = bytes(client.buffer).partition(b"\n")
            client.buffer = bytearray(rest)
            question = line.decode(errors="replace").strip().lower()
            if question == "unlock protective stop":
                self.safety_mode = NORMAL
            answers = {
                "polyscopeversion": "URSoftware 5.17.3.127773 (Jan 01 2025)",
                "get serial number": "20240000000",
                "is in remote control": "true",
                "safetystatus": "Safetystatus: "
                + ("NORMAL" if self.safety_mode == NORMAL else "PROTECTIVE_STOP"),
                "robotmode": "Robotmode: RUNNING",
                "get robot model": "UR5",
                "stop": "Stopped",
                "unlock protective stop": "Protective stop releasing",
            }
            self._send(client, (answers.get(question, "ok") + "\n").encode())

    # --- RTDE ----------------------------------------------------------------------

    def _read_rtde(self, client: _Client) -> None:
        while len(client.buffer) >= 3:
            size, kind = struct.unpack_from(">HB", client.buffer)
            if len(client.buffer) < size:
                return
            payload = bytes(client.buffer[3:size])
            del client.buffer[:size]
            self._answer(client, chr(kind), payload)

    def _answer(self, client: _Client, kind: str, payload: bytes) -> None:
        if kind == "V":
            self._package(client, kind, b"\x01")
        elif kind == "v":
            self._package(client, kind, struct.pack(">4I", *CONTROLLER_VERSION))
        elif kind in "OI":
            text = payload[8 if kind == "O" else 0 :].decode()
            names = [name for name in text.split(",") if name]
            recipes = client.outputs if kind == "O" else client.inputs
            number = len(recipes) + 1
            recipes[number] = names
            types = ",".join(map(type_of, names))
            self._package(client, kind, struct.pack("B", number) + types.encode())
        elif kind in "SP":
            client.started = kind == "S"
            self._package(client, kind, b"\x01")
        elif kind == "U":
            names = client.inputs.get(payload[0], [])
            form = ">" + "".join(_STRUCT[type_of(name)] for name in names)
            values = struct.unpack_from(form, payload, 1)
            self._registers.update(zip(names, values, strict=False))
            if "input_int_register_0" in names:
                self._kicked = self._time  # UR's watchdog guards writes to that register
                self.machine.hear(True)
            self._command()

    def _package(self, client: _Client, kind: str, payload: bytes) -> None:
        self._send(client, struct.pack(">HB", len(payload) + 3, ord(kind)) + payload)

    def _publish(self) -> None:
        fields: dict[str, Any] | None = None
        for key in list(self._selector.get_map().values()):
            client = key.data
            if isinstance(client, _Client) and client.started:
                fields = fields or self._fields()
                for number, names in client.outputs.items():
                    self._package(client, "U", _pack(number, names, fields))

    def _fields(self) -> dict[str, Any]:
        """Return what every field is now; those left out are 0."""
        pose, force, joints = self.machine.pose(), self.machine.force(), self.machine.joints()
        normal = self.safety_mode == NORMAL
        return {
            **self._registers,
            "timestamp": self._time,
            "actual_TCP_pose": pose,
            "target_TCP_pose": pose,
            "actual_TCP_force": force,
            "ft_raw_wrench": force,
            "actual_q": joints,
            "target_q": joints,
            "speed_scaling": 1.0,
            "target_speed_fraction": 1.0,
            "robot_mode": ROBOT_RUNNING,
            "safety_mode": self.safety_mode,
            "safety_status": self.safety_mode,
            "runtime_state": _PLAYING if self._program else _STOPPED,
            "robot_status_bits": 1 + 2 * self._program,  # power on, program running
            "safety_status_bits": 1 if normal else 1 << 2,
            "output_int_register_2": (self._async << 15) | (self._async_id << 24),
        }

    # --- what the uploaded script would do -----------------------------------------

    def _command(self) -> None:
        command = int(self._registers.get("input_int_register_0", 0))
        if not self._program:
            return
        if command == 0:  # the client has seen the answer
            if self._busy >= 0:
                self._registers["output_int_register_0"] = _READY
                self._busy = 0
            return
        if self._busy:
            return
        self._busy = command
        number = [self._registers.get(f"input_double_register_{i}", 0.0) for i in range(8)]
        if command == MOVE_L:
            self.fastest = max(self.fastest, number[6])
            self.machine.move_line(np.array(number[:6]), number[6], number[7])
            if self._registers.get("input_int_register_1"):
                self._async, self._async_id = True, (self._async_id + 1) % 127
                self._finish()
            return
        if command in (STOP_L, STOP_J):
            self.machine.stop(number[0])
            return
        if command == FORCE_ZERO:
            self.machine.zero_force()
        elif command == WATCHDOG:
            frequency = number[0]
            if frequency > 0:
                self._watchdog = self._patience / frequency
        elif command == STOP_SCRIPT:
            self.machine.stop(10.0)
            self._program = False
        self._finish()

    def _finish(self) -> None:
        self._registers["output_int_register_0"] = _DONE
        self._registers["output_int_register_1"] = 1
        self._busy = self._busy or -1

    def _advance(self, seconds: float) -> None:
        self.machine.advance(seconds)
        if self._program and self.machine.fault():
            self.protective_stop()
        if not self.machine.is_moving():
            self._async = False
            if self._busy in (MOVE_L, STOP_L, STOP_J):
                self._finish()
        if (
            self._program
            and self._watchdog is not None
            and self._time - self._kicked > self._watchdog
        ):
            self.machine.stop(10.0)
            self._program = False
