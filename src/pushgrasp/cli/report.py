"""`pushgrasp report`: make one web page of results."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ..errors import UserError

PAGE = "report.html"


@dataclass(frozen=True)
class ReportCommand:
    """Make one web page of one or more evaluations: tables, plots, every trial.

    Examples:
      pushgrasp report runs/two
      pushgrasp report runs/two runs/novel --out both.html --no-pictures
    """

    folders: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="DIR ...", help_behavior_hint="(required)"),
    ]
    """Folders of evaluations, finished or not; no trial may be in two of them."""
    out: Annotated[
        Path | None,
        tyro.conf.arg(
            metavar="FILE.html", help_behavior_hint="(default: report.html in the only folder)"
        ),
    ] = None
    """The page; an earlier one is replaced."""
    pictures: bool = True
    """Embed the pictures of the trials' steps, if there are any; they are most of the page."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..utils.output import check_output_file

        if not self.folders:
            raise UserError("no folder is named; name the folders of one or more evaluations")
        path = self.out or self.folders[0] / PAGE
        if self.out is not None:
            check_output_file(self.out, "--out", ".html")
        elif len(self.folders) > 1:
            raise UserError(
                f"{len(self.folders)} folders are named; name their one page too: --out FILE.html"
            )

        from ..utils.files import write_atomic
        from ..view.draw.words import plural
        from ..view.report import read_results, report_page

        results = read_results(self.folders)
        for sentence in results.damaged:
            print(f"warning: {sentence}", file=sys.stderr)
        write_atomic(path, report_page(results, pictures=self.pictures))
        n, size = plural(len(results.records), "trial"), path.stat().st_size / 1e6
        print(f"{path}: {n}, {size:.1f} MB")
        return 0
