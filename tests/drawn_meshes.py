"""Meshes for tests, drawn by code."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import trimesh


def surface(vertices: np.ndarray, faces: np.ndarray) -> trimesh.Trimesh:
    """A mesh just as given."""
    return trimesh.Trimesh(vertices, faces, process=False)


def box(x: float, y: float, z: float) -> trimesh.Trimesh:
    corners = np.stack(np.meshgrid([0, x], [0, y], [0, z], indexing="ij"), -1).reshape(-1, 3)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return surface(corners, np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]))


def turned(profile: Sequence[tuple[float, float]], n: int) -> trimesh.Trimesh:
    """A closed (r, z) profile about z; it runs anticlockwise and touches the axis at its ends."""
    angles = 2 * np.pi * np.arange(n) / n
    rows, points = [], []
    for r, z in profile:
        count = 1 if r == 0 else n
        rows.append([len(points) + (i % count) for i in range(n)])
        points += [(r * np.cos(a), r * np.sin(a), z) for a in angles[:count]]
    quads = [
        (low[i], low[(i + 1) % n], high[(i + 1) % n], high[i])
        for low, high in pairwise(rows)
        for i in range(n)
    ]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d)) if len(set(t)) == 3]
    return surface(np.array(points, float), np.array(triangles))


def tube(path: np.ndarray, radius: float, n: int = 8) -> trimesh.Trimesh:
    """A closed tube along an open path (m, 3) in the plane y = 0."""
    along = np.gradient(path, axis=0)
    across = np.cross(along / np.linalg.norm(along, axis=1, keepdims=True), (0, 1, 0))
    points = [
        p + radius * (np.cos(a) * s + np.sin(a) * np.array([0, 1, 0]))
        for p, s in zip(path, across, strict=True)
        for a in 2 * np.pi * np.arange(n) / n
    ]
    sides = [
        (i * n + k, i * n + (k + 1) % n, (i + 1) * n + (k + 1) % n, (i + 1) * n + k)
        for i in range(len(path) - 1)
        for k in range(n)
    ]
    last = (len(path) - 1) * n
    faces = [t for a, b, c, d in sides for t in ((a, c, b), (a, d, c))]
    faces += [(0, k, k + 1) for k in range(1, n - 1)]
    faces += [(last, last + k + 1, last + k) for k in range(1, n - 1)]
    return surface(np.array(points), np.array(faces))


def mug() -> trimesh.Trimesh:
    """80 mm wide, 90 high, walls of 4, the handle stuck into the wall."""
    outer, inner, height, floor = 0.04, 0.036, 0.09, 0.004
    profile = [(0, 0), (outer, 0), (outer, height), (inner, height), (inner, floor), (0, floor)]
    cup = turned(profile, 16)
    a = np.linspace(-np.pi / 2, np.pi / 2, 9)
    arc = np.column_stack([0.037 + 0.028 * np.cos(a), 0 * a, 0.047 + 0.028 * np.sin(a)])
    handle = tube(arc, 0.005)
    return surface(
        np.concatenate([cup.vertices, handle.vertices]),
        np.concatenate([cup.faces, handle.faces + len(cup.vertices)]),
    )


def bowl() -> trimesh.Trimesh:
    """Half a ball of 140 mm, walls of 5, standing on a flat foot."""
    angles = np.linspace(0.4, np.pi / 2, 4)
    outer = [(0.07 * np.sin(a), 0.07 - 0.07 * np.cos(a)) for a in angles]
    inner = [(0.065 * np.sin(a), 0.07 - 0.065 * np.cos(a)) for a in angles[::-1]]
    return turned([(0, outer[0][1]), *outer, *inner, (0, inner[-1][1])], 16)


def wrench_outline() -> np.ndarray:
    """(N, 2) m, anticlockwise: a handle of 150 mm with an open jaw of 12."""
    back = np.radians(np.linspace(90, 270, 8))
    low, high = np.radians(np.linspace(-155, -20, 8)), np.radians(np.linspace(20, 155, 8))
    ring = [(0.075 + 0.018 * np.cos(a), 0.018 * np.sin(a)) for a in (*low, *high)]
    ring[8:8] = [(0.071, -0.00616), (0.071, 0.00616)]
    return np.array([(-0.075 + 0.008 * np.cos(a), 0.008 * np.sin(a)) for a in back] + ring)


def wrench_obj() -> str:
    """The wrench, 8 mm thick, its sides one concave polygon each."""
    outline = wrench_outline()
    n = len(outline)
    points = [(x, y, z) for z in (0.0, 0.008) for x, y in outline]
    sides = [(i, (i + 1) % n, n + (i + 1) % n, n + i) for i in range(n)]
    return as_obj(points, [range(n - 1, -1, -1), range(n, 2 * n), *sides])


def as_obj(points, polygons) -> str:
    lines = ["v " + " ".join(f"{c:.7f}" for c in p) for p in points]
    return "\n".join([*lines, *("f " + " ".join(str(i + 1) for i in f) for f in polygons)]) + "\n"


def obj(mesh: trimesh.Trimesh) -> str:
    return as_obj(mesh.vertices, mesh.faces)


def binary_stl(mesh: trimesh.Trimesh) -> bytes:
    body = b"".join(
        struct.pack("<12fH", 0, 0, 0, *triangle.ravel(), 0) for triangle in mesh.triangles
    )
    return b"solid, or so it says".ljust(80) + struct.pack("<I", len(mesh.faces)) + body


def ascii_stl(mesh: trimesh.Trimesh) -> bytes:
    facets = [
        "facet normal 0 0 0\n outer loop\n"
        + "".join(f"  vertex {x:.9g} {y:.9g} {z:.9g}\n" for x, y, z in triangle)
        + " endloop\nendfacet\n"
        for triangle in mesh.triangles
    ]
    return ("solid thing\n" + "".join(facets) + "endsolid thing\n").encode()
