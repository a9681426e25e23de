"""The command line as a user meets it: exit codes, sentences, formats, nothing half-written."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pushgrasp.cli.main import main
from pushgrasp.policy.learned import Policy

EPISODE_KEYS = {
    "success", "claimed_success", "goal", "scene", "seed", "policy", "robot", "reason", "steps",
}  # fmt: skip
STEP_KEYS = {
    "primitive", "target_is_goal", "position", "yaw", "q_grasp", "q_push", "holding", "changed",
    "decision_s",
}  # fmt: skip


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An untrained policy: it does something, which is all that these tests need."""
    folder = tmp_path_factory.mktemp("policies") / "untrained"
    Policy.random_init(seed=1).save_pretrained(folder)
    return str(folder)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    try:
        code = main(argv)
    except SystemExit as exit_:  # the parser's own way out
        code = int(exit_.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_scene_prints_one_json_object(capsys):
    code, out, _ = run(capsys, "scene", "random", "--objects", "4", "--seed", "2", "--json")
    assert code == 0
    scene = json.loads(out)
    assert scene["seed"] == 2
    assert {"name", "color", "visible_fraction"} <= scene["goal"].keys()
    assert 0 <= scene["max_penetration_m"] < 0.005
    assert len(scene["objects"]) == 4
    for o in scene["objects"]:
        assert {"name", "shape", "color", "position", "quaternion", "motion_m"} == o.keys()
        assert len(o["position"]) == 3
        assert len(o["quaternion"]) == 4
        assert o["color"].startswith("#")
        assert len(o["color"]) == 7


def test_a_scenes_goal_can_be_named_by_its_colour(capsys):
    _, out, _ = run(capsys, "scene", "random", "--objects", "4", "--goal", "2", "--json")
    by_index = json.loads(out)
    code, out, _ = run(
        capsys, "scene", "random", "--objects", "4", "--goal", by_index["goal"]["color"], "--json"
    )
    assert code == 0
    assert json.loads(out) == by_index
    assert by_index["goal"]["name"] == by_index["objects"][2]["name"]


def test_scene_leaves_pictures_and_a_record(capsys, tmp_path: Path):
    out = tmp_path / "scene"
    code, text, _ = run(capsys, "scene", "random", "--objects", "3", "--out", str(out))
    assert code == 0
    assert sorted(os.listdir(out)) == ["camera.png", "heightmap.png", "scene.json"]
    assert json.loads((out / "scene.json").read_text())["goal"]["name"] in text
    assert os.listdir(tmp_path) == ["scene"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--goal", "rde"], "unknown colour 'rde'"),
        (["--goal", "#12345"], "unknown colour '#12345'"),
        (["--goal", "#808080"], "--goal #808080: no object on the table has that colour"),
        (["--goal", "3"], "--goal 3: the scene has 3 objects"),
        (["--goal=-1"], "--goal -1"),
        (["--objects", "0"], "--objects 0"),
        (["--objects", "31"], "--objects 31"),
        (["--sigma", "-1"], "--sigma -1"),
        (["--seed", "-1"], "--seed -1"),
    ],
)
def test_bad_settings_of_a_scene(capsys, arguments: list[str], sentence: str):
    code, out, err = run(capsys, "scene", "random", *["--objects", "3"], *arguments)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("", "no object"),
        ("4.obj 1 0 0 -0.5 0 0.025 0 0\n", "line 1"),
        ("4.obj 1 0 0 -0.5 0 0.025 0 0 0\n4.obj 1 0 x -0.5 0.1 0.025 0 0 0\n", "line 2"),
        ("99.obj 1 0 0 -0.5 0 0.025 0 0 0\n", "99.obj"),
        ("4.obj 1 0 0 -0.5 0 nan 0 0 0\n", "line 1"),
    ],
)
def test_bad_preset_files(capsys, tmp_path: Path, lines: str, sentence: str):
    path = tmp_path / "scene.txt"
    path.write_text(lines)
    code, _, err = run(capsys, "scene", str(path), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "scene.txt" in err
    assert sentence in err
    assert os.listdir(tmp_path) == ["scene.txt"]


def test_unknown_names_are_answered_with_the_known_ones(capsys, tmp_path: Path, policy: str):
    out = ("--out", str(tmp_path / "out"))
    for argv, words in (
        (["scene", "nowhere"], ("nowhere", "random", "challenging-01")),
        (["retrieve", "--scene", "nowhere", "--policy", policy, *out], ("nowhere", "heap")),
        (["retrieve", "--policy", "nobody", *out], ("nobody",)),
        (["train", "--recipe", "none", *out], ("none", "default", "paper")),
        (["evaluate", "--scenes", "nowhere", "--policy", policy, *out], ("nowhere", "random")),
        (["evaluate", "--trials", "0", "--policy", policy, *out], ("--trials 0",)),
        (["evaluate", "--workers", "0", "--policy", policy, *out], ("--workers 0", "ray")),
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
def test_options_of_the_situation_list_what_there_is(
    capsys, tmp_path: Path, command: str, option: str, wrong: str, known: tuple[str, ...]
):
    rest = ["random"] if command == "scene" else ["--out", str(tmp_path / "out")]
    code, out, err = run(capsys, command, *rest, option, wrong)
    assert code == 2
    assert out == ""
    assert wrong in err
    assert all(name in err for name in known)
    assert os.listdir(tmp_path) == []


def test_a_scene_is_the_same_for_every_robot_and_may_be_randomised(capsys, tmp_path: Path):
    def scene(*options: str) -> dict:
        code, out, err = run(capsys, "scene", "random", "--objects", "3", "--json", *options)
        assert code == 0, err
        return json.loads(out)

    plain, panda, varied = scene(), scene("--robot", "panda"), scene("--randomise")
    assert panda["goal"]["name"] == plain["goal"]["name"]
    assert panda["goal"]["visible_fraction"] == pytest.approx(
        plain["goal"]["visible_fraction"], abs=2e-3
    )
    for a, b in zip(plain["objects"], panda["objects"], strict=True):
        assert b["position"] == pytest.approx(a["position"], abs=1e-3)
    assert varied["goal"]["color"] == plain["goal"]["color"]
    assert [o["color"] for o in varied["objects"]] != [o["color"] for o in plain["objects"]]


def test_a_scene_is_seen_as_asked(capsys, tmp_path: Path):
    cameras = tmp_path / "cameras.json"
    entry = {"position": [-1.0, 0.0, 0.5], "look_at": [-0.5, 0.0, 0.0]}
    cameras.write_text(json.dumps([{"name": "a", **entry}, {"name": "b", **entry}]))
    pictures = {}
    for name, options in {
        "plain": [],
        "file": ["--cameras", str(cameras)],
        "noisy": ["--noise", "d405"],
    }.items():
        out = tmp_path / name
        code, _, err = run(capsys, "scene", "random", "--objects", "2", "--out", str(out), *options)
        assert code == 0, err
        pictures[name] = (out / "camera.png").read_bytes()
    assert pictures["plain"] == pictures["file"]
    assert pictures["plain"] != pictures["noisy"]


def test_a_cameras_file_that_cannot_be_used_is_told(capsys, tmp_path: Path, policy: str):
    cameras = tmp_path / "cameras.json"
    cameras.write_text(json.dumps([{"name": "a", "position": [0, 0, 1]}]))
    argv = ("retrieve", "--policy", policy, "--cameras", str(cameras))
    code, _, err = run(capsys, *argv, "--out", str(tmp_path / "out"))
    assert code == 2
    assert "cameras.json: camera 0" in err
    assert err.count("\n") == 1
    assert os.listdir(tmp_path) == ["cameras.json"]


def test_results_do_not_go_where_something_else_lies(capsys, tmp_path: Path, policy: str):
    (tmp_path / "notes.txt").write_text("mine")
    for command in (["retrieve", "--policy", policy], ["scene", "random"], ["demo"]):
        code, _, err = run(capsys, *command, "--out", str(tmp_path))
        assert code == 2
        assert "holds something else (notes.txt)" in err
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_damaged_policy_is_refused(capsys, tmp_path: Path, policy: str):
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in os.listdir(policy):
        content = (Path(policy) / name).read_bytes()
        (broken / name).write_bytes(content if name.endswith(".json") else content[:-100])
    code, _, err = run(capsys, "retrieve", "--policy", str(broken), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "model.safetensors" in err
    assert os.listdir(tmp_path) == ["broken"]


@pytest.mark.slow
def test_an_episode_leaves_what_the_format_promises(capsys, tmp_path: Path, policy: str):
    argv = ["retrieve", "--objects", "2", "--seed", "4", "--policy", policy]
    code, text, _ = run(capsys, *argv, "--out", str(tmp_path / "a"))
    assert code == 0
    episode = json.loads((tmp_path / "a" / "episode.json").read_text())
    assert episode.keys() >= EPISODE_KEYS
    assert episode["seed"] == 4
    assert episode["scene"] == "random"
    assert episode["robot"] == "gantry"
    assert isinstance(episode["success"], bool)
    assert episode["reason"]
    assert episode["steps"]
    for step in episode["steps"]:
        assert step.keys() >= STEP_KEYS
        assert step["primitive"] in ("grasp", "push", None)
        assert step["decision_s"] > 0
    n = len(episode["steps"])
    pictures = sorted(os.listdir(tmp_path / "a" / "pictures"))
    assert pictures == [f"decision-{i + 1:02d}.png" for i in range(n)]
    assert (tmp_path / "a" / "video.mp4").read_bytes()[4:8] == b"ftyp"
    lines = text.splitlines()
    assert sum("target:" in line for line in lines) == n
    assert any("etrieved" in line or "goal is out" in line for line in lines)
    assert "video.mp4" in text

    code, _, _ = run(capsys, *argv, "--out", str(tmp_path / "b"), "--no-video")
    assert code == 0
    again = json.loads((tmp_path / "b" / "episode.json").read_text())
    assert not (tmp_path / "b" / "video.mp4").exists()
    assert _timeless(again) == _timeless(episode), "one seed, one episode; watching changes nothing"


@pytest.mark.slow
def test_an_episode_of_an_arm_with_noise_in_a_randomised_world(capsys, tmp_path: Path, policy: str):
    argv = ["retrieve", "--robot", "panda", "--noise", "d405-averaged", "--randomise"]
    argv += ["--no-video", "--objects", "2", "--seed", "4", "--policy", policy]
    episodes = []
    for name in ("a", "b"):
        code, _, err = run(capsys, *argv, "--out", str(tmp_path / name))
        assert code == 0, err
        episodes.append(json.loads((tmp_path / name / "episode.json").read_text()))
        assert not (tmp_path / name / "video.mp4").exists()
    episode = episodes[0]
    assert episode.keys() >= EPISODE_KEYS
    assert episode["robot"] == "panda"
    assert episode["reason"]
    assert episode["steps"]
    assert episode["noise"] == "d405-averaged"
    assert episode["randomised"]
    assert _timeless(episodes[1]) == _timeless(episode)


def _timeless(episode: dict) -> dict:
    steps = [{k: v for k, v in s.items() if not k.endswith("_s")} for s in episode["steps"]]
    return {**episode, "steps": steps}


@pytest.mark.slow
@pytest.mark.parametrize("n_lines", [1, 2])
def test_an_interrupted_episode_leaves_nothing(tmp_path: Path, policy: str, n_lines: int):
    command = [
        sys.executable, "-u", "-m", "pushgrasp", "retrieve", "--policy", policy,
        "--out", str(tmp_path / "out"), "--objects", "12",
    ]  # fmt: skip
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests that run in the background of a shell have inherited that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        for _ in range(n_lines):
            assert process.stdout.readline()
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: the encoder gets it too
        _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err == "pushgrasp: interrupted\n"
    assert os.listdir(tmp_path) == []


def test_info_names_versions_cameras_and_policies(capsys):
    code, out, _ = run(capsys, "info", "--json")
    assert code == 0
    facts = json.loads(out)
    assert {"pushgrasp", "python", "device", "cores"} <= facts.keys()
    assert {"torch", "mujoco", "numpy"} <= facts["packages"].keys()
    assert facts["cameras"]["ray"] == "works"
    assert isinstance(facts["policies"], list)
    code, out, _ = run(capsys, "info")
    assert code == 0
    assert "mujoco" in out


@pytest.mark.slow
def test_the_demo_retrieves_a_goal_that_is_hidden_at_first(tmp_path: Path, capsys):
    code, out, _ = run(capsys, "demo", "--no-video", "--out", str(tmp_path / "demo"))
    assert code == 0
    assert "Retrieved" in out
    episode = json.loads((tmp_path / "demo" / "episode.json").read_text())
    assert episode["success"]
    assert episode["claimed_success"]
    assert episode["goal"]["visible_fraction"] == 0
    assert not episode["steps"][0]["target_is_goal"]
    assert "not over 5" in episode["steps"][0]["target_why"]


def test_training_refuses_bad_settings_and_leaves_nothing(tmp_path: Path, capsys):
    for arguments, words in (
        (["--seed", "-3"], "--seed -3"),
        (["--time-limit", "-1"], "--time-limit"),
        (["--resume"], "holds no training run"),
        (["--init-from", "nobody"], "nobody"),
    ):
        code, _, err = run(capsys, "train", "--out", str(tmp_path / "run"), *arguments)
        assert code == 2
        assert words in err
        assert os.listdir(tmp_path) == []
