from .. import _mujoco as _mujoco
