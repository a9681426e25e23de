"""Scene files in the ancestors' format: one object a line,

    mesh.obj  r g b  x y z  alpha beta gamma

with colours from 0 to 1, metres in the world frame, and radians: R = Rx(alpha) Ry(beta)
Rz(gamma). The meshes themselves are not needed; `shapes` stands in for them. The package's own
fixed scenes are such files, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ...errors import UserError
from ...workspace import Workspace
from ..objects.shapes import SHAPES, Shape

MARGIN = 0.3
"""m round the workspace in which an object still counts as lying on the table."""

_SHAPE_OF_MESH = {shape.mesh: shape for shape in SHAPES.values()}
_CHALLENGING = Path(__file__).parent / "data/challenging"
_FIELDS = ("r", "g", "b", "x", "y", "z", "alpha", "beta", "gamma")
_LONGEST = 1_000_000  # bytes; a scene of 30 objects has about 7,000


@dataclass(frozen=True)
class PlacedObject:
    """An object and where it is."""

    shape: Shape
    color: tuple[int, int, int]  # sRGB, 0 to 255
    position: tuple[float, float, float]  # m, world frame, of the shape's frame
    quaternion: tuple[float, float, float, float]  # wxyz, world frame


def challenging_names() -> list[str]:
    """The names of the fixed scenes that come with the package, in order."""
    return sorted(p.name.removesuffix(".txt") for p in _CHALLENGING.glob("challenging-*.txt"))


def read_challenging(name: str) -> list[PlacedObject]:
    """The objects of a fixed scene.

    Raises:
        UserError: there is no such scene; the message lists those there are.
    """
    if name not in challenging_names():
        raise UserError(f"no scene {name!r}; there are: {', '.join(challenging_names())}")
    return read_preset(_CHALLENGING / f"{name}.txt")[0]


def read_preset(
    path: str | Path,
    workspace: Workspace | None = None,
    *,
    margin: float = MARGIN,
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0),
    meshes: str | Path | None = None,
) -> tuple[list[PlacedObject], list[str]]:
    """Read a scene file.

    Objects below the table or far from the workspace, which fell off when the file was made,
    are left out.

    Args:
        path: the file.
        workspace: where the table is; the default workspace if None.
        margin: m by which an object may lie outside the workspace; resting there it is not
            seen and not in the way.
        offset: m (x, y, z) to add to each position.
        meshes: a folder in which meshes are looked for, before the file's own.
    Returns:
        The objects on the table in the file's order, at least one, and a sentence for each
        object that was left out.
    Raises:
        UserError: the file cannot be read, a line is not in the format, a mesh is unknown, or
            no object is on the table.
    """
    path = Path(path)
    workspace = workspace or Workspace()
    folders = [Path(meshes).expanduser(), path.parent] if meshes is not None else [path.parent]
    objects, left_out = [], []
    for number, line in enumerate(_read(path).splitlines(), start=1):
        if not line.strip():
            continue
        placed = _parse(line, f"{path}, line {number}", offset, folders)
        reason = off_table(placed, workspace, margin)
        if reason:
            mesh, (x, y, z) = line.split()[0], placed.position
            left_out.append(
                f"line {number}: {mesh} at ({x:.3f}, {y:.3f}, {z:.3f}) m is left out: {reason}"
            )
        else:
            objects.append(placed)
    if not objects:
        why = f"all {len(left_out)} lie off the table" if left_out else "it is empty"
        raise UserError(f"{path} holds no object to place: {why}")
    return objects, left_out


def _read(path: Path) -> str:
    if not path.is_file():
        raise UserError(f"there is no scene file {path}")
    try:
        if path.stat().st_size > _LONGEST:
            raise UserError(f"{path} is not a scene file: it is longer than {_LONGEST:,} bytes")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a scene file: it is not text ({error.reason})") from error
    except OSError as error:
        raise UserError(f"cannot read the scene file {path}: {error.strerror}") from error


def _parse(
    line: str, where: str, offset: tuple[float, float, float], folders: Sequence[Path]
) -> PlacedObject:
    mesh, *words = line.split()
    if len(words) != len(_FIELDS):
        raise UserError(
            f"{where}: expected a mesh and {len(_FIELDS)} numbers ({' '.join(_FIELDS)}), "
            f"found {len(words)} after {mesh!r}"
        )
    shape = _SHAPE_OF_MESH.get(mesh) or _own_shape(mesh, where, folders)
    values = np.array(
        [_number(word, field, where) for word, field in zip(words, _FIELDS, strict=True)]
    )
    if np.any((values[:3] < 0) | (values[:3] > 1)):
        raise UserError(f"{where}: colours r g b are from 0 to 1, found {' '.join(words[:3])}")
    red, green, blue = (int(c) for c in np.rint(values[:3] * 255))
    x, y, z = (float(v) for v in values[3:6] + offset)
    rotation = Rotation.from_euler("XYZ", values[6:9])
    qx, qy, qz, qw = (float(v) for v in rotation.as_quat())
    return PlacedObject(shape, (red, green, blue), (x, y, z), (qw, qx, qy, qz))


def _own_shape(mesh: str, where: str, folders: Sequence[Path]) -> Shape:
    """Load a mesh that is none of the blocks."""
    from ..objects.meshes import load_mesh  # slow to import, for the decomposition's sake

    for folder in folders:
        if (folder / mesh).is_file():
            return load_mesh(folder / mesh)
    known = ", ".join(f"{name} ({shape.name})" for name, shape in sorted(_SHAPE_OF_MESH.items()))
    places = " or ".join(str(folder) for folder in folders)
    raise UserError(f"{where}: unknown mesh {mesh!r}; it is not in {places}; there are: {known}")


def _number(word: str, field: str, where: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise UserError(f"{where}: expected a number for {field}, found {word!r}")
    return value


def off_table(placed: PlacedObject, workspace: Workspace, margin: float) -> str:
    """Why an object is not on the table, or nothing if it is."""
    x, y, z = placed.position
    if z < 0:
        return "it lies below the table"
    if z > workspace.z_max:
        return f"it hangs higher than {workspace.z_max} m"
    if not workspace.contains((x, y), margin):
        return f"it lies more than {margin} m outside the workspace"
    return ""
