"""What a process that plays trials does with a policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from trial_players import record_of

from pushgrasp.evaluation.player import Setup, load_player
from pushgrasp.evaluation.records import TrialRecord, TrialSpec
from pushgrasp.retrieve import Decides

KEEPS = """
made = []

class Keeps:
    def __init__(self):
        made.append(self)
        self.trials = 0

    def reset(self):
        self.trials += 1

    def act(self, observation):
        return None
"""


def test_an_object_of_ones_own_is_made_once_and_reset_before_each_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.py"
    path.write_text(KEEPS)
    played: list[Decides] = []

    def run_trial(spec: TrialSpec, policy: Decides) -> TrialRecord:
        played.append(policy)
        return record_of(spec)

    monkeypatch.setattr("pushgrasp.evaluation.trial.run_trial", run_trial)
    play = load_player(Setup({"Keeps": f"{path}:Keeps"}))
    for index in range(3):
        play(TrialSpec("random-2", index, "random", 2, 0, 0, policy="Keeps"))
    assert len(played) == 3
    assert len(set(map(id, played))) == 1
    made = played[0]._reset.__self__  # type: ignore[attr-defined]
    assert made.trials == 3
