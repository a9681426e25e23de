"""What every benchmark prints beside its figures."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pushgrasp.files import to_json, write_json


def setting() -> dict[str, Any]:
    """Machine, versions, command and commit."""
    versions = {p: importlib.metadata.version(p) for p in ("torch", "mujoco", "numpy")}
    return {
        "machine": f"{_processor()}, {len(os.sched_getaffinity(0))} cores in use",
        "python": platform.python_version(),
        "versions": versions,
        "command": shlex.join(["python", *sys.argv]),
        "commit": _commit(),
    }


def show(result: dict[str, Any], header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a markdown table, then everything as JSON."""
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    where = result["setting"]
    print(f"\n{where['machine']}; `{where['command']}`; commit {where['commit']}\n")
    print(to_json(result, indent=2))


def save(result: dict[str, Any], out: Path | None) -> None:
    """Write the JSON to a file, too, if one was named."""
    if out is not None:
        write_json(out, result)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    def git(*args: str) -> str:
        here = Path(__file__).parent
        return subprocess.run(
            ["git", *args], cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = " and changes" if git("status", "--porcelain") else ""
        return git("rev-parse", "--short", "HEAD") + changed
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
