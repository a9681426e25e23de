"""Run one episode with console output, pictures, video and recording."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.text import Text

from ..evaluation.steps import OnStep
from ..evaluation.trial import EpisodeResult, play
from ..interfaces import Camera, RGBDFrame
from ..perception.colors import color_name
from ..retrieve import Decides, Step
from ..sim.cameras.spectator import Spectator
from ..sim.cameras.views import ViewConfig
from ..sim.robots.registry import gripper
from ..sim.scenes.build import Scene
from ..utils.output import output_folder
from ..view.draw import words
from ..view.draw.film import SIZE
from ..view.draw.panels import ActionGeometry
from ..view.episode import CONTENTS, PICTURES, RECORD, VIDEO, EpisodeInfo, EpisodeWriter
from ..view.video import FPS, FilmTitle, VideoWriter
from .options import EpisodeOptions

if TYPE_CHECKING:
    from ..perception.goal import Goal
    from ..perception.segmenter import Segmenter
    from ..sim.cameras.window import Window
    from ..view.rerun import Recording

VIDEO_PERIOD = 0.15  # s of simulated time between the video's frames: three times real time
WINDOW_PERIOD = 0.04  # s, likewise of a live window


def show_episode(
    scene: Scene,
    policy: Decides,
    view: ViewConfig,
    options: EpisodeOptions,
    *,
    policy_name: str,
    console: Console,
    on_step: OnStep | None = None,
    goal: Goal | None = None,
    segmenter: Segmenter | None = None,
    max_actions: int | None = None,
) -> EpisodeResult:
    """Run an episode and show it, without any effect on the robot.

    Args:
        scene: settled; it is used up.
        policy: who decides.
        view: the robot's cameras.
        options: where to write pictures, record, video and recording.
        policy_name: for the record.
        console: for a line per step.
        on_step: called after each step as well.
        goal: how the robot is told its goal; None for the object's colour.
        segmenter: what finds objects and the goal; None for colours.
        max_actions: the most; None: three per object.
    Returns:
        The outcome by the simulator's ground truth.
    Raises:
        UserError: something cannot be written, or the cameras' images cannot be used.
        SimulatorFault: the episode says nothing about the policy.
    """
    if view.cameras:
        scene.visible_fraction = scene.visible_from(view)
    info = _info(scene, policy_name, view)
    color = color_name(info.goal_rgb)
    console.print(
        f"Scene {info.scene}, seed {info.seed}: {words.plural(info.n_objects, 'object')}. The "
        f"goal is {color} ({info.goal_name}), {words.visible_words(info.visible_fraction)}."
    )
    title = f"pushgrasp · {info.scene} · seed {info.seed}"
    geometry = ActionGeometry(policy.primitive, gripper(info.robot))
    with (
        _tell_what_is_lost(options.out),
        output_folder(options.out, CONTENTS, RECORD) as folder,
        ExitStack() as stack,
    ):
        writer = EpisodeWriter(folder, info, geometry)
        viewers: list[Viewer] = [writer]
        video = VideoWriter(folder / VIDEO, _film_title(info), geometry) if options.video else None
        if video is not None:
            viewers.append(stack.enter_context(video))
        window = _window(scene) if options.view else None
        if window is not None:
            stack.callback(window.close)
            policy = _shown_in(window, policy, _goal_words(info), geometry)
        _watch(scene, video, window)
        recording = _recording(title, geometry) if options.rerun else None
        if recording is not None:
            viewers.append(recording)
        show = _ShowStep(scene.make_cameras(view)[0], viewers, console, on_step)
        result = play(
            scene, policy, view, on_step=show, goal=goal, segmenter=segmenter,
            max_actions=max_actions,
        )  # fmt: skip
        sentence = words.result_sentence(result, show.n_actions, color, info.visible_fraction)
        writer.finish(result)
        if video is not None:
            got = f"Got the {_goal_words(info)} in {words.plural(show.n_actions, 'action')}."
            video.finish(got if result.success else sentence, success=result.success)
    console.print(sentence, style="bold green" if result.success else "bold red")
    if video is not None:
        console.print(f"  video     {options.out / VIDEO}")
    console.print(f"  pictures  {options.out / PICTURES}")
    console.print(f"  record    {options.out / RECORD}")
    if recording is not None and options.rerun is not None:
        recording.save(options.rerun, sentence, show.frame)
        console.print(f"  rerun     {options.rerun}")
    return result


@contextmanager
def _tell_what_is_lost(out: Path) -> Generator[None, None, None]:
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"nothing was written to {out}") from stop


class Viewer(Protocol):
    """Shows an episode step by step."""

    def add(self, step: Step, frame: RGBDFrame, *, lifted: bool) -> None:
        """Show a step.

        Args:
            step: what was seen, decided and done.
            frame: the camera image that the decision was taken from.
            lifted: the jaw carried an object away, by the ground truth.
        """
        ...


class _ShowStep:
    """Print each step and pass it on to the viewers, with the camera image from before it.

    Args:
        camera: not one of the robot's, so that watching changes nothing.
        viewers: get every step.
        console: for a line per step.
        on_step: called after each step as well.
    """

    def __init__(
        self,
        camera: Camera,
        viewers: Sequence[Viewer],
        console: Console,
        on_step: OnStep | None,
    ) -> None:
        self._camera, self._viewers = camera, viewers
        self._console, self._on_step = console, on_step
        self.frame = camera.capture()
        self.n_actions = 0
        self._notes: set[str] = set()  # each is printed once

    def __call__(self, scene: Scene, step: Step, lifted: bool) -> None:
        """See OnStep."""
        self.n_actions += step.decision.action is not None
        for note in step.observation.notes:
            if note not in self._notes:
                self._notes.add(note)
                self._console.print(note)
        good = words.went_well(step)
        mark = ("✓", "green") if good else ("✗", "red")
        line = words.decision_words(step), "  ", mark, " ", words.outcome_words(step)
        self._console.print(Text.assemble(*line))
        for viewer in self._viewers:
            viewer.add(step, self.frame, lifted=lifted)
        self.frame = self._camera.capture()
        if self._on_step is not None:
            self._on_step(scene, step, lifted)


def _info(scene: Scene, policy_name: str, view: ViewConfig) -> EpisodeInfo:
    config = scene.config
    return EpisodeInfo(
        goal_name=scene.goal_name,
        goal_rgb=scene.goal_rgb,
        visible_fraction=scene.visible_fraction,
        scene=config.name,
        n_objects=len(scene.world.in_scene()),
        seed=config.seed,
        policy=policy_name,
        robot=config.robot,
        sigma=config.sigma,
        perturb=config.perturb,
        noise=view.noise,
        camera=view.backend,
        cameras=tuple(camera.describe() for camera in view.cameras),
        randomised=config.randomise is not None,
    )


def _goal_words(info: EpisodeInfo) -> str:
    """Name the goal as a person would, "red block"."""
    color = color_name(info.goal_rgb)
    plain = words.plain_color(info.goal_rgb) if color.startswith("#") else color
    return f"{plain} {_noun(info)}"


def _noun(info: EpisodeInfo) -> str:
    return "object" if "novel" in info.scene or Path(info.scene).suffix else "block"


def _film_title(info: EpisodeInfo) -> FilmTitle:
    others = words.plural(info.n_objects - 1, f"other {_noun(info)}")
    return FilmTitle(
        _goal_words(info),
        info.goal_rgb,
        (
            f"It lies among {others}, {words.visible_words(info.visible_fraction)}.",
            "The robot looks, decides, acts and looks again.",
        ),
        f"scene {info.scene}, seed {info.seed}  ·  robot {info.robot}  ·  policy "
        f"{info.policy}  ·  simulated, shown at {VIDEO_PERIOD * FPS:.0f} times the speed",
    )


def _watch(scene: Scene, video: VideoWriter | None, window: Window | None) -> None:
    """Let a scene be watched while it moves."""
    if window is None and video is None:
        return
    world = scene.world
    spectator = Spectator(world, SIZE) if video is not None else None
    next_moment = 0.0

    def look() -> None:
        nonlocal next_moment
        if video is not None and spectator is not None and world.data.time >= next_moment:
            next_moment = world.data.time + VIDEO_PERIOD
            video.moment(spectator.moment())
        if window is not None:
            window.update()

    world.frame_period = VIDEO_PERIOD if window is None else WINDOW_PERIOD
    world.frame_callback = look


def _window(scene: Scene) -> Window:
    from ..sim.cameras.window import Window

    return Window(scene.world)


def _shown_in(window: Window, policy: Decides, goal: str, geometry: ActionGeometry) -> Decides:
    from ..view.live import Shown

    return Shown(policy, window.show, goal, geometry)


def _recording(title: str, geometry: ActionGeometry) -> Recording:
    from ..view.rerun import Recording

    return Recording(title, geometry)
