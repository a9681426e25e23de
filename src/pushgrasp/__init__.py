"""Retrieve an object from clutter by pushing and grasping: look, decide, act, until it is in hand.

The data flow: `perception` turns frames into an observation, `policy` chooses an action,
`primitives` turns it into motions, and `retrieve` closes the loop. `sim` simulates robots, cameras
and scenes; `training`, `evaluation` and `view` read what happens.

`__all__` is the public API. A name is imported when it is first used: `import pushgrasp` alone
loads neither PyTorch nor MuJoCo nor OpenCV.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from .utils.late_import import after_import

if TYPE_CHECKING:
    from .errors import RobotError, SimulatorFault, UserError
    from .interfaces import (
        Action,
        Camera,
        GripperSpec,
        Intrinsics,
        MoveJaw,
        MoveTo,
        Outcome,
        Report,
        RGBDFrame,
        Robot,
    )
    from .perception.goal import Goal
    from .perception.heightmap import Heightmap
    from .perception.observation import Observation
    from .perception.perceive import Perception, observe
    from .perception.segmenter import Segmenter, Segments
    from .policy.base import Decides, Decision, Memory, Target
    from .policy.learned import Policy
    from .policy.load import load_policy
    from .primitives import PrimitiveConfig
    from .retrieve import End, Step, retrieve
    from .sim.scenes.build import Scene, SceneConfig, build_scene
    from .workspace import Workspace

__version__ = "0.1.0"

__all__ = [
    "Action",
    "Camera",
    "Decides",
    "Decision",
    "End",
    "Goal",
    "GripperSpec",
    "Heightmap",
    "Intrinsics",
    "Memory",
    "MoveJaw",
    "MoveTo",
    "Observation",
    "Outcome",
    "Perception",
    "Policy",
    "PrimitiveConfig",
    "RGBDFrame",
    "Report",
    "Robot",
    "RobotError",
    "Scene",
    "SceneConfig",
    "Segmenter",
    "Segments",
    "SimulatorFault",
    "Step",
    "Target",
    "UserError",
    "Workspace",
    "__version__",
    "build_scene",
    "load_policy",
    "observe",
    "retrieve",
]

_EXPORTS = {
    "interfaces": (
        "Action",
        "Camera",
        "GripperSpec",
        "Intrinsics",
        "MoveJaw",
        "MoveTo",
        "Outcome",
        "Report",
        "RGBDFrame",
        "Robot",
    ),
    "workspace": ("Workspace",),
    "primitives": ("PrimitiveConfig",),
    "errors": (
        "RobotError",
        "SimulatorFault",
        "UserError",
    ),
    "perception.heightmap": ("Heightmap",),
    "perception.goal": ("Goal",),
    "perception.observation": ("Observation",),
    "perception.perceive": ("Perception", "observe"),
    "perception.segmenter": ("Segmenter", "Segments"),
    "policy.base": (
        "Decides",
        "Decision",
        "Memory",
        "Target",
    ),
    "policy.learned": ("Policy",),
    "policy.load": ("load_policy",),
    "retrieve": (
        "End",
        "Step",
        "retrieve",
    ),
    "sim.scenes.build": (
        "Scene",
        "SceneConfig",
        "build_scene",
    ),
}
_MODULES = {name: module for module, names in _EXPORTS.items() for name in names}

# Read by OpenMP when PyTorch starts it: threads that spin while they wait make the networks
# many times slower on few cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Gymnasium finds environments by what was registered; it has no plugins. Commands do without it.
after_import(
    "gymnasium",
    lambda gymnasium: gymnasium.register(
        "pushgrasp/Retrieve-v0", entry_point="pushgrasp.env:RetrieveEnv"
    ),
)


def __getattr__(name: str) -> Any:
    """Import a name of the public API when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module 'pushgrasp' has no attribute {name!r}")
    module = importlib.import_module(f".{_MODULES[name]}", __name__)
    # `retrieve` is the name of a module, too: that module is what is called (see there)
    value = module if name == "retrieve" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
