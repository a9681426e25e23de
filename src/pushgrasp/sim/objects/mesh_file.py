"""Mesh files, read and mended with trimesh; a broken file is named, never read in part."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from .obj_file import parse_obj

if TYPE_CHECKING:
    from trimesh import Trimesh

FloatArray = npt.NDArray[np.float64]

SUFFIXES = (".obj", ".stl", ".ply", ".glb", ".off")
MAX_FACES = 100_000
HOLE_SHARE = 0.05
"""Of the surface's area, which holes that are filled may have; a cup's mouth is more."""
_MAX_BYTES = 100_000_000
_WELD_DIGITS = 6  # of the mesh's size, to which vertices agree that are made one
_STL_HEADER, _STL_TRIANGLE = 84, 50  # bytes; the header's last four are the number of triangles
_GLB_TO_Z_UP = [[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]  # glTF has y up
_SIMPLIFY = "simplify it first (Blender's Decimate modifier, MeshLab's quadric edge collapse)"


def read_bytes(path: Path) -> bytes:
    """Read a mesh file's content.

    Raises:
        UserError: it is missing, unreadable, of no known kind, or huge.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(
            f"{path} is not a mesh that can be read: expected {', '.join(SUFFIXES[:-1])} or "
            f"{SUFFIXES[-1]}; export it as one of them"
        )
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UserError(f"{path} is larger than {_MAX_BYTES // 10**6} MB; {_SIMPLIFY}")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the mesh {path}: {error.strerror or error}") from error


def parse_mesh(content: bytes, path: Path) -> Trimesh:
    """Return the surface in a mesh file.

    Vertices at the same place are made one; triangles with two corners at one place and repeated
    ones are left out.

    Args:
        content: of the file.
        path: its name, for its suffix and for messages.
    Returns:
        Triangles in the file's unit and axes; those of a .glb, whose y axis is up, with z up.
    Raises:
        UserError: the content is broken, or holds no surface.
    """
    mesh = _load(content, path)
    if not len(mesh.faces):
        raise UserError(f"{path} holds no faces; export the mesh as polygons")
    if (n := len(mesh.faces)) > MAX_FACES:
        raise UserError(f"{path} has {n} triangles, more than the {MAX_FACES} allowed; {_SIMPLIFY}")
    if not 0 <= mesh.faces.min() <= mesh.faces.max() < len(mesh.vertices):
        raise UserError(f"{path}: a face names a vertex that does not exist; export the mesh again")
    broken = np.flatnonzero(~np.isfinite(mesh.vertices).all(1))
    if len(broken):
        raise UserError(
            f"{path}: vertex {broken[0] + 1} is not a finite point "
            f"({', '.join(f'{c:g}' for c in mesh.vertices[broken[0]])}); export the mesh again"
        )
    size = float(np.ptp(mesh.vertices, axis=0).max()) or 1.0
    digits = _WELD_DIGITS - int(np.floor(np.log10(size)))
    mesh.merge_vertices(merge_tex=True, merge_norm=True, digits_vertex=digits)
    _drop_degenerate(mesh)
    if not len(mesh.faces):
        raise UserError(f"{path} holds no triangle with an area; export the mesh with its faces")
    return mesh


def repair(mesh: Trimesh) -> tuple[Trimesh, bool]:
    """Make a mesh a closed one where its surface says clearly how.

    Faces are flipped to agree with their neighbours and each connected piece to face outwards
    (an enclosed cavity becomes solid); holes that are small together are filled.

    Returns:
        The mesh, and whether it is closed: each edge is passed equally often in both directions.
    """
    import trimesh

    mesh = mesh.copy()
    trimesh.repair.fix_normals(mesh, multibody=True)
    filled = mesh.copy()
    trimesh.repair.fill_holes(filled, use_fan=True)
    if filled.area <= (1 + HOLE_SHARE) * mesh.area:
        mesh = filled
    _, edge = np.unique(np.sort(mesh.edges, axis=1), axis=0, return_inverse=True)
    direction = np.where(mesh.edges[:, 0] < mesh.edges[:, 1], 1, -1)
    return mesh, not np.bincount(edge.reshape(-1), direction).any()


def coarsen(mesh: Trimesh, max_faces: int) -> Trimesh:
    """Merge vertices that lie close together and face the same way, until few faces are left.

    Both sides of a thin wall stay apart, and what is closed stays closed.
    """
    from trimesh import Trimesh

    cell = float(max(mesh.extents)) / 400
    coarse = mesh
    while len(coarse.faces) > max_faces:
        coarse = Trimesh(
            mesh.vertices / cell, mesh.faces, vertex_normals=mesh.vertex_normals, process=False
        )
        coarse.merge_vertices(merge_norm=False, digits_vertex=0, digits_norm=0)
        _drop_degenerate(coarse)
        coarse.apply_scale(cell)
        cell *= 1.3
    return coarse


def _load(content: bytes, path: Path) -> Trimesh:
    """Read a file without any mending; what is cut short is an error."""
    import trimesh

    suffix = path.suffix.lower()
    if suffix == ".obj":
        return trimesh.Trimesh(*parse_obj(content, path), process=False)
    whole = _n_faces(content, suffix)
    try:
        with np.errstate(invalid="ignore"):  # points that are not finite are refused later
            mesh = trimesh.load_mesh(io.BytesIO(content), file_type=suffix[1:], process=False)
            if suffix == ".glb":
                mesh.apply_transform(_GLB_TO_Z_UP)
    except Exception as error:  # whatever its readers raise on bytes of no sense
        raise UserError(f"{path} is not a whole {suffix} file; export it again") from error
    if len(mesh.faces) < whole:
        raise UserError(
            f"{path} is not a whole {suffix} file: {len(mesh.faces)} of {whole} faces can be "
            "read; export it again"
        )
    return mesh


def _n_faces(content: bytes, suffix: str) -> int:
    """Return how many faces a file says it has, where trimesh does not check."""
    if suffix == ".stl":
        count = int.from_bytes(content[_STL_HEADER - 4 : _STL_HEADER], "little")
        if len(content) == _STL_HEADER + count * _STL_TRIANGLE:
            return count
        # a facet more where the end is missing
        return content.lower().count(b"endfacet") + (b"endsolid" not in content[-1000:].lower())
    pattern = rb"element\s+face\s+(\d+)" if suffix == ".ply" else rb"\A\s*\w*OFF\s+\d+\s+(\d+)\s"
    found = re.search(pattern, content[:100_000])
    return int(found[1]) if found and suffix != ".glb" else 0


def _drop_degenerate(mesh: Trimesh) -> None:
    """Leave out repeated faces, faces with two corners at one vertex, and unused vertices."""
    a, b, c = mesh.faces.T
    mesh.update_faces((a != b) & (b != c) & (c != a) & mesh.unique_faces())
    mesh.remove_unreferenced_vertices()
