"""The training loop: it learns, it can be stopped and killed, and it says what is wrong."""

from __future__ import annotations

import dataclasses
import errno
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from test_rollout import TINY, PaintedTable

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Primitive
from pushgrasp.policy.config import NetworkConfig
from pushgrasp.policy.learned import Policy
from pushgrasp.policy.networks import build
from pushgrasp.training import learner
from pushgrasp.training import train as train_module
from pushgrasp.training.actor import Setup
from pushgrasp.training.begin import begin_run, check_recipe, resume_run
from pushgrasp.training.learner import cosine_rate, freeze_all_but, next_values, read_observation
from pushgrasp.training.messages import Message, Sample, SceneEnd, SceneJob
from pushgrasp.training.metrics import MetricsLog, ProgressLine, read_metrics, success_rate
from pushgrasp.training.recipes import RECIPES, Recipe, StageConfig, with_network
from pushgrasp.training.replay_buffer import ACTION, Replay
from pushgrasp.training.rollout import Player
from pushgrasp.training.run import Run
from pushgrasp.training.train import improve, learn, train
from pushgrasp.utils.config_json import from_json
from pushgrasp.utils.files import read_json
from pushgrasp.utils.output import only_writer
from pushgrasp.workspace import Workspace


class HereAndNow:
    """Rollouts on painted tables in this very process: one scene at a time, no waiting."""

    def __init__(self, run: Run) -> None:
        weights = run.directory / "weights.safetensors"
        self._player = Player(Setup(run.recipe, run.seed, weights), make_table=PaintedTable)
        self._messages: Iterator[Message] = iter(())
        self._is_busy = False
        self.scenes: list[tuple[int, int]] = []
        self.jobs: list[SceneJob] = []
        self.deaths = 0

    def assign(self, next_job) -> None:
        if not self._is_busy:
            job = next_job()
            self.scenes.append((job.stage, job.scene))
            self.jobs.append(job)
            self._messages, self._is_busy = self._player(job), True

    def cancel(self) -> None:
        self._is_busy = False

    def receive(self, timeout: float) -> list[tuple[int, Message]]:
        message = next(self._messages, None)
        if message is None or isinstance(message, SceneEnd):
            self._is_busy = False
        return [] if message is None else [(0, message)]


class StopsAfter(HereAndNow):
    """Presses Ctrl-C after so many samples."""

    def __init__(self, run: Run, n: int) -> None:
        super().__init__(run)
        self._left = n

    def receive(self, timeout: float) -> list[tuple[int, Message]]:
        got = super().receive(timeout)
        self._left -= sum(isinstance(message, Sample) for _, message in got)
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGINT)
            self._left = -1
        return got


pytestmark = pytest.mark.usefixtures("one_thread")
VALUES = dataclasses.replace(TINY.network, output="value")
LONGER = dataclasses.replace(
    TINY, stages=tuple(dataclasses.replace(stage, n_samples=60) for stage in TINY.stages)
)


def begin(directory: Path, recipe: Recipe = TINY, seed: int = 0) -> Run:
    directory.mkdir(parents=True, exist_ok=True)
    return begin_run(directory, recipe, seed)


def fill(run: Run, n: int, stage: int = 1) -> None:
    """Samples without learning."""
    assert n <= run.recipe.stages[stage].n_samples
    source = HereAndNow(run)
    while run.samples[stage] < n:
        source.assign(
            lambda: dataclasses.replace(run.next_job(stage), grasp_threshold=1.0, epsilon=1.0)
        )
        for worker, message in source.receive(0):
            if isinstance(message, Sample):
                run.record(worker, message, stage)


# --- the update --------------------------------------------------------------------------


def test_the_loss_falls_on_a_small_problem(tmp_path: Path):
    """Whether a bar is grasped across is learned from a few dozen actions."""
    run = begin(tmp_path, LONGER)
    fill(run, 40)
    freeze_all_but(run.networks, "grasp")
    losses = [improve(run, "grasp") for _ in range(80)]
    assert np.mean(losses[-15:]) < 0.7 * np.mean(losses[:15])


