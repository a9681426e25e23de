"""One episode on a station: first motion, questions to the person, pictures, the record."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from ..errors import RobotError, UserError
from ..evaluation.steps import record_step
from ..hardware.asking import AskingPolicy, AskingRobot
from ..hardware.check import MovedCamera
from ..hardware.connect import Connected, connect
from ..hardware.robot import StationRobot
from ..hardware.station import Station
from ..interfaces import Camera, Outcome, RGBDFrame, Robot
from ..perception.colors import color_name, format_color
from ..perception.goal import RGB, Goal
from ..perception.observation import Observation
from ..perception.perceive import Perception
from ..policy.base import Decides, Decision, Memory
from ..primitives import moves
from ..retrieve import End, Step, look, retrieve
from ..utils.files import write_atomic, write_json
from ..utils.output import check_output_folder
from ..view.draw import words
from ..view.draw.panels import ActionGeometry
from ..view.draw.pictures import decision_picture, png
from ..workspace import Workspace

UNNAMED = (128, 128, 128)  # sRGB, for drawing a goal that is shown by a picture
RECORD, PICTURES, NEXT = "episode.json", "pictures", "next.png"
CONTENTS = (RECORD, PICTURES, NEXT)


class StationEpisode:
    """Runs, shows and records one episode on a station.

    Args:
        station: the place.
        goal: what to retrieve, or its colour.
        segmenter: what finds objects and the goal; see `retrieve`.
        policy: who decides.
        policy_name: for the record.
        folder: an existing folder for pictures and record.
        confirm: ask before each action.
        max_actions: the most.
        console: for a line per step.
        on_connect: called with the robot before it moves.
        show: called with each decision's picture, PNG.
    """

    def __init__(
        self,
        station: Station,
        goal: Goal | RGB,
        policy: Decides,
        *,
        segmenter: str = "color",
        policy_name: str,
        folder: Path,
        confirm: bool,
        max_actions: int,
        console: Console,
        on_connect: Callable[[StationRobot], None] | None = None,
        show: Callable[[Step, bytes], None] | None = None,
    ) -> None:
        self._on_connect, self._show = on_connect, show
        self._station, self._goal, self._policy = station, goal, policy
        self._segmenter = segmenter
        self._rgb = (Goal.of(goal).color or UNNAMED) if isinstance(goal, Goal) else goal
        self._policy_name, self._folder, self._confirm = policy_name, folder, confirm
        self._max_actions, self._console = max_actions, console
        self._steps: list[Step] = []
        self._said: set[str] = set()  # each of perception's sentences is printed once
        self._frame: RGBDFrame | None = None
        self._record: dict[str, Any] = {}

    def run(self) -> Step:
        """Retrieve the goal; returns the last step.

        Raises:
            RobotError, UserError, KeyboardInterrupt: the arm has been stopped; the record says
                how far it came.
        """
        reason = "interrupted"
        try:
            with connect(self._station) as there, stop_once():
                self._retrieve(there)
            reason = self._steps[-1].reason
            return self._steps[-1]
        except (RobotError, UserError) as error:
            reason = str(error)
            raise
        finally:
            self._write(reason)

    def dry_run(self) -> None:
        """Look and decide once; nothing moves."""
        with connect(self._station) as there:
            workspace = self._station.workspace
            cameras = _Remembering(there.cameras, self._station.workspace)
            observation, _ = look(cameras.all, Perception(self._goal, workspace, self._segmenter))
            self._frame = cameras.frame
            self._say(observation)
            decision = self._policy.decide(observation, Memory())
            action = decision.action
            refusal = ""
            if action is not None:
                planned = moves(action, self._policy.primitive, workspace, there.robot)
                refusal = there.robot.refuses(planned)
        self._picture(_undone(0, observation, decision), NEXT)
        self._console.print(words.decision_words(_undone(0, observation, decision)))
        self._console.print(words.action_words(action))
        if refusal:
            self._console.print(f"the robot would refuse it: {refusal}")
        self._console.print(f"Nothing has moved. The decision is in {self._folder / NEXT}")
        write_json(self._folder / RECORD, {**self._head(), "dry_run": True, "refusal": refusal})

    def _retrieve(self, there: Connected) -> None:
        if self._on_connect is not None:
            self._on_connect(there.robot)
        there.robot.begin()
        cameras = _Remembering(there.cameras, self._station.workspace)
        policy = AskingPolicy(self._policy)

        def ask(observation: Observation, decision: Decision) -> bool:
            if not self._confirm:
                self._say(observation)  # before anything moves
                return True
            self._frame = cameras.frame
            return self._ask(observation, decision)

        robot: Robot = AskingRobot(there.robot, policy, ask)
        for step in retrieve(
            cameras.all, robot, policy, self._goal, workspace=self._station.workspace,
            segmenter=self._segmenter, max_actions=self._max_actions,
        ):  # fmt: skip
            self._steps.append(step)
            self._say(step.observation)
            mark = "✓" if words.went_well(step) else "✗"
            self._console.print(f"{words.decision_words(step)}  {mark} {words.outcome_words(step)}")
            self._picture(step, f"{PICTURES}/decision-{step.index + 1:02d}.png")
            self._frame = cameras.frame
            if step.end is End.ROBOT_STOPPED:
                raise RobotError(step.outcome.reason)

    def _ask(self, observation: Observation, decision: Decision) -> bool:
        step = _undone(len(self._steps), observation, decision)
        self._picture(step, NEXT)
        self._say(observation)
        self._console.print(words.decision_words(step))
        self._console.print(
            f"     {words.action_words(decision.action)}; see {self._folder / NEXT}"
        )
        while True:
            try:
                said = input("     y: do it   n: another one   q: stop > ").strip().lower()
            except EOFError as error:
                raise UserError(
                    "nobody answers: run it in a terminal, or with --no-confirm"
                ) from error
            if said in ("y", "yes"):
                return True
            if said in ("n", "no"):
                return False
            if said in ("q", "quit"):
                raise KeyboardInterrupt("stopped by the person")

    def _say(self, observation: Observation) -> None:
        """Print what perception has to say: corrections, cameras left out, doubts."""
        for sentence in (*observation.notes, observation.ambiguous):
            if sentence and sentence not in self._said:
                self._said.add(sentence)
                self._console.print(sentence)

    def _picture(self, step: Step, name: str) -> None:
        jaw = ActionGeometry(self._policy.primitive)
        picture = decision_picture(
            step, self._frame, goal_rgb=self._rgb, goal_name=color_name(self._rgb), geometry=jaw
        )
        data = png(picture)
        write_atomic(self._folder / name, data)
        if self._show is not None:
            self._show(step, data)

    def _head(self) -> dict[str, Any]:
        return {
            "goal": format_color(self._rgb),
            "policy": self._policy_name,
            "arm": self._station.arm.driver,
            "jaw": self._station.jaw.driver,
        }

    def _write(self, reason: str) -> None:
        last = self._steps[-1] if self._steps else None
        self._record = {
            **self._head(),
            "claimed_success": last is not None and last.claimed_success,
            "end": last.end if last is not None else None,
            "reason": reason,
            "steps": [asdict(record_step(step)) for step in self._steps],
        }
        write_json(self._folder / RECORD, self._record)

    def add(self, more: dict[str, Any]) -> None:
        """Add to the record."""
        self._record |= more
        write_json(self._folder / RECORD, self._record)


class _Remembering:
    """Cameras of which the first keeps its last whole picture, for the decision's picture."""

    def __init__(self, cameras: Sequence[Camera], workspace: Workspace) -> None:
        self.frame: RGBDFrame | None = None
        self.all: list[Camera] = [_Watched(camera, workspace) for camera in cameras]
        first = self.all[0]
        assert isinstance(first, _Watched)
        first.memory = self


