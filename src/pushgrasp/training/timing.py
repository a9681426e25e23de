"""When the training loop does what it does not do at every turn, and when it stops."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any


class Every:
    """Something to do once in so many seconds."""

    def __init__(self, period: float) -> None:
        self._period, self._last = period, time.monotonic()

    def is_due(self) -> bool:
        """True once a period."""
        now = time.monotonic()
        if now - self._last < self._period:
            return False
        self._last = now
        return True


class Interrupt:
    """Ctrl-C, or a request to terminate, as a flag; the second Ctrl-C is not waited for."""

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> Interrupt:
        self._old: dict[signal.Signals, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._old[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _request(self, *_: object) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
