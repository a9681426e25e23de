"""Retrieve an object from clutter by pushing and grasping: look, decide, act, until it is in hand.

The parts, in the order in which data flows through them: `interfaces` (camera and robot),
`heightmap`, `segmentation`, `targeting`, `policy`, `selection`, `primitives`, `retrieve`.
`sim` is a world to try it in; `learning`, `evaluation` and `view` read what happens.
"""

import contextlib
import os

# Read by OpenMP when PyTorch starts it: threads that spin while they wait make the networks
# many times slower on few cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Gymnasium finds environments by what was registered; it has no plugins.
with contextlib.suppress(ModuleNotFoundError):
    import gymnasium

    gymnasium.register("pushgrasp/Retrieve-v0", entry_point="pushgrasp.env:RetrieveEnv")

__version__ = "0.1.0"
