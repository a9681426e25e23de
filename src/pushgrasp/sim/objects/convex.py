"""A surface as a few convex parts, as physics needs them: its hull if that fits, else by CoACD.

Wei et al., "Approximate Convex Decomposition for 3D Meshes with Collision-Aware Concavity and
Tree Search" (2022); package `coacd`.
"""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import ConvexHull, KDTree, QhullError

from ...errors import UserError
from .decompose import decompose
from .mesh_file import FloatArray, coarsen, repair

if TYPE_CHECKING:
    from trimesh import Trimesh

HULL_TOLERANCE = 0.0015  # m between hull and surface up to which one hull is enough
PART_TOLERANCES = (0.003, 0.0015)  # m, CoACD's concavity below which a part is cut no further
MAX_VERTICES = 256  # of a part; contacts take longer with more
_MIN_VOLUME = 1e-10  # m3; MuJoCo refuses slivers of next to nothing
_MAX_FACES = 8_000  # CoACD takes time in proportion, and gains nothing
_REPORTED_GAP = 0.005  # m; of a bowl of 140 mm it is 7 mm with 24 parts
_COVERED = 0.001  # m beyond a part's surface; what lies in another part there is a cut
_SURFACE_POINTS, _HULL_POINTS = 200_000, 5_000
_log = logging.getLogger(__name__)


def convex_parts(mesh: Trimesh, max_parts: int, path: Path) -> list[FloatArray]:
    """Split a mesh into convex parts that together follow its surface.

    Args:
        mesh: in metres; it need not be closed: small holes are filled, a surface with large
            ones gets a thickness of about a fiftieth of its size.
        max_parts: at most so many parts; fewer are faster and follow the surface less.
        path: the mesh's file, for messages.
    Returns:
        (N, 3) vertices of each part, m; one part where the hull stands off the surface by no
        more than HULL_TOLERANCE.
    Raises:
        UserError: CoACD is missing, or cannot split it.
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
        for tolerance in PART_TOLERANCES:
            parts, reason = decompose(repaired, preprocess, tolerance, max_parts, path.name)
            parts = [hull_vertices(p) for p in parts if _volume(p) > _MIN_VOLUME]
            gap = float(np.quantile(stand_off(mesh, parts), 0.99)) if parts else np.inf
            if gap < best_gap:
                best, best_gap = parts, gap
            # a finer one helps where CoACD has overlooked something, not where parts run short
            if not parts or gap <= PART_TOLERANCES[0] or len(parts) >= max_parts:
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


def stand_off(mesh: Trimesh, parts: list[FloatArray]) -> FloatArray:
    """Measure how far convex parts stand off the surface that they stand for.

    Args:
        mesh: in metres.
        parts: (N, 3) vertices of each, m.
    Returns:
        Metres, at points spread over the parts' common outer surface, without the cuts between
        parts that touch; 0 where it is no more than the distance between the points.
    """
    from trimesh.sample import sample_surface

    hulls = [ConvexHull(part) for part in parts]
    planes = [(hull.equations[:, :3], hull.equations[:, 3]) for hull in hulls]
    n_points = _HULL_POINTS / sum(hull.area for hull in hulls)
    rng = np.random.default_rng(0)
    outer: list[FloatArray] = []
    for i, hull in enumerate(hulls):
        points, normals = _hull_surface(hull, int(np.ceil(n_points * hull.area)), rng)
        beyond = points + _COVERED * normals
        covered = np.zeros(len(points), bool)
        for j, (directions, offsets) in enumerate(planes):
            if j != i:
                covered |= (beyond @ directions.T + offsets < 0).all(1)
        outer.append(points[~covered])
    points = np.concatenate(outer)
    surface = np.asarray(sample_surface(mesh, _SURFACE_POINTS, seed=0)[0])
    gaps = KDTree(surface).query(points)[0]
    # of circles this large round points of a surface, one in fifty times as many is empty
    spacing = np.sqrt(np.log(50 * len(points)) / (np.pi * len(surface) / mesh.area))
    return np.where(gaps > spacing, gaps, 0.0)


def hull_vertices(points: FloatArray) -> FloatArray:
    """Return the corners of a hull, m; where they are very many, the outermost ones.

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


def _hull_surface(
    hull: ConvexHull, n: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return (n, 3) points spread at random over a hull, and the normals there."""
    corners = hull.points[hull.simplices]
    a, b, c = corners.transpose(1, 0, 2)
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    face = rng.choice(len(areas), n, p=areas / areas.sum())
    u, v = np.sqrt(rng.random((n, 1))), rng.random((n, 1))
    points = (1 - u) * a[face] + u * (1 - v) * b[face] + u * v * c[face]
    return points, hull.equations[face, :3]


def _volume(points: FloatArray) -> float:
    try:
        return float(ConvexHull(points).volume)
    except QhullError:
        return 0.0
