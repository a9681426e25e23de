"""`pushgrasp info`: installed versions, and which cameras and robots work here."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..utils.files import to_json
from ..utils.threads import n_cores
from .options import Switch

PACKAGES = (
    "torch",
    "mujoco",
    "mink",
    "gymnasium",
    "numpy",
    "opencv-python-headless",
    "safetensors",
    "ray",
    "rerun-sdk",
)
BACK_ENDS = {"ray": ("ray", "RayCamera"), "opengl": ("gl", "GLCamera")}
"""Back ends: module of `sim.cameras` and class."""


@dataclass(frozen=True)
class InfoCommand:
    """Show installed versions and check cameras and robots."""

    json: Switch = False
    """Print one JSON object instead of lines."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        facts = collect()
        if self.json:
            print(to_json(facts, indent=2))
            return 0
        for name, value in facts.items():
            if isinstance(value, dict):
                width = max(map(len, value))
                lines = [f"{key:<{width}}  {text}" for key, text in value.items()]
            else:
                lines = [", ".join(value) if isinstance(value, list) else str(value)]
            for i, line in enumerate(lines):
                print(f"{name if i == 0 else '':<11}{line}")
        return 0


def collect() -> dict[str, Any]:
    """Collect versions, device, cores, camera back ends, robots and built-in policies.

    Returns:
        A JSON-ready dict; `cameras` maps each back end's name to "works" or to the error,
        `robots` each robot to how it is drawn.
    """
    from ..policy.load import policy_sources

    return {
        "pushgrasp": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "device": _device(),
        "cores": n_cores(),
        "cameras": {name: _try_camera(*where) for name, where in BACK_ENDS.items()},
        "robots": _robots(),
        "policies": policy_sources(),
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda ({torch.cuda.get_device_name()})"
    return f"cpu ({torch.get_num_threads()} threads)"


def _robots() -> dict[str, str]:
    from ..sim.robots.arms import ARMS
    from ..sim.robots.meshes import find_meshes
    from ..sim.robots.registry import ROBOTS

    shown = dict.fromkeys(ROBOTS, "shown as boxes")
    for name in ARMS:
        folder = find_meshes(name)
        shown[name] = (
            f"shown with meshes from {folder}" if folder else "shown as cylinders (no meshes)"
        )
    return shown


def _try_camera(module: str, name: str) -> str:
    """Capture an image in a separate process, since back ends may crash; return the outcome."""
    code = (
        f"from pushgrasp.sim.cameras.{module} import {name} as Camera\n"
        "from pushgrasp.sim.robots.gantry import GantryModel\n"
        "from pushgrasp.sim.world import World\n"
        "frame = Camera(World([], GantryModel())).capture()\n"
        "assert (frame.depth > 0).any(), 'the image is empty'\n"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return "does not answer"
    if done.returncode == 0:
        return "works"
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return lines[-1].removeprefix("pushgrasp.errors.UserError: ")
