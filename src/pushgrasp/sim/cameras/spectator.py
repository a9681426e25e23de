"""The camera of films: a person's view of the cell, with a bin that fills; no robot sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import mujoco
import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...interfaces import Intrinsics
from ...perception.camera_file import look_at
from ...perception.heightmap import ray_directions
from ..cell import Cell
from ..world import World
from .bin import Follower
from .opengl import Canvas
from .ray import RayCamera
from .studio import FIELD_OF_VIEW, VISIBLE, film_model

Picture = npt.NDArray[np.uint8]

SIZE = (640, 360)  # pixels, width and height
LOOK_AT, EYE = (-0.42, 0.05, 0.05), (-0.90, -0.75, 0.75)  # m, standard cell; the mat is in view
ENDING_EYE = (-0.98, -0.75, 0.62)  # m, standard cell: from where a film's last picture is taken
BELOW_HAND = 0.14  # m under the hand, where the last picture has its middle: the pile is in view
PRESENTED = 0.02  # m from the place where the hand is shown to the robot's camera
_VISIBLE = int(mujoco.mjtCatBit.mjCAT_STATIC | mujoco.mjtCatBit.mjCAT_DYNAMIC)
_RAY_SCALE = 2  # a ray-cast picture is computed this much smaller
_LAMP = (-1.1, 0.65, 1.6)  # m, standard cell; where shadows of ray-cast pictures come from
_EDGE = 14  # grey levels across a pixel that are smoothed
_BACKGROUND = (185, 193, 203)  # sRGB
_SHADE = 0.35  # share of the light that a shadow takes


@dataclass(frozen=True)
class Moment:
    """A world's state, to be drawn later; one thread at a time draws a spectator's moments."""

    spectator: Spectator
    qpos: npt.NDArray[np.float64]
    presents: bool
    """The hand is where it is shown to the robot's camera, closed."""

    def __call__(self, closer: float = 0.0) -> Picture:
        """Draw it, (height, width, 3) sRGB.

        Args:
            closer: 0 for the film's usual view, 1 for the hand close up.
        """
        return self.spectator.draw(self.qpos, closer)


class Spectator:
    """Captures the states of a world and draws them later, well lit.

    With OpenGL the arm has its maker's look, where that is installed, and there are shadows;
    without it rays are cast, and the arm is made of cylinders.

    Args:
        world: to film; it is only read.
        size: width and height of the pictures, pixels.
    """

    def __init__(self, world: World, size: tuple[int, int] = SIZE) -> None:
        self._world, self._size = world, size
        self._follower = Follower(world)
        self._tool = world.model.body("tool").id
        self._view: _View | None = None  # made by the thread that draws

    def moment(self) -> Moment:
        """Capture the world's present state; to be called as it moves, for the bin's sake."""
        return Moment(self, self._follower.qpos(), self._presents())

    def draw(self, qpos: npt.NDArray[np.float64], closer: float = 0.0) -> Picture:
        """Draw a state; see `Moment`."""
        if self._view is None:
            self._view = _make_view(self._world, self._size)
        return self._view.draw(qpos, closer)

    def _presents(self) -> bool:
        cell = self._world.cell
        place = (cell.present_at or cell.workspace.center)[:2]
        off = np.hypot(*np.subtract(self._world.data.xpos[self._tool][:2], place))
        return bool(off < PRESENTED and self._world.held())


class _View(Protocol):
    """Draws states of a model."""

    def draw(self, qpos: npt.NDArray[np.float64], closer: float) -> Picture: ...


def _make_view(world: World, size: tuple[int, int]) -> _View:
    try:
        return _GLView(film_model(world, *size, meshes=True), size, world.cell)
    except UserError:
        return _RayView(film_model(world, *size, meshes=False), size, world.cell)


