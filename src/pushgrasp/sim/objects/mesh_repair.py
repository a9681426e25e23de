"""What downloaded meshes lack: faces that agree about the outside, no holes, no excess."""

from __future__ import annotations

from collections import deque

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .mesh_files import FloatArray, IntArray, Mesh

HOLE_SHARE = 0.05
"""Of the surface's area, which holes may have to be closed; a cup's mouth is more."""


def repair(mesh: Mesh) -> tuple[Mesh, bool]:
    """Make a mesh a closed one where its surface says clearly how.

    Faces are turned to agree with their neighbours and each connected piece to face outwards
    (a cavity that cannot be seen becomes solid); holes that are small together are covered.

    Returns:
        The mesh, and whether it is closed: each edge is passed equally often in both directions.
    """
    mesh = _cover_small_holes(_agree(mesh))
    edges = _edges(mesh.faces)
    _, index = np.unique(np.sort(edges, 1), axis=0, return_inverse=True)
    direction = np.where(edges[:, 0] < edges[:, 1], 1, -1)
    return mesh, not np.bincount(index.reshape(-1), direction).any()


def coarsen(mesh: Mesh, max_faces: int) -> Mesh:
    """Make vertices one that lie close together and face the same way, until few faces are left.

    Both sides of a thin wall stay apart, and what is closed stays closed.

    Args:
        mesh: its faces agree about the outside.
        max_faces: a mesh with no more comes back as it is.
    """
    normals = np.zeros_like(mesh.vertices)
    a, b, c = mesh.triangles.transpose(1, 0, 2)
    for corner in range(3):
        np.add.at(normals, mesh.faces[:, corner], np.cross(b - a, c - a))
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    cell = float(np.ptp(mesh.vertices, axis=0).max()) / 400
    coarse = mesh
    while len(coarse.faces) > max_faces:
        keys = np.round(np.column_stack([mesh.vertices / cell, normals]))
        _, joined, count = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
        joined = joined.reshape(-1)
        sums = [np.bincount(joined, mesh.vertices[:, axis]) for axis in range(3)]
        a, b, c = joined[mesh.faces].T
        whole = (a != b) & (b != c) & (c != a)
        coarse = Mesh(np.column_stack(sums) / count[:, None], joined[mesh.faces][whole])
        cell *= 1.3
    return coarse


def area(triangles: FloatArray) -> FloatArray:
    """(M,) areas of (M, 3, 3) triangles."""
    a, b, c = triangles.transpose(1, 0, 2)
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)


def volume(triangles: FloatArray) -> float:
    """Volume inside a closed surface of (M, 3, 3) triangles; negative if it is inside out."""
    a, b, c = (triangles - triangles.mean((0, 1))).transpose(1, 0, 2)
    return float((a * np.cross(b, c)).sum() / 6)


def _edges(faces: IntArray) -> IntArray:
    """(3 M, 2) directed edges, those of a face at rows i, i + M, i + 2 M."""
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def _agree(mesh: Mesh) -> Mesh:
    n = len(mesh.faces)
    edges = _edges(mesh.faces)
    _, index, count = np.unique(np.sort(edges, 1), axis=0, return_inverse=True, return_counts=True)
    index = index.reshape(-1)
    order = np.argsort(index, kind="stable")
    pairs = order[count[index[order]] == 2].reshape(-1, 2)
    neighbours: list[list[tuple[int, bool]]] = [[] for _ in range(n)]
    clash = edges[pairs[:, 0], 0] == edges[pairs[:, 1], 0]
    for (i, j), against in zip((pairs % n).tolist(), clash.tolist(), strict=True):
        neighbours[i].append((j, against))
        neighbours[j].append((i, against))

    faces = mesh.faces.copy()
    piece = np.full(n, -1)
    turned = np.zeros(n, bool)
    for start in range(n):
        if piece[start] >= 0:
            continue
        piece[start] = start
        waiting, members = deque([start]), [start]
        while waiting:
            face = waiting.popleft()
            for other, against in neighbours[face]:
                if piece[other] < 0:
                    piece[other] = start
                    turned[other] = turned[face] != against
                    waiting.append(other)
                    members.append(other)
        rows = np.array(members)
        faces[rows] = np.where(turned[rows, None], faces[rows][:, ::-1], faces[rows])
        if volume(mesh.vertices[faces[rows]]) < 0:
            faces[rows] = faces[rows][:, ::-1]
    return Mesh(mesh.vertices, faces)


def _cover_small_holes(mesh: Mesh) -> Mesh:
    """Join each hole's rim to the middle of the rim."""
    edges = _edges(mesh.faces)
    _, index, count = np.unique(np.sort(edges, 1), axis=0, return_inverse=True, return_counts=True)
    rim = edges[count[index.reshape(-1)] == 1]
    if not len(rim):
        return mesh
    n = len(mesh.vertices)
    graph = coo_array((np.ones(len(rim)), (rim[:, 0], rim[:, 1])), (n, n))
    holes, hole = np.unique(connected_components(graph, False)[1][rim[:, 0]], return_inverse=True)
    middles = np.array([mesh.vertices[rim[hole == i]].mean((0, 1)) for i in range(len(holes))])
    cover = Mesh(
        np.concatenate([mesh.vertices, middles]), np.column_stack([rim[:, ::-1], n + hole])
    )
    if area(cover.triangles).sum() > HOLE_SHARE * area(mesh.triangles).sum():
        return mesh
    return Mesh(cover.vertices, np.concatenate([mesh.faces, cover.faces]))
