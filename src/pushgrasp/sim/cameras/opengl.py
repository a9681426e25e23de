"""Off-screen OpenGL context: backend selection, drawing and orderly shutdown."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import sys
import warnings
import weakref
from typing import Any

import mujoco
import numpy as np
import numpy.typing as npt

from ...errors import UserError

_OFF = ("disable", "disabled", "off", "false", "0")  # values of MUJOCO_GL
_DEFAULT = ("", "enable", "enabled", "on", "true", "1")
_MODULES = {
    "egl": "mujoco.egl",
    "osmesa": "mujoco.osmesa",
    "glfw": "mujoco.glfw",
    "glx": "mujoco.glfw",
} | dict.fromkeys(_DEFAULT, "mujoco.egl" if sys.platform == "linux" else "mujoco.gl_context")
_RAYS = "or use the ray-cast camera, which needs no OpenGL"
_INSTALL = (
    "Install it (Debian and Ubuntu: apt-get install libegl1 libgl1 libgl1-mesa-dri; neither a "
    f"display nor a GPU is needed), {_RAYS}"
)


class Canvas:
    """A separate OpenGL context with MuJoCo's renderer for one model.

    On Linux the backend is EGL, which needs no display, unless MUJOCO_GL names another one. To be
    used from one thread; closed at interpreter exit at the latest. `mujoco.Renderer` is not used
    because it draws colour and depth in two passes and takes GLFW, which needs a display, where
    MUJOCO_GL is unset.

    Args:
        model: the model to draw; `vis.global_.offwidth` and `offheight` limit the image size,
            `vis.quality` sets the quality.
    Raises:
        UserError: OpenGL is not available, or MUJOCO_GL disables it or names an unknown backend.
    """

    def __init__(self, model: Any) -> None:
        self._gl = self._renderer = None
        backend, module = _backend()
        size = model.vis.global_.offwidth, model.vis.global_.offheight
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # GLFW's; the error below says the same
                self._gl = importlib.import_module(module).GLContext(*size)
                self._gl.make_current()
                scale = mujoco.mjtFontScale.mjFONTSCALE_50.value
                self._renderer = mujoco.MjrContext(model, scale)
            mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._renderer)
            # Far plane at 0: floating point is densest there, as perspective depth is.
            self._renderer.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR.value
        except Exception as error:  # PyOpenGL, ctypes and MuJoCo raise unrelated types
            self.close()
            reason = f"{module}: {type(error).__name__}: {error}".splitlines()[0].rstrip(".")
            if backend in _DEFAULT:
                raise UserError(f"OpenGL does not work here ({reason}). {_INSTALL}") from error
            raise UserError(
                f"MUJOCO_GL={backend}: OpenGL does not work this way here ({reason}). Unset "
                f"MUJOCO_GL to use EGL, which needs no display, {_RAYS}"
            ) from error
        _close_before_the_library(self)

    def draw(
        self, scene: Any, height: int, width: int
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """Draw a scene in one pass.

        Args:
            scene: mujoco.MjvScene with its cameras, lights and flags set.
            height, width: pixels; 0 is allowed.
        Returns:
            Colour (height, width, 3) sRGB and OpenGL depth (height, width), 1 on the near plane
            and 0 on the far plane; top row first.
        Raises:
            RuntimeError: the canvas is closed.
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
        return color[::-1], depth[::-1]  # OpenGL's rows run bottom to top

    def close(self) -> None:
        """Free the graphics memory; nothing can be drawn afterwards."""
        gl, renderer = self._gl, self._renderer
        self._gl = self._renderer = None
        if gl is not None:
            with (
                contextlib.suppress(Exception),
                warnings.catch_warnings(),
            ):  # the library may have failed or be unloaded
                warnings.simplefilter("ignore")
                gl.make_current()
                if renderer is not None:
                    renderer.free()
                gl.free()

    def __del__(self) -> None:
        self.close()


def _backend() -> tuple[str, str]:
    """Return MUJOCO_GL's value and the MuJoCo module that creates contexts for it."""
    value = os.environ.get("MUJOCO_GL", "").lower().strip()
    if value in _OFF:
        raise UserError(f"MUJOCO_GL={value} turns OpenGL off; unset it, {_RAYS}")
    if value not in _MODULES:
        raise UserError(
            f"MUJOCO_GL={value} names no OpenGL backend; set it to egl, osmesa or glfw, or unset "
            f"it to use egl, {_RAYS}"
        )
    return value, _MODULES[value]


_open: weakref.WeakSet[Canvas] = weakref.WeakSet()


def _close_before_the_library(canvas: Canvas) -> None:
    """Close a canvas at interpreter exit, before the graphics library shuts down.

    Exit handlers run last registered first, and the library registered its handler when the
    context was created.
    """
    if not _open:
        atexit.unregister(_close_open)
        atexit.register(_close_open)
    _open.add(canvas)


def _close_open() -> None:
    for canvas in list(_open):
        canvas.close()
