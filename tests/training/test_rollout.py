"""Playing painted scenes: goals, labels, rewards, records."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from painted import TINY, WORKSPACE, PaintedTask

from pushgrasp.errors import SimulatorFault
from pushgrasp.interfaces import Action
from pushgrasp.perception.observation import Observation
from pushgrasp.policy.networks import build
from pushgrasp.sim.scenes.build import SceneConfig
from pushgrasp.training.actor import Actor, RolloutSetup
from pushgrasp.training.checkpoint import save_weights
from pushgrasp.training.learner import next_values
from pushgrasp.training.messages import Sample, SceneEnd, SceneJob
from pushgrasp.training.recipes import Recipe, StageConfig
from pushgrasp.training.replay_buffer import NO_ACTION, PRIMITIVES, Replay, unpack_target
from pushgrasp.training.rollout import ScenePlayer, scene_seed
from pushgrasp.training.task import SimTask, Timer
from pushgrasp.workspace import Workspace

pytestmark = pytest.mark.usefixtures("one_thread")


class FaultyTask(PaintedTask):
    """Throws an object at the third action."""

    n_acts = 0

    def act(self, action: Action) -> list[str]:
        self.n_acts += 1
        if self.n_acts == 3:
            raise SimulatorFault("an object was thrown")
        return super().act(action)


def painted_player(setup: RolloutSetup) -> ScenePlayer:
    return ScenePlayer(setup, make_task=PaintedTask)


@pytest.fixture
def setup(tmp_path: Path) -> RolloutSetup:
    return make_setup(tmp_path, TINY)


def make_setup(directory: Path, recipe: Recipe) -> RolloutSetup:
    weights = directory / "weights.safetensors"
    torch.manual_seed(0)
    save_weights(weights, {p: build(recipe.network, p) for p in PRIMITIVES})
    return RolloutSetup(recipe, 7, weights)


def play(player: ScenePlayer, job: SceneJob) -> tuple[list[Sample], SceneEnd]:
    *samples, end = player(job)
    assert isinstance(end, SceneEnd)
    return [s for s in samples if isinstance(s, Sample)], end


def target_of(sample: Sample) -> np.ndarray:
    return unpack_target(sample.observation["target"], WORKSPACE.shape)


def test_a_scene_gives_the_same_samples_for_the_same_job(setup: RolloutSetup):
    first, _ = play(painted_player(setup), SceneJob(1, 3, 0.5))
    second, _ = play(painted_player(setup), SceneJob(1, 3, 0.5))
    assert len(first) > 3
    assert [s.action.tobytes() for s in first] == [s.action.tobytes() for s in second]
    assert [s.observation.tobytes() for s in first] == [s.observation.tobytes() for s in second]


def test_no_two_scenes_share_a_seed():
    states = {
        tuple(scene_seed(seed, stage, scene).generate_state(2))
        for seed in range(3)
        for stage in range(3)
        for scene in range(20)
    }
    assert len(states) == 3 * 3 * 20
    plain = tuple(np.random.SeedSequence(0).generate_state(2))
    assert plain not in states


def test_goal_grasps_are_on_the_goal_and_labelled_by_the_ground_truth(setup: RolloutSetup):
    rewards = set()
    for scene in range(6):
        samples, _ = play(painted_player(setup), SceneJob(1, scene, 1.0))
        for sample in samples:
            a = sample.action
            assert target_of(sample)[a["row"], a["column"]]
            assert a["explored"]
            assert np.isnan(a["q"])
            labels = sample.observation["labels"][target_of(sample)]
            assert len(np.unique(labels)) == 1  # one bar is the goal, not all
            rewards.add(float(a["reward"]))
    assert rewards == {0.0, 1.0}


def test_greedy_actions_carry_the_networks_value(setup: RolloutSetup):
    samples, _ = play(painted_player(setup), SceneJob(1, 0, 0.0))
    assert not any(s.action["explored"] for s in samples)
    assert all(0 < s.action["q"] < 1 for s in samples)
    assert [s.follows for s in samples] == [False] + [True] * (len(samples) - 1)


def test_failed_goals_are_not_repeated_while_others_wait(setup: RolloutSetup):
    samples, _ = play(painted_player(setup), SceneJob(1, 2, 1.0))
    seen: set[bytes] = set()
    for sample in samples[:6]:
        goal = sample.observation["target"].tobytes()
        assert goal not in seen
        seen = set() if sample.action["reward"] > 0 else {*seen, goal}


def test_goal_agnostic_grasps_are_relabelled(setup: RolloutSetup):
    """Grasping any object succeeds, and that object becomes the goal."""
    masks: list[np.ndarray] = []

    class WrongHand(PaintedTask):
        """Grasps another bar than the one under the pixel."""

        def act(self, action: Action) -> list[str]:
            other = next(n for n in self.bars if not self.mask(n)[action.pixel])
            masks.append(self.mask(other))
            del self.bars[other]
            return [other]

    samples, _ = play(ScenePlayer(setup, make_task=WrongHand), SceneJob(0, 0, 1.0))
    assert samples
    for sample, mask in zip(samples, masks, strict=True):
        assert sample.action["reward"] == 1.0
        np.testing.assert_array_equal(target_of(sample), mask)


def test_grasping_an_object_that_was_hidden_counts_as_a_failure(setup: RolloutSetup):
    class Conjurer(PaintedTask):
        """Grasps a bar that was hidden from the camera."""

        def observe(self) -> Observation:
            hidden, self.bars = self.bars, dict(list(self.bars.items())[:-1])
            try:
                return super().observe()
            finally:
                self.bars = hidden

        def act(self, action: Action) -> list[str]:
            return [list(self.bars)[-1]]

    samples, _ = play(ScenePlayer(setup, make_task=Conjurer), SceneJob(0, 0, 1.0))
    assert samples
    assert {float(s.action["reward"]) for s in samples} == {0.0}


def test_a_failed_goal_agnostic_grasp_is_of_the_object_under_the_pixel(
    setup: RolloutSetup,
):
    class EmptyHand(PaintedTask):
        def act(self, action: Action) -> list[str]:
            return []

    samples, _ = play(ScenePlayer(setup, make_task=EmptyHand), SceneJob(0, 1, 1.0))
    assert samples
    for sample in samples:
        labels, a = sample.observation["labels"], sample.action
        assert a["reward"] == 0.0
        np.testing.assert_array_equal(target_of(sample), labels == labels[a["row"], a["column"]])


def with_last_stage(setup: RolloutSetup, stage: StageConfig, **changes: object) -> RolloutSetup:
    recipe = dataclasses.replace(TINY, stages=(*TINY.stages[:2], stage), **changes)
    return dataclasses.replace(setup, recipe=recipe)


@pytest.mark.parametrize(
    ("name", "trained", "failed"), [("push", "push", 0.0), ("alternate-grasp", "grasp", -1.0)]
)
def test_pushes_end_in_a_grasp_and_only_the_trained_primitive_explores(
    setup: RolloutSetup, name, trained: str, failed: float
):
    # Q_g is never over the threshold: a grasp follows max_pushes pushes.
    setup = with_last_stage(setup, StageConfig(name, n_objects=(6,), max_pushes=2))
    seen: dict[str, set[float]] = {"grasp": set(), "push": set()}
    for scene in range(3):
        samples, end = play(painted_player(setup), SceneJob(2, scene, 1.0, grasp_threshold=1.0))
        assert not end.fault
        assert [s.follows for s in samples] == [False] + [True] * (len(samples) - 1)
        in_a_row = 0
        for sample in samples:
            primitive = PRIMITIVES[sample.action["primitive"]]
            in_a_row = in_a_row + 1 if primitive == "push" else 0
            assert in_a_row <= 2
            assert sample.action["explored"] == (primitive == trained)
            seen[primitive].add(float(sample.action["reward"]))
    assert seen["push"] <= {-0.5, 0.0, 0.5}
    assert seen["grasp"]
    assert seen["grasp"] <= {failed, 1.0}  # equations 2 and 4; failures change nothing here
    assert trained == "push" or failed in seen["grasp"]  # an untrained network chooses grasps


def test_a_failed_grasp_that_moves_something_costs_nothing(setup: RolloutSetup):
    class Clumsy(PaintedTask):
        """Throws the bar out of the image."""

        def act(self, action: Action) -> list[str]:
            if action.primitive == "grasp":
                for name in [n for n in self.bars if self.mask(n)[action.pixel]]:
                    del self.bars[name]
            return []

    setup = with_last_stage(setup, StageConfig("alternate-grasp", n_objects=(6,), max_pushes=0))
    samples, _ = play(
        ScenePlayer(setup, make_task=Clumsy), SceneJob(2, 0, 1.0, grasp_threshold=1.0)
    )
    assert samples
    assert {float(s.action["reward"]) for s in samples} == {0.0}


@pytest.mark.parametrize(("name", "failed"), [("push", 0.0), ("alternate-grasp", -1.0)])
def test_the_baselines_rewards(setup: RolloutSetup, name, failed: float):
    """Pushes of painted bars neither empty the ring nor make anything sink: -0.5 each."""
    setup = with_last_stage(
        setup, StageConfig(name, n_objects=(6,), max_pushes=1), rewards="wang2024"
    )
    rewards: dict[str, set[float]] = {"grasp": set(), "push": set()}
    for scene in range(4):
        samples, _ = play(painted_player(setup), SceneJob(2, scene, 0.5, grasp_threshold=1.0))
        for sample in samples:
            rewards[PRIMITIVES[sample.action["primitive"]]].add(float(sample.action["reward"]))
    assert failed in rewards["grasp"] <= {1.5, failed}
    assert name == "push" or 1.5 in rewards["grasp"]
    assert rewards["push"] == {-0.5}


def test_the_gain_of_a_push_compares_its_two_images(
    setup: RolloutSetup, monkeypatch: pytest.MonkeyPatch
):
    """The authors' code scores the old image twice, so no push ever gains."""
    looks: list[Observation] = []

    class Remembered(PaintedTask):
        def observe(self) -> Observation:
            looks.append(super().observe())
            return looks[-1]

    def q_of(number: int) -> float:
        return 0.2 * (number // 2)  # every other push gains

    def best_grasp(self: Actor, look: Observation, target: np.ndarray) -> float:
        assert look.objects[target].all()  # its own mask: the bar has moved by its width
        return q_of(next(i for i, seen in enumerate(looks) if seen is look))

    monkeypatch.setattr(Actor, "best_grasp", best_grasp)
    setup = with_last_stage(setup, StageConfig("push", n_objects=(6,), max_pushes=100))
    samples, _ = play(
        ScenePlayer(setup, make_task=Remembered), SceneJob(2, 0, 1.0, grasp_threshold=np.inf)
    )
    assert len(samples) == len(looks) - 1 >= 4
    gained = [q_of(i + 1) > q_of(i) for i in range(len(samples))]
    assert [s.action["reward"] == 0.5 for s in samples] == gained


def test_a_goal_that_can_be_grasped_is_not_pushed(setup: RolloutSetup):
    samples, _ = play(painted_player(setup), SceneJob(2, 0, 1.0, grasp_threshold=0.0))
    assert samples
    assert {PRIMITIVES[s.action["primitive"]] for s in samples} == {"grasp"}


def test_a_fault_ends_the_scene_and_is_no_sample(setup: RolloutSetup):
    samples, end = play(ScenePlayer(setup, make_task=FaultyTask), SceneJob(1, 0, 1.0))
    assert len(samples) == 2
    assert end.fault == "an object was thrown"


def test_new_weights_are_loaded(setup: RolloutSetup, monkeypatch: pytest.MonkeyPatch):
    player = painted_player(setup)
    before, _ = play(player, SceneJob(1, 0, 0.0))
    save_weights(setup.weights, {p: build(TINY.network, p) for p in PRIMITIVES})
    after, _ = play(player, SceneJob(1, 0, 0.0))
    assert before[0].action["q"] != after[0].action["q"]


@pytest.mark.parametrize("discount", [0.0, 0.5])
def test_changes_are_recorded_whatever_the_discount(setup: RolloutSetup, discount: float) -> None:
    """They decide if the next state's value counts, and a grasp's reward in alternation."""

    class Still(PaintedTask):
        def act(self, action: Action) -> list[str]:
            return []

    setup = dataclasses.replace(setup, recipe=dataclasses.replace(TINY, discount=discount))
    samples, _ = play(ScenePlayer(setup, make_task=Still), SceneJob(1, 0, 1.0))
    assert not any(s.action["bootstraps"] for s in samples)
    samples, _ = play(painted_player(setup), SceneJob(1, 0, 1.0))
    actions = [s.action for s in samples if s.action["primitive"] != NO_ACTION]
    for action in actions:
        assert action["bootstraps"] == (action["reward"] > 0)
    assert not any(a["target_changed"] for a in actions if a["reward"] <= 0)
    assert any(a["target_changed"] for a in actions if a["reward"] > 0)


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_the_state_in_which_a_scene_stops_is_recorded(
    setup: RolloutSetup, stage: int, tmp_path: Path
) -> None:
    """The scene is cut short, so the value of its last state counts like any other."""
    recipe = dataclasses.replace(TINY, discount=0.5)
    setup = dataclasses.replace(setup, recipe=recipe)
    *samples, last = play(painted_player(setup), SceneJob(stage, 1, 1.0))[0]
    assert len(samples) > 3
    assert last.action["primitive"] == NO_ACTION
    assert last.follows
    assert np.isnan(last.action["q"])
    assert target_of(last).any()
    assert NO_ACTION not in [s.action["primitive"] for s in samples]

    replay, previous = Replay(tmp_path / "replay", WORKSPACE.shape, color=False), -1
    for sample in (*samples, last):
        previous = replay.append(
            sample.observation, sample.action, previous if sample.follows else -1
        )
    assert replay.actions["next"][-2:].tolist() == [len(samples), -1]
    replay.actions["bootstraps"] = True
    network = build(recipe.network, "grasp").eval()
    values = next_values(network, replay, np.array([len(samples) - 1, len(samples)]), 0, WORKSPACE)
    assert values[0] > 0 == values[1]
    drawn = replay.draw(np.random.default_rng(0), 200, "grasp", 0.0)
    assert len(samples) not in drawn


def test_without_a_discount_the_last_state_is_not_recorded(setup: RolloutSetup) -> None:
    samples, _ = play(painted_player(setup), SceneJob(1, 1, 1.0))
    assert NO_ACTION not in [s.action["primitive"] for s in samples]


def test_hiding_a_goal_of_negative_q_is_no_gain(
    setup: RolloutSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hidden goal cannot be grasped, so a push must not earn the rise from -0.5 to 0."""

    class Covering(PaintedTask):
        """Every push hides what is under its pixel."""

        def act(self, action: Action) -> list[str]:
            for name in [n for n in self.bars if self.mask(n)[action.pixel]]:
                self.bars[name] = (np.array([-100.0, -100.0]), 0.0, self.bars[name][2])
            return []

    monkeypatch.setattr(Actor, "best_grasp", lambda *_: -0.5)
    setup = with_last_stage(setup, StageConfig("push", n_objects=(6,), max_pushes=100))
    samples, _ = play(ScenePlayer(setup, make_task=Covering), SceneJob(2, 0, 1.0))
    hiding = [s for s in samples if target_of(s)[s.action["row"], s.action["column"]]]
    assert hiding
    assert all(s.action["reward"] <= 0 for s in hiding)


def test_scenes_are_built_in_the_recipes_workspace(tmp_path: Path):
    there = Workspace(0.3, -0.1, 0.3, table_z=0.16)
    made: list[SceneConfig] = []

    def make(config: SceneConfig, recipe: Recipe, timer: Timer) -> SimTask:
        made.append(config)
        return SimTask(config, recipe, timer)

    recipe = dataclasses.replace(TINY, workspace=there)
    samples, end = play(ScenePlayer(make_setup(tmp_path, recipe), make), SceneJob(1, 3, 0.5))
    assert not end.fault
    assert made[0].workspace == there
    assert len(samples) > 1
    for sample in samples:
        height = sample.observation["height"]
        assert height.shape == (150, 150)
        assert np.nanmedian(height) == pytest.approx(0, abs=1e-3)
        assert max(int(sample.action["row"]), int(sample.action["column"])) < 150
