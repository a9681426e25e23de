"""Check the wheel as a user meets it: installed in an empty environment, run from another folder.

python bench/wheel.py                     # build it, install it with its dependencies, run the demo
python bench/wheel.py --wheel dist/*.whl  # one that is built
python bench/wheel.py --borrow            # dependencies from this Python's environment: no network
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description="Check the wheel")
    parser.add_argument("--wheel", type=Path, help="default: built from this checkout")
    parser.add_argument("--borrow", action="store_true", help="install the wheel alone")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pushgrasp-wheel-") as folder:
        check(Path(folder), arguments.wheel, borrow=arguments.borrow)


def check(folder: Path, wheel: Path | None, *, borrow: bool) -> None:
    """Install a wheel and run what a newcomer runs; any failure ends the program.

    Args:
        folder: empty; everything is made in it.
        wheel: None: it is built.
        borrow: import the dependencies of this Python instead of installing them.
    """
    start = time.monotonic()
    if wheel is None:
        run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT], folder)
        (wheel,) = folder.glob("pushgrasp-*.whl")
    venv.create(folder / "venv", with_pip=not borrow, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    if borrow:
        (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
        pip = [sys.executable, "-m", "pip", "--python", python]
        run([*pip, "install", "-q", "--no-deps", wheel.resolve()], folder)
        (site / "borrowed.pth").write_text("\n".join(p for p in sys.path if "site-packages" in p))
    else:
        constraints = ["-c", ROOT / "constraints.txt"]
        run([python, "-m", "pip", "install", "-q", *constraints, wheel.resolve()], folder)
    print(f"installed {wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB: {seconds(start)}")

    where = run([python, "-c", "import pushgrasp; print(pushgrasp.__file__)"], folder)
    if not Path(where.strip()).is_relative_to(folder):
        sys.exit(f"wheel: {where.strip()} was imported instead of the wheel")
    pushgrasp = folder / "venv" / "bin" / "pushgrasp"
    facts = json.loads(run([pushgrasp, "info", "--json"], folder))
    if facts["cameras"]["ray"] != "works" or "default" not in facts["policies"]:
        sys.exit(f"wheel: info reports {facts}")
    run([pushgrasp, "recipe", "paper"], folder)

    start = time.monotonic()
    run([pushgrasp, "demo", "--no-video", "--out", folder / "demo"], folder)
    episode = json.loads((folder / "demo" / "episode.json").read_text())
    print(f"demo: {len(episode['steps'])} actions, {seconds(start)}")


def run(command: list[str | Path], folder: Path) -> str:
    """Run a command in a folder, without this checkout on its path; returns what it printed."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"wheel: {' '.join(words)} failed\n{done.stdout}{done.stderr}")
    return done.stdout


def seconds(start: float) -> str:
    """Return the time since `start` in words."""
    return f"{time.monotonic() - start:.0f} s"


if __name__ == "__main__":
    main()
