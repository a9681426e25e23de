"""README's table of results against the published ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "bench" / "readme_table.py"
MARKERS = "<!-- results: written by bench/readme_table.py -->", "<!-- end of results -->"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="not in a checkout")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], cwd=ROOT, capture_output=True, text=True
    )


def test_a_readme_that_is_stale_is_told_and_written(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# title\n\n{}\n| old |\n{}\n\nmore\n".format(*MARKERS))
    stale = run("--readme", str(readme))
    assert stale.returncode == 1
    assert "bench/readme_table.py --write" in stale.stderr
    assert run("--readme", str(readme), "--write").returncode == 0
    assert run("--readme", str(readme)).returncode == 0
    text = readme.read_text()
    assert text.startswith("# title\n\n")
    assert text.endswith("\n\nmore\n")
    assert "| old |" not in text
    assert "| `default` | 97 % (89 to 99); 2.2 |" in text


def test_a_readme_without_the_markers_is_told(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# title\n")
    bad = run("--readme", str(readme), "--write")
    assert bad.returncode == 1
    assert "once each" in bad.stderr
    assert readme.read_text() == "# title\n"
