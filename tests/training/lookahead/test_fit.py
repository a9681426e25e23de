"""Fitted Q iteration: what counts as done, whose judgement counts, and that it learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from two_blocks import two_blocks

from pushgrasp.policy.value.network import GAMMA
from pushgrasp.policy.value.saved import load_networks, save_networks
from pushgrasp.training.lookahead.fit import (
    choose_goals,
    compute_targets,
    fit,
    judged_by_another,
    score,
)
from pushgrasp.training.lookahead.fit_config import FitConfig
from pushgrasp.training.lookahead.store import Store, load_store
from pushgrasp.training.lookahead.transitions import (
    MAX_OBJECTS,
    SceneRecord,
    pack_height,
    unpack_height,
)

QUICK = FitConfig(iterations=1, epochs=12, goals=2, batch=16)


def test_what_failed_is_no_candidate_of_the_next_look(tmp_path: Path) -> None:
    record = two_blocks(0)
    record.height[1:], record.labels[1:], record.owner[1:] = (
        images[:1] for images in (record.height, record.labels, record.owner)
    )  # nothing changed
    other = np.argwhere(record.owner[0] == 1 + int(record.played[0]["taken"][0]))[0]
    again = record.candidates[:1].copy()
    elsewhere = again.copy()
    elsewhere["row"], elsewhere["column"] = other
    record.candidates = np.concatenate([again, again, elsewhere])
    record.counts = np.array([1, 2, 0], np.int32)
    record.played["changed"][1] = True  # then all may be tried again
    for held, left in ((True, 2), (False, 1)):
        record.played["held"][0] = held
        record.save(tmp_path / "play-1-00000.npz")
        store = load_store([tmp_path])
        assert len(store.here(1)) == left
        assert store.here(1)[-1]["row"] == elsewhere[0]["row"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("played")
    for i in range(24):
        two_blocks(i).save(folder / f"play-1-{i:05d}.npz")
    return load_store([folder])


def test_heights_survive_to_a_hundredth_of_a_millimetre() -> None:
    height = np.array([[0.0, 0.12345, np.nan], [0.3, 1e-5, 0.05]], np.float32)
    back = unpack_height(pack_height(height))
    assert (np.isnan(back) == np.isnan(height)).all()
    assert np.nanmax(np.abs(back - height)) < 1e-5


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    record = two_blocks(0)
    record.save(tmp_path / "play-1-00000.npz")
    back = SceneRecord.load(tmp_path / "play-1-00000.npz")
    assert (back.played == record.played).all()
    assert (back.height == record.height).all()
    assert back.meta == record.meta
    assert back.observation(0, goal=1).goal.any()
    assert not back.observation(2, goal=1).objects.any()


def test_what_was_taken_is_among_the_goals(store: Store) -> None:
    actions = np.arange(len(store.look))
    goals = choose_goals(store, actions, 2, np.random.default_rng(0))
    assert np.take_along_axis(store.taken[actions], goals, 1).any(1).all()
    assert np.take_along_axis(store.present[store.look], goals, 1).all()


def test_targets_are_1_for_taken_and_0_for_lost(store: Store) -> None:
    rng = np.random.default_rng(0)
    actions, goals = np.array([0, 0]), np.array([[0], [1]])
    lost = np.zeros((len(store.look), MAX_OBJECTS), bool)
    taken = int(store.taken[0].argmax())
    targets = compute_targets(store, actions, goals, None, QUICK, rng)
    assert targets[taken, 0] == 1
    assert targets[1 - taken, 0] == 0
    lost[0, 1 - taken] = True
    store = Store(**{**vars(store), "lost": lost})
    networks = fit(store, np.arange(4), FitConfig(iterations=0, epochs=1), lambda _: None)
    targets = compute_targets(store, actions, goals, networks, QUICK, rng)
    assert targets[taken, 0] == 1
    assert targets[1 - taken, 0] == 0


def test_a_goal_among_several_things_in_the_jaw_may_go_unnoticed(store: Store) -> None:
    taken = store.taken.copy()
    taken[0, :2] = True
    several = Store(**{**vars(store), "taken": taken})
    actions, goals = np.array([0, 1]), np.array([[0, 1], [0, 1]])
    for probability, of in ((0.5, several), (1.0, store)):
        targets = compute_targets(of, actions, goals, None, QUICK, np.random.default_rng(0))
        assert targets[0].max() == probability
        assert targets[1].max() == 1


def test_another_network_s_judgement_is_not_too_high() -> None:
    noise = np.random.default_rng(0).normal(0.5, 0.1, (2, 50, 400)).astype(np.float32)
    own = np.sort(noise[:1], axis=1)[:, -2:].mean()
    assert own > 0.65  # the winner's curse
    assert judged_by_another(noise, 2).mean() == pytest.approx(0.5, abs=0.01)


def test_it_learns_which_grasp_takes_what_and_what_comes_next(store: Store, tmp_path: Path) -> None:
    said: list[str] = []
    networks = fit(store, np.arange(len(store.look)), QUICK, said.append)
    assert len(said) == 2
    firsts = np.arange(0, len(store.look), 2)  # two objects stand there
    taken = store.taken[firsts].argmax(1)
    goals = np.stack([taken, 1 - taken], 1)
    look, action = store.look[firsts], store.action[firsts]
    q = score(networks, store, look, action, goals).mean(0)
    assert q[:, 0].mean() > 0.8
    assert q[:, 1].mean() == pytest.approx(GAMMA, abs=0.25)
    assert (q[:, 0] > q[:, 1]).mean() > 0.8
    save_networks(networks, tmp_path / "w.safetensors")
    again = load_networks(tmp_path / "w.safetensors")
    assert (score(again, store, look, action, goals).mean(0) == q).all()
