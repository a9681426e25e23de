"""What is said of the code and the machine beside results."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pushgrasp.utils import provenance as origin


def git(folder: Path, *command: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *command], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_commit_of_a_checkout_and_whether_it_was_changed(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "origin.py"
    file.write_text("as committed")
    monkeypatch.setattr(origin, "__file__", str(file))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert origin.commit() is None  # no repository
    git(tmp_path, "init", "-q")
    assert origin.commit() is None  # one around the package that is not the package's
    git(tmp_path, "add", "origin.py")
    git(tmp_path, "commit", "-q", "-m", "first")
    assert origin.commit() == git(tmp_path, "rev-parse", "--short", "HEAD")
    file.write_text("changed")
    assert origin.commit() == git(tmp_path, "rev-parse", "--short", "HEAD") + "-dirty"


def test_without_git_the_commit_is_unknown(monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert origin.commit() is None


def test_the_machine() -> None:
    machine = origin.machine()
    assert machine["cores"] == len(os.sched_getaffinity(0))
    assert machine["processor"]
    assert set(machine["packages"]) == {"mujoco", "numpy", "torch"}
