"""A run killed at any moment, any number of times, resumes as if it had not been killed."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from interrupts import processes_of, start_group, wait_until
from painted import LONGER, TINY, InlineRollouts, StopsAfter, fill, new_run
from safetensors import safe_open

from pushgrasp.cli.main import main
from pushgrasp.errors import UserError
from pushgrasp.policy.learned import Policy
from pushgrasp.training import run_folder
from pushgrasp.training import train as train_module
from pushgrasp.training.boards import GROUPS
from pushgrasp.training.config import TrainingConfig
from pushgrasp.training.learner import cosine_rate, freeze_all_but
from pushgrasp.training.metrics import read_metrics
from pushgrasp.training.recipes import RECIPES, StageConfig
from pushgrasp.training.replay_buffer import PRIMITIVES, Replay
from pushgrasp.training.run import CHECKPOINT, CONFIG
from pushgrasp.training.run_folder import resume_run
from pushgrasp.training.train import learn, train, train_step
from pushgrasp.utils.files import read_json, write_json
from pushgrasp.utils.output import only_writer
from pushgrasp.workspace import Workspace

pytestmark = pytest.mark.usefixtures("one_thread")
COMMIT_EVERY = 3
KILLED = dataclasses.replace(
    TINY,
    stages=(
        StageConfig("grasp-any", n_objects=(4, 5), n_samples=25, epsilon=(1.0, 0.5)),
        StageConfig("grasp-goal", n_objects=(4, 5), n_samples=25, epsilon=(0.5, 0.5)),
        StageConfig("push", n_objects=(5,), n_samples=10, epsilon=(0.5, 0.5)),
    ),
    decision=dataclasses.replace(TINY.decision, grasp_threshold=0.99),
)
N_SAMPLES = 60
TRAIN = f"""
import sys
from pathlib import Path
from pushgrasp.utils.config_json import from_json
from pushgrasp.utils.files import read_json
from pushgrasp.training import train as loop
from pushgrasp.training.config import TrainingConfig
from pushgrasp.training.recipes import Recipe

out, recipe = Path(sys.argv[1]), from_json(Recipe, read_json(sys.argv[2]), "recipe")
loop.SAVE_PERIOD, loop.LOG_PERIOD, loop.COMMIT_EVERY = 0.3, 0.4, {COMMIT_EVERY}
if (out / "config.json").exists():
    loop.train(None, out, TrainingConfig(workers=int(sys.argv[3]), resume=True))
else:
    loop.train(recipe, out, TrainingConfig(workers=int(sys.argv[3]), seed=3))
