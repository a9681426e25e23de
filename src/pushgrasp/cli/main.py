"""The command line: parse, call, print. Each command imports what it needs when it runs."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import tyro

from ..errors import RobotError, SimulatorFault, UserError
from ..sim.config import SceneFileConfig, SimulationConfig
from .evaluate import Evaluate

Folder: TypeAlias = Annotated[Path, tyro.conf.arg(metavar="DIR")]
SceneName: TypeAlias = Annotated[str, tyro.conf.arg(metavar="NAME|FILE")]
PolicyName: TypeAlias = Annotated[str, tyro.conf.arg(metavar="NAME|DIR|FILE.py:CLASS")]
Goal: TypeAlias = Annotated[str | None, tyro.conf.arg(metavar="COLOUR|K")]
Switch: TypeAlias = Annotated[bool, tyro.conf.FlagCreatePairsOff]
Recording: TypeAlias = Annotated[Path | None, tyro.conf.arg(metavar="FILE.rrd")]

EXIT_FAILED, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 1, 2, 130


@dataclass(frozen=True, kw_only=True)
class Demo(SceneFileConfig, SimulationConfig):
    """Show the shipped policy retrieving an object that is hidden at the start."""

    scene: SceneName = "challenging-01"
    """Name or preset file."""
    goal: Goal = None
    """The object to retrieve: a colour (red, "#59a14f") or its number, in a scene file from 0; by
    default the first, or the one that the file names."""
    seed: int = 0
    """Varies the scene a little, and all that chance decides."""
    policy: PolicyName = "default"
    """Name of a policy, a folder that holds one, or a class of a file of yours."""
    out: Folder = Path("pushgrasp-demo")
    """Folder for the video, the pictures and episode.json; an earlier demo's is replaced."""
    video: bool = True
    """Make the video."""
    rerun: Recording = None
    """Record it for the viewer of Rerun too; needs pip install 'pushgrasp[rerun]'."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..sim.scenes.layouts import PROCEDURAL
        from .episode import run_episode

        return run_episode(
            scene=self.scene, objects=10, goal=self.goal, seed=self.seed, policy=self.policy,
            out=self.out, video=self.video, rerun=self.rerun,
            perturb=self.scene not in PROCEDURAL, robot=self.robot, view=self.view(),
            randomise=self.randomise, file_settings=self.scene_settings(),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Retrieve(SceneFileConfig, SimulationConfig):
    """Run one episode: look, decide, act, until the goal is in the hand."""

    out: Folder
    """Folder for the video, the pictures and episode.json; an earlier episode's is replaced."""
    scene: SceneName = "random"
    """random, heap, random-novel, challenging-01 to -10, novel-01 to -06, or a scene file."""
    objects: int = 10
    """How many, in a scene where they are dropped."""
    goal: Goal = None
    """The object to retrieve: a colour (red, "#59a14f") or its number, in a scene file from 0; by
    default the first, or the one that the file names."""
    policy: PolicyName = "default"
    """Name of a policy, a folder that holds one, or a class of a file of yours."""
    seed: int = 0
    """The same seed gives the same episode."""
    sigma: float = 0.03
    """Metres, spread of the objects of a random scene."""
    perturb: bool = False
    """Vary a fixed scene a little by the seed, as evaluation does."""
    video: bool = True
    """Make the video."""
    rerun: Recording = None
    """Record it for the viewer of Rerun too; needs pip install 'pushgrasp[rerun]'."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from .episode import run_episode

        return run_episode(
            scene=self.scene, objects=self.objects, goal=self.goal, seed=self.seed,
            policy=self.policy, out=self.out, video=self.video, rerun=self.rerun,
            sigma=self.sigma, perturb=self.perturb, robot=self.robot, view=self.view(),
            randomise=self.randomise, file_settings=self.scene_settings(),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Scene(SceneFileConfig, SimulationConfig):
    """Build a scene, let it settle, render it and say what it is."""

    name: tyro.conf.Positional[SceneName]
    """random, heap, random-novel, challenging-01 to -10, novel-01 to -06, or a scene file."""
    goal: Goal = None
    """The goal: a colour or a number; by default the first, or the one that a scene file names."""
    seed: int = 0
    """The same seed gives the same scene."""
    objects: int = 10
    """How many, in a scene where they are dropped."""
    sigma: float = 0.03
    """Metres, spread of the objects of a random scene."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder for camera.png, heightmap.png and scene.json; nothing is written without it."""
    json: Switch = False
    """Print one JSON object instead of a table."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from .scene import show_scene

        return show_scene(
            self.name, objects=self.objects, goal=self.goal, seed=self.seed, sigma=self.sigma,
            out=self.out, as_json=self.json, view=self.view(), randomise=self.randomise,
            robot=self.robot, file_settings=self.scene_settings(),
        )  # fmt: skip


@dataclass(frozen=True)
class Report:
    """Make one web page of an evaluation, or of several: tables, plots, every trial."""

    folders: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="DIR ...")]
    """Folders of evaluations, finished or not; a trial may be in one of them only."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The page, .html; by default report.html in the folder, if there is one folder. An earlier
    one is replaced."""
    pictures: bool = True
    """Put in the pictures of the trials' steps, if there are any; they make most of the page."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from .report import write_report

        return write_report(self.folders, out=self.out, pictures=self.pictures)


