"""A surface as a few convex pieces, as physics wants them: its hull if that is it, else CoACD.

Wei et al., "Approximate Convex Decomposition for 3D Meshes with Collision-Aware Concavity and
Tree Search" (2022); package `coacd`. Its library ends the process on meshes that it cannot take,
so that it runs in one of its own (`convex_worker.py`).
"""

from __future__ import annotations

import importlib.util
import logging
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.spatial import ConvexHull, KDTree, QhullError

from ...errors import UserError
from .mesh_files import FloatArray, Mesh
from .mesh_repair import area, coarsen, repair

HULL_TOLERANCE = 0.0015  # m that a hull may stand off the surface and still stand for it
PIECE_TOLERANCES = (0.003, 0.0015)  # m, CoACD's concavity at which a piece is cut no further
MAX_VERTICES = 256  # of a piece; contacts take longer with more
_MIN_VOLUME = 1e-10  # m3; slivers below do not count, and MuJoCo refuses those of next to nothing
_MAX_FACES = 8_000  # CoACD takes time in proportion, and gains nothing
_REPORTED_GAP = 0.005  # m; of a bowl of 140 mm it is 7 mm with 24 parts
_SAME = 1e-6  # m
_TIME_LIMIT = 180.0  # s
_SURFACE_POINTS, _HULL_POINTS = 200_000, 5_000
_WORKER = Path(__file__).with_name("convex_worker.py")
_log = logging.getLogger(__name__)
_SETTINGS = {
    "real_metric": True,
    "preprocess_resolution": 50,
    "resolution": 1000,
    "seed": 0,
}
# Less search than CoACD's default of 20, 150, 3 gives pieces as good on cups and bowls, though
# not less depth. What it has closed itself has ten times the triangles, hence less again.
_SEARCH = {
    "off": {"mcts_nodes": 15, "mcts_iterations": 30, "mcts_max_depth": 3},
    "on": {"mcts_nodes": 10, "mcts_iterations": 20, "mcts_max_depth": 3},
}


def convex_pieces(mesh: Mesh, max_parts: int, path: Path) -> list[FloatArray]:
    """Split a mesh into convex pieces that together follow its surface.

    Args:
        mesh: in metres; it need not be closed: small holes are covered, a surface with large
            ones gets a thickness of about a fiftieth of its size.
        max_parts: at most so many pieces; fewer are faster and follow the surface less.
        path: the mesh's file, for messages.
    Returns:
        (N, 3) vertices of each piece, m; one piece where the hull stands off the surface by no
        more than HULL_TOLERANCE.
    Raises:
        UserError: CoACD is missing, or cannot make pieces of it.
    """
    hull = mesh.vertices[ConvexHull(mesh.vertices).vertices]
    if max_parts == 1 or stand_off(mesh, [hull]).max() <= HULL_TOLERANCE:
        return [hull_vertices(hull)]
    if importlib.util.find_spec("coacd") is None:
        raise UserError(
            f"{path} is not convex and has to be split up: pip install coacd, "
            "or use its hull with max_parts=1"
        )
    repaired, closed = repair(mesh)
    repaired = coarsen(repaired, _MAX_FACES)
    best: list[FloatArray] = []
    best_gap, reason = np.inf, ""
    for preprocess in ("off", "on") if closed else ("on",):
        for tolerance in PIECE_TOLERANCES:
            pieces, reason = _decompose(repaired, preprocess, tolerance, max_parts)
            pieces = [hull_vertices(p) for p in pieces if _volume(p) > _MIN_VOLUME]
            gap = float(np.quantile(stand_off(mesh, pieces), 0.99)) if pieces else np.inf
            if gap < best_gap:
                best, best_gap = pieces, gap
            # a finer one helps where CoACD has overlooked something, not where parts run short
            if not pieces or gap <= PIECE_TOLERANCES[0] or len(pieces) >= max_parts:
                break
        if best:
            report = "%s: its %d convex parts stand off its surface by up to %.1f mm (max_parts=%d)"
            level = logging.WARNING if best_gap > _REPORTED_GAP else logging.INFO
            _log.log(level, report, path, len(best), 1e3 * best_gap, max_parts)
            return best
    raise UserError(
        f"{path} could not be split into convex parts ({reason}); make it a closed surface with "
        "fewer triangles (Blender's Remesh modifier), or use its hull with max_parts=1"
    )


