"""What a process that plays trials does: load a policy once, play, draw."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..parallel.processes import Play
from ..policy.load import load_policy
from ..policy.plugin import Plugin
from ..retrieve import Decides, Step
from ..sim.robots.registry import gripper
from ..sim.scenes.build import Scene
from ..utils.threads import use_one_thread
from .notes import OnStep
from .records import TrialRecord, TrialSpec


@dataclass(frozen=True)
class Setup:
    """What such a process must know."""

    sources: dict[str, str]  # of the policies, by name
    pictures: Path | None = None  # folder for a picture of each trial; None: none is drawn


def load_player(setup: Setup) -> Play:
    """What plays trials; a policy is loaded when its first trial comes.

    Args:
        setup: of the run.
    """
    from .trial import run_trial

    use_one_thread()
    loaded: dict[str, Decides] = {}

    def play(spec: TrialSpec) -> TrialRecord:
        if spec.policy not in loaded:
            loaded[spec.policy] = load_policy(setup.sources[spec.policy], gripper(spec.robot))
        policy = loaded[spec.policy]
        if isinstance(policy, Plugin):
            policy.reset()
        if setup.pictures is None:
            return run_trial(spec, policy)
        from ..view.draw.panels import Lengths
        from ..view.draw.strip import Strip

        lengths = Lengths(policy.primitive, gripper(spec.robot))
        strip = Strip(lengths)

        def watch() -> OnStep:
            nonlocal strip
            strip = Strip(lengths)  # a new one for each attempt

            def add(_scene: Scene, step: Step, lifted: bool) -> None:
                strip.add(step, lifted)

            return add

        record = run_trial(spec, policy, watch)
        try:
            strip.save(picture_path(setup.pictures, spec))
        except UserError as error:
            raise UserError(f"{error}; the trials before are kept: go on with --resume") from error
        return record

    return play


def picture_path(pictures: Path, spec: TrialSpec) -> Path:
    """Where a trial's picture lies, e.g. pictures/default/random-20-0007.webp."""
    return pictures / spec.policy / f"{spec.group}-{spec.index:04d}.webp"
