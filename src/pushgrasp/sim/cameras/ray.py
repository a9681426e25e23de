"""A simulated RGB-D camera: rays cast by MuJoCo; deterministic, without a graphics library."""

from __future__ import annotations

import copy
from typing import Protocol

import cv2
import mujoco
import numpy as np
import numpy.typing as npt

from ...interfaces import Intrinsics, Region, RGBDFrame
from ...perception.heightmap import ray_directions
from ..cell import Cell
from .light import Lamp
from .noise import SensorNoise, sense

BACKGROUND = (24, 26, 30)  # sRGB, where a ray meets nothing
RANGE = 20.0  # m along the optical axis beyond which nothing is seen
SEEN = (1, 1, 0, 1, 1, 1)  # geom groups; group 2 has visual meshes, which only videos show
_NEAR = 0.05  # m; bounding boxes closer to the camera are not projected
# MuJoCo's default colour; a geom that has it takes its material's
_DEFAULT_RGBA = np.array([0.5, 0.5, 0.5, 1.0], np.float32)
_SIGNS = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1]), -1).reshape(8, 3)


class HasModelAndData(Protocol):
    """The part of a world that a camera needs."""

    @property
    def model(self) -> mujoco.MjModel: ...

    @property
    def data(self) -> mujoco.MjData: ...


class SimCamera:
    """Base of the cameras of a MuJoCo world.

    Args:
        world: anything with the model and the data.
        intrinsics: of the camera; None: 640x480, the ancestors' focal length.
        T_world_camera: (4, 4) pose; None: the standard cell's camera.
        geomgroup: (6,) which geom groups are visible; None: all but 2, the visual meshes.
        light: of the scene; None: the default lamp.
        noise: of the sensor; None: none.
        seed: of the noise.
    """

    def __init__(
        self,
        world: HasModelAndData,
        *,
        intrinsics: Intrinsics | None = None,
        T_world_camera: npt.NDArray[np.float64] | None = None,
        geomgroup: npt.ArrayLike | None = None,
        light: Lamp | None = None,
        noise: SensorNoise | None = None,
        seed: int = 0,
    ) -> None:
        self.intrinsics = k = intrinsics or Intrinsics()
        pose = Cell().camera_pose if T_world_camera is None else T_world_camera
        self.T_world_camera = np.array(pose, np.float64)
        self.light = light or Lamp()
        self.noise = noise
        self._rng = np.random.default_rng(seed)
        self._model, self._data = world.model, world.data
        self._groups = np.asarray(SEEN if geomgroup is None else geomgroup, np.uint8)
        self._size = (k.height, k.width)
        self._prepare()

    def _prepare(self) -> None:
        """Set up the back end."""

    def _frame(self, color: npt.NDArray[np.uint8], depth: npt.NDArray[np.float32]) -> RGBDFrame:
        """Make a frame with the sensor's noise."""
        frame = RGBDFrame(color, depth, self.intrinsics, self.T_world_camera.copy())
        return sense(frame, self.noise, self._rng)


