"""A run's counters, thresholds and samples."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from painted import LONGER, TINY, InlineRollouts, fill, new_run

from pushgrasp.training.messages import Sample, SceneJob

pytestmark = pytest.mark.usefixtures("one_thread")


def test_samples_of_a_finished_or_another_stage_are_not_recorded(tmp_path: Path):
    run = new_run(tmp_path)
    fill(run, 3, stage=0)
    source = InlineRollouts(run)
    source.assign(lambda: SceneJob(0, 99, 1.0))
    ((worker, late),) = source.receive(0)
    assert isinstance(late, Sample)
    assert not run.record(worker, late, stage=1)
    run.samples[0] = TINY.stages[0].n_samples
    assert not run.record(worker, late, stage=0)
    assert len(run.replay) == 3


def test_epsilon_decays_to_its_floor(tmp_path: Path):
    run = new_run(tmp_path)
    assert run.epsilon(0) == 1.0
    run.samples[0] = 10**6
    assert run.epsilon(0) == 0.5


def test_q_star_of_values_is_the_mean_of_the_greedy_grasps(tmp_path: Path):
    value = dataclasses.replace(
        TINY, network=dataclasses.replace(TINY.network, output="value"), loss="huber"
    )
    run = new_run(tmp_path, value)
    fill(run, 6)
    run.replay.actions["explored"][:4] = False
    run.replay.actions["q"][:4] = [1.0, 2.0, 1.5, 1.5]
    run.measure_threshold()
    assert run.grasp_threshold == value.decision.grasp_threshold  # the stage is not over
    run.samples[1] = value.stages[1].n_samples
    run.measure_threshold()
    assert run.grasp_threshold == 1.5


def test_q_star_of_probabilities_stays_the_recipes(tmp_path: Path):
    run = new_run(tmp_path, LONGER)
    fill(run, 10)
    run.samples[1] = LONGER.stages[1].n_samples
    run.measure_threshold()
    assert run.grasp_threshold == TINY.decision.grasp_threshold
