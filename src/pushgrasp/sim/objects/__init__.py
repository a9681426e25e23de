from .. import _mujoco  # noqa: F401
