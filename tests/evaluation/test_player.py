"""What a process that plays trials does with a policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from trial_players import record_of

from pushgrasp.errors import UserError
from pushgrasp.evaluation.player import Setup, load_player
from pushgrasp.evaluation.records import TrialRecord, TrialSpec
from pushgrasp.retrieve import Decides
from pushgrasp.view.draw.strip import Strip

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


def test_a_picture_that_cannot_be_written_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_strip: Strip, path: Path) -> None:
        raise UserError(f"cannot write {path}: No space left on device")

    monkeypatch.setattr("pushgrasp.evaluation.trial.run_trial", lambda spec, *_: record_of(spec))
    monkeypatch.setattr(Strip, "save", no_space)
    play = load_player(Setup({"random": "random"}, tmp_path))
    with pytest.raises(UserError, match=r"0000\.webp: No space left .* kept: go on with --resume"):
        play(TrialSpec("random-2", 0, "random", 2, 0, 0, policy="random"))