def stand_off(mesh: Mesh, pieces: list[FloatArray]) -> FloatArray:
    """How far convex pieces stand off the surface that they are of.

    Args:
        mesh: in metres.
        pieces: (N, 3) vertices of each, m.
    Returns:
        Metres, at points spread over what of the pieces' surfaces is in no other piece; 0 where
        it is no more than the distance between the points.
    """
    hulls = [ConvexHull(piece) for piece in pieces]
    rng = np.random.default_rng(0)
    exposed = []
    for hull in hulls:
        n = math.ceil(_HULL_POINTS * hull.area / sum(h.area for h in hulls))
        points = surface_points(Mesh(hull.points, hull.simplices.astype(np.int64)), n, rng)
        for other in hulls:
            if other is not hull:
                normals, offsets = other.equations[:, :3], other.equations[:, 3]
                points = points[(points @ normals.T + offsets > _SAME).any(1)]
        exposed.append(points)
    points = np.concatenate(exposed)
    surface = surface_points(mesh, _SURFACE_POINTS, rng)
    gaps = KDTree(surface).query(points)[0]
    # of circles this large round points of a surface, one in fifty times as many is empty
    density = len(surface) / area(mesh.triangles).sum()
    spacing = np.sqrt(np.log(50 * len(points)) / (np.pi * density))
    return np.where(gaps > spacing, gaps, 0.0)


def surface_points(mesh: Mesh, n: int, rng: np.random.Generator) -> FloatArray:
    """(n, 3) points spread at random over a surface."""
    triangles = mesh.triangles
    areas = area(triangles)
    a, b, c = triangles[rng.choice(len(areas), n, p=areas / areas.sum())].transpose(1, 0, 2)
    u, v = np.sqrt(rng.random((n, 1))), rng.random((n, 1))
    return (1 - u) * a + u * (1 - v) * b + u * v * c


def hull_vertices(points: FloatArray) -> FloatArray:
    """The corners of a hull, m; where they are very many, those that lie outermost.

    A ball of 80 mm loses 0.6 mm of its radius between MAX_VERTICES corners.
    """
    corners = points[ConvexHull(points).vertices]
    if len(corners) <= MAX_VERTICES:
        return corners
    n = MAX_VERTICES - 6
    z = 1 - (2 * np.arange(n) + 1) / n  # Fibonacci's sphere: even, and no two of one azimuth
    azimuth = np.arange(n) * np.pi * (3 - np.sqrt(5))
    ring = np.sqrt(1 - z**2)
    sphere = np.column_stack([ring * np.cos(azimuth), ring * np.sin(azimuth), z])
    directions = np.concatenate([sphere, np.eye(3), -np.eye(3)])
    return corners[np.unique((corners @ directions.T).argmax(0))]


def _volume(points: FloatArray) -> float:
    try:
        return float(ConvexHull(points).volume)
    except QhullError:
        return 0.0


def _decompose(
    mesh: Mesh, preprocess: str, tolerance: float, max_parts: int
) -> tuple[list[FloatArray], str]:
    """The pieces, or none and why."""
    settings = {**_SETTINGS, **_SEARCH[preprocess], "max_convex_hull": max_parts}
    settings |= {"preprocess_mode": preprocess, "threshold": tolerance}
    with tempfile.TemporaryDirectory(prefix="pushgrasp-") as folder:
        given, made = Path(folder, "mesh.npz"), Path(folder, "pieces.npz")
        np.savez(given, vertices=mesh.vertices, faces=mesh.faces, **settings)
        try:
            # -P: the package's own modules must not stand for others of the same name
            subprocess.run(
                [sys.executable, "-P", str(_WORKER), str(given), str(made)],
                capture_output=True,
                check=True,
                timeout=_TIME_LIMIT,
                env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
            )
        except subprocess.TimeoutExpired:
            return [], f"CoACD took longer than {_TIME_LIMIT:.0f} s"
        except subprocess.CalledProcessError as error:
            last = error.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
            return [], f"CoACD failed: {last or f'exit code {error.returncode}'}"
        with np.load(made, allow_pickle=False) as pieces:
            return [pieces[f"arr_{i}"] for i in range(len(pieces.files))], "CoACD found no volume"
