"""README and docs: links lead somewhere, and commands are ones that the command line accepts."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pushgrasp.cli.main import parse

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(page: Path) -> list[str]:
    """Return the calls of `pushgrasp` in a page's blocks of shell code, without redirections.

    Calls that leave something out, "...", are left out.
    """
    blocks = re.findall(r"```(?:sh|console|bash)\n(.*?)```", page.read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    calls = [line.removeprefix("$ ") for line in lines if re.match(r"(\$ )?pushgrasp ", line)]
    return [call.split(" > ")[0] for call in calls if "..." not in call]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=lambda page: page.name)
def test_commands_are_accepted(page: Path) -> None:
    rejected: list[str] = []
    for command in commands(page):
        try:
            parse(shlex.split(command, comments=True)[1:])
        except SystemExit as stop:
            rejected += [command] if stop.code else []
    assert rejected == []
