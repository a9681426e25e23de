"""The public API: what `import pushgrasp` offers, and when it is imported."""

from __future__ import annotations

import ast
import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import pushgrasp

HEAVY = ("torch", "mujoco", "cv2")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pushgrasp.SceneConfig(n_objects="ten"), "n_objects is 'ten'"),  # type: ignore[arg-type]
        (lambda: pushgrasp.SceneConfig(goal="mauve"), "goal is 'mauve'"),  # type: ignore[arg-type]
        (lambda: pushgrasp.SceneConfig(seed=1.5), "seed is 1.5"),  # type: ignore[arg-type]
        (lambda: pushgrasp.load_policy(3), "source is 3"),  # type: ignore[arg-type]
        (
            lambda: next(pushgrasp.retrieve(None, None, "geometric", (1, 2, 3))),  # type: ignore[arg-type]
            r"policy is 'geometric', only its name; load_policy\('geometric'\) loads it",
        ),
    ],
)
def test_wrong_arguments_are_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(pushgrasp.UserError, match=words):
        call()


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_everything_offered_is_there_and_listed() -> None:
    for name in pushgrasp.__all__:
        assert getattr(pushgrasp, name) is not None
        assert name in dir(pushgrasp)
    assert len(set(pushgrasp.__all__)) == len(pushgrasp.__all__)
    with pytest.raises(AttributeError, match="'pushgrasp' has no attribute 'retrive'"):
        _ = pushgrasp.retrive  # type: ignore[attr-defined]


def test_a_type_checker_sees_what_is_imported_lazily() -> None:
    """The imports for type checkers, `__all__` and the table of modules say the same."""
    tree = ast.parse(Path(pushgrasp.__file__).read_text())
    (block,) = (
        node for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )  # fmt: skip
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == pushgrasp._MODULES
    assert {*seen, "__version__"} == set(pushgrasp.__all__)


def test_the_import_alone_is_light() -> None:
    code = "import sys, pushgrasp; dir(pushgrasp); print(sorted(sys.modules))"
    assert not set(HEAVY) & set(ast.literal_eval(run_python(code)))


@pytest.mark.parametrize(
    ("names", "absent"),
    [
        ("Action, MoveTo, Workspace, UserError", HEAVY),
        ("observe, retrieve, Step, Decision, load_policy", ("torch", "mujoco")),
        ("Policy", ("mujoco",)),
        ("build_scene, SceneConfig", ("torch",)),
    ],
)
def test_a_name_imports_what_it_needs(names: str, absent: tuple[str, ...]) -> None:
    code = f"import sys; from pushgrasp import {names}; print(sorted(sys.modules))"
    assert not set(absent) & set(ast.literal_eval(run_python(code)))


@pytest.mark.parametrize(
    "imports",
    [
        "import pushgrasp",
        "import pushgrasp; import pushgrasp.retrieve",
        "import pushgrasp.retrieve; import pushgrasp",
        "from pushgrasp.retrieve import Step; import pushgrasp",
        "import pushgrasp; pushgrasp.retrieve; from pushgrasp.retrieve import Step",
        "import pushgrasp; pushgrasp.Step",
    ],
)
def test_retrieve_is_a_function_and_a_module_whatever_is_imported_first(imports: str) -> None:
    code = (
        f"{imports}\n"
        "from pushgrasp import retrieve as one\n"
        "from pushgrasp.retrieve import retrieve as two, Step\n"
        "import pushgrasp.retrieve as module\n"
        "assert callable(pushgrasp.retrieve) and callable(one) and callable(two)\n"
        "assert module.Step is Step is pushgrasp.Step is pushgrasp.retrieve.Step\n"
        "class Gone:\n"
        "    def home(self): raise pushgrasp.RobotError('no power')\n"
        "    def stop(self): print('stopped')\n"
        "for call in (pushgrasp.retrieve, one, two):\n"
        "    try: next(call([], Gone(), None, (255, 0, 0), max_actions=3))\n"
        "    except pushgrasp.RobotError as error: print(error)\n"
    )
    assert run_python(code).split("\n") == ["stopped", "no power"] * 3


def test_gymnasium_makes_the_environment_after_the_import() -> None:
    code = (
        "import pushgrasp, gymnasium\n"
        "print(gymnasium.make('pushgrasp/Retrieve-v0').unwrapped.__class__.__name__)"
    )
    assert run_python(code) == "RetrieveEnv"


def test_what_is_offered_is_documented() -> None:
    for name in pushgrasp.__all__:
        offered = getattr(pushgrasp, name)
        if inspect.isclass(offered) or inspect.isfunction(offered):
            assert inspect.getdoc(offered), name


def test_retrieve_is_described_and_pickled_like_a_function() -> None:
    import pushgrasp

    assert next(iter(inspect.signature(pushgrasp.retrieve).parameters)) == "cameras"
    assert pickle.loads(pickle.dumps(pushgrasp.retrieve)) is pushgrasp.retrieve
