"""A simulated RGB-D camera rendered with OpenGL: faster than ray casting if much has moved.

Pixels differ from `RayCamera`'s along edges, and between graphics drivers; use `RayCamera` where
images must be reproducible to the bit.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import mujoco
import numpy as np
import numpy.typing as npt

from ...interfaces import Region, RGBDFrame
from .opengl import Canvas
from .ray import BACKGROUND, RANGE, SimCamera

NEAR = 0.01  # m along the optical axis, near clipping plane
_SLICES = 96  # per cylinder: its facets are within 0.02 mm of the round for radii up to 30 mm
_VISIBLE = int(mujoco.mjtCatBit.mjCAT_STATIC | mujoco.mjtCatBit.mjCAT_DYNAMIC)


class _Window(NamedTuple):
    """The part of an image that is drawn."""

    top: int
    left: int
    height: int
    width: int

    @property
    def cut(self) -> tuple[slice, slice]:
        return np.s_[self.top : self.top + self.height, self.left : self.left + self.width]


class GLCamera(SimCamera):
    """A perspective camera in a MuJoCo world, rendered with OpenGL.

    A drop-in for `RayCamera`, with the arguments of `SimCamera`; it sees the positions that MuJoCo
    last computed and does not modify the world. On Linux it needs no display; MUJOCO_GL (egl,
    osmesa or glfw) selects the library, EGL by default. It holds graphics memory until it is closed
    or garbage-collected, and is to be used from one thread.

    Raises:
        UserError: OpenGL is not available, or MUJOCO_GL disables it.
    """

    def _prepare(self) -> None:
        k = self.intrinsics
        self._all = _Window(0, 0, *self._size)

        # A copy of the model without lights and gloss, with an off-screen buffer of our size.
        self._drawn = m = copy.copy(self._model)
        m.mat_emission[:] = 0
        m.mat_reflectance[:] = 0
        m.light_active[:] = 0
        m.vis.headlight.active = 0
        m.vis.global_.offwidth, m.vis.global_.offheight = k.width, k.height
        m.vis.quality.offsamples = 0  # antialiasing would average depths across edges
        m.vis.quality.shadowsize = 0
        m.vis.quality.numslices = _SLICES
        self._options, self._alone = (mujoco.MjvOption() for _ in range(2))
        for options in (self._options, self._alone):
            options.sitegroup[:] = options.tendongroup[:] = options.skingroup[:] = 0
            options.flags[mujoco.mjtVisFlag.mjVIS_TEXTURE] = 0
        self._options.geomgroup[:] = self._groups > 0
        self._alone.geomgroup[:] = np.eye(1, 6)[0]

        self._scene, self._other = (mujoco.MjvScene(m, maxgeom=m.ngeom + 16) for _ in range(2))
        self._last: _Window | None = None  # of the last capture
        self._canvas = Canvas(m)

    def capture(self, region: Region | None = None) -> RGBDFrame:
        """Capture a frame.

        Args:
            region: part of the image to render; the rest has colour 0 and depth 0.
        Returns:
            The frame; where nothing is within 20 m, the background's colour and depth 0.
        """
        self._last = window = self._clip(region)
        self._update(self._scene, self._options)
        color, depth = np.zeros((*self._size, 3), np.uint8), np.zeros(self._size, np.float32)
        color[window.cut], depth[window.cut] = self._draw(self._scene, window)
        return self._frame(color, depth)

    def true_bodies(self) -> npt.NDArray[np.int32]:
        """Return the body that each pixel shows: ground truth, for scenes and tests only.

        Returns:
            (H, W) body ids of the last capture; -1 for nothing, or outside its region.
        """
        bodies = np.full(self._size, -1, np.int32)
        if self._last is not None:
            bodies[self._last.cut] = self._bodies(self._scene, self._last)
        return bodies

    def visible_fraction(self, body_id: int) -> float:
        """Compute how much of a body is visible: ground truth, for scenes and tests only.

        Args:
            body_id: MuJoCo's.
        Returns:
            Visible pixels of the body over those with nothing else in the world; 0 for a body
            outside the image.
        """
        self._update(self._other, self._options)
        now = self._bodies(self._other, self._all) == body_id
        hidden = self._options.geomgroup[np.clip(self._model.geom_group, 0, 5)] == 0
        own = (self._model.geom_bodyid == body_id) & ~hidden
        self._update(self._other, self._alone, np.where(own, 0, 1))
        alone = self._bodies(self._other, self._all) == body_id
        return float((now & alone).sum() / alone.sum()) if alone.any() else 0.0

    def close(self) -> None:
        """Free the graphics memory; no frame can be captured afterwards."""
        self._canvas.close()

    def __enter__(self) -> GLCamera:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _clip(self, region: Region | None) -> _Window:
        if region is None:
            return self._all
        rows, columns = (
            np.clip((start, start + length), 0, size)
            for start, length, size in zip(
                (region.row, region.column), (region.height, region.width), self._size, strict=True
            )
        )
        return _Window(int(rows[0]), int(columns[0]), int(np.ptp(rows)), int(np.ptp(columns)))

    def _update(
        self, scene: Any, options: Any, group: npt.NDArray[np.integer] | None = None
    ) -> None:
        """Update a scene from the world's state; `group` overrides the geoms' groups."""
        m = self._drawn
        m.geom_group[:] = self._model.geom_group if group is None else group
        for drawn, true in (
            (m.geom_rgba, self._model.geom_rgba),
            (m.mat_rgba, self._model.mat_rgba),
        ):
            drawn[:] = true
            drawn[:, 3] = true[:, 3] > 0  # as for rays: everything visible is opaque
        mujoco.mjv_updateScene(m, self._data, options, None, mujoco.MjvCamera(), _VISIBLE, scene)
        scene.flags[:] = 0  # no shadows, reflections, sky, haze
        scene.nlight = 1
        lamp = scene.lights[0]
        lamp.type = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
        lamp.headlight = lamp.castshadow = 0
        lamp.dir = -self.light.towards
        tint = np.array(self.light.tint)
        lamp.ambient, lamp.diffuse = self.light.ambient * tint, self.light.diffuse * tint
        lamp.specular = np.zeros(3)

    def _aim(self, scene: Any, window: _Window) -> None:
        """Set the projection that puts image point (u, v) at the centre of pixel (u, v)."""
        k, pose = self.intrinsics, self.T_world_camera
        left, right = (
            NEAR * (u - 0.5 - k.cx) / k.fx for u in (window.left, window.left + window.width)
        )
        top, bottom = (
            NEAR * (k.cy - v + 0.5) / k.fy for v in (window.top, window.top + window.height)
        )
        for eye in scene.camera:  # both eyes: MuJoCo renders their mean
            eye.pos, eye.forward, eye.up = pose[:3, 3], pose[:3, 2], -pose[:3, 1]
            eye.orthographic = 0
            eye.frustum_near, eye.frustum_far = NEAR, RANGE
            eye.frustum_bottom, eye.frustum_top = bottom, top
            eye.frustum_center = (left + right) / 2
            eye.frustum_width = (right - left) / 2  # MuJoCo expects half the width

    def _draw(
        self, scene: Any, window: _Window
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """Render colour (h, w, 3) and depth (h, w) in m, 0 for nothing, of a window."""
        self._aim(scene, window)
        color, depth = self._canvas.draw(scene, window.height, window.width)
        nothing = depth <= 0
        depth = NEAR * RANGE / (depth * np.float32(RANGE - NEAR) + np.float32(NEAR))
        depth[nothing], color[nothing] = 0, BACKGROUND
        return color, depth

    def _bodies(self, scene: Any, window: _Window) -> npt.NDArray[np.int32]:
        """Render the (h, w) body ids of a window, -1 for nothing."""
        for flag in (mujoco.mjtRndFlag.mjRND_SEGMENT, mujoco.mjtRndFlag.mjRND_IDCOLOR):
            scene.flags[flag] = 1
        color, depth = self._draw(scene, window)
        scene.flags[:] = 0
        body = np.full(scene.ngeom + 1, -1, np.int32)
        for geom in scene.geoms[: scene.ngeom]:
            if geom.segid >= 0:
                body[geom.segid + 1] = self._model.geom_bodyid[geom.objid]
        code = color.astype(np.int32) @ np.array([1, 1 << 8, 1 << 16])
        return body[np.where(depth > 0, code, 0)]
