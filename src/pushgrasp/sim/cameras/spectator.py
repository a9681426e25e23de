"""A second pair of eyes in the simulation, for videos: nothing that it sees reaches the robot."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import mujoco
import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...interfaces import Intrinsics
from ...perception.camera_file import look_at
from ...perception.heightmap import ray_directions
from ..world import World
from .gl import GLCamera
from .light import LIGHT
from .ray import SEEN, RayCamera

Picture = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 480, 360  # pixels of a picture
POSITION = (-0.98, -0.60, 0.52)  # m, world frame: in front of the table, to the right
LOOK_AT = (-0.49, 0.05, 0.12)  # m
ARM_POSITION, ARM_LOOK_AT = (-1.28, -0.88, 0.75), (-0.33, 0.10, 0.33)  # m, for a whole arm
FOCAL = 510.0  # pixels
LAMP = np.add(LOOK_AT, 1.5 * LIGHT)  # m; over an arm too
SHADE = 0.4  # share of the light that a shadow takes
_SHADING = np.array(SEEN, np.uint8)  # meshes cast no shadow, the simpler shapes in them do
_COARSE = 2  # shadows are cast for every second pixel of every second row


class Spectator:
    """Keeps moments of a world and draws them, with shadows, from a pose of its own.

    Args:
        world: whose state is kept; its model is shared, its data is not touched.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.model, self.data = world.model, mujoco.MjData(world.model)
        intrinsics = Intrinsics(WIDTH, HEIGHT, FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2)
        arm = any(self.model.body(i).name.endswith("/flange") for i in range(self.model.nbody))
        self._T = look_at(*((ARM_POSITION, ARM_LOOK_AT) if arm else (POSITION, LOOK_AT)))
        self._intrinsics = intrinsics
        self._visual_meshes = bool((self.model.geom_group == 2).any())  # in meshes, not in capsules
        self._camera: RayCamera | GLCamera | None = None  # made by the thread that draws
        rays = ray_directions(intrinsics)[::_COARSE, ::_COARSE]
        self._rays = rays @ self._T[:3, :3].T  # (h, w, 3), world frame; times depth: the way

    def moment(self) -> Callable[[], Picture]:
        """Keep the world as it is now.

        Returns:
            A function that draws it, (360, 480, 3) sRGB; one thread may call it while the
            world moves on in another.
        """
        qpos = self._world.data.qpos.copy()

        def draw() -> Picture:
            self.data.qpos[:] = qpos
            mujoco.mj_kinematics(self.model, self.data)
            self._camera = self._camera or self._make_camera()
            frame = self._camera.capture()
            light = 1 - SHADE * self._shadow(frame.depth)[..., None]
            return np.rint(frame.color * light).astype(np.uint8)

        return draw

    def _make_camera(self) -> RayCamera | GLCamera:
        """Meshes are many triangles: OpenGL draws them faster, where there is any."""
        how = {"intrinsics": self._intrinsics, "T_world_camera": self._T}
        if not self._visual_meshes:
            return RayCamera(self, **how)
        groups = (1, 1, 1, 0, 1, 1)
        try:
            return GLCamera(self, geomgroup=groups, **how)
        except UserError:
            return RayCamera(self, geomgroup=groups, **how)

    def _shadow(self, depth: npt.NDArray[np.float32]) -> npt.NDArray[np.floating]:
        """(H, W) how much of the lamp each pixel does without, 0 to 1, its edges soft."""
        points = self._T[:3, 3] + self._rays * depth[::_COARSE, ::_COARSE, None]
        way = (points - LAMP).reshape(-1)
        n = way.size // 3
        geom, reached = np.full(n, -1, np.int32), np.zeros(n)
        mujoco.mj_multiRay(
            self.model, self.data, LAMP, way, _SHADING, True, -1, geom, reached, None, n, 1e3
        )
        # A ray's parameter is 1 at the pixel's own point; 3 mm of 1.5 m before it, something else.
        dark = ((geom >= 0) & (reached < 0.998)).reshape(self._rays.shape[:2]).astype(np.float32)
        soft = cv2.blur(dark, (3, 3))
        return np.asarray(cv2.resize(soft, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR), float)
