"""A person's own scenes, as JSON, read strictly:

    {"description": "a cup behind a can", "goal": 0,
     "objects": [
       {"shape": "cup", "color": "red", "position": [-0.5, 0, 0.033], "yaw": 0.4},
       {"mesh": "part.stl", "scale": 0.001, "mass": 0.12, "color": "#1818eb",
        "position": [-0.6, 0, 0.02], "quaternion": [1, 0, 0, 0]}]}

Positions are those of the shapes' centres, metres in the world frame, z = 0 on the table. A
mesh's path is relative to the file, its scale (1 if left out) makes metres of its units, its
mass is in kilograms. An object without yaw (rad) and quaternion (wxyz) stands as it was drawn.
The package's own novel scenes are such files, too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UserError
from ...perception.colors import color_name, parse_color
from ...utils.config_json import from_json
from ...utils.files import to_json, write_atomic
from ...workspace import Workspace
from ..objects.novel import NOVEL, find_shape
from ..objects.shapes import SHAPES, Shape
from .checks import check_goal_color, check_overlaps
from .preset_file import MARGIN, PlacedObject, off_table

MAX_OBJECTS = 100

_NOVEL_SCENES = Path(__file__).parent / "data/novel"
_LONGEST = 1_000_000  # bytes; an object has about 150


@dataclass(frozen=True)
class MeshFile:
    """Where a shape came from that is none of the package's own."""

    path: Path
    scale: float = 1.0  # m per unit of the file
    mass: float | None = None  # kg


@dataclass(frozen=True)
class SceneFile:
    """What a scene file says."""

    objects: list[PlacedObject]  # on the table, in the file's order
    goal: int | None = None  # index into them, if the file names one
    description: str = ""
    left_out: tuple[str, ...] = ()  # a sentence for each object off the table
    meshes: dict[str, MeshFile] = field(default_factory=dict)  # by the names of their shapes


@dataclass(frozen=True)
class _Entry:
    """An object as the file has it."""

    color: str
    position: tuple[float, float, float]
    shape: str | None = None
    mesh: str | None = None
    scale: float | None = None
    mass: float | None = None
    yaw: float | None = None
    quaternion: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class _Document:
    objects: tuple[_Entry, ...]
    goal: int | None = None
    description: str = ""


def novel_names() -> list[str]:
    """The names of the scenes of novel objects that come with the package, in order."""
    return sorted(p.name.removesuffix(".json") for p in _NOVEL_SCENES.glob("novel-*.json"))


def read_novel(name: str) -> SceneFile:
    """A scene of novel objects.

    Raises:
        UserError: there is no such scene; the message lists those there are.
    """
    if name not in novel_names():
        raise UserError(f"no scene {name!r}; there are: {', '.join(novel_names())}")
    return _read(_NOVEL_SCENES / f"{name}.json", Workspace())


def read_scene_file(
    path: str | Path,
    workspace: Workspace | None = None,
    *,
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0),
    meshes: str | Path | None = None,
) -> SceneFile:
    """Read a scene file and check that the scene can stand.

    Objects below the table or far from the workspace are left out, as in preset files.

    Args:
        path: the file.
        workspace: where the table is; the default workspace if None.
        offset: m (x, y, z) to add to each position.
        meshes: a folder in which meshes are looked for, before the file's own.
    Returns:
        The scene, of at least one object.
    Raises:
        UserError: the file cannot be read, is not in the format, names an unknown shape or a
            broken mesh, holds no object on the table; its goal is not there or cannot be told
            apart by its colour; or things overlap by more than `scenecheck.MAX_OVERLAP`.
    """
    scene = _read(Path(path), workspace or Workspace(), offset, meshes)
    if scene.goal is not None:
        check_goal_color([o.color for o in scene.objects], scene.goal, f"{path}: goal")
    check_overlaps(scene.objects, str(path))
    return scene


def write_scene_file(path: str | Path, scene: SceneFile) -> None:
    """Write a scene so that `read_scene_file` reads the same one, to a micrometre.

    Raises:
        UserError: a shape is neither one of the package's own nor in `scene.meshes`, or the
            place cannot be written.
    """
    folder = Path(path).absolute().parent
    entries = [_entry(placed, scene.meshes, folder) for placed in scene.objects]
    head: dict[str, Any] = {"description": scene.description} if scene.description else {}
    head |= {} if scene.goal is None else {"goal": scene.goal}
    lines = [f"  {to_json(key)}: {to_json(value)},\n" for key, value in head.items()]
    body = ",\n".join(f"    {to_json(entry)}" for entry in entries)
    write_atomic(path, "{\n" + "".join(lines) + f'  "objects": [\n{body}\n  ]\n}}\n')


