"""The process that runs CoACD: its progress, its limit, and that it ends with its parent."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from drawn_meshes import mug, obj

from pushgrasp.sim.objects import decompose as module
from pushgrasp.sim.objects.decompose import decompose

LOG = """[CoACD] [info] max # convex hull       24
[CoACD] [info] iter 0 ---- waiting pool: 1
[CoACD] [info] Processing [0.0%]
[CoACD] [info] Processing [100.0%]
[CoACD] [info] iter 1 ---- waiting pool: 2
[CoACD] [info] Processing [50.0%]
[CoACD] [info] Processing [0.0%]
"""


def test_the_limit_is_processor_time_and_waiting_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = tmp_path / "worker.py"
    shared = f"import sys; sys.path.insert(0, {str(module.WORKER.parent)!r})\n"
    monkeypatch.setattr(module, "WORKER", worker)
    monkeypatch.setattr(module, "CPU_LIMIT", 1)
    setup = f"{shared}import convex_worker, time\nconvex_worker.limit(int(sys.argv[3]))\n"
    worker.write_text(setup + "while True: pass\n")
    assert decompose(mug(), "off", 0.003, 8, "mug") == (
        [],
        "CoACD took longer than 1 s of processor time",
    )
    worker.write_text(
        setup + "time.sleep(2)\nimport numpy as np\nnp.savez(sys.argv[2], np.eye(4, 3))\n"
    )
    (part,), _ = decompose(mug(), "off", 0.003, 8, "mug")
    assert part.shape == (4, 3)


def test_a_bar_shows_the_level_on_a_terminal_and_nothing_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for terminal in (True, False):
        screen = io.StringIO()
        screen.isatty = lambda terminal=terminal: terminal  # type: ignore[method-assign]
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")
        module._show_progress(LOG.splitlines(), "bottle.obj")
        if terminal:
            assert "splitting bottle.obj into convex parts, level 2" in screen.getvalue()
        else:
            assert screen.getvalue() == ""


PARENT = """
import sys
from pathlib import Path
from pushgrasp.sim.objects.decompose import decompose
from pushgrasp.sim.objects.mesh_file import parse_mesh
path = Path(sys.argv[1])
decompose(parse_mesh(path.read_bytes(), path), "on", 1e-4, 500, path.name)
"""


def worker_of(parent: int) -> int | None:
    """The process that runs CoACD for another one, once it has loaded CoACD."""
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"convex_worker" in words and b"coacd" in Path(f"/proc/{pid}/maps").read_bytes():
                return int(pid)
        except OSError:
            continue
    return None


def ended(pid: int) -> bool:
    """True if a process is gone, or a zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_worker_ends_with_its_parent_however_it_ends(tmp_path: Path, end: int) -> None:
    path = tmp_path / "mug.obj"
    path.write_text(obj(mug()))
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(path)],
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        deadline = time.monotonic() + 60
        while (worker := worker_of(parent.pid)) is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(parent.pid, end)
        parent.wait(30)
        deadline = time.monotonic() + 10
        while not ended(worker) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert ended(worker)
    finally:
        parent.kill()
        parent.wait()


def test_a_worker_whose_parent_has_ended_before_it_began_does_not_begin(tmp_path: Path) -> None:
    given, made = tmp_path / "given.npz", tmp_path / "made.npz"
    np.savez(given, vertices=np.eye(3), faces=np.array([[0, 1, 2]]))
    command = [sys.executable, "-P", str(module.WORKER), str(given), str(made), "5", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "the parent process has ended" in done.stderr
    assert not made.exists()
