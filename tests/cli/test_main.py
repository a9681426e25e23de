"""The command line as a user meets it: exit codes, sentences, streams."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import run
from interrupts import start_group

from pushgrasp import __version__
from pushgrasp.policy.learned import Policy


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An untrained policy: it does something, which is all that these tests need."""
    folder = tmp_path_factory.mktemp("policies") / "untrained"
    Policy.random_init(seed=1).save_pretrained(folder)
    return str(folder)


def test_unknown_names_are_answered_with_the_known_ones(capsys, tmp_path: Path, policy: str):
    out = ("--out", str(tmp_path / "out"))
    for argv, words in (
        (["scene", "nowhere"], ("nowhere", "random", "challenging-01")),
        (["retrieve", "--scene", "nowhere", "--policy", policy, *out], ("nowhere", "heap")),
        (["retrieve", "--policy", "nobody", *out], ("nobody",)),
        (["train", "--recipe", "none", *out], ("none", "default", "paper")),
        (["evaluate", "--scenes", "nowhere", "--policy", policy, *out], ("nowhere", "random")),
        (["evaluate", "--trials", "0", "--policy", policy, *out], ("trials 0",)),
        (["evaluate", "--workers", "0", "--policy", policy, *out], ("workers 0", "ray")),
        (["evaluate", "--workers", "many", "--policy", policy, *out], ("--workers many", "ray")),
        (["evaluate", "--policy", policy, "nobody", *out], ("nobody", "geometric")),
        (["retrieve", "--policy", policy, "--cameras", "none.json", *out], ("none.json",)),
        (["evaluate", "--policy", policy, "--cameras", "none.json", *out], ("none.json",)),
        (["scene", "random", "--cameras", "none.json"], ("none.json",)),
    ):
        code, _, err = run(capsys, *argv)
        assert code == 2, argv
        assert all(word in err for word in words), err
        assert "Traceback" not in err
    assert os.listdir(tmp_path) == []


def test_wrong_options_end_with_the_parsers_message(capsys):
    for argv in ((), ("fly",), ("scene",), ("scene", "random", "--objects", "many")):
        code, _, err = run(capsys, *argv)
        assert code == 2
        assert "help" in err


@pytest.mark.parametrize("command", ["scene", "retrieve", "evaluate", "demo"])
@pytest.mark.parametrize(
    ("option", "wrong", "known"),
    [
        ("--robot", "kuka", ("gantry", "ur5e", "panda")),
        ("--camera", "vulkan", ("ray", "opengl")),
        ("--noise", "kinect", ("none", "d405", "d405-averaged")),
    ],
)
def test_options_with_wrong_values_list_the_valid_ones(
    capsys, tmp_path: Path, command: str, option: str, wrong: str, known: tuple[str, ...]
):
    rest = ["random"] if command == "scene" else ["--out", str(tmp_path / "out")]
    code, out, err = run(capsys, command, *rest, option, wrong)
    assert code == 2
    assert out == ""
    assert wrong in err
    assert all(name in err for name in known)
    assert os.listdir(tmp_path) == []


def test_results_do_not_go_where_something_else_lies(capsys, tmp_path: Path, policy: str):
    (tmp_path / "notes.txt").write_text("mine")
    for command in (["retrieve", "--policy", policy], ["scene", "random"], ["demo"]):
        code, _, err = run(capsys, *command, "--out", str(tmp_path))
        assert code == 2
        assert "holds something else (notes.txt)" in err
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_version_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"pushgrasp {__version__}\n", "")


@pytest.mark.parametrize(
    ("name", "words"),
    [("demmo", "did you mean demo?"), ("evalute", "did you mean evaluate?"), ("fly", "demo, ret")],
)
def test_an_unknown_command_is_answered_with_the_closest_one(
    capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    code, _, err = run(capsys, name)
    assert code == 2
    assert words in err
    assert "pushgrasp --help" in err


def test_errors_point_to_the_help_of_their_command(capsys: pytest.CaptureFixture[str]) -> None:
    for options in (["--objects", "many"], ["--robot", "kuka"], ["--gaol", "red"]):
        code, _, err = run(capsys, "scene", "random", *options)
        assert code == 2
        assert "pushgrasp scene --help" in " ".join(err.split())
    assert "--goal" in err, "what was meant instead of --gaol"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--goal", "red", "--goal", "blue"], "--goal"),
        (["--seed=1", "--seed=2"], "--seed"),
        (["--perturb", "--no-perturb"], "--perturb"),
    ],
)
def test_an_option_that_is_given_twice_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str], name: str
) -> None:
    out = str(tmp_path / "out")
    code, _, err = run(capsys, "retrieve", "--out", out, *options)
    assert code == 2
    assert f"{name} is given 2 times" in err