@dataclass(frozen=True)
class Replay:
    """Play a trial of an evaluation again, exactly, with pictures and video."""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """Folder of the evaluation."""
    trial: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="GROUP:INDEX|failures")]
    """The trial, e.g. random-20:7; failures lists those that were not completed, and why."""
    policy: Annotated[str | None, tyro.conf.arg(metavar="NAME|DIR|FILE.py:CLASS")] = None
    """Whose trial, if several policies played it; or where that policy lies now."""
    out: Folder = Path("pushgrasp-replay")
    """Folder for the video, the pictures and episode.json; an earlier episode's is replaced."""
    video: bool = True
    """Make the video."""
    rerun: Recording = None
    """Record it for the viewer of Rerun too; needs pip install 'pushgrasp[rerun]'."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from .replay import run_replay

        return run_replay(
            self.folder, self.trial, policy=self.policy, out=self.out, video=self.video,
            rerun=self.rerun,
        )  # fmt: skip


@dataclass(frozen=True)
class Train:
    """Train a policy by trial and error in simulation."""

    out: Folder
    """Folder of the run: checkpoints, replay, metrics and at the end the policy."""
    recipe: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """default, paper or wang2024; by default "default"."""
    network: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """compact, made for a CPU (the default), or densenet121, the paper's own, for a GPU."""
    resume: Switch = False
    """Go on with the run in that folder, by its own recipe and seed."""
    seed: int | None = None
    """Of a new run; by default 0."""
    workers: Annotated[int | None, tyro.conf.arg(metavar="W")] = None
    """Processes that try things out, or Ray workers; by default as many as this machine's cores."""
    rollouts: Literal["local", "ray"] = "local"
    """Where they run: here, or on the Ray cluster that RAY_ADDRESS names, else on a local one."""
    init_from: Annotated[str | None, tyro.conf.arg(metavar="NAME|DIR")] = None
    """A policy to start from."""
    imagenet: Annotated[Path | None, tyro.conf.arg(metavar="FILE|fetch")] = None
    """Weights of torchvision's DenseNet-121 to start from, for recipes with that network; "fetch"
    downloads them."""
    time_limit: Annotated[float | None, tyro.conf.arg(metavar="SECONDS")] = None
    """Stop after so long, with a checkpoint and the policy so far."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..training.recipes import recipe, with_network
        from ..training.run import CONFIG
        from ..training.train import train

        if self.resume and self.network is not None:
            raise UserError("--network is the run's own; leave it out with --resume")
        chosen = None if self.recipe is None else recipe(self.recipe)
        if self.network is not None:
            chosen = with_network(chosen or recipe("default"), self.network)
        try:
            policy = train(
                chosen, self.out,
                seed=self.seed, workers=self.workers, resume=self.resume, init_from=self.init_from,
                imagenet=self.imagenet, time_limit_s=self.time_limit,
                rollouts=self.rollouts,
            )  # fmt: skip
        except KeyboardInterrupt as stop:
            if not (self.out / CONFIG).is_file():  # it had not begun
                raise
            raise KeyboardInterrupt("--resume goes on where it stopped") from stop
        print(f"The policy is in {policy}")
        return 0


@dataclass(frozen=True)
class Plot:
    """Draw the learning curves of training runs side by side."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="DIR ...")]
    """Folders of runs, finished or not."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("curves.png")
    """The picture: .png, .svg or .pdf; an earlier one is replaced."""
    json: Switch = False
    """Print one JSON object instead of a table."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from .plot import plot_runs

        return plot_runs(self.runs, out=self.out, as_json=self.json)


@dataclass(frozen=True)
class Info:
    """Say what is installed here and what works."""

    json: Switch = False
    """Print one JSON object instead of a table."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from .info import show_info

        return show_info(as_json=self.json)


COMMANDS = {
    "demo": Demo,
    "retrieve": Retrieve,
    "scene": Scene,
    "evaluate": Evaluate,
    "report": Report,
    "replay": Replay,
    "train": Train,
    "plot": Plot,
    "info": Info,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: arguments; None for those of the process.
    Returns:
        The exit code: 0 when the command did its work (whatever a robot achieved), 1 when the
        simulator or a robot failed, 2 for bad input, 130 when interrupted.
    """
    command = tyro.extras.subcommand_cli_from_dict(
        COMMANDS,
        prog="pushgrasp",
        description="Retrieve an object from clutter by pushing and grasping.",
        args=argv,
    )
    terminate = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return command.run()
    except UserError as error:
        return _say(str(error), EXIT_BAD_INPUT)
    except SimulatorFault as fault:
        return _say(f"the simulator failed: {fault}; another --seed may do", EXIT_FAILED)
    except RobotError as error:
        return _say(f"the robot has stopped: {error}", EXIT_FAILED)
    except KeyboardInterrupt as stop:
        return _say("; ".join(("interrupted", *map(str, stop.args))), EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has gone: nothing to say to it
        sys.stderr.close()
        return EXIT_FAILED
    finally:
        signal.signal(signal.SIGTERM, terminate)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _say(sentence: str, code: int) -> int:
    print(f"pushgrasp: {sentence}", file=sys.stderr)
    return code
