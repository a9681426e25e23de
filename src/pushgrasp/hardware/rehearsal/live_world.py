"""A simulated cell that lives in real time in a thread, for controllers that speak to clients.

The protocol threads read snapshots and post commands; only the world's thread touches MuJoCo.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING

from ...errors import RobotError
from ...interfaces import Command, MoveJaw, MoveTo
from ...sim.scenes.build import Scene
from ..devices import FloatArray
from .cell_world import CellWorld, Snapshot

if TYPE_CHECKING:
    from .session import Session

TICK = 0.008  # s of simulated time between two snapshots


class LiveWorld(CellWorld):
    """A scene's robot, driven from other threads.

    Args:
        scene: settled; its robot stands at home with its jaw open.
        session: camera, clock and the rest.
    """

    def __init__(self, scene: Scene, session: Session) -> None:
        super().__init__(scene, session)
        self._speedup = session.speedup
        self._commands: queue.SimpleQueue[tuple[int, Command] | None] = queue.SimpleQueue()
        self._issued = self._current = self._stopped = 0  # numbers of commands
        self._busy = threading.Event()
        self._due = time.monotonic()
        self.world.frame_period = TICK
        self.world.frame_callback = self._tick
        self._snapshot = self.read()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    # --- from other threads --------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return the newest state."""
        return self._snapshot

    def is_busy(self) -> bool:
        """Return True until the last command has ended."""
        return self._busy.is_set()

    def do(self, command: Command) -> None:
        """Begin a command; one at a time."""
        self._busy.set()
        self._issued += 1
        self._commands.put((self._issued, command))

    def stop(self) -> None:
        """End the command under way, and any that has not begun."""
        self._stopped = self._issued

    def close(self) -> None:
        """End the world's thread."""
        self._over.set()
        self.robot.stop()
        self._commands.put(None)
        self._thread.join(5)

    # --- the world's thread --------------------------------------------------------

    def _live(self) -> None:
        while not self._over.is_set():
            item = self._commands.get() if self._commands.qsize() else None
            if item is None:
                self.world.step(4)
                if not self._commands.qsize() and self.photograph():
                    self._due = time.monotonic()
                continue
            self._current, command = item
            try:
                if self._current > self._stopped:
                    self._carry_out(command)
            finally:
                self.calm_since = time.monotonic()
                self._snapshot = self.read()
                self._busy.clear()

    def _carry_out(self, command: Command) -> None:
        self.refused = ""
        opens = isinstance(command, MoveJaw) and command.width > self._snapshot.width
        carried = self.over_bin() if opens else set()
        try:
            report = self.robot.execute(command)
        except RobotError as error:
            self.refused = str(error)
            return
        if report.reason.startswith("refused"):
            self.refused = report.reason
        self.empty_bin(carried)

    def _tick(self) -> None:
        """Publish a snapshot, and let the clock catch up."""
        if self._busy.is_set() and self._current <= self._stopped:
            self.robot.stop()
        self.feel(TICK)
        self._snapshot = self.look_on()
        self._due += TICK / self._speedup
        ahead = self._due - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        elif ahead < -0.1:  # the machine is slower than the clock: do not hurry after it
            self._due = time.monotonic()


def line(position: FloatArray, yaw: float, speed: float) -> MoveTo:
    """Return a motion of the simulated arm; its client guards it."""
    x, y, z = (float(v) for v in position)
    return MoveTo((x, y, z), yaw, speed)
