"""`pushgrasp retrieve` and `demo`: an episode, what it leaves, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import run

from pushgrasp.policy.learned import Policy
from pushgrasp.sim.config import SimulationConfig

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


def test_an_invalid_camera_file_is_refused(capsys, tmp_path: Path, policy: str):
    cameras = tmp_path / "cameras.json"
    cameras.write_text(json.dumps([{"name": "a", "position": [0, 0, 1]}]))
    argv = ("retrieve", "--policy", policy, "--cameras", str(cameras))
    code, _, err = run(capsys, *argv, "--out", str(tmp_path / "out"))
    assert code == 2
    assert "cameras.json: camera 0" in err
    assert err.count("\n") == 1
    assert os.listdir(tmp_path) == ["cameras.json"]


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
    assert err == f"pushgrasp: interrupted; nothing was written to {tmp_path / 'out'}\n"
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_the_demo_pushes_and_grasps_with_an_arm(tmp_path: Path, capsys):
    code, out, _ = run(capsys, "demo", "--no-video", "--out", str(tmp_path / "demo"))
    assert code == 0
    assert "Retrieved" in out
    episode = json.loads((tmp_path / "demo" / "episode.json").read_text())
    assert episode["success"]
    assert episode["claimed_success"]
    assert episode["robot"] == "ur5e"
    assert episode["goal"]["visible_fraction"] < 0.15
    assert {step["primitive"] for step in episode["steps"]} == {"push", "grasp"}


def test_the_number_of_actions_can_be_limited(tmp_path: Path, capsys):
    options = ("--objects", "8", "--policy", "random", "--no-video", "--out", str(tmp_path / "x"))
    code, out, _ = run(capsys, "retrieve", *options, "--max-actions", "1")
    assert code == 0
    assert "after 1 action: 1 action, the most allowed" in out or "in 1 action." in out
    code, _, err = run(capsys, "retrieve", *options, "--max-actions", "0")
    assert code == 2
    assert "--max-actions 0: it must be at least 1" in err


def test_a_camera_with_very_many_pixels_is_warned_of(tmp_path: Path, capsys):
    intrinsics = {"width": 8000, "height": 8000, "fx": 8000, "fy": 8000, "cx": 4000, "cy": 4000}
    file = tmp_path / "big.json"
    pose = {"position": [-1.0, 0, 0.5], "look_at": [-0.5, 0, 0]}
    file.write_text(json.dumps([{"name": "big", **pose, "intrinsics": intrinsics}]))
    assert SimulationConfig(cameras=file).view().cameras
    assert "warning: camera big: 64 megapixels" in capsys.readouterr().err
