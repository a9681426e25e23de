"""MuJoCo, imported whatever MUJOCO_GL says; every folder that uses it imports this first."""

from __future__ import annotations

import os

# MuJoCo loads the graphics library that MUJOCO_GL names as soon as it is imported, and the import
# fails if the name is unknown or the library missing. Most commands draw nothing with OpenGL, so
# the import is then repeated without the variable; `cameras.opengl` reads it when it must draw.
try:
    import mujoco
except Exception:  # RuntimeError, ImportError, or whatever PyOpenGL raises
    if "MUJOCO_GL" not in os.environ:
        raise
    _value = os.environ.pop("MUJOCO_GL")
    try:
        import mujoco
    finally:
        os.environ["MUJOCO_GL"] = _value

__all__ = ["mujoco"]