"""


def kill_all(group: int) -> None:
    for pid in processes_of(group):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


# --- killed again and again ----------------------------------------------------------------------


@dataclass
class Life:
    """The state of a run when its process was killed."""

    group: int
    n_records: int  # counted in the replay
    n_lines: int  # complete lines of metrics.jsonl
    checkpoint: dict[str, Any]


def look_at(directory: Path, group: int) -> Life:
    count, metrics = directory / "replay" / "count.json", directory / "metrics.jsonl"
    state: dict[str, Any] = {"updates": {"grasp": 0, "push": 0}, "elapsed_s": 0.0}
    if (directory / CONFIG).exists():
        with safe_open(directory / CHECKPOINT, "pt") as file:
            state = json.loads(file.metadata()["state"])
    return Life(
        group,
        read_json(count)["count"] if count.exists() else 0,
        metrics.read_bytes().count(b"\n") if metrics.exists() else 0,
        state,
    )


def live_and_die(directory: Path, moment: str | int, rng: np.random.Generator) -> Life:
    """Start or resume the run, and kill it.

    Args:
        directory: of the run.
        moment: when: "beginning", once the first file is there; "start-up", at any time of
            it; or as soon as so many samples are counted, half of the times while the
            next checkpoint is being written. Some tenths of a second are random.
        rng: draws them.
    """
    recipe = directory.parent / "recipe.json"
    process = start_group(
        [sys.executable, "-c", TRAIN, str(directory), str(recipe), str(rng.integers(1, 3))],
        stderr=subprocess.DEVNULL,
    )
    count_file = directory / "replay" / "count.json"
    try:
        if moment == "start-up":
            time.sleep(rng.uniform(0.0, 6.0))
        elif moment == "beginning":
            wait_until((directory / "replay").exists, 0.001)
            time.sleep(rng.uniform(0.0, 0.1))
        else:
            wait_until(
                lambda: (
                    process.poll() is not None
                    or (count_file.exists() and read_json(count_file)["count"] >= moment)
                )
            )
            if rng.random() < 0.5:
                wait_until(
                    lambda: (
                        process.poll() is not None
                        or any(directory.glob(f".{CHECKPOINT}.*.partial"))
                    ),
                    0.0005,
                )
            else:
                time.sleep(rng.uniform(0.0, 0.5))
        if process.poll() is not None:  # it finished before it was killed
            assert process.returncode == 0
            assert (directory / "policy" / CONFIG).exists()
        elif rng.random() < 0.5:
            process.kill()  # the learner alone, as a machine short of memory does
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except BaseException:
        kill_all(process.pid)
        raise
    finally:
        process.wait()
    return look_at(directory, process.pid)


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.long)])
def test_a_run_that_is_killed_again_and_again_ends_as_planned(tmp_path: Path, kills: int):
    rng = np.random.default_rng(0)
    directory = tmp_path / "run"
    write_json(tmp_path / "recipe.json", dataclasses.asdict(KILLED))
    counts = [8 * i + int(rng.integers(1, 9)) for i in range(7)]
    moments = ["beginning", "start-up", *counts[:3], "start-up", *counts[3:]]
    moments = moments if kills == len(moments) else [moments[i] for i in (0, 3, 7)]
    lives = [live_and_die(directory, moment, rng) for moment in moments]
    assert len(lives) == kills
    try:
        train(None, directory, TrainingConfig(workers=2, resume=True))
        wait_until(lambda: not any(processes_of(life.group) for life in lives))
    finally:
        for life in lives:
            kill_all(life.group)

    replay = Replay(directory / "replay", Workspace().shape, color=False)
    check_replay(replay, lives)
    counted = np.cumsum(is_sample(replay))
    check_metrics(
        read_metrics(directory)[0], lives, [counted[: life.n_records][-1:].sum() for life in lives]
    )
    run = resume_run(directory)
    assert run.samples == [stage.n_samples for stage in KILLED.stages]
    assert run.updates == {p: run.updates_planned(p) for p in ("grasp", "push")}
    assert run.updates == {"grasp": 21, "push": 1}
    policy = Policy.from_pretrained(directory / "policy")
    assert policy.push is not None
    assert policy.metadata["samples"] == [["grasp-any", 25], ["grasp-goal", 25], ["push", 10]]
    assert list(directory.rglob(".*.partial")) == []


def is_sample(replay: Replay) -> npt.NDArray[np.bool_]:
    """Return a mask of the records of the primitive that their stage trains."""
    trains = np.array([PRIMITIVES.index(stage.trains) for stage in KILLED.stages])
    return replay.actions["primitive"] == trains[replay.actions["stage"]]


def check_replay(replay: Replay, lives: list[Life]) -> None:
    """Every planned sample is there, once."""
    actions = replay.actions
    counts = np.bincount(actions["stage"][is_sample(replay)])
    assert counts.tolist() == [stage.n_samples for stage in KILLED.stages]
    # No scene is played by two processes, so no step occurs twice; ...
    life = np.searchsorted([life.n_records for life in lives], np.arange(len(actions)), "right")
    played: dict[tuple[int, int], set[int]] = {}
    for action, number in zip(actions, life, strict=True):
        played.setdefault((int(action["stage"]), int(action["scene"])), set()).add(int(number))
    assert all(len(numbers) == 1 for numbers in played.values())
    # ... nor does a state, unless an action did not change it.
    states: dict[bytes, int] = {}
    for i, observation in enumerate(replay.observations):
        first = states.setdefault(observation.tobytes(), i)
        assert actions["scene"][first] == actions["scene"][i]
        assert life[first] == life[i]
    followed: set[int] = set()
    for i, action in enumerate(actions):
        following = int(action["next"])
        if following >= 0:
            assert i < following < len(actions)
            assert actions["stage"][following] == action["stage"]
            assert actions["scene"][following] == action["scene"]
            assert following not in followed
            followed.add(following)
    # In the grasping stages the records of a scene form one chain from its first state.
    grasps = np.flatnonzero(actions["stage"] < 2)
    begun = [
        (int(actions["stage"][i]), int(actions["scene"][i])) for i in grasps if i not in followed
    ]
    assert len(begun) == len(set(begun))


def check_metrics(lines: list[dict[str, Any]], lives: list[Life], counted: list[int]) -> None:
    """Check that the curve continues from the last checkpoint and the replay.

    Args:
        lines: of the whole run.
        lives: of the processes that were killed.
        counted: samples of the whole run when they were.
    """
    order = [stage.name for stage in KILLED.stages]
    assert lines[-1]["samples"] == N_SAMPLES
    stages = [order.index(line["stage"]) for line in lines]
    assert stages == sorted(stages)
    begins = {life.n_lines: (life, n) for life, n in zip(lives, counted, strict=True)}
    for i in range(1, len(lines)):
        before, line = lines[i - 1], lines[i]
        if i not in begins:
            assert line["samples"] >= before["samples"]
            assert line["wall_s"] > before["wall_s"]
            assert line["stage"] != before["stage"] or line["updates"] >= before["updates"]
            continue
        life, n = begins[i]  # the last of those that wrote nothing more
        primitive = "push" if line["stage"] == "push" else "grasp"
        assert line["samples"] >= n > before["samples"] - COMMIT_EVERY
        assert line["wall_s"] > life.checkpoint["elapsed_s"]
        assert line["updates"] >= life.checkpoint["updates"][primitive]
    earlier = {"grasp": 0, "push": 0}
    for life in lives:
        updates = life.checkpoint["updates"]
        assert all(updates[p] >= earlier[p] for p in earlier)
        earlier = updates


# --- parts of it, one by one -------------------------------------------------------------


def test_a_run_may_start_where_one_was_killed_during_creation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "write_json", killed)
        patch.setattr(run_folder, "_remove_false_start", lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            new_run(tmp_path)
    (tmp_path / ".checkpoint.safetensors.1.partial").touch()
    with pytest.raises(UserError, match="holds no training run"):
        train(None, tmp_path, TrainingConfig(resume=True))
    assert new_run(tmp_path).samples == [0, 0, 0]
    assert not (tmp_path / ".checkpoint.safetensors.1.partial").exists()


@pytest.mark.parametrize("name", ["replay/count.json", "replay/notes.txt", "thesis.txt"])
def test_a_folder_with_other_files_is_refused(tmp_path: Path, name: str):
    """A run without its configuration still holds actions; other folders belong to others."""
    new_run(tmp_path)
    (tmp_path / CONFIG).unlink()
    (tmp_path / name).write_text("{}")
    (tmp_path / ".own.partial").touch()
    with pytest.raises(UserError, match="is not empty"):
        new_run(tmp_path)
    assert (tmp_path / name).read_text() == "{}"
    assert (tmp_path / ".own.partial").exists()


def test_half_written_files_are_removed(tmp_path: Path):
    new_run(tmp_path)
    partial = [
        tmp_path / place / f".{name}.1.partial"
        for place, name in ((".", CHECKPOINT), ("replay", "count.json"), ("policy", "config.json"))
    ]
    for path in partial:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    resume_run(tmp_path)
    assert not any(path.exists() for path in partial)


def test_scenes_counted_by_the_checkpoint_are_not_played_again(tmp_path: Path):
    """Assigned scenes may have no recorded action yet."""
    run = new_run(tmp_path)
    for _ in range(4):
        run.next_job(1)
    run.save()
    resumed = resume_run(tmp_path)
    assert [resumed.next_job(stage).scene for stage in range(3)] == [0, 4, 0]


def test_scenes_in_the_replay_are_not_played_again(tmp_path: Path):
    """Actions after the checkpoint belong to scenes that it does not count."""
    run = new_run(tmp_path)
    run.save()
    fill(run, 15)
    run.replay.commit()
    played = int(run.replay.actions["scene"].max())
    assert played >= 1
    resumed = resume_run(tmp_path)
    assert [resumed.next_job(stage).scene for stage in range(3)] == [0, played + 1, 0]


def test_next_values_of_lost_updates_are_forgotten(tmp_path: Path):
    """They were computed by gradient steps after the checkpoint."""
    run = new_run(tmp_path)
    fill(run, 6)
    run.updates["grasp"] = 5
    run.save()
    run.replay.actions["next_q_at"][:4] = [3, 5, 6, 9]
    assert resume_run(tmp_path).replay.actions["next_q_at"][:4].tolist() == [3, 5, -1, -1]


def test_a_resumed_run_learns_exactly_as_it_would_have(tmp_path: Path):
    """Weights, optimiser moments, learning rate, and both RNGs."""
    run = new_run(tmp_path, dataclasses.replace(LONGER, augment=True))
    fill(run, 40)
    freeze_all_but(run.networks, "grasp")
    for _ in range(8):
        train_step(run, "grasp")
    run.save()
    torch_state = torch.get_rng_state()
    torch.manual_seed(99)

    resumed = resume_run(tmp_path)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert resumed.rng.bit_generator.state == run.rng.bit_generator.state
    moments, again = (r.optimizers["grasp"].state_dict()["state"] for r in (run, resumed))
    assert moments
    assert all(torch.equal(v, again[i][k]) for i, of in moments.items() for k, v in of.items())

    freeze_all_but(resumed.networks, "grasp")
    losses = [[train_step(r, "grasp") for _ in range(4)] for r in (run, resumed)]
    assert losses[0] == losses[1]
    planned = resumed.updates_planned("grasp")
    (rate,) = {group["lr"] for group in resumed.optimizers["grasp"].param_groups}
    assert rate == cosine_rate(11, planned, resumed.recipe) != cosine_rate(3, planned, run.recipe)
    there = resumed.networks["grasp"].state_dict()
    for key, value in run.networks["grasp"].state_dict().items():
        assert torch.equal(value, there[key])


def test_tensorboard_continues_after_a_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One curve over both halves of a run, with the x axis of metrics.jsonl."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setattr(train_module, "LOG_PERIOD", 0.0)
    run = new_run(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        learn(run, StopsAfter(run, 12))
    n_before = len(read_metrics(tmp_path / "run")[0])
    stopped = resume_run(tmp_path / "run")
    stopped.grasp_threshold = 1.0  # every goal needs a push
    learn(stopped, InlineRollouts(stopped))
    lines = read_metrics(tmp_path / "run")[0]
    assert 0 < n_before < len(lines)
    board = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    board.Reload()
    for name in ("wall_s", "updates", "epsilon"):
        points = [(event.step, event.value) for event in board.Scalars(GROUPS[name])]
        assert [step for step, _ in points] == [line["samples"] for line in lines]
        assert [v for _, v in points] == pytest.approx([line[name] for line in lines], rel=1e-5)


# --- options beside --resume -------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seed", "4"], "seed 4: the run in"),
        (["--seed", "0"], "was started with seed 3"),
        (["--recipe", "paper"], "was started with 'tiny'"),
        (["--init-from", "default"], "so leave them out"),
        (["--imagenet", "fetch"], "so leave them out"),
    ],
)
def test_resume_refuses_another_recipe_seed_or_initial_weights(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    new_run(tmp_path / "run", seed=3)
    before = (tmp_path / "run" / CONFIG).read_bytes()
    assert main(["train", "--out", str(tmp_path / "run"), "--resume", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert (tmp_path / "run" / CONFIG).read_bytes() == before


def test_resume_says_when_a_recipe_has_changed_since(tmp_path: Path):
    new_run(tmp_path, seed=3)
    changed = dataclasses.replace(TINY, learning_rate=1.0)
    with pytest.raises(UserError, match="started with other numbers of that recipe"):
        resume_run(tmp_path, changed)
    assert resume_run(tmp_path, TINY, TrainingConfig(seed=3)).seed == 3


def test_a_new_run_has_the_default_recipe_and_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise UserError("far enough")

    monkeypatch.setattr(train_module, "learn", refuse)
    for argument in ([], ["--recipe", "default", "--seed", "0"]):
        out = tmp_path / f"run{len(argument)}"
        assert main(["train", "--out", str(out), "--workers", "1", *argument]) == 2
        run = resume_run(out, RECIPES["default"], TrainingConfig(seed=0))
        assert run.recipe == RECIPES["default"]


def test_of_two_starts_in_one_folder_the_second_is_refused(tmp_path: Path):
    """Another process has just created the folder and not yet written its configuration."""
    with (
        only_writer(tmp_path / "run"),
        pytest.raises(UserError, match="another process is writing to"),
    ):
        train(TINY, tmp_path / "run", TrainingConfig(workers=1))
    assert (tmp_path / "run").is_dir()
