"""`pushgrasp station`: begin a station file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True, kw_only=True)
class StationCommand:
    """Write a commented station file to fill in: arm, jaw, cameras, fence, speeds, home, bin.

    Examples:
      pushgrasp station --new ur5e --out station.json
      pushgrasp station --new franka --out station.json
    """

    new: Annotated[Literal["franka", "ur5e"], tyro.conf.arg(metavar="franka|ur5e")]
    """franka: FR3 or Panda with the Franka Hand; ur5e: a UR e-Series with an RG2."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("station.json")
    """File to write; an existing one is never replaced."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..hardware.starts import write_start

        write_start(self.new, self.out)
        print(
            f"{self.out} is written. Next: fill in addresses, T_world_base, fence and home;\n"
            f"pushgrasp calibrate {self.out}; pushgrasp check {self.out}; docs/hardware.md has "
            "the order."
        )
        return 0
