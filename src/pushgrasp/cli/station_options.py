"""Options of `pushgrasp retrieve` for a real robot, and the episode that they run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from ..errors import UserError
from .options import Switch

if TYPE_CHECKING:
    from ..perception.goal import RGB, Goal


MAX_ACTIONS = 30
"""The most actions on a real robot, unless a command says otherwise."""


@dataclass(frozen=True, kw_only=True)
class StationOptions:
    """A real robot."""

    station: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: simulated)")
    ] = None
    """Station file: the real robot, cameras and table. Checked first, see pushgrasp check."""
    confirm: bool = True
    """Show each decision of a real robot and wait for a yes, unless the station says not to."""
    dry_run: Switch = False
    """Look and decide once; the arm does not move."""

    def refuse_alone(self) -> None:
        """Check that no option for a station is given without one.

        Raises:
            UserError: one is.
        """
        if self.dry_run or not self.confirm:
            raise UserError("--dry-run and --no-confirm are for real robots; name one by --station")

    def run(
        self,
        goal: Goal | RGB,
        policy: str,
        device: str,
        out: Path,
        *,
        segmenter: str = "color",
        max_actions: int = MAX_ACTIONS,
    ) -> int:
        """Run an episode on the station; returns the exit code."""
        from rich.console import Console

        from ..hardware.connect import jaw_geometry
        from ..hardware.station import read_station
        from ..policy.load import PolicySource
        from .check import run_checks
        from .station_episode import StationEpisode, episode_folder

        assert self.station is not None
        station = read_station(self.station)
        source = PolicySource.resolve(policy)
        made = source.load(jaw_geometry(station.jaw), device=device)
        folder = episode_folder(out)
        if failed := run_checks(station):
            print(f"not ready: {', '.join(failed)}; nothing has moved")
            return 1
        console = Console(highlight=False, markup=False, soft_wrap=True)
        episode = StationEpisode(
            station, goal, made, policy_name=policy, folder=folder, segmenter=segmenter,
            confirm=self.confirm and station.confirm, max_actions=max_actions, console=console,
        )  # fmt: skip
        if self.dry_run:
            episode.dry_run()
            return 0
        last = episode.run()
        outcome = "holds" if last.claimed_success else "does not have"
        console.print(f"The robot {outcome} the goal: {last.reason}. Record: {out}")
        return 0
