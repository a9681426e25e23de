"""CoACD in a separate process: its library aborts on meshes that it cannot handle."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from .mesh_file import FloatArray

if TYPE_CHECKING:
    from trimesh import Trimesh

CPU_LIMIT = 120  # s of the worker's processor time; other work on the machine does not count
WORKER = Path(__file__).with_name("convex_worker.py")
_SETTINGS = {
    "real_metric": True,
    "preprocess_resolution": 50,
    "resolution": 1000,
    "seed": 0,
}
# Less search than CoACD's default of 20, 150, 3 gives parts as good on cups and bowls, though
# not less depth. What it has closed itself has ten times the triangles, hence less again.
_SEARCH = {
    "off": {"mcts_nodes": 15, "mcts_iterations": 30, "mcts_max_depth": 3},
    "on": {"mcts_nodes": 10, "mcts_iterations": 20, "mcts_max_depth": 3},
}
_PROGRESS = re.compile(r"iter (?P<level>\d+)|Processing \[(?P<percent>[\d.]+)%")


def decompose(
    mesh: Trimesh, preprocess: str, tolerance: float, max_parts: int, name: str
) -> tuple[list[FloatArray], str]:
    """Split a mesh into convex parts; a bar shows the progress on a terminal.

    Args:
        mesh: in metres.
        preprocess: "on" to have CoACD close the surface first, "off" if it is closed.
        tolerance: m, the concavity below which a part is cut no further.
        max_parts: at most so many parts.
        name: of the mesh, for the bar.
    Returns:
        (N, 3) vertices of each part, m, or none and the reason.
    """
    settings: dict[str, Any] = {**_SETTINGS, **_SEARCH[preprocess], "max_convex_hull": max_parts}
    settings |= {"preprocess_mode": preprocess, "threshold": tolerance}
    with tempfile.TemporaryDirectory(prefix="pushgrasp-") as folder:
        given, made = Path(folder, "mesh.npz"), Path(folder, "parts.npz")
        np.savez(given, vertices=mesh.vertices, faces=mesh.faces, **settings)
        # -P: the package's own modules must not stand for others of the same name
        command = [sys.executable, "-P", WORKER, given, made, str(CPU_LIMIT), str(os.getpid())]
        with (
            Path(folder, "errors").open("w+") as errors,
            subprocess.Popen(
                [str(word) for word in command],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                errors="replace",
                env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
            ) as worker,
        ):
            try:
                _show_progress(worker.stdout or (), name)
            except BaseException:
                worker.kill()
                raise
            code = worker.wait()
            errors.seek(0)
            last = errors.read().strip().rpartition("\n")[2][:200]
        if code == -signal.SIGXCPU:
            return [], f"CoACD took longer than {CPU_LIMIT} s of processor time"
        if code:
            return [], f"CoACD failed: {last or f'exit code {code}'}"
        with np.load(made, allow_pickle=False) as parts:
            return [parts[f"arr_{i}"] for i in range(len(parts.files))], "CoACD found no volume"


def _show_progress(lines: Iterable[str], name: str) -> None:
    """Follow CoACD's log; each level cuts all parts of the level before that are not yet convex."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal or multiprocessing.parent_process() is not None,
    ) as bar:
        title = f"splitting {name} into convex parts"
        task = bar.add_task(title, total=100)
        done = 0.0
        for line in lines:
            found = _PROGRESS.search(line)
            if found and found["level"]:
                done = 0.0
                bar.update(task, description=f"{title}, level {int(found['level']) + 1}")
            elif found:
                done = max(done, float(found["percent"]))
            bar.update(task, completed=done)
