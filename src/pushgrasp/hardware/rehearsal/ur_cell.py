"""A UR with an RG2 in a simulated cell: what an RTDE controller and a compute box have behind them.

Run as `python -m pushgrasp.hardware.rehearsal.ur_cell CONFIG.json`, a process of its own, since
ur_rtde's constructor holds the GIL of the client's. Words on stdin end it: see `main`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ...interfaces import MoveJaw
from .live_world import LiveWorld
from .rg2_box import Rg2Box
from .rtde import RtdeController, Vector
from .session import Session, serve_words


class UrMachine:
    """The live world as an RTDE controller's machine."""

    def __init__(self, world: LiveWorld) -> None:
        self._world, self._T = world, world.T_world_base
        self._zero = np.zeros(3)

    def advance(self, seconds: float) -> None:
        """Do nothing: the world's own thread lets time pass."""

    def move_line(self, pose: Vector, speed: float, acceleration: float) -> None:
        """See `rtde.Machine`."""
        T = np.eye(4)
        T[:3, :3], T[:3, 3] = Rotation.from_rotvec(pose[3:]).as_matrix(), pose[:3]
        self._world.move(self._T @ T, speed, acceleration)

    def stop(self, deceleration: float) -> None:
        """See `rtde.Machine`."""
        self._world.brake(deceleration)

    def is_moving(self) -> bool:
        """See `rtde.Machine`."""
        return self._world.arm_moves()

    def hear(self, connected: bool) -> None:
        """See `rtde.Machine`."""
        self._world.hear(connected)

    def fault(self) -> str:
        """See `rtde.Machine`."""
        return self._world.refused

    def zero_force(self) -> None:
        """See `rtde.Machine`."""
        self._zero = self._world.snapshot().force

    def pose(self) -> Vector:
        """See `rtde.Machine`."""
        T = np.linalg.inv(self._T) @ self._world.snapshot().T_world_tool
        return np.concatenate([T[:3, 3], Rotation.from_matrix(T[:3, :3]).as_rotvec()])

    def joints(self) -> Vector:
        """See `rtde.Machine`."""
        return self._world.snapshot().joints

    def force(self) -> Vector:
        """See `rtde.Machine`."""
        in_base = self._T[:3, :3].T @ (self._world.snapshot().force - self._zero)
        return np.concatenate([in_base, np.zeros(3)])


class Rg2Fingers:
    """The live world's jaw behind a compute box."""

    def __init__(self, world: LiveWorld) -> None:
        self._world = world

    def move(self, width: float, force: float) -> None:
        """See `rg2_box.Fingers`."""
        self._world.move_jaw(MoveJaw(width, force))

    def stop(self) -> None:
        """See `rg2_box.Fingers`."""
        self._world.stop_jaw()

    def status(self) -> tuple[float, bool, bool]:
        """See `rg2_box.Fingers`."""
        now = self._world.snapshot()
        return now.width, self._world.jaw_moves(), now.gripping and now.width > 0.002


def main() -> None:
    """Serve until told to stop on stdin."""
    session = Session.read(Path(sys.argv[1]))
    scene = session.build()
    world = LiveWorld(scene, session)
    machine = UrMachine(world)
    box = Rg2Box(Rg2Fingers(world), session.host)
    controller = RtdeController(machine, session.host, patience=session.patience)

    def freeze() -> None:
        controller.frozen = True

    faults = {
        "protective": controller.protective_stop,
        "freeze": freeze,
        "die": lambda: os._exit(0),
        "jaw": box.close,  # its cable is out
        "no board": world.put_board_away,
    }
    stop = serve_words(
        scene,
        world,
        faults,
        lambda: {"asked": controller.fastest, "program": controller.is_running},
        jaw_port=box.port,
    )
    controller.serve(lambda: not stop.is_set())
    box.close()
    world.close()


if __name__ == "__main__":
    main()
