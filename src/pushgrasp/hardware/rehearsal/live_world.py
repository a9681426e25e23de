"""A simulated cell that lives in real time in a thread, for controllers that speak to clients.

The protocol threads read snapshots and post commands; only the world's thread touches MuJoCo. It
looks at forces and commands every 2 ms, as often as an RTDE controller does.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from ...errors import SimulatorFault
from ...interfaces import MoveJaw
from ...sim.model import TIMESTEP
from ...sim.robots.arm import ArmKinematics
from ...sim.robots.hand import STEPS_PER_TICK
from ...sim.robots.robot import RefusedError
from ...sim.scenes.build import Scene
from ..devices import FloatArray
from .cell_world import CellWorld, Snapshot
from .tool_line import ToolLine

if TYPE_CHECKING:
    from .session import Session

LOOK_EVERY = 2  # steps in contact between two looks of the client at the force
LOOKS = 4  # signs of life after which it has seen the newest force: the first may answer an older
PATIENCE = 0.5  # s for which the cell's clock waits for them; a watchdog is quicker
FELT = 5.0  # N of contact from which it waits; what the hand carries weighs less


@dataclass(frozen=True)
class _Line:
    """A motion that was asked for."""

    T_world_tool: FloatArray
    speed: float
    acceleration: float


class LiveWorld(CellWorld):
    """A scene's robot, driven from other threads.

    Args:
        scene: settled; its robot stands at home with its jaw open.
        session: camera, clock and the rest.
    """

    def __init__(self, scene: Scene, session: Session) -> None:
        super().__init__(scene, session)
        kinematics = self.robot.kinematics
        assert isinstance(kinematics, ArmKinematics)
        self._kinematics, self._speedup = kinematics, session.speedup
        self._next_line: _Line | None = None
        self._line: ToolLine | None = None
        self._braking: float | None = None  # m/s^2
        self._next_grip: MoveJaw | None = None
        self._grip: Generator[None, None, bool] | None = None
        self._carried: set[str] = set()
        self._arm_moves, self._jaw_moves = threading.Event(), threading.Event()
        self._heard, self._connected = threading.Semaphore(0), False
        self._setpoint = self.robot.joint_positions()
        self._snapshot = self.read()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    # --- from other threads --------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return the newest state."""
        return self._snapshot

    def arm_moves(self) -> bool:
        """Return True until the arm is at rest."""
        return self._arm_moves.is_set()

    def jaw_moves(self) -> bool:
        """Return True until the jaw has done what it was told."""
        return self._jaw_moves.is_set()

    def move(self, T_world_tool: FloatArray, speed: float, acceleration: float) -> None:
        """Begin a straight motion of the arm at rest.

        Args:
            T_world_tool: (4, 4), tilted or not.
            speed, acceleration: m/s and m/s^2 of the tool.
        """
        self._arm_moves.set()
        self._braking = None
        self._next_line = _Line(T_world_tool, speed, acceleration)

    def brake(self, deceleration: float) -> None:
        """Stop the arm on its line, in m/s^2."""
        self._braking = deceleration
        self._heard.release(LOOKS)  # nobody need look any more

    def move_jaw(self, command: MoveJaw) -> None:
        """Begin a motion of the jaw."""
        self._jaw_moves.set()
        self._next_grip = command

    def stop_jaw(self) -> None:
        """Leave the jaw where it is; it goes on pressing if it pressed."""
        self._next_grip = None
        self._jaw_moves.clear()

    def hear(self, connected: bool) -> None:
        """Take note that the client has said something, or that it has gone."""
        self._connected = connected
        self._heard.release()

    def close(self) -> None:
        """End the world's thread."""
        self._over.set()
        self._thread.join(5)

    # --- the world's thread --------------------------------------------------------

    def _live(self) -> None:
        try:
            self._run()
        except SimulatorFault:  # the scene is spoiled: its client sees a controller that is gone
            traceback.print_exc()
            os._exit(1)

    def _run(self) -> None:
        due, steps = time.monotonic(), 0
        while not self._over.is_set():
            if steps % LOOK_EVERY == 0 and self._is_watched():
                self._wait_for_client()
            self._move_arm()
            self.world.step(1)
            self.feel(TIMESTEP)
            steps += 1
            if steps % STEPS_PER_TICK == 0:
                self._move_jaw()
                self.look_on()
            self._snapshot = self.read()
            if self.arm_moves() or self.jaw_moves():
                self.calm_since = time.monotonic()
            elif self.photograph():
                due = time.monotonic()
            due += TIMESTEP / self._speedup
            ahead = due - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            elif ahead < -0.02:  # the machine is slower than the clock: do not hurry after it
                due = time.monotonic()

    def _is_watched(self) -> bool:
        """Return True while the arm presses on something and its client has not stopped it."""
        moves = self._line is not None and self._braking is None
        return moves and self._connected and float(np.linalg.norm(self._force)) > FELT

    def _wait_for_client(self) -> None:
        """Let no time pass until the client has looked at the force, or has gone.

        It shares this computer with the cell and whatever else runs here: the delays of a busy
        processor would count as a late guard.
        """
        while self._heard.acquire(blocking=False):
            pass
        deadline = time.monotonic() + PATIENCE
        for _ in range(LOOKS):
            self._heard.acquire(timeout=max(0.0, deadline - time.monotonic()))

    def _move_arm(self) -> None:
        asked = self._next_line
        if asked is not None:
            self._next_line = None
            self._line = self._plan(asked)
        if self._line is None:
            return
        if self._braking is not None:
            self._line.brake(self._braking)
        last, self._setpoint = self._setpoint, self._line.advance(TIMESTEP)
        velocity = (self._setpoint - last) / TIMESTEP
        if self._line.is_over:
            self._line, velocity = None, np.zeros_like(velocity)
        self.robot.servo(self._setpoint, velocity)
        if self._line is None and self._next_line is None:
            self._arm_moves.clear()

    def _plan(self, asked: _Line) -> ToolLine | None:
        self.refused = ""
        try:
            path = self._kinematics.pose_path(self._setpoint, asked.T_world_tool)
        except RefusedError as error:
            self.refused = str(error)
            self._arm_moves.clear()
            return None
        turn = Rotation.from_matrix(self.tool_pose()[:3, :3].T @ asked.T_world_tool[:3, :3])
        return ToolLine(
            path, float(turn.magnitude()), asked.speed, asked.acceleration, self._kinematics.speeds
        )

    def _move_jaw(self) -> None:
        asked = self._next_grip
        if asked is not None:
            self._next_grip = None
            self._carried = self.over_bin() if asked.width > self._snapshot.width else set()
            self._grip = self.robot.jaw_motion(asked)
        if not self.jaw_moves():
            self._grip = None
        if self._grip is not None:
            try:
                next(self._grip)
            except StopIteration:
                self._grip = None
                self.empty_bin(self._carried)
                self._jaw_moves.clear()
        self.robot.press()
