"""What every rehearsed cell has, whatever its protocol: robot, camera, bin, ground truth."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...interfaces import Camera, RGBDFrame
from ...sim.cameras.views import ViewConfig
from ...sim.robots.arms import ARMS
from ...sim.robots.robot import HAND_BODIES, HAND_RADIUS
from ...sim.scenes.build import Scene
from ...utils.files import write_atomic, write_json
from ..calibration.board import Board
from ..devices import FloatArray
from .drawn_board import T_TOOL_BOARD, draw_board
from .watch import Watch

if TYPE_CHECKING:
    from .session import Session

CALM = 0.15  # s at rest before a picture is taken
PICTURE_EVERY = 0.4  # s between pictures of a robot at rest
SMOOTH = 0.015  # s, time constant of the force's low-pass, as a wrist sensor has
DEPTH_UNIT = 1e-4  # m, of the pictures
KEPT = 5  # pictures that the folder holds


@dataclass(frozen=True)
class Snapshot:
    """The cell at one moment."""

    position: FloatArray  # (3,) m, tips, world frame
    T_world_tool: FloatArray  # (4, 4), tilted or not
    joints: FloatArray  # (n,) rad
    force: FloatArray  # (3,) N of contact on the hand, world frame, low-passed
    width: float  # m between the pads
    gripping: bool


class CellWorld:
    """A scene with its robot, camera and ground truth.

    Args:
        scene: settled; its robot stands at home with its jaw open.
        session: camera, clock and the rest.
    """

    def __init__(self, scene: Scene, session: Session) -> None:
        self.world, self.robot = scene.world, scene.make_robot()
        self.home = self.robot.state().position  # over the bin
        arm = ARMS[scene.config.robot]
        base = scene.world.data.body(f"{arm.name}/{arm.base.name}")
        self.T_world_base = np.eye(4)
        self.T_world_base[:3, :3], self.T_world_base[:3, 3] = base.xmat.reshape(3, 3), base.xpos
        self.watch = Watch(scene.world)
        self.refused = ""  # why the last motion could not be carried out
        self.calm_since = time.monotonic()
        self._camera: Camera = scene.make_cameras(ViewConfig((), session.noise))[0]
        self.intrinsics, self.T_world_camera = self._camera.intrinsics, self._camera.T_world_camera
        self._pictures, self._n_pictures, self._last_picture = Path(session.pictures), 0, 0.0
        self._board = Board() if session.board else None
        self._rng = np.random.default_rng(session.seed)
        self._taken: set[str] = set()
        self._force = np.zeros(3)

    def read(self) -> Snapshot:
        """Return the state now."""
        state = self.robot.state()
        return Snapshot(
            position=np.array(state.position),
            T_world_tool=self.tool_pose(),
            joints=self.robot.joint_positions(),
            force=self._force.copy(),
            width=state.width,
            gripping=self.robot.grips(),
        )

    def tool_pose(self) -> FloatArray:
        """Return (4, 4), the tool's true pose, tilted or not."""
        tool = self.world.data.body("tool")
        T = np.eye(4)
        T[:3, :3], T[:3, 3] = tool.xmat.reshape(3, 3), tool.xpos
        return T

    def put_board_away(self) -> None:
        """Let the hand hold no board from now on."""
        self._board = None

    def feel(self, seconds: float) -> FloatArray:
        """Return (3,) N on the hand, world frame, low-passed; to be called once for each time step.

        Args:
            seconds: of simulated time since the last call.
        """
        true = self.world.contact_force(*HAND_BODIES)
        self._force += (1 - np.exp(-seconds / SMOOTH)) * (true - self._force)
        self.watch.feel(true, self._force.copy())
        return self._force.copy()

    def look_on(self) -> Snapshot:
        """Take note of what happens; to be called every 8 ms of simulated time."""
        now = self.read()
        self.watch.see(now, over_bin=self._is_over_bin())
        return now

    # --- the bin -------------------------------------------------------------------

    def taken(self) -> set[str]:
        """Return the objects that the jaw has put into the bin, or holds off the table."""
        return self._taken | set(self.world.held())

    def over_bin(self) -> set[str]:
        """Return what would fall into the bin if the jaw opened now."""
        if not self._is_over_bin():
            return set()
        return {*self.world.near(self.home, radius=HAND_RADIUS), *self.world.held()}

    def empty_bin(self, carried: set[str]) -> None:
        """Take what fell into the bin out of the scene."""
        for name in sorted(carried):
            self.world.remove(name)
        self._taken |= carried

    def _is_over_bin(self) -> bool:
        return bool(np.linalg.norm(np.subtract(self.robot.state().position, self.home)) < 0.05)

    # --- the camera ----------------------------------------------------------------

    def photograph(self) -> bool:
        """Take a picture if the robot has been at rest long enough and none is new; it takes time.

        Returns:
            True if one was taken.
        """
        now = time.monotonic()
        if now - self._last_picture < PICTURE_EVERY or now - self.calm_since < CALM:
            return False
        taken_at = time.time()
        frame = self._camera.capture()
        if self._board is not None:
            T = self.tool_pose() @ T_TOOL_BOARD
            frame = draw_board(frame, T, self._board, self._rng)
        write_picture(self._pictures, f"{self._n_pictures:06d}", frame, taken_at)
        for path in self._pictures.glob(f"{self._n_pictures - KEPT:06d}.*"):
            path.unlink(missing_ok=True)
        self._n_pictures += 1
        self._last_picture = time.monotonic()
        return True


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