def test_a_value_network_learns_from_its_surprises(tmp_path: Path):
    recipe = dataclasses.replace(
        LONGER,
        network=dataclasses.replace(TINY.network, output="value"),
        loss="huber",
        replay_priority=2.0,
        augment=True,
    )
    run = begin(tmp_path, recipe)
    fill(run, 25)
    assert np.isinf(run.replay.actions["surprise"]).all()
    freeze_all_but(run.networks, "grasp")
    for _ in range(15):
        improve(run, "grasp")
    early = run.replay.actions["surprise"].copy()
    for _ in range(60):
        improve(run, "grasp")
    assert np.mean(run.replay.actions["surprise"]) < 0.8 * np.mean(early[np.isfinite(early)])


def test_next_values_are_the_best_of_the_following_state(tmp_path: Path):
    run = begin(tmp_path, dataclasses.replace(TINY, discount=0.5))
    fill(run, 12)
    actions, network = run.replay.actions, run.networks["grasp"].train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    everything = np.arange(len(actions))
    values = next_values(network, run.replay, everything, 0, Workspace())
    assert network.training
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())
    counted = actions["bootstraps"] & (actions["next"] >= 0)
    assert counted.any()
    assert not values[~counted].any()
    i = int(np.flatnonzero(counted)[0])
    look, target = read_observation(run.replay, int(actions["next"][i]), Workspace())
    assert values[i] == pytest.approx(network.score(look, target, target).max())
    with torch.no_grad():
        network.head.bias += 3.0  # type: ignore[union-attr]
    kept = next_values(network, run.replay, everything, learner.REFRESH - 1, Workspace())
    np.testing.assert_array_equal(kept, values)
    renewed = next_values(network, run.replay, everything, learner.REFRESH, Workspace())
    assert (renewed[counted] > values[counted]).all()


def test_the_frozen_network_does_not_move_at_all(tmp_path: Path):
    """Weights and BatchNorm statistics of GraspNet stay while PushNet learns."""
    run = begin(tmp_path)
    fill(run, 12, stage=2)
    freeze_all_but(run.networks, "push")
    frozen, trained = run.networks["grasp"], run.networks["push"]
    before = {k: v.clone() for k, v in frozen.state_dict().items()}
    other = {k: v.clone() for k, v in trained.state_dict().items()}
    assert any("running_mean" in key for key in before)
    for _ in range(3):
        improve(run, "push")
    look, target = read_observation(run.replay, 0, Workspace())
    frozen.score(look, target, target)
    assert all(torch.equal(before[k], v) for k, v in frozen.state_dict().items())
    moved = [k for k, v in trained.state_dict().items() if not torch.equal(other[k], v)]
    assert any("running_mean" in key for key in moved)
    assert not frozen.training
    assert not any(p.requires_grad for p in frozen.parameters())


def test_in_alternation_one_network_learns_and_the_other_rests(tmp_path: Path):
    """METHOD: the released code's "alternating" gives GraspNet no gradient at all."""
    both = ("alternate-grasp", "alternate-push")
    stages = [StageConfig(name, n_objects=(6,), n_samples=14, epsilon=(0.5, 0.5)) for name in both]
    never = dataclasses.replace(TINY.decision, grasp_threshold=1.0)  # so that pushes are tried
    recipe = dataclasses.replace(TINY, stages=(*TINY.stages, *stages, *stages), decision=never)
    run, states = begin(tmp_path, recipe), []

    class Watching(HereAndNow):
        def cancel(self) -> None:
            super().cancel()
            states.append({p: state_of(run, p) for p in run.networks})

    learn(run, Watching(run))
    states.append({p: state_of(run, p) for p in run.networks})
    assert run.samples[3:] == [14, 14, 14, 14]
    for stage, before, after in zip(recipe.stages, states[:-1], states[1:], strict=True):
        rests = "push" if stage.trains == "grasp" else "grasp"
        assert same(before[rests], after[rests]), stage.name
        assert not same(before[stage.trains], after[stage.trains]), stage.name


