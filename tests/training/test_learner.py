"""The gradient step: targets, frozen networks, augmentation."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from painted import LONGER, TINY, VALUES, WORKSPACE, fill, new_run, same, state_of

from pushgrasp.training import learner
from pushgrasp.training.learner import cosine_rate, freeze_all_but, next_values, read_observation
from pushgrasp.training.recipes import RECIPES, Recipe, with_network
from pushgrasp.training.train import train_step

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_loss_falls_on_a_small_problem(tmp_path: Path):
    """The network learns to grasp bars across from a few dozen actions."""
    run = new_run(tmp_path, LONGER)
    fill(run, 40)
    freeze_all_but(run.networks, "grasp")
    losses = [train_step(run, "grasp") for _ in range(80)]
    assert np.mean(losses[-15:]) < 0.7 * np.mean(losses[:15])


def test_a_value_network_reduces_its_td_errors(tmp_path: Path):
    recipe = dataclasses.replace(
        LONGER,
        network=dataclasses.replace(TINY.network, output="value"),
        loss="huber",
        replay_priority=2.0,
        augment=True,
    )
    run = new_run(tmp_path, recipe)
    fill(run, 25)
    assert np.isinf(run.replay.actions["td_error"]).all()
    freeze_all_but(run.networks, "grasp")
    for _ in range(15):
        train_step(run, "grasp")
    early = run.replay.actions["td_error"].copy()
    for _ in range(60):
        train_step(run, "grasp")
    assert np.mean(run.replay.actions["td_error"]) < 0.8 * np.mean(early[np.isfinite(early)])


def test_next_values_are_the_best_of_the_following_state(tmp_path: Path):
    run = new_run(tmp_path, dataclasses.replace(TINY, discount=0.5))
    fill(run, 12)
    actions, network = run.replay.actions, run.networks["grasp"].train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    everything = np.arange(len(actions))
    values = next_values(network, run.replay, everything, 0, WORKSPACE)
    assert network.training
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())
    counted = actions["bootstraps"] & (actions["next"] >= 0)
    assert counted.any()
    assert not values[~counted].any()
    i = int(np.flatnonzero(counted)[0])
    look, target = read_observation(run.replay, int(actions["next"][i]), WORKSPACE)
    assert values[i] == pytest.approx(network.score(look, target, target).max())
    with torch.no_grad():
        network.head.bias += 3.0  # type: ignore[union-attr]
    kept = next_values(network, run.replay, everything, learner.REFRESH - 1, WORKSPACE)
    np.testing.assert_array_equal(kept, values)
    renewed = next_values(network, run.replay, everything, learner.REFRESH, WORKSPACE)
    assert (renewed[counted] > values[counted]).all()


def test_the_frozen_network_does_not_change_at_all(tmp_path: Path):
    """Weights and BatchNorm statistics of GraspNet stay while PushNet learns."""
    run = new_run(tmp_path)
    fill(run, 12, stage=2)
    freeze_all_but(run.networks, "push")
    frozen, trained = run.networks["grasp"], run.networks["push"]
    before = {k: v.clone() for k, v in frozen.state_dict().items()}
    other = {k: v.clone() for k, v in trained.state_dict().items()}
    assert any("running_mean" in key for key in before)
    for _ in range(3):
        train_step(run, "push")
    look, target = read_observation(run.replay, 0, WORKSPACE)
    frozen.score(look, target, target)
    assert all(torch.equal(before[k], v) for k, v in frozen.state_dict().items())
    moved = [k for k, v in trained.state_dict().items() if not torch.equal(other[k], v)]
    assert any("running_mean" in key for key in moved)
    assert not frozen.training
    assert not any(p.requires_grad for p in frozen.parameters())


def test_a_failure_has_one_label_in_alternation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Grasps of stage 1 were recorded by equation 2; alternation rewards them by equation 4."""
    run = new_run(tmp_path, dataclasses.replace(TINY, network=VALUES, loss="huber", discount=0.5))
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
        run.replay.actions["target_changed"][failed] = freed  # around the target (equation 4),
        run.replay.actions["bootstraps"][failed] = not freed  # not anywhere on the table
        for _ in range(4):
            train_step(run, "grasp", alternating=alternating)
    assert set().union(*seen[:4]) == {0.0, 1.0}
    assert set().union(*seen[4:8]) == {-1.0, 1.0}
    assert set().union(*seen[8:]) == {0.0, 1.0}


def test_deciding_changes_no_network(tmp_path: Path):
    """The authors' code keeps training and averaging BatchNorm statistics while it scores."""
    run = new_run(tmp_path)
    fill(run, 4)
    policy = run.policy()
    policy.push = run.networks["push"]
    before = {p: state_of(run, p) for p in run.networks}
    look, target = read_observation(run.replay, 0, WORKSPACE)
    for _ in range(3):
        seen = dataclasses.replace(look, goal=target)
        policy.decide(seen)
        policy.best_push(seen)
    assert all(same(before[p], state_of(run, p)) for p in run.networks)


@pytest.mark.slow
def test_the_papers_network_takes_a_step_by_the_papers_rules(tmp_path: Path):
    """Colours in the replay, prioritised draws, bootstrapped targets, one gradient step."""
    paper = with_network(RECIPES["paper"], "densenet121")
    recipe = dataclasses.replace(
        paper,
        network=dataclasses.replace(paper.network, crop_px=64, crop_resolution=0.01),
        batch_size=4,
    )
    run = new_run(tmp_path, recipe)
    assert run.replay.color
    fill(run, 6)
    assert run.replay.observations["color"].any()
    freeze_all_but(run.networks, "grasp")
    before = next(iter(run.networks["grasp"].parameters())).clone()
    assert np.isfinite(train_step(run, "grasp"))
    assert not torch.equal(before, next(iter(run.networks["grasp"].parameters())))
    assert np.isfinite(run.replay.actions["td_error"]).any()


def test_grasps_are_also_learned_at_the_opposite_rotation():
    rng = np.random.default_rng(0)
    rotations = np.arange(16).repeat(50)
    rotated, shifts, flips = learner.augment(rotations, "grasp", TINY, rng)
    assert set(np.unique((rotated - rotations) % 16)) == {0, 8}
    assert not shifts.any()
    assert not flips.any()
    same, _, _ = learner.augment(rotations, "push", TINY, rng)
    np.testing.assert_array_equal(same, rotations)


def test_augmented_views_differ_a_little():
    rng = np.random.default_rng(0)
    augmenting = dataclasses.replace(TINY, augment=True)
    rotated, shifts, flips = learner.augment(np.full(800, 5), "push", augmenting, rng)
    assert 0 < np.abs(rotated - 5).max() <= learner.MAX_ROTATION
    assert 0 < np.abs(shifts).max() <= learner.MAX_SHIFT_PX
    assert 0.4 < flips[:, 0].mean() < 0.6
    assert not flips[:, 1].any()  # mirrored columns would reverse a push


def test_the_rate_falls_by_half_a_cosine():
    recipe = dataclasses.replace(TINY, learning_rate=1.0, learning_rate_end=0.2)
    assert cosine_rate(0, 100, recipe) == pytest.approx(1.0)
    assert cosine_rate(50, 100, recipe) == pytest.approx(0.6)
    assert cosine_rate(100, 100, recipe) == pytest.approx(0.2)
    assert cosine_rate(900, 100, recipe) == pytest.approx(0.2)
