"""What this installation is made of, and what works on this machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from .. import __version__
from ..utils.files import to_json

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


CAMERAS = {"ray": ("ray", "RayCamera"), "opengl": ("gl", "GLCamera")}
"""Back ends: module of `sim` and class."""


def collect() -> dict[str, Any]:
    """Versions, device, cores, camera back ends, robots and shipped policies.

    Returns:
        A JSON-ready dict; `cameras` maps each back end's name to "works" or to why it does not,
        `robots` each robot to what it is shown as.
    """
    return {
        "pushgrasp": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "device": _device(),
        "cores": len(os.sched_getaffinity(0)),
        "cameras": {name: _try_camera(*where) for name, where in CAMERAS.items()},
        "robots": _robots(),
        "policies": _policies(),
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


def _policies() -> list[str]:
    from ..policy.load import policy_names

    return policy_names()


def _robots() -> dict[str, str]:
    from ..sim.robots.arms import ARMS
    from ..sim.robots.meshes import find_meshes

    meshes = {name: find_meshes(name) for name in ARMS}
    looks = {
        n: f"shown in meshes from {m}" if m else "shown as capsules" for n, m in meshes.items()
    }
    return {"gantry": "shown as boxes"} | looks


def _try_camera(module: str, name: str) -> str:
    """Whether a picture can be taken, tried in a process of its own: back ends may crash."""
    code = (
        f"from pushgrasp.sim.cameras.{module} import {name} as Camera\n"
        "from pushgrasp.sim.robots.gantry import GantryModel\n"
        "from pushgrasp.sim.world import World\n"
        "frame = Camera(World([], GantryModel())).capture()\n"
        "assert (frame.depth > 0).any(), 'the picture is empty'\n"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return "does not answer"
    if done.returncode == 0:
        return "works"
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def show_info(*, as_json: bool) -> int:
    """Say what is installed here and what works."""
    facts = collect()
    if as_json:
        print(to_json(facts, indent=2))
        return 0
    table = Table(box=None, show_header=False)
    for name, value in facts.items():
        rows = value if isinstance(value, dict) else {"": value}
        for i, (key, text) in enumerate(rows.items()):
            shown = (", ".join(text) or "none") if isinstance(text, list) else str(text)
            table.add_row(name if i == 0 else "", f"{key} {shown}".strip())
    Console(highlight=False).print(table)
    return 0
