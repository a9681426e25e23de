"""A camera for videos, with shadows; the robot does not see its images."""

from __future__ import annotations

import contextlib
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

WIDTH, HEIGHT = 480, 360  # pixels
POSITION = (-0.98, -0.60, 0.52)  # m, standard cell: in front of the table, to the right
LOOK_AT = (-0.49, 0.05, 0.12)  # m
ARM_POSITION, ARM_LOOK_AT = (-1.28, -0.88, 0.75), (-0.33, 0.08, 0.27)  # m, shows a whole arm
FOCAL = 510.0  # pixels
LAMP_DISTANCE = 1.5  # m from LOOK_AT; above an arm too
SHADE = 0.4  # share of the light that a shadow takes
_SHADING = np.array(SEEN, np.uint8)  # visual meshes cast no shadow, the capsules in them do
_COARSE = 2  # shadows are cast for every second pixel of every second row


class Spectator:
    """Captures the state of a world and renders it later, with shadows.

    Args:
        world: to render; its model is shared, its data is not modified.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.model, self.data = world.model, mujoco.MjData(world.model)
        intrinsics = Intrinsics(WIDTH, HEIGHT, FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2)
        arm = any(self.model.body(i).name.endswith("/flange") for i in range(self.model.nbody))
        position, target = (ARM_POSITION, ARM_LOOK_AT) if arm else (POSITION, LOOK_AT)
        place = world.cell.place
        self._T = look_at(place(position), place(target))
        lamp = np.add(LOOK_AT, LAMP_DISTANCE * LIGHT)
        self._lamp = np.array(place((lamp[0], lamp[1], lamp[2])))
        self._intrinsics = intrinsics
        self._visual_meshes = bool((self.model.geom_group == 2).any())
        self._camera: RayCamera | GLCamera | None = None  # made by the thread that draws
        rays = ray_directions(intrinsics)[::_COARSE, ::_COARSE]
        self._rays = rays @ self._T[:3, :3].T  # (h, w, 3) per metre of depth, world frame

    def moment(self) -> Callable[[], Picture]:
        """Capture the world's present state.

        Returns:
            A function that renders it, (360, 480, 3) sRGB; one thread may call it while another
            steps the world.
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
        """Make an OpenGL camera for visual meshes, which have many triangles, if there is one."""
        groups = (1, 1, 1, 0, 1, 1) if self._visual_meshes else SEEN
        if self._visual_meshes:
            with contextlib.suppress(UserError):
                return GLCamera(
                    self, intrinsics=self._intrinsics, T_world_camera=self._T, geomgroup=groups
                )
        return RayCamera(
            self, intrinsics=self._intrinsics, T_world_camera=self._T, geomgroup=groups
        )

    def _shadow(self, depth: npt.NDArray[np.float32]) -> npt.NDArray[np.floating]:
        """Compute the shadow (H, W) of each pixel, 0 to 1, with soft edges."""
        points = self._T[:3, 3] + self._rays * depth[::_COARSE, ::_COARSE, None]
        rays = (points - self._lamp).reshape(-1)
        n = rays.size // 3
        geom, reached = np.full(n, -1, np.int32), np.zeros(n)
        mujoco.mj_multiRay(
            self.model, self.data, self._lamp, rays, _SHADING, True, -1, geom, reached, None, n,
            1e3,
        )  # fmt: skip
        # A ray reaches the pixel's own point at 1; a hit 3 mm (of 1.5 m) before it is an occluder.
        dark = ((geom >= 0) & (reached < 0.998)).reshape(self._rays.shape[:2]).astype(np.float32)
        soft = cv2.blur(dark, (3, 3))
        return np.asarray(cv2.resize(soft, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR), float)
