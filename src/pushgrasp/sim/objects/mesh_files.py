"""Triangles out of Wavefront OBJ and STL files, read strictly: a broken file is named, not guessed.

Formats: Wavefront's "Object Files (.obj)" appendix B1, polygonal part; STL, ASCII and binary, as
in 3D Systems' Stereolithography Interface Specification.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...errors import UserError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SUFFIXES = (".obj", ".stl")
MAX_FACES = 100_000
_MAX_BYTES = 100_000_000
_WELD = 1e-6
"""Share of the largest side within which two vertices are one."""
_STL_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_STL_HEADER = 84  # bytes, the last four of them the number of triangles
_SIMPLIFY = "simplify it first (Blender's Decimate modifier, MeshLab's quadric edge collapse)"


@dataclass(frozen=True, eq=False)
class Mesh:
    """A surface of triangles."""

    vertices: FloatArray  # (N, 3), the file's unit; each is used
    faces: IntArray  # (M, 3) rows of vertices; outside where they run anticlockwise, if consistent

    @property
    def triangles(self) -> FloatArray:
        """(M, 3, 3) corners."""
        return self.vertices[self.faces]


def read_bytes(path: Path) -> bytes:
    """The content of a mesh file.

    Raises:
        UserError: it is missing, unreadable, of no known kind, or huge.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(
            f"{path} is not a mesh that can be read: expected {' or '.join(SUFFIXES)}; "
            "export it as one of them"
        )
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UserError(f"{path} is larger than {_MAX_BYTES // 10**6} MB; {_SIMPLIFY}")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the mesh {path}: {error.strerror or error}") from error


def parse_mesh(content: bytes, path: Path) -> Mesh:
    """The surface in a mesh file.

    Polygons are cut into triangles, vertices at the same place are made one, triangles without
    area (two corners at one place) and repeated ones are left out.

    Args:
        content: of the file.
        path: its name, for its suffix and for messages.
    Raises:
        UserError: the content is broken; the message says where.
    """
    if path.suffix.lower() == ".obj":
        vertices, faces = _parse_obj(content, path)
    else:
        vertices, faces = _parse_stl(content, path)
    if len(faces) > MAX_FACES:
        raise UserError(
            f"{path} has {len(faces)} triangles, more than the {MAX_FACES} allowed; {_SIMPLIFY}"
        )
    mesh = _weld(vertices, faces) if len(faces) else Mesh(vertices, faces)
    if not len(mesh.faces):
        raise UserError(f"{path} holds no triangle with an area; export the mesh with its faces")
    return mesh


def _parse_obj(content: bytes, path: Path) -> tuple[FloatArray, IntArray]:
    vertices: list[tuple[float, float, float]] = []
    polygons: list[tuple[int, list[int]]] = []  # line, vertices
    text = content.decode("utf-8", "replace").replace("\\\r\n", " ").replace("\\\n", " ")
    for number, line in enumerate(text.split("\n"), 1):
        keyword, *words = line.split() or [""]
        try:
            if keyword == "v":
                x, y, z = (float(word) for word in words[:3])
                vertices.append((x, y, z))
            elif keyword == "f":
                indices = [int(word.split("/", 1)[0]) for word in words]
                known = len(vertices)
                # counted from 1, or backwards from the last vertex so far
                polygons.append((number, [i + known if i < 0 else i - 1 for i in indices]))
        except ValueError as error:
            raise UserError(f"{path}, line {number}: cannot read {line.strip()!r}") from error
    if not polygons:
        raise UserError(f"{path} holds no faces; export the mesh as polygons")
    points = np.array(vertices, float).reshape(-1, 3)
    _check_finite(points, path)
    faces: list[tuple[int, int, int]] = []
    for number, polygon in polygons:
        if len(polygon) < 3:
            raise UserError(f"{path}, line {number}: a face needs 3 vertices, not {len(polygon)}")
        if min(polygon) < 0 or max(polygon) >= len(points):
            raise UserError(
                f"{path}, line {number}: the face names a vertex that does not exist; "
                f"the file has {len(points)}"
            )
        faces += triangulate(points, polygon)
    return points, np.array(faces, np.int64)