def test_a_failure_has_one_label_in_alternation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Grasps of stage 1 were recorded by equation 2; while the networks alternate it is 4."""
    run = begin(tmp_path, dataclasses.replace(TINY, network=VALUES, loss="huber", discount=0.5))
    fill(run, 16)
    seen: list[tuple[float, ...]] = []

    def remember(predicted: torch.Tensor, labels: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        seen.append(tuple(sorted(set(labels.tolist()))))
        return predicted.square().mean()

    monkeypatch.setattr(learner, "loss_of", remember)
    monkeypatch.setattr(learner, "next_values", lambda *_: np.zeros(TINY.batch_size))
    freeze_all_but(run.networks, "grasp")
    failed = np.flatnonzero(run.replay.actions["reward"] <= 0)
    for alternating, freed in ((False, False), (True, False), (True, True)):
        run.replay.actions["freed"][failed] = freed  # round the target (equation 4),
        run.replay.actions["bootstraps"][failed] = not freed  # not anywhere on the table
        for _ in range(4):
            improve(run, "grasp", alternating)
    assert set().union(*seen[:4]) == {0.0, 1.0}
    assert set().union(*seen[4:8]) == {-1.0, 1.0}
    assert set().union(*seen[8:]) == {0.0, 1.0}


def test_resumed_in_alternation_earlier_stages_stay_done(tmp_path: Path):
    stages = (*TINY.stages, StageConfig("alternate-grasp", n_objects=(6,), n_samples=14))
    never = dataclasses.replace(TINY.decision, grasp_threshold=1.0)
    run = begin(tmp_path, dataclasses.replace(TINY, stages=stages, decision=never))
    with pytest.raises(KeyboardInterrupt):
        learn(run, StopsAfter(run, 20 + 20 + 40))
    resumed = resume_run(tmp_path)
    assert 0 < resumed.samples[3] < 14
    assert [train_module.is_done(resumed, i) for i in range(4)] == [True, True, True, False]
    learn(resumed, HereAndNow(resumed))
    assert resumed.samples == [20, 20, 12, 14]


def test_a_stage_in_which_there_is_nothing_to_learn_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(train_module, "MAX_BARREN", 3)
    sure = dataclasses.replace(TINY.decision, grasp_threshold=-1.0)  # no goal needs a push
    run = begin(tmp_path, dataclasses.replace(TINY, stages=TINY.stages[2:], decision=sure))
    with pytest.raises(UserError, match="stage push: 4 scenes in a row had nothing to push"):
        learn(run, HereAndNow(run))


def test_q_star_is_measured_and_used_from_then_on(tmp_path: Path):
    stages = (*TINY.stages[:2], StageConfig("alternate-grasp", n_objects=(6,), n_samples=8))
    run = begin(tmp_path, dataclasses.replace(TINY, network=VALUES, loss="huber", stages=stages))
    source = HereAndNow(run)
    folder = learn(run, source)
    measured = Policy.from_pretrained(folder).decision.grasp_threshold
    assert measured != TINY.decision.grasp_threshold
    thresholds = [job.grasp_threshold for job in source.jobs]
    assert thresholds[0] == TINY.decision.grasp_threshold
    assert thresholds[-1] == measured


def test_the_numbers_of_the_recipes_are_those_of_their_sources():
    """PAPER section III-C and METHOD; the numbers of actions are ours."""
    paper, wang = RECIPES["paper"], RECIPES["wang2024"]
    assert [(s.name, s.n_objects) for s in paper.stages[:5]] == [
        ("grasp-any", (10,)), ("grasp-goal", (10,)), ("push", (20,)),
        ("alternate-grasp", (20,)), ("alternate-push", (20,)),
    ]  # fmt: skip
    assert (paper.discount, paper.loss, paper.replay_priority) == (0.5, "huber", 2.0)
    assert all(s.max_pushes == 5 and s.epsilon[1] == 0.1 for s in paper.stages)
    assert paper.stages[0].epsilon[0] == paper.stages[1].epsilon[0] == 0.5
    assert (paper.primitive.push_behind, paper.primitive.push_length) == (0.05, 0.10)
    assert (paper.primitive.grasp_depth, paper.decision.switch_px) == (0.02, 5)
    assert (paper.decision.push_all_weight, paper.decision.push_target_weight) == (0.95, 0.05)
    assert [s.n_objects for s in wang.stages[:4]] == [(5,), (5,), (20,), (10,)]
    assert wang.primitive.push_length == 0.13
    assert wang.decision.occupancy_limit == 0.1
    assert not wang.decision.switching
    assert (wang.decision.push_all_weight, wang.decision.push_target_weight) == (1.0, 0.0)
    assert not RECIPES["paper-no-switching"].decision.switching


def test_evaluation_moves_nothing(tmp_path: Path):
    """METHOD: the released code goes on training, and its BatchNorm averaging, while it scores."""
    run = begin(tmp_path)
    fill(run, 4)
    policy = run.policy()
    policy.push = run.networks["push"]
    before = {p: state_of(run, p) for p in run.networks}
    look, target = read_observation(run.replay, 0, Workspace())
    for _ in range(3):
        seen = dataclasses.replace(look, goal=target)
        policy.decide(seen)
        policy.best_push(seen)
    assert all(same(before[p], state_of(run, p)) for p in run.networks)


def state_of(run: Run, primitive: Primitive) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in run.networks[primitive].state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.slow
def test_the_papers_network_takes_a_step_by_the_papers_rules(tmp_path: Path):
    """Colours in the replay, prioritised draws, bootstrapped targets, one gradient step."""
    paper = with_network(RECIPES["paper"], "densenet121")
    recipe = dataclasses.replace(
        paper,
        network=dataclasses.replace(paper.network, crop_px=64, crop_resolution=0.01),
        batch_size=4,
    )
    run = begin(tmp_path, recipe)
    assert run.replay.color
    fill(run, 6)
    assert run.replay.observations["color"].any()
    freeze_all_but(run.networks, "grasp")
    before = next(iter(run.networks["grasp"].parameters())).clone()
    assert np.isfinite(improve(run, "grasp"))
    assert not torch.equal(before, next(iter(run.networks["grasp"].parameters())))
    assert np.isfinite(run.replay.actions["surprise"]).any()


def test_grasps_are_also_learned_at_the_opposite_rotation():
    rng = np.random.default_rng(0)
    rotations = np.arange(16).repeat(50)
    turned, shifts, flips = learner.vary(rotations, "grasp", TINY, rng)
    assert set(np.unique((turned - rotations) % 16)) == {0, 8}
    assert not shifts.any()
    assert not flips.any()
    same, _, _ = learner.vary(rotations, "push", TINY, rng)
    np.testing.assert_array_equal(same, rotations)


def test_augmented_views_differ_a_little():
    rng = np.random.default_rng(0)
    augmenting = dataclasses.replace(TINY, augment=True)
    turned, shifts, flips = learner.vary(np.full(800, 5), "push", augmenting, rng)
    assert 0 < np.abs(turned - 5).max() <= learner.MAX_TURN
    assert 0 < np.abs(shifts).max() <= learner.MAX_SHIFT_PX
    assert 0.4 < flips[:, 0].mean() < 0.6
    assert not flips[:, 1].any()  # mirrored columns would turn a push round


def test_the_rate_falls_by_half_a_cosine():
    recipe = dataclasses.replace(TINY, learning_rate=1.0, learning_rate_end=0.2)
    assert cosine_rate(0, 100, recipe) == pytest.approx(1.0)
    assert cosine_rate(50, 100, recipe) == pytest.approx(0.6)
    assert cosine_rate(100, 100, recipe) == pytest.approx(0.2)
    assert cosine_rate(900, 100, recipe) == pytest.approx(0.2)


# --- the loop ----------------------------------------------------------------------------


def test_a_whole_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    run = begin(tmp_path / "run")
    run.grasp_threshold = 1.0  # every goal needs a push
    folder = learn(run, HereAndNow(run))
    assert folder == tmp_path / "run" / "policy"
    assert run.samples == [20, 20, 12]
    assert run.updates == {p: run.updates_planned(p) for p in ("grasp", "push")}
    policy = Policy.from_pretrained(folder)
    assert policy.push is not None
    assert policy.metadata["samples"] == [["grasp-any", 20], ["grasp-goal", 20], ["push", 12]]
    lines = read_metrics(tmp_path / "run")
    assert {line["stage"] for line in lines} == {"grasp-any", "grasp-goal", "push"}
    assert lines[-1]["samples"] == 52
    assert any((tmp_path / "run" / "tensorboard").iterdir())
    card = (folder / "README.md").read_text()
    assert "20 grasp-any, 20 grasp-goal, 12 push" in card
    assert "| push | 12 |" in card
    assert "grasp-any: 1/20" in capfd.readouterr().err


def test_ctrl_c_saves_and_resume_goes_on_with_the_counts(tmp_path: Path):
    run = begin(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        learn(run, StopsAfter(run, 30))
    stopped = resume_run(tmp_path / "run")
    assert stopped.samples[0] == 20
    assert 5 <= stopped.samples[1] <= 10  # the last of the first stage's scene is not kept
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
    source = HereAndNow(stopped)
    learn(stopped, source)
    assert stopped.samples == [20, 20, 12]
    scenes = [(int(a["stage"]), int(a["scene"])) for a in stopped.replay.actions]
    assert len(set(source.scenes)) == len(source.scenes)
    assert not set(source.scenes) & set(scenes[:n_before])  # none is played twice
    lines = read_metrics(tmp_path / "run")
    assert lines[-1]["samples"] == 52
    order = [line["stage"] for line in lines]
    assert order == sorted(order)  # the finished stage is not reported again


def test_a_time_limit_stops_with_a_policy(tmp_path: Path):
    run = begin(tmp_path / "run")
    folder = learn(run, HereAndNow(run), time_limit_s=0.0)
    assert Policy.from_pretrained(folder).push is None
    assert sum(run.samples) <= 2


def test_samples_beyond_a_stage_or_of_another_are_not_kept(tmp_path: Path):
    run = begin(tmp_path)
    fill(run, 3, stage=0)
    source = HereAndNow(run)
    source.assign(lambda: SceneJob(0, 99, 1.0))
    ((worker, late),) = source.receive(0)
    assert isinstance(late, Sample)
    assert not run.record(worker, late, stage=1)
    run.samples[0] = TINY.stages[0].n_samples
    assert not run.record(worker, late, stage=0)
    assert len(run.replay) == 3


def test_epsilon_decays_to_its_floor(tmp_path: Path):
    run = begin(tmp_path)
    assert run.epsilon(0) == 1.0
    run.samples[0] = 10**6
    assert run.epsilon(0) == 0.5


def test_the_level_of_values_is_the_mean_of_the_best(tmp_path: Path):
    value = dataclasses.replace(
        TINY, network=dataclasses.replace(TINY.network, output="value"), loss="huber"
    )
    run = begin(tmp_path, value)
    fill(run, 6)
    run.replay.actions["explored"][:4] = False
    run.replay.actions["q"][:4] = [1.0, 2.0, 1.5, 1.5]
    run.measure_threshold()
    assert run.grasp_threshold == value.decision.grasp_threshold  # the stage is not over
    run.samples[1] = value.stages[1].n_samples
    run.measure_threshold()
    assert run.grasp_threshold == 1.5


def test_the_level_of_probabilities_is_the_recipe_s(tmp_path: Path):
    run = begin(tmp_path, LONGER)
    fill(run, 10)
    run.samples[1] = LONGER.stages[1].n_samples
    run.measure_threshold()
    assert run.grasp_threshold == TINY.decision.grasp_threshold


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on(tmp_path: Path):
    """SIGKILL twice; the run that comes after finds every counted action, and finishes."""
    script = textwrap.dedent(
        """
        import sys
        sys.path[:0] = [sys.argv[2], sys.argv[2] + "/.."]
        from pathlib import Path
        from test_train import *
        directory = Path(sys.argv[1])
        train_module.SAVE_PERIOD = 0.3
        train_module.COMMIT_EVERY = 3
        run = resume_run(directory) if (directory / "config.json").exists() else begin(directory)
        print("ready", flush=True)
        learn(run, HereAndNow(run))
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
    learn(run, HereAndNow(run))
    assert run.samples == [20, 20, 12]


