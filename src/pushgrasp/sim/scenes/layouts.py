"""Fixed scenes by name: the package's own, preset files and scene files."""

from __future__ import annotations

from pathlib import Path

from ...errors import UserError
from ...workspace import Workspace
from .checks import check_goal_color, check_overlaps
from .preset_file import challenging_names, read_challenging, read_preset
from .scene_file import SceneFile, novel_names, read_novel, read_scene_file

DROPPED = ("random", "heap", "random-novel")
"""Scenes whose objects are dropped, so that their number is a setting."""


def fixed_names() -> list[str]:
    """The fixed scenes that come with the package."""
    return [*challenging_names(), *novel_names()]


def known_scenes() -> str:
    """All scenes by name, for a message."""
    return ", ".join((*DROPPED, *fixed_names()))


def expand(name: str) -> list[str]:
    """The scenes that a name stands for: "challenging" and "novel" are all of theirs."""
    families = {"challenging": challenging_names, "novel": novel_names}
    return families[name]() if name in families else [name]


def read_fixed(
    name: str,
    workspace: Workspace | None = None,
    *,
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0),
    meshes: str | Path | None = None,
) -> SceneFile:
    """The objects of a fixed scene and where they stand.

    Args:
        name: one of `fixed_names`, or a file: `.json` in the format of `scenefile`, any other
            in the ancestors'.
        workspace: where the table is; None for the standard one.
        offset: m (x, y, z) to add to the positions in a file.
        meshes: a folder in which a file's meshes are looked for, besides the file's own.
    Raises:
        UserError: there is no such scene, or its file cannot be used.
    """
    workspace = workspace or Workspace()
    if name in fixed_names() and (any(offset) or meshes is not None):
        raise UserError(f"{name} is a scene of the package: offset and meshes are for scene files")
    if name in challenging_names():
        return SceneFile(read_challenging(name))
    if name in novel_names():
        return read_novel(name)
    path = Path(name)
    if not path.is_file():
        raise UserError(f"no scene {name!r}: it is neither a file nor one of {known_scenes()}")
    if path.suffix.lower() == ".json":
        return read_scene_file(path, workspace, offset=offset, meshes=meshes)
    objects, left_out = read_preset(path, workspace, offset=offset, meshes=meshes)
    check_overlaps(objects, name)
    return SceneFile(objects, left_out=tuple(left_out))


def possible_goals(scene: SceneFile, workspace: Workspace | None = None) -> list[int]:
    """Indices of the objects in the workspace: the robot looks nowhere else."""
    inside = (workspace or Workspace()).contains
    return [i for i, o in enumerate(scene.objects) if inside(o.position[:2])]


def choose_goal(
    scene: SceneFile, goal: int | None, name: str, workspace: Workspace | None = None
) -> int:
    """The goal's index.

    Args:
        scene: the objects.
        goal: as asked for; None: the one that the file names, or else the first that can be one.
        name: of the scene, for messages.
        workspace: None for the standard one.
    Raises:
        UserError: there is no such object, it lies outside the workspace, or another one has
            its colour.
    """
    goals = possible_goals(scene, workspace)
    if not goals:
        raise UserError(f"{name} has no object in the workspace that could be the goal")
    if goal is None:
        goal = goals[0] if scene.goal is None else scene.goal
    if not 0 <= goal < len(scene.objects):
        raise UserError(
            f"--goal {goal}: {name} has {len(scene.objects)} objects on the table, "
            f"so the goal is 0 to {len(scene.objects) - 1}"
        )
    if goal not in goals:
        raise UserError(
            f"--goal {goal}: that object of {name} lies outside the workspace, "
            f"where the robot does not look; inside are {', '.join(map(str, goals))}"
        )
    check_goal_color([o.color for o in scene.objects], goal, f"{name}: goal")
    return goal
