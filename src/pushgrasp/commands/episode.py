"""`pushgrasp retrieve` and `pushgrasp demo`: one episode, and all that is to be shown of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from ..colors import color_name
from ..evaluation.trial import Verdict, play
from ..files import check_output_folder, output_folder
from ..interfaces import Action
from ..observation import Observation
from ..policy import Decision, Policy
from ..selection import Memory
from ..sim.randomise import DomainConfig
from ..sim.robots import gripper
from ..sim.scenes import Scene, SceneConfig
from ..sim.spectator import Spectator
from ..sim.views import ViewConfig
from ..view import words
from ..view.episode import CONTENTS, PICTURES, RECORD, VIDEO, EpisodeInfo, EpisodeWriter
from ..view.panels import Lengths
from ..view.video import VideoWriter
from .scene import build_scene_for, seen_words

if TYPE_CHECKING:
    from ..retrieve import Step

VIDEO_PERIOD = 0.1  # s of simulated time between the video's pictures: twice real time


def run_episode(
    *,
    scene: str,
    objects: int,
    goal: str | None,
    seed: int,
    policy: str,
    out: Path,
    video: bool,
    sigma: float = 0.03,
    perturb: bool = False,
    robot: str = "gantry",
    view: ViewConfig | None = None,
    randomise: bool = False,
) -> int:
    """Run an episode; see `cli.Retrieve` for the arguments."""
    check_output_folder(out, CONTENTS, RECORD)
    view = view or ViewConfig()
    loaded = Policy.from_pretrained(policy)
    config = SceneConfig(
        name=scene,
        n_objects=objects,
        sigma=sigma,
        seed=seed,
        perturb=perturb,
        robot=robot,
        dressed=video,
        randomise=DomainConfig() if randomise else None,
    )
    console = Console(highlight=False, markup=False, soft_wrap=True)
    with console.status("building the scene"):
        built = build_scene_for(config, goal)
        if view.cameras:
            built.visible_fraction = built.visible_from(view)
    color = color_name(built.goal_rgb)
    info = EpisodeInfo(
        goal_name=built.goal_name,
        goal_rgb=built.goal_rgb,
        visible_fraction=built.visible_fraction,
        scene=scene,
        n_objects=len(built.world.in_scene()),
        seed=seed,
        policy=policy,
        robot=robot,
        sigma=sigma,
        perturb=perturb,
        noise=view.noise,
        camera=view.backend,
        cameras=tuple(camera.describe() for camera in view.cameras),
        randomised=randomise,
    )
    console.print(
        f"Scene {scene}, seed {seed}: {info.n_objects} objects. The goal is {color} "
        f"({info.goal_name}), {seen_words(info.visible_fraction)}."
    )
    with output_folder(out, CONTENTS, RECORD) as folder, ExitStack() as stack:
        recorder = None
        if video:
            recorder = stack.enter_context(_recorder(built, folder / VIDEO, info.scene, seed))
        lengths = Lengths(loaded.primitive, gripper(robot))
        writer = EpisodeWriter(folder, info, lengths, recorder)
        eyes = built.make_cameras(view)[0]  # its own, so that watching changes nothing
        frames = [eyes.capture()]
        decider = _Recalls(loaded)
        n_actions = 0

        def show(_scene: Scene, step: Step, _lifted: bool) -> None:
            nonlocal n_actions
            n_actions += step.decision.action is not None
            console.print(_step_text(step))
            writer.add(decider.with_both_maps(step), frames.pop())
            frames.append(eyes.capture())

        verdict = play(built, decider, view, on_step=show)
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
    return 0


class _Recalls:
    """A policy that recalls what it was asked last, so that it can be asked for more.

    Its rule computes a push map only where it needs one; the pictures show one always, and
    the time that takes must not count as time to decide.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.primitive = policy.primitive
        self._asked: tuple[Observation, Memory | None, Sequence[Action]] | None = None

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
        observation, memory, refused = self._asked
        full = self._policy.decide(observation, memory, refused=refused, both_maps=True)
        decision = dataclasses.replace(step.decision, push_map=full.push_map, q_push=full.q_push)
        return dataclasses.replace(step, decision=decision)


def _recorder(scene: Scene, path: Path, name: str, seed: int) -> VideoWriter:
    """A video that the world feeds while it moves."""
    spectator = Spectator(scene.world)
    title = f"pushgrasp · {name} · seed {seed} · shown at twice the speed"
    video = VideoWriter(path, title, scene.goal_rgb)
    scene.world.frame_period = VIDEO_PERIOD
    scene.world.frame_callback = lambda: video.moment(spectator.moment())
    return video


def result_sentence(verdict: Verdict, n_actions: int, color: str, visible: float) -> str:
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
