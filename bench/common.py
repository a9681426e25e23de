"""What every benchmark prints beside its figures."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pushgrasp.utils.files import to_json, write_json
from pushgrasp.utils.provenance import commit, processor


def setting() -> dict[str, Any]:
    """Machine, versions, command and commit."""
    versions = {p: importlib.metadata.version(p) for p in ("torch", "mujoco", "numpy")}
    return {
        "machine": f"{processor()}, {len(os.sched_getaffinity(0))} cores in use",
        "python": platform.python_version(),
        "versions": versions,
        "command": shlex.join(["python", *sys.argv]),
        "commit": commit() or "unknown",
    }


def kind(reason: str) -> str:
    """A fault's or a refusal's words without its places and sizes."""
    placeless = re.sub(r"at \([^)]*\) m", "…", reason)
    return re.sub(r"\s*\([^)]*\)", "", placeless)


def spread(values: npt.ArrayLike) -> dict[str, float]:
    """Median, tail and maximum; no values, no figures."""
    values = np.asarray(values, float)
    if not values.size:
        return {}
    median, p95 = np.percentile(values, [50, 95])
    return {"median": float(median), "p95": float(p95), "max": float(values.max())}


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a markdown table."""
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")


def show(result: dict[str, Any], header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a markdown table, then everything as JSON."""
    table(header, rows)
    where = result["setting"]
    print(f"\n{where['machine']}; `{where['command']}`; commit {where['commit']}\n")
    print(to_json(result, indent=2))


def save(result: dict[str, Any], out: Path | None) -> None:
    """Write the JSON to a file, too, if one was named."""
    if out is not None:
        write_json(out, result)
