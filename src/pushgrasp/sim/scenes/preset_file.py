"""Scene files in the format of Zeng et al. (VPG) and later work: one object per line,

    mesh.obj  r g b  x y z  alpha beta gamma

with colours from 0 to 1, metres in the world frame, and radians: R = Rx(alpha) Ry(beta)
Rz(gamma). A colour's name may stand for r g b, after the mesh or before it; the word `block` is
an obstacle in any colour. The names 0.obj to 8.obj stand for the built-in blocks, posed as in
files of theirs; a built-in shape's name (`half_cylinder`, `mug`) for that shape in our frame.
Other meshes are files: their axes are kept, and the position is the centre of their bounding
box. The package's `challenging` scenes are such files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ...errors import UserError
from ...perception.colors import PALETTE, color_name, parse_color
from ...perception.segmentation import matches
from ...utils.files import read_text
from ..objects.novel import NOVEL
from ..objects.shapes import SHAPES, Shape
from .placed import MeshLoader, PlacedObject, SceneFile

RGB = tuple[int, int, int]

_BLOCKS = {shape.mesh: shape for shape in SHAPES.values()}
_BUILT_IN = _BLOCKS | SHAPES | NOVEL
_FRAMES = {"7.obj": Rotation.from_euler("x", 90, degrees=True)}
"""From our shape's frame to the file's, where they differ. Poses of the half-cylinder (those that
lie still on its round side, or stand on a half disc) have its axis along z; ours is along y."""
_ANY_COLOR = "block"
_SUFFIXES = (".obj", ".stl", ".ply", ".glb", ".off", ".urdf")
_POSE = ("x", "y", "z", "alpha", "beta", "gamma")
_MAX_BYTES = 1_000_000  # a scene of 30 objects has about 7,000


def read_preset(path: str | Path, folders: Sequence[Path] = ()) -> SceneFile:
    """Read a scene file, all its objects, wherever they are.

    Args:
        path: the file.
        folders: where meshes are looked for, before the file's own folder.
    Returns:
        The scene; an object's number counts the lines that are not empty.
    Raises:
        UserError: the file cannot be read, holds no object, a line is not in the format, or a
            mesh is missing or broken.
    """
    path = Path(path)
    loader = MeshLoader([*folders, path.parent])
    lines = []
    for number, line in enumerate(read_text(path, "scene file", _MAX_BYTES).splitlines(), 1):
        if line.strip():
            where = f"{path}, line {number}"
            lines.append((where, *_fields(line.split(), where)))
    if not lines:
        raise UserError(f"{path} holds no object to place: it is empty")
    others = _other_colors([color for _, _, color, _ in lines if color is not None])
    objects = {
        number: _place(mesh, color or next(others), pose, loader, where)
        for number, (where, mesh, color, pose) in enumerate(lines)
    }
    return SceneFile(objects, notes=_notes(objects, lines, loader), meshes=loader.files)


def _fields(words: list[str], where: str) -> tuple[str, RGB | None, list[str]]:
    """Split a line into mesh, colour (None for any) and the words of its pose."""
    if len(words) == len(_POSE) + 4:
        return words[0], _rgb(words[1:4], where), words[4:]
    if len(words) != len(_POSE) + 2:
        raise UserError(
            f"{where}: expected a mesh, a colour (r g b, or its name) and 6 numbers "
            f"({' '.join(_POSE)}), found {len(words)} words"
        )
    first_is_mesh = words[0] in _BUILT_IN or words[0].lower().endswith(_SUFFIXES)
    mesh, color = words[:2] if first_is_mesh else words[1::-1]
    if color.lower() == _ANY_COLOR:
        return mesh, None, words[2:]
    try:
        return mesh, parse_color(color), words[2:]
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _rgb(words: list[str], where: str) -> RGB:
    values = [_number(word, field, where) for word, field in zip(words, "rgb", strict=True)]
    if not all(0 <= value <= 1 for value in values):
        raise UserError(f"{where}: colours r g b are from 0 to 1, found {' '.join(words)}")
    red, green, blue = (int(np.rint(value * 255)) for value in values)
    return red, green, blue


def _place(mesh: str, color: RGB, words: list[str], loader: MeshLoader, where: str) -> PlacedObject:
    values = [_number(word, field, where) for word, field in zip(words, _POSE, strict=True)]
    rotation = Rotation.from_euler("XYZ", values[3:])
    if mesh in _FRAMES:
        rotation = rotation * _FRAMES[mesh]
    x, y, z, w = (float(v) for v in rotation.as_quat())
    px, py, pz = values[:3]
    try:
        shape = _shape(mesh, loader)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    return PlacedObject(shape, color, (px, py, pz), (w, x, y, z))


def _shape(mesh: str, loader: MeshLoader) -> Shape:
    if mesh in _BUILT_IN:
        return _BUILT_IN[mesh]
    if mesh.lower().endswith(".urdf"):
        other = next((s for s in _SUFFIXES if loader.find(Path(mesh).stem + s)), ".obj")
        name = Path(mesh).stem + other
        raise UserError(f"{mesh} is a robot description, which is not read; name its mesh, {name}")
    try:
        return loader.load(mesh)
    except UserError as error:
        if loader.find(mesh):
            raise
        known = ", ".join(f"{name} ({shape.name})" for name, shape in sorted(_BLOCKS.items()))
        raise UserError(f"{error}; the built-in blocks are: {known}") from error


def _number(word: str, field: str, where: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise UserError(f"{where}: expected a number for {field}, found {word!r}")
    return value


def _other_colors(used: list[RGB]) -> Iterator[RGB]:
    """Yield palette colours for obstacles, none of which the robot could take for a used one."""
    colors = [parse_color(code) for code in PALETTE.values()]
    free = [c for c in colors if not any(matches(np.array([c, u]), u)[0] for u in used)]
    return cycle(free or colors)


def _notes(
    objects: dict[int, PlacedObject],
    lines: list[tuple[str, str, RGB | None, list[str]]],
    loader: MeshLoader,
) -> tuple[str, ...]:
    """Say which colours were chosen here, and which meshes stand back behind a built-in block."""
    notes = []
    chosen = [i for i, (_, _, color, _) in enumerate(lines) if color is None]
    if chosen:
        colors = ", ".join(f"object {i} {color_name(objects[i].color)}" for i in chosen)
        notes.append(f"{_ANY_COLOR!r} names no colour; chosen: {colors}")
    names = sorted({mesh for _, mesh, _, _ in lines if mesh in _BLOCKS and loader.find(mesh)})
    if names:
        folder = (loader.find(names[0]) or Path()).parent
        notes.append(f"{', '.join(names)}: the built-in blocks are used, not the files in {folder}")
    return tuple(notes)
