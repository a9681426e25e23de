"""Records of a fixed scene: which objects stand where, and how a file names their meshes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import UserError
from ...workspace import Workspace
from ..cell import Cell, Tote
from ..objects.shapes import Shape


@dataclass(frozen=True)
class PlacedObject:
    """An object and its pose."""

    shape: Shape
    color: tuple[int, int, int]  # sRGB, 0 to 255
    position: tuple[float, float, float]  # m, world frame, of the shape's frame
    quaternion: tuple[float, float, float, float]  # wxyz, world frame


@dataclass(frozen=True)
class MeshFile:
    """How a scene file describes a mesh."""

    path: Path
    scale: float = 1.0  # m per unit of the file
    mass: float | None = None  # kg
    max_parts: int | None = None  # convex parts; None: `meshes.MAX_PARTS`


@dataclass(frozen=True)
class SceneFile:
    """A fixed scene."""

    objects: dict[int, PlacedObject]  # by their numbers in the file, from 0
    goal: int | None = None  # number of an object, if the file names one
    description: str = ""
    left_out: dict[int, str] = field(default_factory=dict)  # number: a sentence, why
    notes: tuple[str, ...] = ()  # sentences on what was read in another way than it is written
    meshes: dict[str, MeshFile] = field(default_factory=dict)  # by the names of their shapes
    workspace: Workspace = field(default_factory=Workspace)  # in which the objects stand
    tote: Tote | None = None

    def moved_to(self, workspace: Workspace) -> SceneFile:
        """Move the scene to another workspace, as robot and camera are moved.

        Objects keep their places relative to the workspace's centre, the table and the robot.
        """
        if workspace == self.workspace:
            return self
        here, there = Cell(self.workspace), Cell(workspace)
        objects = {
            number: dataclasses.replace(
                placed,
                position=there.place(here.standard(placed.position)),
                quaternion=placed.quaternion
                if here.yaw == there.yaw
                else _half_turned(placed.quaternion),
            )
            for number, placed in self.objects.items()
        }
        return dataclasses.replace(self, objects=objects, workspace=workspace)


def _half_turned(
    quaternion: tuple[float, float, float, float],
) -> tuple[float, float, float, float]:
    """Turn a rotation (wxyz) by half a turn about world z."""
    w, x, y, z = quaternion
    return -z, -y, x, w


class MeshLoader:
    """Finds and loads the meshes that a scene file names, each once.

    Args:
        folders: searched in this order; a mesh's path is relative to them.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folder.expanduser() for folder in folders)
        self.files: dict[str, MeshFile] = {}  # by the names of their shapes
        self._loaded: dict[MeshFile, Shape] = {}

    def find(self, mesh: str) -> Path | None:
        """Return where a mesh file lies, or None if it is in none of the folders."""
        places = [folder / mesh for folder in self.folders]
        return next((place for place in places if place.is_file()), None)

    def load(
        self,
        mesh: str,
        scale: float = 1.0,
        mass: float | None = None,
        max_parts: int | None = None,
    ) -> Shape:
        """Load a mesh as a shape; see `load_mesh` for the arguments.

        Raises:
            UserError: it is in none of the folders, or cannot be used.
        """
        path = self.find(mesh)
        if path is None:
            places = " or ".join(str(folder) for folder in self.folders)
            raise UserError(f"there is no mesh {mesh} in {places}")
        file = MeshFile(path, scale, mass, max_parts)
        if file not in self._loaded:
            from ..objects.meshes import load_mesh  # slow to import, and few scenes have meshes

            name = f"mesh-{len(self._loaded)}-{path.stem}"
            shape = load_mesh(path, scale=scale, mass=mass, max_parts=max_parts, name=name)
            self._loaded[file] = shape
            self.files[shape.name] = file
        return self._loaded[file]
