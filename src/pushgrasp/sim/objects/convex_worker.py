"""Runs CoACD on one mesh: python convex_worker.py MESH.npz PARTS.npz CPU_SECONDS PARENT."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends, however it ends."""
    if sys.platform != "linux":  # elsewhere the limit of processor time ends it
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call
        sys.exit("the parent process has ended")


def limit(cpu_seconds: int) -> None:
    """Have the kernel end this process after so much processor time."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))


def main(given: str, made: str) -> None:
    """Decompose a mesh.

    Args:
        given: npz of vertices (N, 3), faces (M, 3) and `coacd.run_coacd`'s settings.
        made: npz to write: "arr_0", "arr_1", ... the vertices of each convex part.
    """
    import coacd
    import numpy as np

    with np.load(given, allow_pickle=False) as file:
        values = {key: file[key] for key in file.files}
    mesh = coacd.Mesh(values.pop("vertices"), values.pop("faces").astype(np.int32))
    coacd.set_log_level("info")  # what the parent shows as progress
    parts = coacd.run_coacd(mesh, **{key: value.item() for key, value in values.items()})
    np.savez(made, *(vertices for vertices, _ in parts))


if __name__ == "__main__":
    end_with(int(sys.argv[4]))
    limit(int(sys.argv[3]))
    main(sys.argv[1], sys.argv[2])
