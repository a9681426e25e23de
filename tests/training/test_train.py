"""The training loop: whole runs, interruptions, errors."""

from __future__ import annotations

import dataclasses
import errno
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch
from painted import TINY, VALUES, InlineRollouts, StopsAfter, new_run, same, state_of

from pushgrasp.errors import UserError
from pushgrasp.policy.learned import Policy
from pushgrasp.training import train as train_module
from pushgrasp.training.config import TrainingConfig
from pushgrasp.training.metrics import read_metrics
from pushgrasp.training.recipes import StageConfig
from pushgrasp.training.replay_buffer import NO_ACTION, Replay
from pushgrasp.training.run_folder import resume_run
from pushgrasp.training.train import learn, train
from pushgrasp.utils.files import read_json
from pushgrasp.utils.output import only_writer
from pushgrasp.workspace import Workspace

pytestmark = pytest.mark.usefixtures("one_thread")


def test_in_alternation_one_network_learns_and_the_other_is_frozen(tmp_path: Path):
    """The authors' code's "alternating" gives GraspNet no gradient at all."""
    both = ("alternate-grasp", "alternate-push")
    stages = [
        StageConfig(name, (6,), n_samples=12, epsilon=(0.8, 0.8), max_pushes=1) for name in both
    ]
    never = dataclasses.replace(TINY.decision, grasp_threshold=1.0)  # so that every goal is pushed
    recipe = dataclasses.replace(TINY, stages=(*stages, *stages), decision=never)
    run, states = new_run(tmp_path, recipe), []

    class Watching(InlineRollouts):
        def cancel(self) -> None:
            super().cancel()
            states.append({p: state_of(run, p) for p in run.networks})

    learn(run, Watching(run))
    states.append({p: state_of(run, p) for p in run.networks})
    assert run.samples == [12, 12, 12, 12]
    for stage, before, after in zip(recipe.stages, states[:-1], states[1:], strict=True):
        rests = "push" if stage.trains == "grasp" else "grasp"
        assert same(before[rests], after[rests]), stage.name
        assert not same(before[stage.trains], after[stage.trains]), stage.name


def test_resumed_in_alternation_earlier_stages_stay_done(tmp_path: Path):
    earlier = tuple(dataclasses.replace(stage, n_samples=10) for stage in TINY.stages)
    stages = (*earlier, StageConfig("alternate-grasp", (6,), n_samples=14, max_pushes=1))
    never = dataclasses.replace(TINY.decision, grasp_threshold=1.0)
    run = new_run(tmp_path, dataclasses.replace(TINY, stages=stages, decision=never))
    with pytest.raises(KeyboardInterrupt):
        learn(run, StopsAfter(run, 60))
    resumed = resume_run(tmp_path)
    assert 0 < resumed.samples[3] < 14
    assert [train_module.stage_is_done(resumed, i) for i in range(4)] == [True, True, True, False]
    learn(resumed, InlineRollouts(resumed))
    assert resumed.samples == [10, 10, 10, 14]


def test_a_stage_without_anything_to_learn_from_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(train_module, "MAX_EMPTY_SCENES", 3)
    sure = dataclasses.replace(TINY.decision, grasp_threshold=-1.0)  # no goal needs a push
    run = new_run(tmp_path, dataclasses.replace(TINY, stages=TINY.stages[2:], decision=sure))
    with pytest.raises(UserError, match="stage push: 4 consecutive scenes had nothing to push"):
        learn(run, InlineRollouts(run))


def test_q_star_is_measured_and_used_from_then_on(tmp_path: Path):
    stages = (*TINY.stages[:2], StageConfig("alternate-grasp", n_objects=(6,), n_samples=8))
    values = {"network": VALUES, "loss": "huber", "discount": 0.5}
    run = new_run(tmp_path, dataclasses.replace(TINY, stages=stages, **values))
    source = InlineRollouts(run)
    folder = learn(run, source)
    measured = Policy.from_pretrained(folder).decision.grasp_threshold
    assert measured != TINY.decision.grasp_threshold
    thresholds = [job.grasp_threshold for job in source.jobs]
    assert thresholds[0] == TINY.decision.grasp_threshold
    assert thresholds[-1] == measured
    actions = run.replay.actions
    assert (actions["primitive"] == NO_ACTION).any()  # the states in which scenes stopped
    assert run.samples == [20, 20, 8]  # are no samples
    assert resume_run(tmp_path).samples == run.samples


def test_a_whole_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    run = new_run(tmp_path / "run")
    run.grasp_threshold = 1.0  # every goal needs a push
    folder = learn(run, InlineRollouts(run))
    assert folder == tmp_path / "run" / "policy"
    assert run.samples == [20, 20, 12]
    assert run.updates == {p: run.updates_planned(p) for p in ("grasp", "push")}
    policy = Policy.from_pretrained(folder)
    assert policy.push is not None
    assert policy.metadata["samples"] == [["grasp-any", 20], ["grasp-goal", 20], ["push", 12]]
    lines = read_metrics(tmp_path / "run")[0]
    assert {line["stage"] for line in lines} == {"grasp-any", "grasp-goal", "push"}
    assert lines[-1]["samples"] == 52
    assert any((tmp_path / "run" / "tensorboard").iterdir())
    card = (folder / "README.md").read_text()
    assert "20 grasp-any, 20 grasp-goal, 12 push" in card
    assert "| push | 12 |" in card
    assert "damaged" not in card
    assert "grasp-any: 1/20" in capfd.readouterr().err


