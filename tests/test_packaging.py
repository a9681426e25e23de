"""What a newcomer and an installer find: metadata, lock, licence, commands."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import pushgrasp

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def locked() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def test_one_version_everywhere():
    assert PROJECT["version"] == pushgrasp.__version__
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {pushgrasp.__version__}\n" in citation
    assert "Learning Push-Grasp Synergy for Occluded Objects in Cluttered Environments" in citation
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_the_lock_pins_every_dependency_within_its_range():
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *(r for extra in extras.values() for r in extra)]
    pins = locked()
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        if name != "pushgrasp":
            assert pins[name] in requirement.specifier, name
    # A local version such as 2.13.0+cpu exists on one index only.
    assert not [name for name, version in pins.items() if "+" in version]


def test_what_is_imported_is_declared():
    extras = PROJECT["optional-dependencies"]
    needed = [*PROJECT["dependencies"], *extras["ray"], *extras["rerun"]]
    declared = {canonicalize_name(Requirement(r).name) for r in needed}
    providers = metadata.packages_distributions()
    used: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        found = re.findall(r"^\s*(?:import|from) (\w+)", path.read_text(), re.MULTILINE)
        used |= {name for name in found if name not in sys.stdlib_module_names}
    for name in used - {"pushgrasp"}:
        if name in providers:  # otherwise a word at the start of a line of prose
            assert {canonicalize_name(p) for p in providers[name]} & declared, name


def test_commands_are_documented_and_run():
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for target in ("demo", "test"):
        assert f"make {target}" in readme
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_pictures_and_pages_that_the_readme_shows_are_there():
    readme = (ROOT / "README.md").read_text()
    for link in re.findall(r"\]\((?!https?://|#)([^)]+)\)", readme):
        assert (ROOT / link).exists(), link


def test_help_is_quick_because_heavy_parts_are_imported_late():
    code = (
        "import sys\nfrom pushgrasp.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "sys.exit(bool({'torch', 'mujoco', 'cv2', 'matplotlib'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for command in ("demo", "retrieve", "scene", "evaluate", "train", "info"):
        assert command in done.stdout


def test_every_supported_python_is_tested_and_declared():
    yaml = pytest.importorskip("yaml")
    declared = {
        line.rsplit(" ", 1)[-1]
        for line in PROJECT["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", line)
    }
    for name, job in (("test.yml", "linux"), ("wheel.yml", "install")):
        workflow = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
        assert set(workflow["jobs"][job]["strategy"]["matrix"]["python"]) == declared


def test_workflows_use_targets_and_files_that_exist():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    text = "".join(path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml"))
    assert text
    assert set(re.findall(r"make ([a-z-]+)", text)) <= set(targets)
    for path in re.findall(r"bench/\w+\.py", text):
        assert (ROOT / path).is_file(), path
    for line in re.findall(
        r"^COPY (?!--from)(.+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    ):
        for name in line.split()[:-1]:
            assert (ROOT / name).exists(), name
            assert f"!{name}" in (ROOT / ".dockerignore").read_text().split()


def test_the_version_has_an_entry_in_the_changelog():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## {re.escape(pushgrasp.__version__)} - ", changelog, re.MULTILINE)


@pytest.mark.long
def test_an_installed_wheel_runs_the_demo_from_another_folder():
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "wheel.py", "--borrow"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "Could not find a version" in done.stderr:
        pytest.skip("no package index is at hand to fetch the build tool from")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_built_wheel_carries_every_file_of_the_package(tmp_path: Path):
    source = tmp_path / "source"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, source],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0 and "Could not find a version" in done.stderr:
        pytest.skip("no package index is at hand to fetch the build tool from")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "src" / "pushgrasp"
    for path in package.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert f"pushgrasp/{path.relative_to(package).as_posix()}" in names
