"""Hooks of mkdocs: pages made from the README, the command line's help and linked source files.

The pages in docs/ link to files of the repository (`../src/...`), as they do on a forge. In the
site such a file becomes a page or is copied; nothing points outside.
"""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
GENERATED = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
LANGUAGES = {".py": "python", ".json": "json", ".toml": "toml", "": "text", ".cff": "yaml"}
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s#]+)((?:#[^)\s]*)?\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    for source, page in GENERATED.items():
        text = _relink((ROOT / source).read_text(), source, page)
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, "command-line.md", content=command_line()))
    pages = {f"docs/{file.src_uri}": (ROOT / "docs" / file.src_uri) for file in files}
    texts = [
        (name, path.read_text())
        for name, path in pages.items()
        if path.suffix == ".md" and path.is_file()
    ]
    texts += [(name, (ROOT / name).read_text()) for name in GENERATED]
    todo = sorted({link for name, text in texts for link in _outside(text, name)})
    done: set[str] = set()
    while todo:
        path = todo.pop()
        if path in done:
            continue
        done.add(path)
        files.append(_source_file(config, path))
        if path.endswith(".md"):
            todo += sorted(_outside((ROOT / path).read_text(), path) - done)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links to files of the repository to their pages."""
    uri = page.file.src_uri
    if uri in (*GENERATED.values(), "command-line.md") or uri.startswith("source/"):
        return markdown
    return _relink(markdown, f"docs/{uri}", uri)


def command_line() -> str:
    """Return the page of the command line: the help of every command."""
    names = re.findall(
        r'^    "(\w+)": \w+Command,', (ROOT / "src/pushgrasp/cli/main.py").read_text(), re.M
    )
    parts = ["# Command line\n"]
    environment = {**os.environ, "COLUMNS": "100", "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"}
    for name in names:
        command = [sys.executable, "-m", "pushgrasp", name, "--help"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PluginError(f"pushgrasp {name} --help failed: {done.stderr}")
        parts.append(f"## {name}\n\n```text\n{done.stdout.strip()}\n```\n")
    return "\n".join(parts)


def _outside(text: str, name: str) -> set[str]:
    """Return the files of the repository, outside docs/, that a text links to."""
    found: set[str] = set()
    for _, link, _ in LINK.findall(text):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
        if "://" not in link and not path.startswith("docs/") and path not in GENERATED:
            if not (ROOT / path).exists():
                raise PluginError(f"{name} links to {link}, but there is no {path}")
            found.add(path)
    return found


def _relink(text: str, name: str, page: str) -> str:
    """Turn links between files of the repository into links between pages of the site."""

    def change(match: re.Match[str]) -> str:
        before, link, after = match.groups()
        if "://" in link or link.startswith("mailto:"):
            return match.group(0)
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
        target = _site_path(path)
        return before + posixpath.relpath(target, posixpath.dirname(page) or ".") + after

    return LINK.sub(change, text)


def _site_path(path: str) -> str:
    if path in GENERATED:
        return GENERATED[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if (ROOT / path).is_dir():
        return f"source/{path}/index.md"
    suffix = PurePosixPath(path).suffix
    return f"source/{path}.md" if suffix in LANGUAGES else f"source/{path}"


def _source_file(config: MkDocsConfig, path: str) -> File:
    """Return the page of a linked file: a listing of a folder, a program, a table, a picture."""
    uri, file = _site_path(path), ROOT / path
    if file.is_dir():
        names = sorted(p.name for p in file.iterdir() if not p.name.startswith(("_", ".")))
        content = f"# `{path}/`\n\n" + "\n".join(f"- `{name}`" for name in names)
    elif file.suffix == ".md":
        content = _relink(file.read_text(), path, uri)
    elif uri.endswith(".md"):
        fence = "~~~~"
        content = f"# `{path}`\n\n{fence}{LANGUAGES[file.suffix]}\n{file.read_text()}\n{fence}\n"
    else:
        return File.generated(config, uri, content=file.read_bytes())
    return File.generated(config, uri, content=content)
