"""Latencies on a busy machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


def slowness() -> float:
    """Return how many processes share a core; limits in seconds are multiplied by it."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def is_within(limit: float, measure: Callable[[], float], times: int = 3) -> bool:
    """Measure a latency (s) again if it is long: on a busy machine one measurement says little."""
    return any(measure() < limit * slowness() for _ in range(times))


def later(seconds: float, what: Callable[[], object]) -> None:
    """Do something in another thread, after a while."""
    threading.Timer(seconds, what).start()
