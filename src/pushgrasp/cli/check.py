"""`pushgrasp check`: is a station ready?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from ..hardware.station import Station

StationFile = Annotated[Path, tyro.conf.arg(metavar="STATION")]


@dataclass(frozen=True, kw_only=True)
class CheckCommand:
    """Check a station without moving its arm: devices, calibration, table, force, tool, reach.

    Exits with 0 if all is well. `pushgrasp retrieve --station` runs only after that.

    Examples:
      pushgrasp check station.json
    """

    station: tyro.conf.Positional[StationFile]
    """Station file."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..hardware.station import read_station

        failed = run_checks(read_station(self.station))
        print("ready" if not failed else f"not ready: {', '.join(failed)}")
        return 1 if failed else 0


def run_checks(station: Station) -> list[str]:
    """Check a station and print what is found; returns the names of what failed."""
    from ..hardware.check import check

    failed: list[str] = []
    for finding in check(station):
        print(f"{'ok  ' if finding.good else 'FAIL'}  {finding.name}: {finding.said}", flush=True)
        if not finding.good:
            failed.append(finding.name)
    return failed
