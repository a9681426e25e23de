"""Types and groups of options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import tyro

from ..errors import UserError
from ..utils.device import Device as Device

if TYPE_CHECKING:
    from ..sim.config import SceneFileConfig, SimulationConfig
    from ..sim.scenes.build import SceneConfig

Folder: TypeAlias = Annotated[Path, tyro.conf.arg(metavar="DIR")]
SceneName: TypeAlias = Annotated[str, tyro.conf.arg(metavar="NAME|FILE")]
PolicyName: TypeAlias = Annotated[str, tyro.conf.arg(metavar="NAME[,SETTING=X]|DIR|FILE.py:CLASS")]
Switch: TypeAlias = Annotated[bool, tyro.conf.FlagCreatePairsOff]


@dataclass(frozen=True, kw_only=True)
class ObjectOptions:
    """The objects on the table, and the goal."""

    goal: Annotated[
        str | None,
        tyro.conf.arg(metavar="COLOUR|K", help_behavior_hint="(default: the scene's own)"),
    ] = None
    """Object to retrieve: a colour (red, "#59a14f") or its number in the scene or file, from 0."""
    seed: int = 0
    """Seed of everything random; the same seed gives the same result."""
    objects: int = 10
    """Number of objects (procedural scenes only)."""
    sigma: float = 0.03
    """Standard deviation of the objects' positions in metres (random scenes only)."""

    def config(
        self, scene: str, file: SceneFileConfig, simulation: SimulationConfig
    ) -> SceneConfig:
        """Describe the scene, its goal still to be found; see `scene.name_goal`.

        Args:
            scene: name or file.
            file: how to read a file.
            simulation: robot, cameras and domain randomisation.
        """
        from ..sim.randomise import DomainConfig
        from ..sim.scenes.build import SceneConfig

        return SceneConfig(
            name=scene, n_objects=self.objects, sigma=self.sigma, seed=self.seed,
            robot=simulation.robot, workspace=simulation.read_workspace(),
            randomise=DomainConfig() if simulation.randomise else None, **file.scene_settings(),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _NameOption:
    """Stands first in the help."""

    name: Annotated[SceneName, tyro.conf.arg(name="scene")] = "random"
    """random, heap, random-novel, challenging-01 to -10, novel-01 to -06, or a scene file."""


@dataclass(frozen=True, kw_only=True)
class SceneOptions(ObjectOptions, _NameOption):
    """The scene, its objects and the goal."""

    perturb: bool = False
    """Vary a fixed scene slightly by the seed, as evaluation does."""


@dataclass(frozen=True, kw_only=True)
class EpisodeOptions:
    """The output of an episode."""

    out: Folder
    """Folder for pictures, video and episode.json; an earlier episode's is replaced."""
    video: bool = True
    """Write video.mp4."""
    view: Switch = False
    """Open a window that shows the robot live, with its decisions; needs a display."""
    rerun: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE.rrd", help_behavior_hint="(default: none)")
    ] = None
    """Write a recording for the Rerun viewer as well; needs the extra "rerun"."""

    def check(self) -> None:
        """Check that the output can be written, before any work is done.

        Raises:
            UserError: something else is there, nothing can be written there, or what a
                recording needs is not installed.
        """
        if self.view:
            from ..utils.display import check_display

            check_display("--view")
        from ..utils.output import check_output_file, check_output_folder
        from ..view.episode import CONTENTS, RECORD

        folder = check_output_folder(self.out, CONTENTS, RECORD)
        if self.rerun is None:
            return
        recording = check_output_file(self.rerun, "--rerun", ".rrd")
        if folder in recording.absolute().parents:
            raise UserError(
                f"--rerun {self.rerun} lies in --out {self.out}, which is replaced as a whole; "
                "name a file beside it"
            )
        import_module("pushgrasp.view.rerun")  # raises if the viewer's package is missing
