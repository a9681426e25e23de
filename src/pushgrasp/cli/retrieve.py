"""`pushgrasp retrieve` and `pushgrasp demo`: one episode, shown."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from ..errors import UserError
from ..perception.colors import parse_color
from ..sim.config import SceneFileConfig, SimulationConfig
from .goal import GoalConfig
from .options import Device, EpisodeOptions, Folder, PolicyName, SceneOptions
from .scene import name_goal
from .station_options import MAX_ACTIONS, StationOptions

if TYPE_CHECKING:
    from ..sim.scenes.build import SceneConfig


@dataclass(frozen=True, kw_only=True)
class SimulatedEpisode(EpisodeOptions):
    """One episode in simulation."""

    policy: PolicyName = "default"
    """Built-in name, folder of a policy or training run, or a class in a file of yours."""
    device: Device = "auto"
    """Where networks run: cpu, cuda, cuda:1; auto: a GPU for densenet121, else the CPU."""
    max_actions: Annotated[
        int | None,
        tyro.conf.arg(metavar="N", help_behavior_hint="(default: 3 per object; station: 30)"),
    ] = None
    """Stop after so many pushes and grasps."""
    scene: SceneOptions = field(default_factory=SceneOptions)
    """The scene and its goal."""
    file: SceneFileConfig = field(default_factory=SceneFileConfig)
    """Options of scene files."""
    simulation: SimulationConfig = field(default_factory=SimulationConfig)
    """Robot, cameras and domain randomisation."""
    home: Annotated[
        tuple[float, float, float] | None,
        tyro.conf.arg(metavar="X Y Z", help_behavior_hint="(default: beside the workspace)"),
    ] = None
    """Metres: tool of the simulated robot at home, over the bin, where it lets go."""
    present: Annotated[
        tuple[float, float, float] | None,
        tyro.conf.arg(metavar="X Y Z", help_behavior_hint="(default: over the workspace)"),
    ] = None
    """Metres: tool of the simulated robot where it shows the camera what it holds."""
    seeing: GoalConfig = field(default_factory=GoalConfig)
    """Description and segmentation of the goal."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..perception.segmenters import load_segmenter
        from ..policy.load import PolicySource

        self.check()
        self.check_limit()
        source = PolicySource.resolve(self.policy)
        view = self.simulation.view()
        told, goal = self.seeing.told_goal(self.scene.goal)
        segmenter = load_segmenter(self.seeing.segmenter)
        config = name_goal(self._scene_config(), goal)

        from ..sim.robots.registry import gripper
        from ..sim.scenes.build import build_scene
        from ..sim.scenes.layouts import PROCEDURAL
        from .show import show_episode

        policy = source.load(gripper(self.simulation.robot), device=self.device)
        console = Console(highlight=False, markup=False, soft_wrap=True)
        # Splitting a file's meshes shows a bar, and a terminal shows one thing at a time.
        building = console.status("building the scene")
        with building if config.name in PROCEDURAL else nullcontext():
            scene = build_scene(config)
        view.check(scene.workspace, self.present)
        show_episode(
            scene, policy, view, self,
            policy_name=self.policy, console=console, goal=told, segmenter=segmenter,
            max_actions=self.max_actions,
        )  # fmt: skip
        return 0

    def check_limit(self) -> None:
        """Check the number of actions.

        Raises:
            UserError: there is nothing to do.
        """
        if self.max_actions is not None and self.max_actions < 1:
            raise UserError(f"--max-actions {self.max_actions}: it must be at least 1")

    def _scene_config(self) -> SceneConfig:
        from ..sim.scenes.layouts import PROCEDURAL

        config = self.scene.config(self.scene.name, self.file, self.simulation)
        perturb = self.scene.perturb and config.name not in PROCEDURAL
        return dataclasses.replace(config, perturb=perturb)


@dataclass(frozen=True, kw_only=True)
class RetrieveCommand(SimulatedEpisode):
    """Run one episode: look, decide, act, until the goal is in the hand.

    With --station it runs on a real robot: the station file replaces the options of scene and
    simulation; --policy, --device, --out and the goal's options stay.

    Examples:
      pushgrasp retrieve --objects 20 --goal 0 --seed 3 --out episode
      pushgrasp retrieve --scene challenging-04 --goal red --out episode
      pushgrasp retrieve --scene novel-02 --robot panda --noise d405-averaged --out episode
      pushgrasp retrieve --station station.json --goal red --dry-run --out episode
    """

    hardware: StationOptions = field(default_factory=StationOptions)
    """A real robot."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        if self.hardware.station is None:
            self.hardware.refuse_alone()
            return super().run()
        if self.rerun is not None:
            raise UserError("--rerun shows simulated episodes only; leave it out with --station")
        self.check_limit()
        if self.home or self.present:
            raise UserError("--home and --present are simulated; the station file has its own")
        goal, name = self.seeing.told_goal(self.scene.goal)
        if goal is None and name is None:
            raise UserError("--station: say what to retrieve, --goal red or --goal photo.png")
        return self.hardware.run(
            goal or parse_color(name or ""), self.policy, self.device, self.out,
            segmenter=self.seeing.segmenter, max_actions=self.max_actions or MAX_ACTIONS,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DemoCommand(SimulatedEpisode):
    """Retrieve an object that is nearly hidden: `pushgrasp retrieve` with other defaults.

    Examples:
      pushgrasp demo
      pushgrasp demo --robot panda --seed 2
    """

    out: Folder = Path("pushgrasp-demo")
    """Folder for pictures, video and episode.json; an earlier demo's is replaced."""
    scene: SceneOptions = field(
        default_factory=lambda: SceneOptions(name="challenging-04", perturb=True)
    )
    """The scene and its goal."""
    simulation: SimulationConfig = field(default_factory=lambda: SimulationConfig(robot="ur5e"))
    """Robot, cameras and domain randomisation."""
