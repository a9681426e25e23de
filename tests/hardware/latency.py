"""Latencies on a busy machine."""

from __future__ import annotations

import threading
from collections.abc import Callable


def is_within(limit: float, measure: Callable[[], float], times: int = 3) -> bool:
    """Measure a latency (s) again if it is long: on a busy machine one measurement says little."""
    return any(measure() < limit for _ in range(times))


def later(seconds: float, what: Callable[[], object]) -> None:
    """Do something in another thread, after a while."""
    threading.Timer(seconds, what).start()
