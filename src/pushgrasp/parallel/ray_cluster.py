"""Connect to a Ray cluster, or start a local one, and clean up afterwards."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from ..errors import UserError
from ..utils.threads import ONE_THREAD, n_cores

__all__ = ["ENVIRONMENT", "RayError", "cluster", "ray"]

try:
    import ray
    from ray.exceptions import RayError
except ModuleNotFoundError as error:
    raise UserError(
        "this needs Ray, which is not installed; pip install '.[ray]', or leave out ray"
    ) from error

ENVIRONMENT = {"env_vars": ONE_THREAD}
"""Runtime environment of a worker, which has one core."""


@contextmanager
def cluster(n: int | None = None) -> Generator[int]:
    """Connect to the cluster at RAY_ADDRESS, or start a local one.

    At the end the local cluster is stopped or the connection closed. An existing connection is
    used and kept.

    Args:
        n: number of workers, and of CPUs of a local cluster. None: one per CPU of the cluster; a
            local one gets all of this machine's.
    Yields:
        The number of the cluster's CPUs.
    Raises:
        UserError: the cluster does not answer or is unusable from here.
    """
    is_ours = not ray.is_initialized()
    if is_ours:
        _connect(os.environ.get("RAY_ADDRESS") or "local", n or n_cores())
    try:
        n_cpus = int(ray.cluster_resources().get("CPU", 0))
        if n is not None and n_cpus < n:
            print(
                f"warning: the Ray cluster has {n_cpus} CPUs for {n} workers; the other workers "
                "start when it has more",
                file=sys.stderr,
            )
        yield n_cpus
    finally:
        if is_ours:
            ray.shutdown()


def _connect(address: str, n: int) -> None:
    own: dict[str, Any] = {}
    if address == "local":
        own = {"num_cpus": n, "num_gpus": 0, "include_dashboard": False}
    on_terminate = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **own)
    except Exception as error:  # Ray has no common class for these
        ray.shutdown()
        raise UserError(
            f"RAY_ADDRESS={address} names no Ray cluster that can be used from here ({error}); "
            "correct it, or unset it to start a local one"
            if not own
            else f"a local Ray cluster does not start: {error}"
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_terminate)  # Ray's handler would not save the run
