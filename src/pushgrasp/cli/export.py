"""`pushgrasp export`: trials of an evaluation as a dataset."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from ..errors import UserError
from ..utils.device import Device

if TYPE_CHECKING:
    from ..export.episodes import ExportedEpisode

CONTENTS = ("meta", "data")


@dataclass(frozen=True, kw_only=True)
class ExportCommand:
    """Export the trials of an evaluation as a dataset, a row per action.

    Every trial is played again as recorded, which gives the images that the evaluation did not
    keep. Needs the extra "export".

    Examples:
      pushgrasp export runs/two --policy default --format lerobot --out datasets/two
      pushgrasp export runs/two --policy default --format hdf5 --out two.hdf5 --limit 10
    """

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """Folder of the evaluation."""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR|FILE.hdf5")]
    """lerobot: a folder, of which an earlier dataset is replaced; hdf5: a file."""
    format: Literal["lerobot", "hdf5"] = "lerobot"
    """lerobot: a LeRobot dataset, v3.0; hdf5: one file laid out as robomimic's."""
    policy: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="NAME|DIR|FILE.py:CLASS", help_behavior_hint="(default: the only one)"
        ),
    ] = None
    """Whose trials, if several policies played; or where that policy is now."""
    limit: Annotated[
        int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: all trials)")
    ] = None
    """Export this many trials: the first of each group in turn."""
    only_successes: tyro.conf.FlagCreatePairsOff[bool] = False
    """Leave out trials in which the goal was not retrieved."""
    device: Device = "auto"
    """Where networks run: cpu, cuda, cuda:1; auto: a GPU for densenet121, else the CPU."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..utils.optional import need
        from ..utils.output import check_output_file, check_output_folder, output_folder

        if self.limit is not None and self.limit < 1:
            raise UserError(f"--limit {self.limit}: at least one trial is needed")
        if self.format == "hdf5":
            check_output_file(self.out, "--out", ".hdf5", ".h5")
        else:
            check_output_folder(self.out, CONTENTS, "meta")
        need("h5py" if self.format == "hdf5" else "pyarrow", "export")

        from ..export.episodes import play_again, recorded_trials
        from ..utils.threads import use_one_thread

        use_one_thread()
        trials = recorded_trials(self.folder, self.policy, self.limit)
        episodes = self._kept(play_again(trials, self.device), len(trials))
        if self.format == "hdf5":
            from ..export.hdf5 import write_hdf5

            n = write_hdf5(self.out.expanduser(), episodes)
        else:
            from ..export.lerobot import write_lerobot

            with output_folder(self.out, CONTENTS, "meta") as folder:
                n = write_lerobot(folder, episodes, trials[0].spec.robot)
        print(f"{n} actions are in {self.out}")
        return 0

    def _kept(self, episodes: Iterable[ExportedEpisode], total: int) -> Iterator[ExportedEpisode]:
        """Yield the episodes to export, with a line for each; at least one."""
        n = 0
        for episode in episodes:
            trial = f"{episode.record.group}:{episode.record.index}"
            if episode.differs:
                print(f"warning: {trial} is not as recorded: {episode.differs}", file=sys.stderr)
            if not episode.steps or (self.only_successes and not episode.success):
                continue
            n += 1
            print(f"{trial}: {len(episode.steps)} actions ({n} of up to {total})")
            yield episode
        if not n:
            raise UserError(f"{self.folder}: no trial is left to export")
