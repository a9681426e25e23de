"""Wavefront OBJ files as triangles.

trimesh reads three things wrongly that occur in files: indices that count backwards from a face in
the middle of a file, the index 0, and polygons that are not convex, which modellers export.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...errors import UserError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def parse_obj(content: bytes, path: Path) -> tuple[FloatArray, IntArray]:
    """Read an OBJ file's polygons, cut into triangles.

    Args:
        content: of the file.
        path: its name, for messages.
    Returns:
        (N, 3) vertices in the file's unit and (M, 3) faces.
    Raises:
        UserError: a line is broken; the message says which.
    """
    points: list[list[float]] = []
    polygons: list[tuple[str, list[int]]] = []  # place in the file, vertices
    text = content.decode("utf-8", "replace").replace("\\\r\n", " ").replace("\\\n", " ")
    for number, line in enumerate(text.splitlines(), 1):
        keyword, *words = line.split() or [""]
        where = f"{path}, line {number}"
        try:
            if keyword == "v":
                x, y, z = (float(word) for word in words[:3])
                points.append([x, y, z])
            elif keyword == "f":
                indices = [int(word.split("/", 1)[0]) for word in words]
                # counted from 1, or backwards from the last vertex so far
                known = len(points)
                polygons.append((where, [i + known if i < 0 else i - 1 for i in indices]))
        except ValueError as error:
            raise UserError(f"{where}: cannot read {line.strip()!r}") from error
    vertices = np.array(points, float).reshape(-1, 3)
    faces: list[tuple[int, int, int]] = []
    for where, polygon in polygons:
        if len(polygon) < 3:
            raise UserError(f"{where}: a face needs 3 vertices, not {len(polygon)}")
        if not 0 <= min(polygon) <= max(polygon) < len(vertices):
            raise UserError(
                f"{where}: the face names a vertex that does not exist; "
                f"the file has {len(vertices)}"
            )
        faces += triangulate(vertices, polygon)
    return vertices, np.array(faces, np.int64).reshape(-1, 3)


def triangulate(points: FloatArray, polygon: Sequence[int]) -> list[tuple[int, int, int]]:
    """Cut a polygon into triangles by clipping its ears.

    Args:
        points: (N, 3).
        polygon: rows of points, in order round the face; it may be concave.
    Returns:
        Its triangles in the same sense of rotation; a fan if the polygon crosses itself.
    """
    rest = list(polygon)
    if len(rest) == 3:
        return [(rest[0], rest[1], rest[2])]
    loop = points[rest] - points[rest].mean(0)
    normal = np.cross(loop, np.roll(loop, -1, 0)).sum(0)  # Newell's, twice the area
    axis = int(np.abs(normal).argmax())
    sign = np.sign(normal[axis]) * (-1.0 if axis == 1 else 1.0)  # dropping y mirrors the plane
    flat = dict(zip(rest, np.delete(points[rest], axis, axis=1).tolist(), strict=True))

    def side(a: int, b: int, c: int) -> float:
        (ax, ay), (bx, by), (cx, cy) = flat[a], flat[b], flat[c]
        return sign * ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))

    triangles: list[tuple[int, int, int]] = []
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