# --- bad input ---------------------------------------------------------------------------


def test_another_run_is_not_overwritten(tmp_path: Path):
    begin(tmp_path / "run")
    with pytest.raises(UserError, match="holds a training run; add --resume"):
        train(TINY, tmp_path / "run")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("dear")
    with pytest.raises(UserError, match="not empty"):
        train(TINY, tmp_path / "other")
    assert (tmp_path / "other" / "thesis.txt").read_text() == "dear"


def test_a_run_that_never_begins_leaves_what_was_there(tmp_path: Path):
    mine = tmp_path / "mine"
    mine.mkdir()
    for out in (mine, tmp_path / "new"):
        with pytest.raises(UserError, match="no policy 'nobody'"):
            train(TINY, out, init_from="nobody", workers=1)
    assert mine.is_dir()
    assert not any(mine.iterdir())
    assert not (tmp_path / "new").exists()


def test_resume_needs_a_run(tmp_path: Path):
    with pytest.raises(UserError, match="holds no training run"):
        train(TINY, tmp_path / "nothing", resume=True)


def test_a_damaged_checkpoint_is_named(tmp_path: Path):
    begin(tmp_path / "run")
    checkpoint = tmp_path / "run" / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"checkpoint.safetensors is no checkpoint"):
        resume_run(tmp_path / "run")


