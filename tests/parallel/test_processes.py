"""Ctrl-C on the terminal while the workers of a command start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from interrupts import processes_of, start_group, wait_until

N_WORKERS = 4
COMMANDS = {
    "train": ["--workers", str(N_WORKERS)],
    "evaluate": ["--trials", "40", "--objects", "5", "--workers", str(N_WORKERS)],
}


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.0, 0.7])
@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_while_workers_start_prints_one_sentence(
    command: str, delay: float, tmp_path: Path
) -> None:
    """All processes of the group get the signal, including workers that are still importing."""
    arguments = [*COMMANDS[command], "--out", str(tmp_path / "out")]
    run = start_group(
        [sys.executable, "-m", "pushgrasp", command, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        wait_until(
            lambda: len(processes_of(run.pid)) >= 2 + N_WORKERS, 0.005
        )  # with a resource tracker
        time.sleep(delay)
        os.killpg(run.pid, signal.SIGINT)
        _, errors = run.communicate(timeout=120)
    finally:
        for pid in processes_of(run.pid):
            os.kill(pid, signal.SIGKILL)
    assert "Traceback" not in errors
    assert "died" not in errors
    assert errors.splitlines()[-1].startswith("pushgrasp: interrupted")
    assert run.returncode == 130
