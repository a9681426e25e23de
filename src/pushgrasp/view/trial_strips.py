"""Strips of an evaluation's trials: a small picture per decision, a file per trial."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..evaluation.results import strip_path
from ..sim.robots.registry import gripper
from .draw.actions import ActionGeometry
from .draw.strip import Strip

if TYPE_CHECKING:
    from ..evaluation.records import TrialSpec
    from ..evaluation.steps import OnStep
    from ..retrieve import Decides, Step
    from ..sim.scenes.build import Scene


@dataclass(frozen=True)
class StripObserver:
    """Makes a `StripWriter` for each trial of a results folder."""

    results: Path

    def __call__(self, spec: TrialSpec, policy: Decides) -> StripWriter:
        """Make the observer of a trial; see `evaluation.player.Observe`."""
        path = strip_path(self.results, spec.policy, spec.group, spec.index)
        return StripWriter(path, ActionGeometry(policy.primitive, gripper(spec.robot)))


class StripWriter:
    """Draws the steps of a trial's last attempt.

    Args:
        path: of the strip.
        geometry: what actions are drawn with.
    """

    def __init__(self, path: Path, geometry: ActionGeometry) -> None:
        self._path, self._geometry = path, geometry
        self._strip = Strip(geometry)

    def begin_attempt(self) -> OnStep:
        """See `TrialObserver.begin_attempt`."""
        strip = self._strip = Strip(self._geometry)

        def add(_scene: Scene, step: Step, lifted: bool) -> None:
            strip.add(step, lifted)

        return add

    def finish(self) -> None:
        """Write the strip.

        Raises:
            UserError: the disk is full, or the place cannot be written.
        """
        try:
            self._strip.save(self._path)
        except UserError as error:
            raise UserError(
                f"{error}; the trials before are kept: continue with --resume"
            ) from error
