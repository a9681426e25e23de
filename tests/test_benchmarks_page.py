"""docs/benchmarks.md has a place for each benchmark, and only tables are replaced."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/benchmarks.md"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "bench/all.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_table_goes_to_its_place_and_the_words_stay(tmp_path: Path) -> None:
    page, runs = tmp_path / "page.md", tmp_path / "runs"
    page.write_text(PAGE.read_text())
    runs.mkdir()
    (runs / "latency.md").write_text("| new |\n|---|\n\nmachine; command; commit\n")
    done = run("--runs", str(runs), "--write", "--page", str(page))
    assert done.returncode == 0, done.stderr
    before, after = PAGE.read_text(), page.read_text()
    start, end = "<!-- bench latency -->\n", "<!-- /bench -->"
    head, _, rest = before.partition(start)
    tail = rest[rest.index(end) :]
    assert after == f"{head}{start}| new |\n|---|\n\nmachine; command; commit\n{tail}"


def test_a_benchmark_without_a_place_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text().replace("<!-- bench arms -->", "<!-- bench legs -->"))
    done = run("--page", str(page))
    assert done.returncode == 1
    assert "places for the benchmark" in done.stderr
    done = run("--only", "legs", "--runs", str(tmp_path))
    assert "no benchmark legs" in done.stderr
