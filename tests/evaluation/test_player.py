"""What a process that plays trials does with a policy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from trial_players import record_of

from pushgrasp.errors import UserError
from pushgrasp.evaluation.player import PlayerSetup, load_player
from pushgrasp.evaluation.records import TrialRecord, TrialSpec
from pushgrasp.evaluation.steps import OnStep
from pushgrasp.retrieve import Decides
from pushgrasp.view.draw.strip import Strip
from pushgrasp.view.trial_strips import StripObserver

OWN = """
class Keeps:
    def act(self, observation):
        return None
"""


def test_an_object_of_ones_own_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    played: list[Decides] = []

    def run_trial(spec: TrialSpec, policy: Decides, **_: object) -> TrialRecord:
        played.append(policy)
        return record_of(spec)

    monkeypatch.setattr("pushgrasp.evaluation.trial.run_trial", run_trial)
    play = load_player(PlayerSetup({"Keeps": f"{path}:Keeps"}))
    for index in range(3):
        play(TrialSpec("random-2", index, "random", 2, 0, 0, policy="Keeps"))
    assert len(played) == 3
    assert len(set(map(id, played))) == 1


def test_each_trial_has_its_own_observer(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []

    class Observer:
        def __init__(self, spec: TrialSpec, _policy: Decides) -> None:
            log.append(f"trial {spec.index}")

        def begin_attempt(self) -> OnStep:
            log.append("attempt")
            return lambda *_: None

        def finish(self) -> None:
            log.append("finish")

    def run_trial(spec: TrialSpec, _policy: Decides, watch: Any, **_: object) -> TrialRecord:
        watch()
        watch()  # after a fault
        return record_of(spec)

    monkeypatch.setattr("pushgrasp.evaluation.trial.run_trial", run_trial)
    play = load_player(PlayerSetup({"random": "random"}, observe=Observer))
    for index in range(2):
        play(TrialSpec("random-2", index, "random", 2, 0, 0, policy="random"))
    assert log == [
        word for i in range(2) for word in (f"trial {i}", "attempt", "attempt", "finish")
    ]


def test_each_trial_says_which_commit_played_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_trial(spec: TrialSpec, _policy: Decides, *, commit: str | None) -> TrialRecord:
        return replace(record_of(spec), commit=commit)

    monkeypatch.setattr("pushgrasp.evaluation.trial.run_trial", run_trial)
    monkeypatch.setattr("pushgrasp.evaluation.player.commit", lambda: "0123abc")
    play = load_player(PlayerSetup({"random": "random"}))
    assert play(TrialSpec("random-2", 0, "random", 2, 0, 0, policy="random")).commit == "0123abc"


def test_a_strip_that_cannot_be_written_says_how_to_continue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_strip: Strip, path: Path) -> None:
        raise UserError(f"cannot write {path}: No space left on device")

    def run_trial(spec: TrialSpec, *_: object, **__: object) -> TrialRecord:
        return record_of(spec)

    monkeypatch.setattr("pushgrasp.evaluation.trial.run_trial", run_trial)
    monkeypatch.setattr(Strip, "save", no_space)
    play = load_player(PlayerSetup({"random": "random"}, observe=StripObserver(tmp_path)))
    with pytest.raises(UserError, match=r"0000\.webp: No space left .* kept: continue with --res"):
        play(TrialSpec("random-2", 0, "random", 2, 0, 0, policy="random"))
