"""Benchmark suites: fixed scenes that belong together, in a JSON file.

    {"name": "packed",
     "scenes": [{"file": "a.txt", "goal": 4, "offset": [0, 0.1, 0], "meshes": "blocks"},
                {"file": "challenging-04", "perturb": false}],
     "published": [{"method": "Xu et al. 2021", "tcr": 99, "gsr": 90, "mn": 2.77}]}

Of a scene, only `file` is needed. Paths are relative to the suite's folder.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import UserError
from ..sim.scenes import layouts
from ..utils.config_json import from_json
from ..utils.files import read_json

SUITES = ("challenging", "novel")
"""Names of the suites that come with the package."""


@dataclass(frozen=True)
class SuiteScene:
    """A scene of a suite."""

    file: str  # a scene file, or the name of a scene of the package
    goal: int | None = None  # the object's number; None: the file's goal, or the first possible
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)  # m, added to the positions in the file
    meshes: str | None = None  # folder of the file's meshes; None: beside the file
    perturb: bool = True  # vary poses, friction and depth noise with the trial's seed


@dataclass(frozen=True)
class PublishedRates:
    """Figures of others on the suite's scenes, to stand above ours."""

    method: str
    tcr: float | None = None  # %
    gsr: float | None = None  # %
    mn: float | None = None
    trials: int | None = None


@dataclass(frozen=True)
class Suite:
    """A benchmark suite."""

    name: str
    scenes: tuple[SuiteScene, ...]
    published: tuple[PublishedRates, ...] = ()
    description: str = ""


def read_suite(name: str | Path) -> Suite:
    """Read a suite.

    Args:
        name: one of SUITES, or a JSON file.
    Returns:
        The suite; paths of its files and folders are relative to the working directory.
    Raises:
        UserError: there is no such suite, or its file cannot be used.
    """
    shipped = str(name) in SUITES
    path = layouts.DATA / str(name) / "suite.json" if shipped else Path(name).expanduser()
    if not path.is_file():
        raise UserError(f"no suite {name}: it is neither a file nor one of {', '.join(SUITES)}")
    suite = from_json(Suite, read_json(path), str(path))
    if not suite.name.strip() or "/" in suite.name:
        raise UserError(f"{path}: name is {suite.name!r}; it must be a word without a slash")
    if not suite.scenes:
        raise UserError(f"{path}: scenes is empty; a suite has at least one scene")
    scenes = tuple(_placed(scene, path.parent) for scene in suite.scenes)
    return replace(suite, scenes=scenes)


def _placed(scene: SuiteScene, folder: Path) -> SuiteScene:
    """Make a scene's paths relative to the working directory."""
    if scene.file in layouts.fixed_names():
        return scene
    meshes = None if scene.meshes is None else str(folder / Path(scene.meshes).expanduser())
    return replace(scene, file=str(folder / Path(scene.file).expanduser()), meshes=meshes)
