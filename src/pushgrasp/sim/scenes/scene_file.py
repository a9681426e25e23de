"""Scenes as JSON, read strictly:

    {"description": "a cup behind a can", "goal": 0,
     "objects": [
       {"shape": "cup", "color": "red", "position": [-0.5, 0, 0.033], "yaw": 0.4},
       {"mesh": "part.stl", "scale": 0.001, "mass": 0.12, "color": "#1818eb",
        "position": [-0.6, 0, 0.02], "quaternion": [1, 0, 0, 0]}]}

Positions are those of the shapes' centres, metres in the world frame. The scene may have a
`workspace` (fields as in `workspace.read_workspace`; left out, the standard one, on whose table z
is 0) and a `tote` around it: `{"inner": [0.36, 0.28], "height": 0.1}`. Built in another workspace
than the file's, all objects are moved with it.

A mesh's path is relative to the file, its scale (1 if left out) in metres per unit of the mesh,
its mass in kilograms, `max_parts` the most convex parts it is split into (1: its hull). An object
without yaw (rad) and quaternion (wxyz) stands as it was drawn. The package's `novel` scenes are
such files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UserError
from ...perception.colors import color_name, parse_color
from ...utils.config_json import from_json
from ...utils.files import read_json, to_json, write_atomic
from ...workspace import Workspace, WorkspaceFields
from ..cell import Tote
from ..objects.novel import NOVEL, find_shape
from ..objects.shapes import SHAPES, Shape
from .placed import MeshFile, MeshLoader, PlacedObject, SceneFile

MAX_OBJECTS = 100

_MAX_BYTES = 1_000_000  # an object has about 150


@dataclass(frozen=True)
class _Entry:
    """An object as the file has it."""

    color: str
    position: tuple[float, float, float]
    shape: str | None = None
    mesh: str | None = None
    scale: float | None = None
    mass: float | None = None
    max_parts: int | None = None
    yaw: float | None = None
    quaternion: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class _Document:
    objects: tuple[_Entry, ...]
    goal: int | None = None
    description: str = ""
    workspace: WorkspaceFields | None = None
    tote: Tote | None = None


def read_scene_file(path: str | Path, folders: Sequence[Path] = ()) -> SceneFile:
    """Read a scene file, all its objects, wherever they are.

    Args:
        path: the file.
        folders: where meshes are looked for, before the file's own folder.
    Raises:
        UserError: the file cannot be read, is not in the format, names an unknown shape or a
            broken mesh, holds no object, or its goal is none of its objects.
    """
    path = Path(path)
    document = from_json(_Document, read_json(path, "scene file", _MAX_BYTES), str(path))
    n_objects = len(document.objects)
    if not n_objects:
        raise UserError(f"{path} holds no object to place: its list of objects is empty")
    if n_objects > MAX_OBJECTS:
        raise UserError(f"{path} holds {n_objects} objects; a scene has at most {MAX_OBJECTS}")
    goal = document.goal
    if goal is not None and not 0 <= goal < n_objects:
        raise UserError(
            f"{path}: goal is {goal}; the scene has {n_objects} objects, "
            f"so the goal is 0 to {n_objects - 1}"
        )
    loader = MeshLoader([*folders, path.parent])
    objects = {
        i: _place(entry, loader, f"{path}: objects[{i}]")
        for i, entry in enumerate(document.objects)
    }
    workspace = document.workspace
    return SceneFile(
        objects, goal, document.description, meshes=loader.files, tote=document.tote,
        workspace=Workspace() if workspace is None else workspace.check(f"{path}: workspace"),
    )  # fmt: skip


def write_scene_file(path: str | Path, scene: SceneFile) -> None:
    """Write a scene so that `read_scene_file` reads the same one, to a micrometre.

    Args:
        path: the file.
        scene: its objects are numbered anew if some were left out.

    Raises:
        UserError: a shape is neither one of the package's own nor in `scene.meshes`, or the
            place cannot be written.
    """
    folder = Path(path).absolute().parent
    entries = [_entry(placed, scene.meshes, folder) for placed in scene.objects.values()]
    head: dict[str, Any] = {"description": scene.description} if scene.description else {}
    head |= {} if scene.goal is None else {"goal": list(scene.objects).index(scene.goal)}
    head |= {} if scene.workspace == Workspace() else {"workspace": asdict(scene.workspace)}
    head |= {} if scene.tote is None else {"tote": asdict(scene.tote)}
    lines = [f"  {to_json(key)}: {to_json(value)},\n" for key, value in head.items()]
    body = ",\n".join(f"    {to_json(entry)}" for entry in entries)
    write_atomic(path, "{\n" + "".join(lines) + f'  "objects": [\n{body}\n  ]\n}}\n')


def _place(entry: _Entry, loader: MeshLoader, where: str) -> PlacedObject:
    if (entry.shape is None) == (entry.mesh is None):
        has = "neither" if entry.shape is None else "both"
        raise UserError(f'{where} has {has} of "shape" and "mesh"; give one of them')
    if entry.yaw is not None and entry.quaternion is not None:
        raise UserError(f'{where} has both of "yaw" and "quaternion"; give one of them')
    if entry.shape is not None and (entry.scale, entry.mass, entry.max_parts) != (None,) * 3:
        raise UserError(f'{where} has "scale", "mass" or "max_parts", which only a "mesh" can have')
    try:
        color, shape = parse_color(entry.color), _shape(entry, loader)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    return PlacedObject(shape, color, entry.position, _quaternion(entry, where))


def _shape(entry: _Entry, loader: MeshLoader) -> Shape:
    if entry.mesh is None:
        return find_shape(entry.shape or "")
    scale = 1.0 if entry.scale is None else entry.scale
    return loader.load(entry.mesh, scale, entry.mass, entry.max_parts)


def _quaternion(entry: _Entry, where: str) -> tuple[float, float, float, float]:
    if entry.quaternion is None:
        half = (entry.yaw or 0.0) / 2
        return float(np.cos(half)), 0.0, 0.0, float(np.sin(half))
    length = float(np.linalg.norm(entry.quaternion))
    if not abs(length - 1) < 0.01:
        raise UserError(
            f"{where}: the quaternion (w, x, y, z) {list(entry.quaternion)} has length "
            f"{length:.3g}; a rotation's is 1"
        )
    w, x, y, z = (value / length for value in entry.quaternion)
    return w, x, y, z


def _entry(placed: PlacedObject, meshes: dict[str, MeshFile], folder: Path) -> dict[str, Any]:
    """Return an object as it is written into a file in a folder."""
    name = placed.shape.name
    if name in meshes:
        file = meshes[name]
        shape: dict[str, Any] = {"mesh": os.path.relpath(file.path.absolute(), folder)}
        given = {"scale": file.scale, "mass": file.mass, "max_parts": file.max_parts}
        shape |= {key: value for key, value in given.items() if value is not None}
    elif (SHAPES | NOVEL).get(name) is placed.shape:
        shape = {"shape": name}
    else:
        raise UserError(
            f"a scene file cannot say what this {name!r} is: it differs from the package's own "
            "(randomised sizes and masses are not written)"
        )
    return shape | {
        "color": color_name(placed.color),
        "position": [round(float(v), 6) for v in placed.position],
        "quaternion": [round(float(v), 6) for v in placed.quaternion],
    }