def _parse_stl(content: bytes, path: Path) -> tuple[FloatArray, IntArray]:
    count = int.from_bytes(content[_STL_HEADER - 4 : _STL_HEADER], "little")
    expected = _STL_HEADER + count * _STL_TRIANGLE.itemsize
    # a binary file's free header may begin with "solid" too, so its length goes first
    if len(content) >= _STL_HEADER and len(content) == expected:
        corners = np.frombuffer(content, _STL_TRIANGLE, count, _STL_HEADER)["corners"]
    elif content.lstrip()[:5].lower() == b"solid":
        corners = _ascii_stl_corners(content.decode("utf-8", "replace"), path)
    else:
        raise UserError(
            f"{path} is not a whole STL file: {len(content)} bytes, "
            f"where its header promises {count} triangles in {expected}; export it again"
        )
    points = np.asarray(corners, np.float64).reshape(-1, 3)
    _check_finite(points, path)
    return points, np.arange(len(points)).reshape(-1, 3)


def _ascii_stl_corners(text: str, path: Path) -> FloatArray:
    """(M, 3, 3) corners."""
    corners: list[list[float]] = []
    in_facet = 0
    for number, line in enumerate(text.split("\n"), 1):
        keyword, *words = line.lower().split() or [""]
        if keyword == "facet":
            in_facet = 0
        elif keyword == "vertex":
            in_facet += 1
            try:
                x, y, z = (float(word) for word in words)
            except ValueError as error:
                raise UserError(f"{path}, line {number}: cannot read {line.strip()!r}") from error
            corners.append([x, y, z])
        elif keyword == "endfacet" and in_facet != 3:
            raise UserError(
                f"{path}, line {number}: a facet needs 3 vertices, this one has {in_facet}"
            )
    if "endsolid" not in text[-1000:].lower() or len(corners) % 3:
        raise UserError(f"{path} is not a whole STL file: it ends too early; export it again")
    return np.array(corners, float).reshape(-1, 3, 3)


def triangulate(points: FloatArray, polygon: Sequence[int]) -> list[tuple[int, int, int]]:
    """Cut a polygon into triangles by clipping its ears.

    Args:
        points: (N, 3).
        polygon: rows of points, in order round the face; it may be concave.
    Returns:
        Its triangles, turning the same way; a fan where it crosses itself.
    """
    rest = list(polygon)
    if len(rest) == 3:
        return [(rest[0], rest[1], rest[2])]
    loop = points[rest] - points[rest].mean(0)
    normal = np.cross(loop, np.roll(loop, -1, 0)).sum(0)  # Newell's, twice the area
    keep = [axis for axis in range(3) if axis != int(np.abs(normal).argmax())]
    flat = {i: (float(points[i, keep[0]]), float(points[i, keep[1]])) for i in rest}
    ring = [flat[i] for i in rest]
    turn = sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(ring, ring[1:] + ring[:1], strict=True))

    def side(a: int, b: int, c: int) -> float:
        (ax, ay), (bx, by), (cx, cy) = flat[a], flat[b], flat[c]
        return ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)) * (1.0 if turn > 0 else -1.0)

    triangles = []
    while len(rest) > 3:
        for k in range(len(rest)):
            a, b, c = rest[k - 1], rest[k], rest[(k + 1) % len(rest)]
            others = (i for i in rest if i not in (a, b, c))
            if side(a, b, c) > 0 and not any(
                min(side(a, b, i), side(b, c, i), side(c, a, i)) >= 0 for i in others
            ):
                break
        else:
            return [(polygon[0], b, c) for b, c in pairwise(polygon[1:])]
        triangles.append((a, b, c))
        del rest[k]
    return [*triangles, (rest[0], rest[1], rest[2])]


def _check_finite(vertices: FloatArray, path: Path) -> None:
    broken = np.flatnonzero(~np.isfinite(vertices).all(1))
    if len(broken):
        raise UserError(
            f"{path}: vertex {broken[0] + 1} is not a finite point "
            f"({', '.join(f'{c:g}' for c in vertices[broken[0]])}); export the mesh again"
        )


def _weld(vertices: FloatArray, faces: IntArray) -> Mesh:
    used, inverse = np.unique(faces, return_inverse=True)
    points = vertices[used]
    grid = _WELD * float(np.ptp(points, axis=0).max(initial=0.0)) or 1.0
    _, first, joined = np.unique(
        np.round((points - points[0]) / grid), axis=0, return_index=True, return_inverse=True
    )
    corners = joined.reshape(-1)[inverse.reshape(-1, 3)]
    a, b, c = corners.T
    corners = corners[(a != b) & (b != c) & (c != a)]
    _, once = np.unique(np.sort(corners, 1), axis=0, return_index=True)
    corners = corners[np.sort(once)]
    kept, rows = np.unique(corners, return_inverse=True)
    return Mesh(points[first][kept], rows.reshape(-1, 3).astype(np.int64))
