"""`pushgrasp report`: results as one web page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ..errors import UserError
from ..utils.files import write_atomic
from ..utils.output import check_output_file
from ..view.report import read_results, report_page

PAGE = "report.html"


def write_report(folders: Sequence[Path], *, out: Path | None, pictures: bool) -> int:
    """Make the page; see `cli.Report` for the arguments."""
    if out is None and len(folders) > 1:
        raise UserError(
            f"{len(folders)} folders are named; name their one page too: --out FILE.html"
        )
    if out is not None:
        check_output_file(out, "--out", ".html")
    results = read_results(folders)
    for sentence in results.damaged:
        print(f"warning: {sentence}", file=sys.stderr)
    path = folders[0] / PAGE if out is None else out
    write_atomic(path, report_page(results, pictures=pictures))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    size = path.stat().st_size / 1e6
    console.print(f"{len(results.records):,} trials are in {path} ({size:.1f} MB)")
    return 0