class _Watched:
    """A camera that says so if it was moved."""

    def __init__(self, camera: Camera, workspace: Workspace) -> None:
        self._camera, self._moved = camera, MovedCamera(workspace)
        self.memory: _Remembering | None = None
        self.intrinsics, self.T_world_camera = camera.intrinsics, camera.T_world_camera

    def capture(self, region: Any = None) -> RGBDFrame:
        frame = self._camera.capture(region)
        self._moved.see(frame)
        if self.memory is not None:
            self.memory.frame = frame
        return frame


@contextmanager
def stop_once() -> Generator[None, None, None]:
    """Turn the first SIGINT or SIGTERM into KeyboardInterrupt, and keep later ones away from the
    stop that follows."""
    interrupted = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            print("pushgrasp: stopping", file=sys.stderr)
            return
        interrupted = True
        raise KeyboardInterrupt("the arm has stopped; the jaw keeps what it holds")

    kept = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _undone(index: int, observation: Observation, decision: Decision) -> Step:
    return Step(index, observation, decision, Outcome(executed=False), observation, 0.0)


def episode_folder(out: Path) -> Path:
    """Make an episode's folder, empty; it is filled while the robot moves.

    Raises:
        UserError: something else is there, or it cannot be made.
    """
    folder = check_output_folder(out, CONTENTS, RECORD)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / PICTURES).mkdir(parents=True)
    write_json(folder / RECORD, {})
    return folder
