"""README's table of results, generated from results/.

    python bench/readme_table.py            says whether README.md has the table of results/
    python bench/readme_table.py --write    writes it there

The table stands between the two markers below; `make lint` checks it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import tyro

from pushgrasp.evaluation.tables import PAPER
from pushgrasp.utils.files import write_atomic

BEGIN = "<!-- results: written by bench/readme_table.py -->"
END = "<!-- end of results -->"
OBJECTS = (10, 20, 30)
POLICIES = {
    "default": "`default`",
    "geometric": "`geometric`, a hand-written planner",
    "paper": "`paper`, the paper's recipe with a small network",
    "wang2024": "`wang2024`, the paper's baseline, likewise",
}


def main(
    write: bool = False, readme: Path = Path("README.md"), results: Path = Path("results")
) -> None:
    """Check or write the table.

    Args:
        write: write it; without this, exit with 1 if README's is another one.
        readme: the file with the markers.
        results: the published evaluations, with the folders `random` and `challenging`.
    """
    text = readme.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"{readme} must have the lines {BEGIN!r} and {END!r} once each")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    wanted = f"{before}{BEGIN}\n\n{table(results)}\n\n{END}{after}"
    if text == wanted:
        return
    if not write:
        sys.exit(
            f"{readme} does not show the figures of {results}/; "
            "run: python bench/readme_table.py --write"
        )
    write_atomic(readme, wanted)


def table(results: Path) -> str:
    """Format the rates of some policies in random and in challenging scenes, as Markdown.

    Args:
        results: the published evaluations.
    """
    random, challenging = (_rates(results / name) for name in ("random", "challenging"))
    scenes = [*(f"random-{n}" for n in OBJECTS), "all challenging"]
    rows = [
        [
            "goals retrieved; actions per goal",
            *(f"{n} objects" for n in OBJECTS),
            "ten hard scenes",
        ],
        ["---"] * 5,
    ]
    for policy, title in POLICIES.items():
        cells = [(random | challenging)[policy, scene] for scene in scenes]
        rows.append([title, *map(_cell, cells)])
    paper = PAPER["the paper"]
    reported = [f"{paper[n][0]:.1f} %; {paper[n][2]:.1f}" for n in OBJECTS]
    rows.append(["*the paper, in its own scenes and simulator*", *reported, ""])
    trials = random["default", "random-10"]["trials"]
    family = challenging["default", "all challenging"]
    shown = [g for (policy, _), g in (random | challenging).items() if policy in POLICIES]
    wrong, of = (sum(group[key] for group in shown) for key in ("wrong_claims", "trials"))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + (
        f"\n\nIn brackets 95 % intervals: {trials} random scenes of each size, "
        f"{family['scenes']} fixed scenes with a severely or fully occluded goal, played "
        f"{family['trials'] // family['scenes']} times each. In {wrong or 'none'} of the {of:,} "
        "trials behind this table did the robot claim a goal that it did not have."
    )


def _rates(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Read a folder's rates by policy and group; of fixed scenes, only those of the family."""
    summary = json.loads((folder / "summary.json").read_text())
    groups = summary["families"] or summary["groups"]
    return {(group["policy"], group["name"]): group for group in groups}


def _cell(group: dict[str, Any]) -> str:
    low, high = (100 * end for end in group["tcr_ci95"])
    return f"{100 * group['tcr']:.0f} % ({low:.0f} to {high:.0f}); {group['mn']:.1f}"


if __name__ == "__main__":
    tyro.cli(main)
