"""The decision path sees only what a robot sees: it cannot even import the simulator."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pushgrasp

PACKAGE = Path(pushgrasp.__file__).parent
DECISION_PATH = [
    "workspace.py", "interfaces.py", "colors.py", "heightmap.py", "segmentation.py",
    "targeting.py", "selection.py", "observation.py", "policy.py", "pretrained.py",
    "recipes.py", "policy_config.py", "configs.py", "primitives.py", "retrieve.py", "cameras.py",
    "errors.py", "files.py", "decision.py", "policies.py", "plugins.py",
    *(f"baselines/{p.name}" for p in (PACKAGE / "baselines").glob("*.py")),
    *(f"networks/{p.name}" for p in (PACKAGE / "networks").glob("*.py")),
]  # fmt: skip
PURE = ["workspace.py", "heightmap.py", "segmentation.py", "targeting.py", "selection.py"]


def imported(name: str) -> set[str]:
    """Absolute names of the modules that a file of the package imports, anywhere in it."""
    path = PACKAGE / name
    package = ["pushgrasp", *Path(name).parent.parts]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("name", DECISION_PATH)
def test_decision_path_does_not_import_the_simulator(name: str) -> None:
    forbidden = ("mujoco", "pushgrasp.sim", "pushgrasp.evaluation", "pushgrasp.learning")
    bad = {m for m in imported(name) if m.startswith(forbidden)}
    assert not bad


@pytest.mark.parametrize("name", PURE)
def test_pure_parts_know_no_torch_and_no_files(name: str) -> None:
    forbidden = ("torch", "pathlib", "pushgrasp.files", "pushgrasp.networks", "pushgrasp.policy")
    assert not {m for m in imported(name) if f"{m}.".startswith(tuple(f"{f}." for f in forbidden))}


def test_the_check_would_notice() -> None:
    assert "pushgrasp.sim.world" in imported("evaluation/trial.py")
    assert "mujoco" in imported("sim/world.py")


@pytest.mark.parametrize(
    "name",
    ["learning/rewards.py", *(f"evaluation/{n}.py" for n in ("metrics", "statistics", "summary"))],
)
def test_scores_are_pure(name: str) -> None:
    assert not {m for m in imported(name) if m.startswith(("pushgrasp.sim", "mujoco", "torch"))}
