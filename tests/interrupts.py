"""Start processes that take Ctrl-C as on a terminal, and find those that remain."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def start_group(command: Sequence[str], **how: Any) -> subprocess.Popen[str]:
    """Start a process in a new group, with SIGINT as a terminal's processes have it.

    A background job of a shell, or `nohup`, ignores SIGINT, and a child would inherit that.

    Args:
        command: program and arguments.
        how: further arguments of `subprocess.Popen`.
    """
    return subprocess.Popen(
        command, text=True, start_new_session=True, preexec_fn=_take_sigint, **how
    )


def _take_sigint() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def processes_of(group: int) -> list[int]:
    """Return the living processes of a process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it ended meanwhile
            continue
        if int(its_group) == group and state not in "ZX":
            found.append(int(stat.parent.name))
    return found


def wait_until(is_so: Callable[[], object], period: float = 0.05, patience: float = 600.0) -> None:
    """Wait for a condition, patiently: machines are shared.

    Args:
        is_so: the condition.
        period: seconds between looks at it.
        patience: seconds until it counts as never.
    """
    end = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < end, "it took too long"
        time.sleep(period)
