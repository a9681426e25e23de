"""Provenance of results: commit and machine."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .threads import n_cores


def commit() -> str | None:
    """Return the commit of the running code, if it is in a git checkout."""
    here = Path(__file__)
    only_look = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}  # a git command of others may be under way
    try:
        for command in (
            ["git", "-C", str(here.parent), "ls-files", "--error-unmatch", here.name],
            ["git", "-C", str(here.parent), "describe", "--always", "--dirty"],
        ):
            said = subprocess.run(
                command, capture_output=True, text=True, timeout=10, env=only_look
            )
            if said.returncode:  # no repository, or one that happens to lie around the package
                return None
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.stdout.strip()


def machine() -> dict[str, Any]:
    """Return the processor, the usable cores and the relevant versions, JSON-ready."""
    return {
        "processor": processor(),
        "cores": n_cores(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("mujoco", "numpy", "torch")},
    }


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