def test_two_learners_do_not_share_a_run(tmp_path: Path):
    with (
        only_writer(tmp_path),
        pytest.raises(UserError, match="another process is writing to"),
        only_writer(tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": (StageConfig("push", n_samples=0),)}, "at least one sample"),
        ({"stages": (StageConfig("push", epsilon=(2.0, 0.1)),)}, "it is a chance"),
        ({"batch_size": 1}, "batch_size"),
        ({"loss": "huber"}, "probability goes with bce"),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused(tmp_path: Path, change: dict, message: str):
    with pytest.raises(UserError, match=message):
        train(dataclasses.replace(TINY, **change), tmp_path / "run")
    assert not (tmp_path / "run" / "config.json").exists()


def test_the_ablation_needs_no_training(tmp_path: Path):
    with pytest.raises(UserError, match="decides by the networks of 'paper'"):
        train(RECIPES["paper-no-switching"], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_impossible_arguments_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match="0 workers: at least one is needed"):
        train(TINY, tmp_path / "run", workers=0)
    with pytest.raises(UserError, match="--imagenet is for densenet121"):
        train(TINY, tmp_path / "run", imagenet=tmp_path / "x.pth")


def test_a_policy_of_another_make_is_no_start(tmp_path: Path):
    Policy.random_init(NetworkConfig(widths=(12, 12, 12))).save_pretrained(tmp_path / "p")
    with pytest.raises(UserError, match="networks differ"):
        train(TINY, tmp_path / "run", init_from=tmp_path / "p")


def test_it_starts_from_a_policy(tmp_path: Path):
    policy = Policy.random_init(TINY.network, seed=5)
    policy.save_pretrained(tmp_path / "p")
    run = begin_run(tmp_path / "run", TINY, 0, init_from=tmp_path / "p")
    for key, value in policy.grasp.state_dict().items():
        assert torch.equal(value, run.networks["grasp"].state_dict()[key])


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(train_module, "learn", full)
    with pytest.raises(UserError, match="the disk is full"):
        train(TINY, tmp_path / "run", workers=1)
    resume_run(tmp_path / "run")


def test_every_recipe_survives_its_run_directory():
    for recipe in (*RECIPES.values(), TINY):
        text = json.dumps(dataclasses.asdict(recipe))
        assert from_json(Recipe, json.loads(text), "test") == recipe


# --- metrics -----------------------------------------------------------------------------


def test_rates_keep_random_and_greedy_actions_apart():
    actions = np.zeros(8, ACTION)
    actions["stage"] = [0, 1, 1, 1, 1, 1, 1, 1]
    actions["explored"] = [0, 0, 0, 0, 0, 1, 1, 1]
    actions["reward"] = [1, 1, 1, 1, 0, 0.5, -0.5, 0]
    assert success_rate(actions, 1, explored=False) == 0.75
    assert success_rate(actions, 1, explored=True) == pytest.approx(1 / 3)
    assert np.isnan(success_rate(actions, 2, explored=True))


def test_a_line_cut_by_a_kill_is_dropped_at_resume(tmp_path: Path):
    with MetricsLog(tmp_path) as log:
        log.write(10, {"loss": 0.5, "stage": "push", "nothing": float("nan")})
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"samples": 20, "lo')
    with MetricsLog(tmp_path) as log:
        log.write(30, {"loss": 0.4})
    assert read_metrics(tmp_path) == [
        {"samples": 10, "loss": 0.5, "stage": "push", "nothing": None},
        {"samples": 30, "loss": 0.4},
    ]


def test_the_time_left_is_that_of_the_stage(monkeypatch: pytest.MonkeyPatch):
    """Two stages of one name follow each other in the default recipe."""
    clock = [0.0]
    monkeypatch.setattr("pushgrasp.training.metrics.time.monotonic", lambda: clock[0])
    said = io.StringIO()
    line = ProgressLine(Console(file=said, width=200))
    for at, done, total in ((0, 0, 4000), (600, 4000, 4000), (660, 0, 4500), (720, 450, 4500)):
        clock[0] = at
        line.show("grasp-goal", done, total, "well")
    assert said.getvalue().splitlines()[-1] == "grasp-goal: 450/4500, 9 min left, well"


# --- the real thing ----------------------------------------------------------------------


@pytest.mark.slow
def test_training_in_the_simulator(tmp_path: Path):
    """A few real actions with one real worker, stopped by the end of the last stage."""
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
    folder = train(recipe, tmp_path / "run", workers=1, seed=3)
    assert Policy.from_pretrained(folder).metadata["samples"][-1] == ["push", 3]
    assert len(Replay(tmp_path / "run" / "replay", Workspace().shape, color=False)) == 13
    assert train(recipe, tmp_path / "run", resume=True, workers=1) == folder


@pytest.mark.parametrize("name", ["compact", "densenet121"])
def test_every_recipe_takes_either_network(name: str):
    for recipe in RECIPES.values():
        other = with_network(recipe, name)
        assert other.network.name == name
        assert other.network.output == recipe.network.output
        assert with_network(other, recipe.network.name) == recipe
        if recipe.name != "paper-no-switching":
            check_recipe(other)
    with pytest.raises(UserError, match="no network 'resnet'"):
        with_network(RECIPES["paper"], "resnet")


def test_the_networks_of_the_recipes_can_be_built():
    assert build(RECIPES["default"].network, "grasp").primitive == "grasp"
