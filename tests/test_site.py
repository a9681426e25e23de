"""The documentation's links hold, its programs run, and its site needs no network."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.glob("*.md"))
MADE = {"index.md", "command-line.md", "changelog.md", "contributing.md"}  # by docs/hooks.py
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s#]*)(?:#([^)\s]*))?\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges and mkdocs make them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", title.lower()) for title in titles]
    return {re.sub(r"[ ]+", "-", title.strip()) for title in plain}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda path: path.name)
def test_links_between_pages_and_files_hold(page: Path) -> None:
    for link, anchor in LINK.findall(page.read_text()):
        target = page.parent / link if link else page
        if target.name not in MADE:
            assert target.exists(), f"{page.name}: {link}"
            if anchor and target.suffix == ".md":
                assert anchor in anchors(target), f"{page.name}: {link}#{anchor}"


def test_every_page_has_its_place_in_the_site() -> None:
    named = set(re.findall(r": ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    assert named == {path.name for path in PAGES} | MADE


def test_the_site_fetches_nothing() -> None:
    settings = (ROOT / "mkdocs.yml").read_text()
    assert "font: false" in settings
    assert "http" not in settings


def test_what_the_tutorial_lets_a_reader_write_works(tmp_path: Path) -> None:
    text = (DOCS / "tutorial.md").read_text()
    blocks = dict(re.findall(r"```(python|json)\n(.*?)```", text, re.DOTALL)[::-1])
    python = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "bottle.json").write_text(blocks["json"])
    (tmp_path / "mine.py").write_text(python[-1])
    check = (
        "from pushgrasp import SceneConfig, build_scene, load_policy\n"
        "scene = build_scene(SceneConfig('bottle.json'))\n"
        "assert scene.goal_rgb and len(scene.world.in_scene()) == 3\n"
        "assert load_policy('mine.py:Nearest')\n"
        f"compile({python[1]!r}, 'tutorial', 'exec')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", python[0] + check],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="needs the extra docs")
def test_the_site_builds_without_a_warning_and_without_a_foreign_script(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", tmp_path / "site"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for page in (tmp_path / "site").rglob("*.html"):
        text = page.read_text()
        assert not re.search(r'<(?:script|img|iframe)[^>]*src="(?:https?:)?//', text), page
        assert not re.search(r'<link[^>]*rel="stylesheet"[^>]*href="(?:https?:)?//', text), page
