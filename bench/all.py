"""Every benchmark of docs/benchmarks.md, and the page's tables from their figures.

    python bench/all.py --runs DIR                runs what is not yet there for this commit (hours)
    python bench/all.py --runs DIR --only arms    one of them
    python bench/all.py --runs DIR --write        puts the tables in DIR into the page
    python bench/all.py                           checks that the page has a place for each

What stands between `<!-- bench NAME -->` and `<!-- /bench -->` on the page is a benchmark's own
table with its command, machine and commit. The words around it are written by hand.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import tyro

from pushgrasp.errors import UserError
from pushgrasp.utils.files import read_json, write_atomic
from pushgrasp.utils.provenance import commit

BENCH = Path(__file__).parent
PAGE = BENCH.parent / "docs" / "benchmarks.md"
BENCHES: dict[str, tuple[str, ...]] = {
    "latency": ("latency.py", "--dense", "1", "--naive", "1"),
    "throughput": ("throughput.py",),
    "skipping": ("throughput.py", "--skip", "both", "--objects", "20"),
    "scaling": ("scaling.py",),
    "report-page": ("report_page.py",),
    "cameras": ("cameras.py",),
    "scenes": ("scenes.py", "--robots", "gantry", "ur5e", "panda", "--builds", "5"),
    "arms": ("arms.py", "--robots", "gantry", "ur5e", "panda", "--plans", "300"),
    "throughput-ur5e": ("throughput.py", "--actions", "50", "--robot", "ur5e"),
    "throughput-panda": ("throughput.py", "--actions", "50", "--robot", "panda"),
    "training": ("training.py", "--seconds", "60", "--init-from", "default"),
    "robots": ("robots.py", "--results", "{runs}/robots"),
    "stability": ("stability.py", "--actions", "5000"),
    "stability-ur5e": ("stability.py", "--actions", "5000", "--robot", "ur5e"),
    "stability-panda": ("stability.py", "--actions", "5000", "--robot", "panda"),
}
"""Scripts with their settings, the quick ones first; {runs} is the folder of the runs."""
_BLOCK = re.compile(r"(<!-- bench ([a-z0-9-]+) -->\n)(.*?)(<!-- /bench -->)", re.DOTALL)


def main(
    runs: Path | None = None, only: tuple[str, ...] = (), write: bool = False, page: Path = PAGE
) -> None:
    """Run benchmarks, or write their tables.

    Args:
        runs: folder for NAME.json, NAME.md and NAME.log of each.
        only: names of benchmarks; all of them if none is given.
        write: put the tables that are there into the page; runs nothing.
        page: with a place for each.
    """
    if unknown := set(only) - BENCHES.keys():
        raise SystemExit(
            f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}"
        )
    text = page.read_text()
    check(text)
    if runs is None:
        return
    names = only or tuple(BENCHES)
    if write:
        tables = {n: (runs / f"{n}.md").read_text() for n in names if (runs / f"{n}.md").is_file()}
        write_atomic(page, filled(text, tables))
        print(f"{page}: {len(tables)} of {len(names)} tables", file=sys.stderr)
        return
    runs.mkdir(parents=True, exist_ok=True)
    failed = [name for name in names if not _run(name, runs)]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}; see NAME.log in {runs}")


def check(text: str) -> None:
    """Check that each benchmark has one place on the page, and each place a benchmark."""
    places = [name for _, name, _, _ in _BLOCK.findall(text)]
    for name in BENCHES.keys() | set(places):
        if places.count(name) != 1 or name not in BENCHES:
            raise SystemExit(f"the page has {places.count(name)} places for the benchmark {name!r}")


def filled(text: str, tables: dict[str, str]) -> str:
    """Replace the tables that are given, by the benchmark's name, and leave the others."""

    def fill(block: re.Match[str]) -> str:
        start, name, old, end = block.groups()
        return f"{start}{tables[name].strip()}\n{end}" if name in tables else f"{start}{old}{end}"

    return _BLOCK.sub(fill, text)


def _run(name: str, runs: Path) -> bool:
    """Run a benchmark unless it has run at this commit; returns False if it failed."""
    if _commit(runs / f"{name}.json") == commit():
        return True
    script, *settings = (word.format(runs=runs) for word in BENCHES[name])
    command = [sys.executable, str(BENCH / script), *settings, "--out", str(runs / f"{name}.json")]
    print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
    start = time.monotonic()
    with open(runs / f"{name}.log", "w") as log:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True, check=False)
    print(f"{(time.monotonic() - start) / 60:.1f} minutes", file=sys.stderr)
    if done.returncode == 0:
        table = done.stdout.split("\n{", 1)[0]  # then comes the JSON
        write_atomic(runs / f"{name}.md", re.sub(r" --out \S+(?=`)", "", table).strip() + "\n")
    return done.returncode == 0


def _commit(result: Path) -> str | None:
    try:
        return read_json(result)["setting"]["commit"]
    except (UserError, KeyError, TypeError):
        return None


if __name__ == "__main__":
    tyro.cli(main)