def _read(
    path: Path,
    workspace: Workspace,
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0),
    meshes: str | Path | None = None,
) -> SceneFile:
    """A scene file's content, its goal's index in range; nothing else checked between objects."""
    document = from_json(_Document, _parse(path), str(path))
    if not document.objects:
        raise UserError(f"{path} holds no object to place: its list of objects is empty")
    if len(document.objects) > MAX_OBJECTS:
        n = len(document.objects)
        raise UserError(f"{path} holds {n} objects; a scene has at most {MAX_OBJECTS}")
    folders = [Path(meshes).expanduser()] if meshes is not None else []
    shapes = _Shapes([*folders, path.parent])
    objects, left_out, index = [], [], {}
    for i, entry in enumerate(document.objects):
        placed = _place(entry, shapes, offset, f"{path}: objects[{i}]")
        reason = off_table(placed, workspace, MARGIN)
        if reason:
            x, y, z = placed.position
            name = placed.shape.name
            left_out.append(
                f"object {i}: {name} at ({x:.3f}, {y:.3f}, {z:.3f}) m is left out: {reason}"
            )
        else:
            index[i] = len(objects)
            objects.append(placed)
    if not objects:
        raise UserError(f"{path} holds no object to place: all {len(left_out)} lie off the table")
    goal = document.goal
    if goal is not None and not 0 <= goal < len(document.objects):
        raise UserError(
            f"{path}: goal is {goal}; the scene has {len(document.objects)} objects, "
            f"so the goal is 0 to {len(document.objects) - 1}"
        )
    if goal is not None and goal not in index:
        raise UserError(f"{path}: goal is {goal}, which lies off the table; place it on the table")
    return SceneFile(
        objects, None if goal is None else index[goal], document.description, tuple(left_out),
        shapes.files,
    )  # fmt: skip


def _parse(path: Path) -> Any:
    """The file's JSON; what would be read as something else than it says is refused."""
    if not path.is_file():
        raise UserError(f"there is no scene file {path}")

    def fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if twins := sorted({name for name in names if names.count(name) > 1}):
            raise UserError(f"{path} has the field {twins[0]!r} twice in one object; keep one")
        return dict(pairs)

    def integer(digits: str) -> int:
        if len(digits) > 15:
            raise UserError(f"{path} holds a number of {len(digits)} digits; lengths are in metres")
        return int(digits)

    try:
        if path.stat().st_size > _LONGEST:
            raise UserError(f"{path} is not a scene file: it is longer than {_LONGEST:,} bytes")
        text = path.read_text(encoding="utf-8")
        return json.loads(text, object_pairs_hook=fields, parse_int=integer)
    except OSError as error:
        raise UserError(f"cannot read the scene file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a scene file: it is not text ({error.reason})") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UserError(f"{path} is not a scene file: {error.msg} at {place}") from error
    except RecursionError as error:
        raise UserError(f"{path} is not a scene file: its lists are nested too deep") from error


def _place(
    entry: _Entry, shapes: _Shapes, offset: tuple[float, float, float], where: str
) -> PlacedObject:
    if (entry.shape is None) == (entry.mesh is None):
        has = "neither" if entry.shape is None else "both"
        raise UserError(f'{where} has {has} of "shape" and "mesh"; give one of them')
    if entry.yaw is not None and entry.quaternion is not None:
        raise UserError(f'{where} has both of "yaw" and "quaternion"; give one of them')
    if entry.shape is not None and not entry.scale is entry.mass is None:
        raise UserError(f'{where} has "scale" or "mass", which only a "mesh" can have')
    try:
        color, shape = parse_color(entry.color), shapes.of(entry)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    x, y, z = (p + o for p, o in zip(entry.position, offset, strict=True))
    return PlacedObject(shape, color, (x, y, z), _quaternion(entry, where))


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


class _Shapes:
    """The shapes of one file; each mesh is loaded once, under a name of its own."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.files: dict[str, MeshFile] = {}
        self._folders = folders
        self._loaded: dict[MeshFile, Shape] = {}

    def of(self, entry: _Entry) -> Shape:
        if entry.mesh is None:
            return find_shape(entry.shape or "")
        scale = 1.0 if entry.scale is None else entry.scale
        places = [folder / entry.mesh for folder in self._folders]
        path = next((place for place in places if place.is_file()), places[-1])
        file = MeshFile(path, scale, entry.mass)
        if file not in self._loaded:
            from ..objects.meshes import load_mesh  # slow to import, for the decomposition's sake

            name = f"mesh-{len(self._loaded)}-{file.path.stem}"
            shape = load_mesh(file.path, scale=scale, mass=file.mass, name=name)
            self._loaded[file] = shape
            self.files[shape.name] = file
        return self._loaded[file]


def _entry(placed: PlacedObject, meshes: dict[str, MeshFile], folder: Path) -> dict[str, Any]:
    """An object as it is written into a file in a folder."""
    name = placed.shape.name
    if name in meshes:
        file = meshes[name]
        shape: dict[str, Any] = {"mesh": os.path.relpath(file.path.absolute(), folder)}
        shape |= {"scale": file.scale} | ({} if file.mass is None else {"mass": file.mass})
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