class _GLView:
    """Draws with OpenGL: lamps, shadows."""

    def __init__(self, model: mujoco.MjModel, size: tuple[int, int], cell: Cell) -> None:
        self._model, self._data, self._size = model, mujoco.MjData(model), size
        self._look_at = np.array(cell.place(LOOK_AT))
        self._eyes = np.array(cell.place(EYE)), np.array(cell.place(ENDING_EYE))
        self._canvas = Canvas(model)
        self._scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 16)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 1
        self._options = mujoco.MjvOption()
        self._options.geomgroup[:] = VISIBLE
        self._camera = mujoco.MjvCamera()
        self._tool = model.body("tool").id

    def draw(self, qpos: npt.NDArray[np.float64], closer: float) -> Picture:
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        eye = (1 - closer) * self._eyes[0] + closer * self._eyes[1]
        goal = self._data.xpos[self._tool] - (0, 0, BELOW_HAND)
        target = (1 - closer) * self._look_at + closer * goal
        ray = target - eye
        distance = float(np.linalg.norm(ray)) * (1 - 0.12 * closer)
        camera = self._camera
        camera.lookat[:], camera.distance = target, distance
        camera.azimuth = np.degrees(np.arctan2(ray[1], ray[0]))
        camera.elevation = np.degrees(np.arcsin(ray[2] / np.linalg.norm(ray)))
        mujoco.mjv_updateScene(
            self._model, self._data, self._options, None, camera, _VISIBLE, self._scene
        )
        color, _ = self._canvas.draw(self._scene, self._size[1], self._size[0])
        return _smooth_edges(color)


class _RayView:
    """Draws by casting rays, from the usual place only: a moving camera would be slow."""

    def __init__(self, model: mujoco.MjModel, size: tuple[int, int], cell: Cell) -> None:
        self.model, self.data = model, mujoco.MjData(model)
        self._size, self._lamp = size, np.array(cell.place(_LAMP))
        width, height = (side // _RAY_SCALE for side in size)
        focal = height / 2 / np.tan(np.radians(FIELD_OF_VIEW) / 2)
        intrinsics = Intrinsics(width, height, focal, focal, width / 2, height / 2)
        pose = look_at(cell.place(EYE), cell.place(LOOK_AT))
        self._eye, self._rays = pose[:3, 3], ray_directions(intrinsics) @ pose[:3, :3].T
        self._camera = RayCamera(
            self, intrinsics=intrinsics, T_world_camera=pose, geomgroup=VISIBLE
        )

    def draw(self, qpos: npt.NDArray[np.float64], closer: float) -> Picture:
        self.data.qpos[:] = qpos
        mujoco.mj_kinematics(self.model, self.data)
        frame = self._camera.capture()
        frame.color[frame.depth == 0] = _BACKGROUND
        light = 1 - _SHADE * self._shadow(frame.depth)[..., None]
        picture = np.rint(frame.color * light).astype(np.uint8)
        return cv2.resize(picture, self._size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)

    def _shadow(self, depth: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Compute the shadow (H, W) of each pixel, 0 to 1, with soft edges."""
        rays = (self._eye + self._rays * depth[..., None] - self._lamp).reshape(-1)
        n = depth.size
        geom, reached = np.full(n, -1, np.int32), np.zeros(n)
        mujoco.mj_multiRay(
            self.model, self.data, self._lamp, rays, np.array(VISIBLE, np.uint8), True, -1, geom,
            reached, None, n, 1e3,
        )  # fmt: skip
        # A ray reaches the pixel's own point at 1; a hit 4 mm before it is an occluder.
        dark = ((geom >= 0) & (reached < 0.998)).reshape(depth.shape).astype(np.float32)
        return cv2.blur(dark, (3, 3)).astype(np.float32)


def _smooth_edges(picture: Picture) -> Picture:
    """Soften the steps along edges; antialiasing by OpenGL is slow without a GPU."""
    soft = cv2.GaussianBlur(picture, (3, 3), 0.8)
    gray = cv2.cvtColor(soft, cv2.COLOR_RGB2GRAY)
    edge = cv2.morphologyEx(gray, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > _EDGE
    return np.where(edge[..., None], soft, picture)