class RayCamera(SimCamera):
    """A perspective camera in a MuJoCo world.

    It sees the positions that MuJoCo last computed: after setting `qpos` by hand, call
    `mujoco.mj_kinematics` first. Only rays that may hit a geom that has moved since they were last
    cast are cast again, which changes no pixel and makes a static scene cheap to render.
    """

    def _prepare(self) -> None:
        # length 1 along the optical axis, so that MuJoCo's ray parameter is the depth
        self._rays = ray_directions(self.intrinsics) @ self.T_world_camera[:3, :3].T

        self._visible = self._groups[np.clip(self._model.geom_group, 0, 5)] > 0
        self._spare: mujoco.MjModel | None = None

        # what each ray hit when it was last cast, and the geoms' appearance then
        self._color = np.zeros((*self._size, 3), np.uint8)
        self._depth = np.zeros(self._size, np.float32)
        self._geom = np.full(self._size, -1, np.int32)
        self._known = np.zeros(self._size, bool)
        self._appearance = self._geom_appearance()
        self._labels = self._geom  # geoms in the last capture

    def capture(self, region: Region | None = None) -> RGBDFrame:
        """Capture a frame.

        Args:
            region: part of the image to render; the rest has colour 0 and depth 0.
        Returns:
            The frame; where a ray hits nothing, the background's colour and depth 0.
        """
        r = region or Region(0, 0, *self._size)
        cut = np.s_[max(r.row, 0) : r.row + r.height, max(r.column, 0) : r.column + r.width]
        asked = np.zeros(self._size, bool)
        asked[cut] = True
        self._invalidate_moved()
        self._render(np.flatnonzero(asked & ~self._known))
        self._known |= asked

        color = np.where(asked[..., None], self._color, np.uint8(0))
        depth = np.where(asked, self._depth, np.float32(0))
        self._labels = np.where(asked, self._geom, np.int32(-1))
        return self._frame(color, depth)

    def true_bodies(self) -> npt.NDArray[np.int32]:
        """Return the body that each pixel shows: ground truth, for scenes and tests only.

        Returns:
            (H, W) body ids of the last capture; -1 for nothing, or outside its region.
        """
        bodies = np.append(self._model.geom_bodyid, -1).astype(np.int32)
        return bodies[self._labels]

    def visible_fraction(self, body_id: int) -> float:
        """Compute how much of a body is visible: ground truth, for scenes and tests only.

        Args:
            body_id: MuJoCo's.
        Returns:
            Visible pixels of the body over those with nothing else in the world; 0 for a body
            outside the image.
        """
        own = self._visible & (self._model.geom_bodyid == body_id)
        pixels = np.flatnonzero(self._outline(own, self._geom_appearance()))
        alone, _, _ = self._cast(pixels, self._showing(own))
        now, _, _ = self._cast(pixels[alone >= 0])
        n_alone = int((alone >= 0).sum())
        return float(own[now[now >= 0]].sum() / n_alone) if n_alone else 0.0

    def _invalidate_moved(self) -> None:
        """Invalidate rays that passed or now pass near a geom whose pose or colour changed."""
        before, now = self._appearance, self._geom_appearance()
        moved = self._visible & (before != now).any(1)
        if moved.any():
            self._known &= ~(self._outline(moved, before) | self._outline(moved, now))
            self._appearance = now

    def _render(self, pixels: npt.NDArray[np.int64]) -> None:
        """Cast the rays of some pixels (N,) and store what they hit."""
        geom, depth, normal = self._cast(pixels)
        colors = np.append(255 * self._appearance[:, :3], [BACKGROUND], axis=0)  # -1: last
        shaded = self.light.shade(colors[geom], normal)
        shaded[geom < 0] = BACKGROUND
        self._color.reshape(-1, 3)[pixels] = np.rint(shaded).astype(np.uint8)
        self._depth.reshape(-1)[pixels] = depth
        self._geom.reshape(-1)[pixels] = geom

    def _cast(
        self, pixels: npt.NDArray[np.int64], model: mujoco.MjModel | None = None
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], npt.NDArray[np.float64]]:
        """Cast the rays of some pixels.

        Args:
            pixels: (N,) flat indices.
            model: None for the world's; else one of `_showing`.
        Returns:
            Geom ids (-1: nothing), depths in m (0: nothing), unit normals, (N, ...).
        """
        n = len(pixels)
        geom, depth, normal = np.full(n, -1, np.int32), np.zeros(n), np.zeros(3 * n)
        if n:
            groups = self._groups if model is None else np.eye(1, 6, dtype=np.uint8)[0]
            rays = self._rays.reshape(-1, 3)[pixels].reshape(-1)
            eye = self.T_world_camera[:3, 3].copy()
            mujoco.mj_multiRay(
                model or self._model, self._data, eye, rays, groups, True, -1,
                geom, depth, normal, n, RANGE,
            )  # fmt: skip
        depth[geom < 0] = 0
        return geom, depth.astype(np.float32), normal.reshape(n, 3)

    def _showing(self, geoms: npt.NDArray[np.bool_]) -> mujoco.MjModel:
        """Return a copy of the model in which only these geoms are in group 0."""
        spare = self._spare = self._spare or copy.copy(self._model)
        spare.geom_group[:] = np.where(geoms, 0, 1)
        return spare

    def _outline(
        self, geoms: npt.NDArray[np.bool_], appearance: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.bool_]:
        """Mask (H, W) of the pixels that may show some geoms: their projected bounding boxes."""
        ids = np.flatnonzero(geoms)
        mask = np.zeros(self._size, np.uint8)
        center, half = np.split(self._model.geom_aabb[ids].reshape(-1, 2, 3), 2, axis=1)
        corners = center + half * _SIGNS  # (G, 8, 3) in the geoms' frames
        position, axes = appearance[ids, None, 3:6], appearance[ids, 6:].reshape(-1, 3, 3)
        points = corners @ axes.transpose(0, 2, 1) + position
        local = (points - self.T_world_camera[:3, 3]) @ self.T_world_camera[:3, :3]
        z = local[..., 2]
        k = self.intrinsics
        uv = local[..., :2] / np.maximum(z, _NEAR)[..., None] * (k.fx, k.fy) + (k.cx, k.cy)
        uv = np.rint(uv).astype(np.int32)
        for box, nearest, farthest in zip(uv, z.min(1), z.max(1), strict=True):
            if nearest >= _NEAR:
                cv2.fillConvexPoly(mask, cv2.convexHull(box), 1)
            elif farthest > 0:  # it reaches behind the camera and has no projected outline
                mask[:] = 1
        return cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0  # for the rounded corners

    def _geom_appearance(self) -> npt.NDArray[np.float64]:
        """Collect (ngeom, 15): rgb 0 to 1, position in m and rotation matrix, world frame."""
        m, d = self._model, self._data
        rgba = m.geom_rgba.copy()
        plain = (m.geom_matid >= 0) & np.all(rgba == _DEFAULT_RGBA, axis=1)
        rgba[plain] = m.mat_rgba[m.geom_matid[plain]]
        return np.concatenate([rgba[:, :3], d.geom_xpos, d.geom_xmat.reshape(-1, 9)], axis=1)