def test_ctrl_c_saves_and_resume_continues_the_counts(tmp_path: Path):
    run = new_run(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        learn(run, StopsAfter(run, 30))
    stopped = resume_run(tmp_path / "run")
    assert stopped.samples[0] == 20
    assert 5 <= stopped.samples[1] <= 10  # the rest of the first stage's last scene is dropped
    n_before = sum(stopped.samples)
    assert stopped.updates == run.updates
    assert stopped.elapsed_s > 0
    for primitive, network in run.networks.items():
        for key, value in network.state_dict().items():
            assert torch.equal(value, stopped.networks[primitive].state_dict()[key])
    assert stopped.rng.bit_generator.state == run.rng.bit_generator.state
    saved = run.optimizers["grasp"].state_dict()["state"]
    for index, values in stopped.optimizers["grasp"].state_dict()["state"].items():
        for key, value in values.items():
            assert torch.equal(value, saved[index][key])
    stopped.grasp_threshold = 1.0
    source = InlineRollouts(stopped)
    learn(stopped, source)
    assert stopped.samples == [20, 20, 12]
    scenes = [(int(a["stage"]), int(a["scene"])) for a in stopped.replay.actions]
    assert len(set(source.scenes)) == len(source.scenes)
    assert not set(source.scenes) & set(scenes[:n_before])  # none is played twice
    lines = read_metrics(tmp_path / "run")[0]
    assert lines[-1]["samples"] == 52
    order = [line["stage"] for line in lines]
    assert order == sorted(order)  # the finished stage is not reported again


def test_a_damaged_line_of_metrics_does_not_stop_the_model_card(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    run = new_run(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        learn(run, StopsAfter(run, 25))
    path = tmp_path / "run" / "metrics.jsonl"
    first, *others = path.read_text().splitlines(keepends=True)
    assert others
    path.write_text("".join([first[:40] + "\n", *others]))
    run = resume_run(tmp_path / "run")
    run.grasp_threshold = 1.0
    folder = learn(run, InlineRollouts(run))
    assert "| push | 12 |" in (folder / "README.md").read_text()
    assert "warning: " in (said := capfd.readouterr().err)
    assert "line 1 is damaged and left out: it is no JSON" in said


def test_a_time_limit_stops_with_a_policy(tmp_path: Path):
    run = new_run(tmp_path / "run")
    folder = learn(run, InlineRollouts(run), time_limit=0.0)
    assert Policy.from_pretrained(folder).push is None
    assert sum(run.samples) <= 2


@pytest.mark.slow
def test_a_run_killed_at_any_moment_resumes(tmp_path: Path):
    """SIGKILL twice; the resumed run has every counted action, and finishes."""
    script = textwrap.dedent(
        """
        import sys
        sys.path[:0] = [sys.argv[2], sys.argv[2] + "/.."]
        from pathlib import Path
        from test_train import *
        directory = Path(sys.argv[1])
        train_module.SAVE_PERIOD = 0.3
        train_module.COMMIT_EVERY = 3
        run = resume_run(directory) if (directory / "config.json").exists() else new_run(directory)
        print("ready", flush=True)
        learn(run, InlineRollouts(run))
        """
    )
    command = [sys.executable, "-c", script, str(tmp_path / "run"), str(Path(__file__).parents[0])]
    counts = [0]
    for _ in range(2):
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        count_file = tmp_path / "run" / "replay" / "count.json"
        for _ in range(600):
            if count_file.exists() and read_json(count_file)["count"] >= counts[-1] + 9:
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        run = resume_run(tmp_path / "run")
        assert sum(run.samples) >= counts[-1] + 9
        counts.append(sum(run.samples))
    run.grasp_threshold = 1.0
    learn(run, InlineRollouts(run))
    assert run.samples == [20, 20, 12]


def test_two_learners_do_not_share_a_run(tmp_path: Path):
    with (
        only_writer(tmp_path),
        pytest.raises(UserError, match="another process is writing to"),
        only_writer(tmp_path),
    ):
        pass


def test_impossible_arguments_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match="workers 0: at least one is needed"):
        train(TINY, tmp_path / "run", TrainingConfig(workers=0))
    with pytest.raises(UserError, match="ImageNet weights are for densenet121"):
        train(TINY, tmp_path / "run", TrainingConfig(imagenet=tmp_path / "x.pth"))


def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(train_module, "learn", full)
    with pytest.raises(UserError, match=r"the disk is full.* last minute is saved; resume it"):
        train(TINY, tmp_path / "run", TrainingConfig(workers=1))
    resume_run(tmp_path / "run")


@pytest.mark.slow
def test_training_in_the_simulator(tmp_path: Path):
    """A few simulated actions with one worker process, to the end of the last stage."""
    recipe = dataclasses.replace(
        TINY,
        stages=(
            StageConfig("grasp-any", n_objects=(4,), n_samples=5, epsilon=(1.0, 0.5)),
            StageConfig("grasp-goal", n_objects=(5,), n_samples=5, epsilon=(0.5, 0.5)),
            StageConfig("push", n_objects=(5,), n_samples=3, epsilon=(0.5, 0.5)),
        ),
        decision=dataclasses.replace(TINY.decision, grasp_threshold=0.99),
        batch_size=2,
    )
    folder = train(recipe, tmp_path / "run", TrainingConfig(workers=1, seed=3))
    assert Policy.from_pretrained(folder).metadata["samples"][-1] == ["push", 3]
    assert len(Replay(tmp_path / "run" / "replay", Workspace().shape, color=False)) == 13
    assert train(recipe, tmp_path / "run", TrainingConfig(resume=True, workers=1)) == folder
