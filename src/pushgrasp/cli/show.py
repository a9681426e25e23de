"""A scene played before a person's eyes: lines, pictures, a record, a video, a recording."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from ..errors import UserError
from ..evaluation.steps import OnStep
from ..evaluation.trial import EpisodeResult, play
from ..interfaces import Action
from ..perception.colors import color_name
from ..perception.observation import Observation
from ..policy.base import Decision, Memory, Resets
from ..policy.learned import Policy
from ..retrieve import Decides, Step
from ..sim.cameras.spectator import Spectator
from ..sim.cameras.views import ViewConfig
from ..sim.robots.registry import gripper
from ..sim.scenes.build import Scene
from ..utils.output import check_output_folder, output_folder
from ..view.draw import words
from ..view.draw.panels import Lengths
from ..view.episode import CONTENTS, PICTURES, RECORD, VIDEO, EpisodeInfo, EpisodeWriter
from ..view.video import VideoWriter
from .scene import seen_words

if TYPE_CHECKING:
    from ..view.rerun import Recording

VIDEO_PERIOD = 0.1  # s of simulated time between the video's pictures: twice real time


def check_places(out: Path, rerun: Path | None) -> None:
    """Whether an episode can be shown there, before any work is done.

    Raises:
        UserError: something else is there, nothing can be written there, or what a recording
            needs is not installed.
    """
    folder = check_output_folder(out, CONTENTS, RECORD)
    if rerun is not None:
        from ..view.rerun import check_place

        check_place(rerun)
        if folder in rerun.expanduser().absolute().parents:
            raise UserError(
                f"--rerun {rerun} lies in --out {out}, which is replaced as a whole; name a file "
                "beside it"
            )


def show_episode(
    scene: Scene,
    policy: Decides,
    view: ViewConfig,
    *,
    policy_name: str,
    out: Path,
    video: bool,
    rerun: Path | None,
    console: Console,
    on_step: OnStep | None = None,
) -> EpisodeResult:
    """Play a scene, and show it: lines, pictures, a record, and if wanted video and recording.

    Nothing of that changes what the robot sees and does.

    Args:
        scene: at rest; it is used up.
        policy: who decides.
        view: the robot's cameras.
        policy_name: for the record.
        out: folder for pictures, record and video; see `check_places`.
        video: make the video.
        rerun: file of the recording for the viewer of Rerun; None: none is made.
        console: gets the lines.
        on_step: see OnStep.
    Raises:
        UserError: something cannot be written, or the cameras' pictures cannot be used.
        SimulatorFault: the episode is spoilt.
    """
    if view.cameras:
        scene.visible_fraction = scene.visible_from(view)
    info = _info(scene, policy_name, view)
    color = color_name(info.goal_rgb)
    console.print(
        f"Scene {info.scene}, seed {info.seed}: {info.n_objects} objects. The goal is {color} "
        f"({info.goal_name}), {seen_words(info.visible_fraction)}."
    )
    title = f"pushgrasp · {info.scene} · seed {info.seed}"
    lengths = Lengths(policy.primitive, gripper(info.robot))
    with output_folder(out, CONTENTS, RECORD) as folder, ExitStack() as stack:
        film = stack.enter_context(_film(scene, folder / VIDEO, title)) if video else None
        recording = _recording(title, lengths) if rerun is not None else None
        writer = EpisodeWriter(folder, info, lengths, film)
        eyes = scene.make_cameras(view)[0]  # its own, so that watching changes nothing
        frames = [eyes.capture()]
        decider = _Recalls(policy)
        n_actions = 0

        def show(played: Scene, step: Step, lifted: bool) -> None:
            nonlocal n_actions
            n_actions += step.decision.action is not None
            console.print(_step_text(step))
            full, frame = decider.with_both_maps(step), frames.pop()
            writer.add(full, frame, lifted=lifted)
            if recording is not None:
                recording.add(full, frame)
            frames.append(eyes.capture())
            if on_step is not None:
                on_step(played, step, lifted)

        verdict = play(scene, decider, view, on_step=show)
        sentence = result_sentence(verdict, n_actions, color, info.visible_fraction)
        writer.finish(
            success=verdict.success,
            claimed_success=verdict.claimed_success,
            reason=verdict.reason,
            sentence=sentence,
        )
    console.print(sentence, style="bold green" if verdict.success else "bold red")
    if video:
        console.print(f"  video     {out / VIDEO}")
    console.print(f"  pictures  {out / PICTURES}")
    console.print(f"  record    {out / RECORD}")
    if recording is not None and rerun is not None:
        recording.save(rerun, sentence, frames.pop())
        console.print(f"  rerun     {rerun}")
    return verdict


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


class _Recalls:
    """A policy that recalls what it was asked last, so that it can be asked for more.

    A learned policy computes a push map only where its rule needs one; the pictures show one
    always, and the time that takes must not count as time to decide.
    """

    def __init__(self, policy: Decides) -> None:
        self._policy = policy
        self.primitive = policy.primitive
        self._asked: tuple[Observation, Memory | None, Sequence[Action]] | None = None

    def reset(self) -> None:
        if isinstance(self._policy, Resets):
            self._policy.reset()

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        self._asked = observation, memory, refused
        return self._policy.decide(observation, memory, refused=refused)

    def with_both_maps(self, step: Step) -> Step:
        """The step that followed from the last decision, its push map and Q_p filled in."""
        if step.decision.push_map is not None or self._asked is None:
            return step
        if not isinstance(self._policy, Policy):  # it has no map, or it may decide by chance
            return step
        observation, memory, refused = self._asked
        full = self._policy.decide(observation, memory, refused=refused, both_maps=True)
        decision = dataclasses.replace(step.decision, push_map=full.push_map, q_push=full.q_push)
        return dataclasses.replace(step, decision=decision)


def _recording(title: str, lengths: Lengths) -> Recording:
    from ..view.rerun import Recording

    return Recording(title, lengths)


def _film(scene: Scene, path: Path, title: str) -> VideoWriter:
    """A video that the world feeds while it moves."""
    spectator = Spectator(scene.world)
    video = VideoWriter(path, f"{title} · shown at twice the speed", scene.goal_rgb)
    scene.world.frame_period = VIDEO_PERIOD
    scene.world.frame_callback = lambda: video.moment(spectator.moment())
    return video


def result_sentence(verdict: EpisodeResult, n_actions: int, color: str, visible: float) -> str:
    """How an episode ended, in a sentence."""
    actions = f"{n_actions} action{'' if n_actions == 1 else 's'}"
    if verdict.success and verdict.claimed_success:
        at_first = seen_words(visible)
        return f"Retrieved: the {color} goal, at first {at_first}, is out after {actions}."
    if verdict.success:
        return f"The {color} goal is out, but the robot does not know it: {verdict.reason}."
    if verdict.claimed_success:
        return f"Not retrieved: after {actions} the robot wrongly believes it has the {color} goal."
    return f"Not retrieved after {actions}: {verdict.reason}."


def _step_text(step: Step) -> Text:
    good = words.went_well(step)
    mark = ("✓", "green") if good else ("✗", "red")
    return Text.assemble(words.decision_words(step), "  ", mark, " ", words.outcome_words(step))
