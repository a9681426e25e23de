"""What a process that plays trials does: load each policy once, play, let others watch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ..policy.load import load_policy
from ..retrieve import Decides
from ..sim.robots.registry import gripper
from ..utils.provenance import commit
from ..utils.threads import use_one_thread
from .records import TrialRecord, TrialSpec
from .steps import OnStep


class TrialObserver(Protocol):
    """Watches one trial, to draw it for example."""

    def begin_attempt(self) -> OnStep:
        """Forget earlier attempts; returns what is called after each step of this one."""
        ...

    def finish(self) -> None:
        """The trial is over; its last attempt was scored."""
        ...


Observe = Callable[[TrialSpec, Decides], TrialObserver]
"""Makes the observer of a trial; it is sent to the processes, so it must be picklable."""


Play = Callable[[TrialSpec], TrialRecord]
"""Plays one trial."""


@dataclass(frozen=True)
class PlayerSetup:
    """What a process needs to play the trials of a run."""

    sources: dict[str, str]  # of the policies, by name
    device: str = "auto"  # see `load_policy`
    observe: Observe | None = None


def load_player(setup: PlayerSetup) -> Play:
    """Make the function that plays trials; it loads a policy when its first trial comes.

    Args:
        setup: of the run.
    """
    from .trial import run_trial

    use_one_thread()
    loaded: dict[str, Decides] = {}
    code = commit()

    def play(spec: TrialSpec) -> TrialRecord:
        if spec.policy not in loaded:
            loaded[spec.policy] = load_policy(
                setup.sources[spec.policy], gripper(spec.robot), device=setup.device
            )
        policy = loaded[spec.policy]
        if setup.observe is None:
            return run_trial(spec, policy, commit=code)
        observer = setup.observe(spec, policy)
        record = run_trial(spec, policy, observer.begin_attempt, commit=code)
        observer.finish()
        return record

    return play
