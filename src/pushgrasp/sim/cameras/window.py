"""A live window: MuJoCo's passive viewer with the decision drawn into the scene."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import mujoco
import numpy as np

from ...errors import UserError
from ...utils.display import check_display
from ..world import World
from .bin import Follower
from .spectator import EYE, LOOK_AT
from .studio import VISIBLE, film_model

_SIZE = (1280, 720)  # pixels, of offscreen pictures; the window has any size
_ARROW = 0.006  # m, radius
_LONGEST_WAIT = 0.5  # s; after a pause for a decision the window does not catch up

Point = tuple[float, float, float]
Color = tuple[float, float, float, float]  # 0 to 1, the last one opacity


@dataclass(frozen=True)
class Marker:
    """Something drawn into the scene, at positions in m, world frame."""

    kind: Literal["arrow", "bar", "ring"]
    start: Point  # a ring's centre
    end: Point  # not used for a ring
    color: Color
    radius: float = _ARROW  # m


class Window:
    """Shows a world in a window while it moves, at most as fast as in reality.

    Args:
        world: it is only read.
        launch: opens the viewer; None: MuJoCo's, which needs a display.
        wait: lets time pass, s.
    Raises:
        UserError: no window can be opened here.
    """

    def __init__(
        self,
        world: World,
        launch: Callable[..., Any] | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        launch = launch or _launcher()
        self._world, self._follower, self._wait = world, Follower(world), wait
        self._model = film_model(world, *_SIZE, meshes=True)
        self._data = mujoco.MjData(self._model)
        self._markers: Sequence[Marker] = ()
        self._text = ""
        self._shown = time.perf_counter(), float(world.data.time)
        self._place()
        try:
            self._viewer = launch(self._model, self._data, show_left_ui=False, show_right_ui=False)
        except Exception as error:  # GLFW and MuJoCo raise unrelated types
            raise UserError(f"no window can be opened: {error}") from error
        with self._viewer.lock():
            self._viewer.opt.geomgroup[:] = VISIBLE
            self._aim()
        self._draw()

    @property
    def is_open(self) -> bool:
        """False once somebody has closed the window."""
        return bool(self._viewer.is_running())

    def update(self) -> None:
        """Show the world's present state; for `World.frame_callback`."""
        if not self.is_open:
            return
        wall, simulated = self._shown
        ahead = float(self._world.data.time) - simulated - (time.perf_counter() - wall)
        if 0 < ahead < _LONGEST_WAIT:
            self._wait(ahead)
        self._shown = time.perf_counter(), float(self._world.data.time)
        self._draw()

    def show(self, markers: Sequence[Marker], text: str) -> None:
        """Draw a decision into the scene until the next one."""
        self._markers, self._text = markers, text
        if self.is_open:
            self._draw()

    def close(self) -> None:
        """Close the window."""
        self._viewer.close()

    def _place(self) -> None:
        self._data.qpos[:] = self._follower.qpos()
        mujoco.mj_forward(self._model, self._data)

    def _draw(self) -> None:
        with self._viewer.lock():
            self._place()
            scene = self._viewer.user_scn
            scene.ngeom = 0
            for marker in self._markers:
                _add(scene, marker)
        if self._text:
            font = mujoco.mjtFontScale.mjFONTSCALE_200
            top = mujoco.mjtGridPos.mjGRID_TOPLEFT
            self._viewer.set_texts((font, top, self._text, ""))
        self._viewer.sync()

    def _aim(self) -> None:
        place, camera = self._world.cell.place, self._viewer.cam
        target = np.array(place(LOOK_AT))
        ray = target - place(EYE)
        camera.lookat[:], camera.distance = target, np.linalg.norm(ray)
        camera.azimuth = np.degrees(np.arctan2(ray[1], ray[0]))
        camera.elevation = np.degrees(np.arcsin(ray[2] / np.linalg.norm(ray)))


def _add(scene: Any, marker: Marker) -> None:
    if scene.ngeom >= scene.maxgeom:
        return
    geom = scene.geoms[scene.ngeom]
    start, end = np.array(marker.start), np.array(marker.end)
    kinds = {
        "arrow": mujoco.mjtGeom.mjGEOM_ARROW,
        "bar": mujoco.mjtGeom.mjGEOM_CAPSULE,
        "ring": mujoco.mjtGeom.mjGEOM_CYLINDER,
    }
    kind = kinds[marker.kind]
    size = np.array((marker.radius, 0.0015, 0.0)) if marker.kind == "ring" else np.zeros(3)
    mujoco.mjv_initGeom(
        geom, kind, size, start, np.eye(3).ravel(), np.array(marker.color, np.float32)
    )
    if marker.kind != "ring":
        mujoco.mjv_connector(geom, kind, marker.radius, start, end)
    scene.ngeom += 1


def _launcher() -> Callable[..., Any]:
    """Return MuJoCo's launcher, if there is a display to open a window on."""
    check_display("a live window")
    import mujoco.viewer

    return mujoco.viewer.launch_passive