def test_a_tilde_is_the_home_folder_in_every_path(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "scene", "random", "--objects", "1", "--out=~/a/scene")
    assert code == 0, err
    assert os.listdir(tmp_path) == ["a"]
    for command in (["plot", "none", "--out=~/no/x.txt"], ["report", "none", "--out=~/no/x.txt"]):
        code, _, err = run(capsys, *command)
        assert code == 2
        assert f"--out {tmp_path}/no/x.txt" in err


def pushgrasp(*argv: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in a separate process."""
    command = [sys.executable, "-m", "pushgrasp", *argv]
    return subprocess.run(command, text=True, timeout=120, check=False, **options)


SCENE = ("scene", "random", "--objects", "1")


def test_characters_that_a_terminal_lacks_are_replaced() -> None:
    for argv in (("--help",), (*SCENE, "--goal", "✓")):
        done = pushgrasp(*argv, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii"})
        assert "Traceback" not in done.stderr
    assert "unknown colour '?'" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_to_a_full_disk_is_an_error_sentence() -> None:
    with open("/dev/full", "w") as full:
        done = pushgrasp(*SCENE, "--json", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == "pushgrasp: cannot write the output: No space left on device\n"


def test_a_closed_pipe_is_silent() -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as gone:
        done = pushgrasp(*SCENE, "--json", stdout=gone, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == ""


def test_a_read_only_home_causes_no_warnings(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": "/dev/null", "XDG_CONFIG_HOME": "/dev/null"}
    done = pushgrasp(
        *SCENE, "--json", capture_output=True, env=os.environ | home, cwd=tmp_path.parent
    )
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize("module", ["pushgrasp.cli", "tyro", "rich.console", "pushgrasp.cli.train"])
def test_ctrl_c_is_caught_while_the_command_line_is_imported(module: str) -> None:
    code = """
import os, runpy, signal, sys
class Interrupts:
    def find_spec(self, name, path, target=None):
        if name == sys.argv[2]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
runpy.run_module("pushgrasp", run_name="__main__", alter_sys=True)
"""
    command = [sys.executable, "-c", code, "info", module]
    process = start_group(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate()
    assert (out, err) == ("", "pushgrasp: interrupted\n")
    assert process.returncode == 130


def test_ctrl_c_in_code_run_by_an_extension_ends_with_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("""
import ctypes, sys
class Interrupts:
    def find_spec(self, name, path, target=None):
        if name == "tyro":
            run = ctypes.pythonapi.PyRun_String
            run.restype = ctypes.py_object
            run(b"raise KeyboardInterrupt", 257, ctypes.py_object({}), ctypes.py_object({}))
sys.meta_path.insert(0, Interrupts())
""")
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = pushgrasp("info", capture_output=True, env=os.environ | {"PYTHONPATH": paths})
    assert (done.returncode, done.stderr) == (130, "pushgrasp: interrupted\n")


@pytest.mark.parametrize(
    "argv",
    [
        ("retrieve", "--objects", "0"),
        ("retrieve", "--scene", "nowhere"),
        ("retrieve", "--goal", "rde"),
        ("retrieve", "--goal", "99"),
        ("retrieve", "--policy", "nobody"),
        *((command, "--device", "tpu") for command in ("demo", "retrieve", "evaluate", "train")),
        ("train", "--recipe", "none"),
        ("train", "--init-from", "nobody"),
        ("train", "--workers", "0"),
        ("plot", "."),
    ],
)
def test_bad_values_are_answered_before_pytorch_is_imported(
    tmp_path: Path, argv: tuple[str, ...]
) -> None:
    code = (
        "import sys\nfrom pushgrasp.cli.main import main\n"
        "try: code = main(sys.argv[1:])\nexcept SystemExit as stop: code = stop.code\n"
        "assert code == 2, code\nassert 'torch' not in sys.modules, 'too late'"
    )
    options = ["--out", str(tmp_path / "out.png")]
    done = subprocess.run(
        [sys.executable, "-c", code, *argv, *options], text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
