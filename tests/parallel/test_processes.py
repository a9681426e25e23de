"""Trials on processes of their own: what dies is played again, what fails is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from trial_players import die_always, die_once, play_quickly, record_of, refuse, stumble

from pushgrasp.errors import UserError
from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.plan import plan_trials
from pushgrasp.evaluation.records import TrialSpec
from pushgrasp.parallel import processes
from pushgrasp.parallel.processes import answering, run_parallel


def plan(trials: int) -> list[TrialSpec]:
    return plan_trials(EvaluationConfig(trials=trials))


def test_every_trial_is_played_once_by_two_processes() -> None:
    records = list(run_parallel(plan(5), 2, play_quickly, ""))
    assert sorted(records, key=lambda r: r.index) == [record_of(spec) for spec in plan(5)]


def test_no_trial_needs_no_process() -> None:
    assert list(run_parallel([], 0, die_always, "")) == []


def test_a_trial_whose_process_dies_is_played_again(tmp_path: Path, capfd) -> None:
    records = list(run_parallel(plan(3), 1, die_once, str(tmp_path / "marker")))
    assert {r.index for r in records} == {0, 1, 2}
    assert "trial 1 of random-10: its process died (exit code 7)" in capfd.readouterr().err


def test_giving_up_on_a_trial_that_kills(monkeypatch) -> None:
    monkeypatch.setattr(processes, "MAX_DEATHS", 2)
    with pytest.raises(UserError, match=r"trial 0 .*exit code 9\), 2 times in a row; .*--resume"):
        list(run_parallel(plan(1), 1, die_always, ""))


@pytest.mark.parametrize(
    ("prepare", "error", "message"),
    [
        (refuse, UserError, "no such thing"),
        (stumble, RuntimeError, r"trial 0 of random-10 failed:(.|\n)*a bug"),
    ],
)
def test_what_a_process_says_of_an_error(prepare, error, message: str) -> None:
    answer = answering(prepare, "")(plan(1)[0])
    assert isinstance(answer, error)
    assert re.search(message, str(answer))
