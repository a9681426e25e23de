"""Runs CoACD on one mesh in a process of its own: python convex_worker.py MESH.npz PIECES.npz."""

from __future__ import annotations

import sys

import coacd
import numpy as np


def main(given: str, made: str) -> None:
    """Decompose a mesh.

    Args:
        given: npz of vertices (N, 3), faces (M, 3) and `coacd.run_coacd`'s settings.
        made: npz to write: "arr_0", "arr_1", ... the vertices of each convex piece.
    """
    with np.load(given, allow_pickle=False) as file:
        values = {key: file[key] for key in file.files}
    mesh = coacd.Mesh(values.pop("vertices"), values.pop("faces").astype(np.int32))
    coacd.set_log_level("off")
    pieces = coacd.run_coacd(mesh, **{key: value.item() for key, value in values.items()})
    np.savez(made, *(vertices for vertices, _ in pieces))


if __name__ == "__main__":
    main(*sys.argv[1:])
