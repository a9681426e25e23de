"""Fixed scenes by name: the package's own, preset files and scene files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...workspace import Workspace
from .overlaps import part_overlaps
from .placed import PlacedObject, SceneFile
from .preset_file import read_preset
from .scene_file import read_scene_file

PROCEDURAL = ("random", "heap", "random-novel")
"""Scenes whose objects are drawn and dropped, so that their number is a setting."""

MARGIN = 0.3
"""m round the workspace in which an object still counts as lying on the table."""

DATA = Path(__file__).parent / "data"


def challenging_names() -> list[str]:
    """Return the names of the built-in scenes of blocks, in order."""
    return sorted(p.stem for p in (DATA / "challenging").glob("challenging-*.txt"))


def novel_names() -> list[str]:
    """Return the names of the built-in scenes of novel objects, in order."""
    return sorted(p.stem for p in (DATA / "novel").glob("novel-*.json"))


def fixed_names() -> list[str]:
    """Return the names of the fixed scenes that come with the package."""
    return [*challenging_names(), *novel_names()]


def known_scenes() -> str:
    """List all scenes by name, for a message."""
    return ", ".join((*PROCEDURAL, *fixed_names()))


def read_fixed(
    name: str,
    *,
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0),
    meshes: str | Path | None = None,
    drop: bool = False,
) -> SceneFile:
    """Read a fixed scene and check that it can be built.

    Objects below the table or far from the workspace, which fell off when the file was recorded,
    are left out; the others keep their numbers. Objects that overlap a little are moved apart.

    Args:
        name: one of `fixed_names`, or a file: `.json` in the format of `scene_file`, any other
            in that of `preset_file`.
        offset: m (x, y, z) to add to the positions in a file.
        meshes: a folder in which a file's meshes are looked for, before its own.
        drop: the objects will be dropped one after another, so they may overlap.
    Returns:
        The scene in its own workspace, at least one object on the table.
    Raises:
        UserError: there is no such scene, or its file cannot be used.
    """
    if name in fixed_names():
        if any(offset) or meshes is not None or drop:
            raise UserError(
                f"{name} is a scene of the package; offset, meshes and drop are for scene files"
            )
        path = DATA / name.split("-")[0] / name
        suffix = ".txt" if name in challenging_names() else ".json"
        return _read(path.with_name(name + suffix), meshes)
    path = Path(name).expanduser()
    if not path.is_file():
        raise UserError(f"no scene {name!r}: it is neither a file nor one of {known_scenes()}")
    scene = _on_table(_read(path, meshes), offset, name)
    if drop:
        return scene
    objects, notes = part_overlaps(scene.objects, name, scene.workspace.table_z)
    return dataclasses.replace(scene, objects=objects, notes=(*scene.notes, *notes))


def _read(path: Path, meshes: str | Path | None) -> SceneFile:
    folders = [] if meshes is None else [Path(meshes)]
    read = read_scene_file if path.suffix.lower() == ".json" else read_preset
    return read(path, folders)


def _on_table(scene: SceneFile, offset: tuple[float, float, float], name: str) -> SceneFile:
    """Move a scene's objects by an offset and leave out what is not on the table then."""
    workspace = scene.workspace
    objects: dict[int, PlacedObject] = {}
    left_out: dict[int, str] = {}
    for number, placed in scene.objects.items():
        x, y, z = (float(p + o) for p, o in zip(placed.position, offset, strict=True))
        reason = _off_table((x, y, z), workspace)
        if reason:
            place = f"({x:.3f}, {y:.3f}, {z:.3f}) m"
            what = f"object {number} ({placed.shape.name})"
            left_out[number] = f"{what} at {place} is left out: it {reason}"
        else:
            objects[number] = dataclasses.replace(placed, position=(x, y, z))
    if not objects:
        middle = np.median([placed.position[:2] for placed in scene.objects.values()], axis=0)
        dx, dy = np.subtract(workspace.center, middle)
        raise UserError(
            f"{name} holds no object to place: all {len(left_out)} lie off the table; an offset "
            f"of {dx:.2f} {dy:.2f} 0 would move their middle to the workspace's"
        )
    return dataclasses.replace(scene, objects=objects, left_out=left_out)


def _off_table(position: tuple[float, float, float], workspace: Workspace) -> str:
    """Return why an object is not on the table, or nothing if it is."""
    x, y, z = position
    height = z - workspace.table_z
    if height < 0:
        return "lies below the table"
    if height > workspace.z_max:
        return f"hangs higher than {workspace.z_max} m"
    if not workspace.contains((x, y), MARGIN):
        return f"lies more than {MARGIN} m outside the workspace"
    return ""
