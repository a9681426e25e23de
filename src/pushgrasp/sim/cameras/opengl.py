"""A place to draw with OpenGL, off screen: finding a library for it, and leaving it in peace."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import sys
import weakref
from typing import Any

import mujoco
import numpy as np
import numpy.typing as npt

from ...errors import UserError

_OFF = ("disable", "disabled", "off", "false", "0")  # values of MUJOCO_GL
_ANY = ("", "enable", "enabled", "on", "true", "1")
_MODULES = {
    "egl": "mujoco.egl",
    "osmesa": "mujoco.osmesa",
    "glfw": "mujoco.glfw",
    "glx": "mujoco.glfw",
} | dict.fromkeys(_ANY, "mujoco.egl" if sys.platform == "linux" else "mujoco.gl_context")
_REMEDY = (
    "Install one (Debian and Ubuntu: apt-get install libegl1 libgl1 libgl1-mesa-dri; neither a "
    "display nor a GPU is needed), or use the ray-cast camera, which needs none"
)


class Canvas:
    """An OpenGL context of its own, and MuJoCo's renderer for a model in it.

    On Linux EGL makes it, which needs no display; MUJOCO_GL (egl, osmesa or glfw) overrules.
    It is used from one thread, and closed at the latest when Python ends.

    Args:
        model: what will be drawn; `vis.global_.offwidth` and `offheight` are the largest
            picture, `vis.quality` the rest.
    Raises:
        UserError: there is no OpenGL here, or MUJOCO_GL forbids it.
    """

    def __init__(self, model: Any) -> None:
        self._gl = self._renderer = None
        module = _module()
        size = model.vis.global_.offwidth, model.vis.global_.offheight
        try:
            self._gl = importlib.import_module(module).GLContext(*size)
            self._gl.make_current()
            self._renderer = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50.value)
            mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._renderer)
            # The far plane at 0: floats are dense there, as depths are in a perspective.
            self._renderer.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR.value
        except Exception as error:  # PyOpenGL, ctypes and MuJoCo each have errors of their own
            self.close()
            reason = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
            raise UserError(f"no OpenGL here ({module}: {reason}). {_REMEDY}") from error
        _close_before_the_library(self)

    def draw(
        self, scene: Any, height: int, width: int
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """Draw a scene.

        Args:
            scene: mujoco.MjvScene, with its cameras, lights and flags.
            height, width: pixels; none at all is allowed.
        Returns:
            Colours (height, width, 3) and OpenGL's depths (height, width), 1 on the near plane
            and 0 on the far one, the uppermost row first.
        """
        if self._gl is None:
            raise RuntimeError("the camera is closed")
        color = np.empty((height, width, 3), np.uint8)
        depth = np.empty((height, width), np.float32)
        if depth.size:
            self._gl.make_current()
            viewport = mujoco.MjrRect(0, 0, width, height)
            mujoco.mjr_render(viewport, scene, self._renderer)
            mujoco.mjr_readPixels(color, depth, viewport, self._renderer)
        return color[::-1], depth[::-1]  # OpenGL's rows run upwards

    def close(self) -> None:
        """Give the graphics memory back; nothing can be drawn afterwards."""
        gl, renderer = self._gl, self._renderer
        self._gl = self._renderer = None
        if gl is not None:
            with contextlib.suppress(Exception):  # the library may have failed, or gone before
                gl.make_current()
                if renderer is not None:
                    renderer.free()
                gl.free()

    def __del__(self) -> None:
        self.close()


def _module() -> str:
    """MuJoCo's module that makes contexts, by MUJOCO_GL.

    MuJoCo itself reads it when it is first imported, and takes GLFW, which needs a display,
    where it is not set.
    """
    wish = os.environ.get("MUJOCO_GL", "").lower().strip()
    if wish in _OFF:
        raise UserError(f"MUJOCO_GL={wish} turns OpenGL off; unset it, or use the ray-cast camera")
    if wish not in _MODULES:
        raise UserError(f"MUJOCO_GL={wish}: expected egl, osmesa or glfw, or nothing, for egl")
    return _MODULES[wish]


_open: weakref.WeakSet[Canvas] = weakref.WeakSet()


def _close_before_the_library(canvas: Canvas) -> None:
    """Have a canvas closed when Python ends, before the library that it draws with.

    The library registered its own end when the context was made, and what was registered last
    is called first.
    """
    if not _open:
        atexit.unregister(_close_open)
        atexit.register(_close_open)
    _open.add(canvas)


def _close_open() -> None:
    for canvas in list(_open):
        canvas.close()
