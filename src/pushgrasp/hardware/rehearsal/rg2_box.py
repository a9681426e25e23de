"""An RG2's compute box on the loopback: its Modbus registers, with a jaw behind them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Protocol

from ..extras import need
from ..rg2 import BUSY, DEVICE, GRIPPED, STATUS, STOP, TARGET, WIDTH


class Fingers(Protocol):
    """The jaw behind the box; all is called from the box's thread."""

    def move(self, width: float, force: float) -> None:
        """Begin to move to a width (m) with a force (N)."""
        ...

    def stop(self) -> None:
        """Stop."""
        ...

    def status(self) -> tuple[float, bool, bool]:
        """Return the width (m), busy, gripping."""
        ...


class Rg2Box:
    """A Modbus TCP server in a thread of this process.

    Args:
        fingers: the jaw.
        port: to listen at; 0 chooses a free one.
    """

    def __init__(self, fingers: Fingers, host: str = "127.0.0.1", port: int = 0) -> None:
        self._fingers = fingers
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._server: Any = None
        self.port = port
        threading.Thread(target=self._run, args=(host, port), daemon=True).start()
        self._ready.wait(5)

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            asyncio.run_coroutine_threadsafe(self._server.shutdown(), self._loop).result(5)

    def _run(self, host: str, port: int) -> None:
        server, simulator = need("pymodbus.server", "rg2"), need("pymodbus.simulator", "rg2")
        data = [simulator.SimData(0, count=300, values=0, datatype=simulator.DataType.REGISTERS)]

        async def serve() -> None:
            device = simulator.SimDevice(id=DEVICE, simdata=data, action=self._access)
            self._server = server.ModbusTcpServer(device, address=(host, port))
            await self._server.serve_forever(background=True)
            sockets = self._server.transport.sockets
            self.port = sockets[0].getsockname()[1]
            self._ready.set()
            await self._server.serving

        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(serve())

    async def _access(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | None,
    ) -> None:
        """Answer a read from the jaw, carry out a write."""
        width, busy, gripped = self._fingers.status()
        if values is None:
            registers[STATUS - start] = busy * BUSY | gripped * GRIPPED
            registers[WIDTH - start] = round(width * 1e4)
        elif address == TARGET and len(values) == 3 and not busy:  # a busy RG2 ignores commands
            self._fingers.move(values[1] / 1e4, values[0] / 10)
        elif address == TARGET + 2 and values[0] == STOP:
            self._fingers.stop()
