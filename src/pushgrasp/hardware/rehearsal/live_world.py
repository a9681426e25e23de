"""A simulated cell that lives in real time in a thread, for controllers that speak to clients.

The protocol threads read snapshots and post commands; only the world's thread touches MuJoCo.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...errors import RobotError
from ...interfaces import Camera, Command, MoveJaw, MoveTo, RGBDFrame
from ...sim.cameras.views import ViewConfig
from ...sim.robots.arms import ARMS
from ...sim.robots.robot import HAND_RADIUS
from ...sim.scenes.build import Scene
from ...utils.files import write_atomic, write_json
from ..devices import FloatArray
from .watch import Watch

if TYPE_CHECKING:
    from .session import Session

TICK = 0.008  # s of simulated time between two snapshots
CALM = 0.15  # s at rest before a picture is taken
PICTURE_EVERY = 0.4  # s between pictures of a robot at rest
SMOOTH = 0.4  # weight of the newest force in its low-pass, as a wrist sensor has
DEPTH_UNIT = 1e-4  # m, of the pictures


@dataclass(frozen=True)
class Snapshot:
    """The cell at one moment."""

    position: FloatArray  # (3,) m, tips, world frame
    yaw: float  # rad
    joints: FloatArray  # (n,) rad
    force: FloatArray  # (3,) N of contact on the hand, world frame, low-passed
    width: float  # m between the pads
    gripping: bool
    moving: bool  # a command is being carried out


class LiveWorld:
    """A scene's robot, driven from other threads.

    Args:
        scene: settled; its robot stands at home with its jaw open.
        session: camera, clock and the rest.
    """

    def __init__(self, scene: Scene, session: Session) -> None:
        self._scene, self._world = scene, scene.world
        self._robot = scene.make_robot()
        self._home = self._robot.state().position  # over the bin
        arm = ARMS[scene.config.robot]
        base = scene.world.data.body(f"{arm.name}/{arm.base.name}")
        self.T_world_base = np.eye(4)
        self.T_world_base[:3, :3], self.T_world_base[:3, 3] = base.xmat.reshape(3, 3), base.xpos
        self._speedup = session.speedup
        self._commands: queue.SimpleQueue[tuple[int, Command] | None] = queue.SimpleQueue()
        self._issued = self._current = self._stopped = 0  # numbers of commands
        self._busy = threading.Event()
        self._taken: set[str] = set()
        self._force = np.zeros(3)
        self.watch = Watch(scene.world)
        self.refused = ""  # why the last motion could not be carried out
        self._camera: Camera = scene.make_cameras(ViewConfig((), session.noise))[0]
        self.intrinsics, self.T_world_camera = self._camera.intrinsics, self._camera.T_world_camera
        self._pictures, self._n_pictures, self._last_picture = Path(session.pictures), 0, 0.0
        self._calm_since = time.monotonic()
        self._due = time.monotonic()
        self._world.frame_period = TICK
        self._world.frame_callback = self._tick
        self._snapshot = self._read()
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

    def taken(self) -> set[str]:
        """Return the objects that the jaw has put into the bin, or holds off the table."""
        return self._taken | set(self._world.held())

    def close(self) -> None:
        """End the world's thread."""
        self._over.set()
        self._robot.stop()
        self._commands.put(None)
        self._thread.join(5)

    # --- the world's thread --------------------------------------------------------

    def _live(self) -> None:
        while not self._over.is_set():
            item = self._commands.get() if self._commands.qsize() else None
            if item is None:
                self._world.step(4)
                self._photograph()
                continue
            self._current, command = item
            try:
                if self._current > self._stopped:
                    self._carry_out(command)
            finally:
                self._calm_since = time.monotonic()
                self._snapshot = self._read()
                self._busy.clear()

    def _carry_out(self, command: Command) -> None:
        self.refused = ""
        opens = isinstance(command, MoveJaw) and command.width > self._snapshot.width
        carried: set[str] = set()
        if opens and self._is_over_bin():
            carried = {*self._world.near(self._home, radius=HAND_RADIUS), *self._world.held()}
        try:
            report = self._robot.execute(command)
        except RobotError as error:
            self.refused = str(error)
            return
        if report.reason.startswith("refused"):
            self.refused = report.reason
        for name in sorted(carried):
            self._world.remove(name)
        self._taken |= carried

    def _is_over_bin(self) -> bool:
        return bool(np.linalg.norm(self._snapshot.position - self._home) < 0.05)

    def _tick(self) -> None:
        """Publish a snapshot, and let the clock catch up."""
        if self._busy.is_set() and self._current <= self._stopped:
            self._robot.stop()
        contact = self._contact_force()
        self._force = (1 - SMOOTH) * self._force + SMOOTH * contact
        self._snapshot = self._read()
        self.watch.see(self._snapshot, over_bin=self._is_over_bin())
        self._due += TICK / self._speedup
        ahead = self._due - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        elif ahead < -0.1:  # the machine is slower than the clock: do not hurry after it
            self._due = time.monotonic()

    def _read(self) -> Snapshot:
        state = self._robot.state()
        return Snapshot(
            position=np.array(state.position),
            yaw=state.yaw,
            joints=self._robot.joint_positions(),
            force=self._force.copy(),
            width=state.width,
            gripping=self._robot.grips(),
            moving=self._busy.is_set(),
        )

    def _contact_force(self) -> FloatArray:
        return self._world.contact_force("tool", "finger_left", "finger_right")

    # --- the camera ----------------------------------------------------------------

    def _photograph(self) -> None:
        now = time.monotonic()
        due = now - self._last_picture > PICTURE_EVERY and now - self._calm_since > CALM
        if not due or self._commands.qsize():
            return
        taken_at = time.time()
        frame = self._camera.capture()
        write_picture(self._pictures, f"{self._n_pictures:06d}", frame, taken_at)
        if self._n_pictures >= 5:  # a camera's folder need not grow
            for path in self._pictures.glob(f"{self._n_pictures - 5:06d}.*"):
                path.unlink(missing_ok=True)
        self._n_pictures += 1
        self._last_picture = self._due = time.monotonic()


def write_picture(folder: Path, name: str, frame: RGBDFrame, taken_at: float) -> None:
    """Write a frame as `hardware.folder` reads it, its JSON last.

    Args:
        folder: exists.
        name: of the picture.
        frame: the picture.
        taken_at: s since the epoch.
    """
    counts = np.round(np.nan_to_num(frame.depth) / DEPTH_UNIT).clip(0, 65535).astype(np.uint16)
    for kind, image in (("color", frame.color[..., ::-1]), ("depth", counts)):
        done, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        assert done
        write_atomic(folder / f"{name}.{kind}.png", data.tobytes())
    k = frame.intrinsics
    lens = {"fx": k.fx, "fy": k.fy, "cx": k.cx, "cy": k.cy}
    write_json(folder / f"{name}.json", {"depth_unit": DEPTH_UNIT, **lens, "timestamp": taken_at})


def wait_until(what: Callable[[], bool], seconds: float) -> bool:
    """Return whether something became true in time."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def line(position: FloatArray, yaw: float, speed: float) -> MoveTo:
    """Return a motion of the simulated arm; its client guards it."""
    x, y, z = (float(v) for v in position)
    return MoveTo((x, y, z), yaw, speed)
