"""Playing a run on processes, in parts, and what is left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from interrupts import start_group
from trial_players import die_always, play_quickly, record_of

from pushgrasp.cli.main import main
from pushgrasp.errors import UserError
from pushgrasp.evaluation import runner
from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.records import TrialRecord
from pushgrasp.evaluation.results import read_trials
from pushgrasp.evaluation.runner import evaluate
from pushgrasp.interfaces import Intrinsics
from pushgrasp.perception.camera_file import CameraSpec, write_cameras
from pushgrasp.sim.cell import Cell
from pushgrasp.view.trial_strips import StripObserver

POLICIES = ("random", "geometric")
TIMES = ("wall_s", "trials_per_minute")


def small(out: Path, **changes: Any) -> dict[str, Any]:
    """A run of 20 trials, played by what takes the simulator's place."""
    given = {"workers": 1, "out": out} | changes
    what = {"policies": POLICIES, "objects": (10, 20), "trials": 5, "seed": 3} | {
        name: given.pop(name) for name in ("policies", "objects", "trials") if name in given
    }
    return evaluate(EvaluationConfig(**what), **given)


def rates(summary: dict[str, Any]) -> dict[str, Any]:
    """All of a summary that is not a time of the wall clock."""
    return {key: value for key, value in summary.items() if key not in TIMES}


@pytest.fixture
def here(monkeypatch) -> list[int]:
    """Trials are played in this process, in an order of chance; notes how many at a time."""
    asked: list[int] = []

    def play(specs, _workers, _setup) -> Generator[TrialRecord, None, None]:
        asked.append(len(specs))
        for spec in random.Random(len(asked)).sample(specs, len(specs)):
            yield record_of(spec)

    monkeypatch.setattr(runner, "play_trials", play)
    return asked


def stop_after(n: int, error: BaseException) -> Callable[[int, int, TrialRecord], None]:
    """Stops a run when so many more trials are done."""
    left = n

    def progress(_done: int, _total: int, _record: TrialRecord) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise error

    return progress


def test_result_does_not_depend_on_the_number_of_workers(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(runner, "load_player", play_quickly)
    summaries, lines, calls = [], [], []
    for workers in (1, 2):
        out = tmp_path / str(workers)
        summary = small(
            out, workers=workers, progress=lambda done, total, _record: calls.append((done, total))
        )
        assert json.loads((out / "summary.json").read_text()) == summary
        lines.append(sorted((out / "trials.jsonl").read_text().splitlines()))
        summaries.append(rates(summary))
    assert summaries[0] == summaries[1]
    assert lines[0] == lines[1]
    assert len(lines[0]) == 20
    assert calls == 2 * [(i, 20) for i in range(1, 21)]


def test_result_does_not_depend_on_interruptions(tmp_path: Path, here: list[int]) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected = small(whole)
    for n in (1, 7, 2):
        with pytest.raises(KeyboardInterrupt):
            small(parts, resume=True, progress=stop_after(n, KeyboardInterrupt()))
    with pytest.raises(ZeroDivisionError):
        small(parts, resume=True, progress=stop_after(3, ZeroDivisionError("a bug")))
    with open(parts / "trials.jsonl", "r+b") as file:  # a kill, in the middle of a line
        file.truncate(file.seek(0, os.SEEK_END) - 50)
    summary = small(parts, resume=True)
    assert here == [20, 20, 19, 12, 10, 8]  # only what is missing, each time
    assert summary["totals"].pop("damaged_lines") == 1
    assert expected["totals"].pop("damaged_lines") == 0
    assert rates(summary) == rates(expected)
    assert read_trials(parts)[0] != read_trials(whole)[0]  # played in another order
    for name in ("settings.json", "table.md"):
        assert (parts / name).read_text() == (whole / name).read_text()


def test_a_grown_run_is_as_if_it_had_been_planned_so(tmp_path: Path, here: list[int]) -> None:
    grown = tmp_path / "grown"
    small(grown, policies=("random",), objects=(10,), trials=2)
    small(grown, policies=("random",), trials=5, resume=True)
    summary = small(grown, resume=True)
    assert here == [2, 8, 10]
    assert rates(summary) == rates(small(tmp_path / "planned"))


def test_a_part_of_a_run_may_be_asked_for(tmp_path: Path, here: list[int]) -> None:
    small(tmp_path, trials=5)
    summary = small(tmp_path, policies=("geometric",), trials=7, resume=True)
    assert here == [20, 4]
    assert [(g["policy"], g["trials"], g["wanted"]) for g in summary["groups"]] == [
        ("random", 5, 5), ("random", 5, 5), ("geometric", 7, 7), ("geometric", 7, 7),
    ]  # fmt: skip


def test_a_finished_run_is_only_summed_up_again(tmp_path: Path, here: list[int]) -> None:
    first = small(tmp_path)
    (tmp_path / "table.md").unlink()
    assert small(tmp_path, resume=True) == first  # its times, too
    assert here == [20, 0]
    assert (tmp_path / "table.md").exists()


def test_trials_of_two_commits_are_told(
    tmp_path: Path, here: list[int], monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    for name in ("0123abc", "0123abc", "456789d-dirty"):
        assert "commit" not in capsys.readouterr().err
        monkeypatch.setattr("pushgrasp.evaluation.settings.commit", lambda name=name: name)
        small(tmp_path, resume=True)
    assert "more than one commit: 0123abc, then 456789d-dirty" in capsys.readouterr().err
    assert "commit 0123abc, then 456789d-dirty;" in (tmp_path / "table.md").read_text()


def test_what_ctrl_c_leaves(tmp_path: Path, here: list[int]) -> None:
    with pytest.raises(KeyboardInterrupt, match=r"4 of 20 trials are played.*--resume"):
        small(tmp_path, progress=stop_after(4, KeyboardInterrupt()))
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["totals"]["trials"] == len(read_trials(tmp_path)[0]) == 4
    assert {group["wanted"] for group in summary["groups"]} == {5}
    calls: list[int] = []
    small(tmp_path, resume=True, progress=lambda done, _total, _record: calls.append(done))
    assert calls == list(range(5, 21))  # those of before count as done


def test_damaged_lines_are_told_and_played_again(tmp_path: Path, here: list[int], capsys) -> None:
    small(tmp_path)
    path = tmp_path / "trials.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:40], *lines[2:]]) + "\n")
    small(tmp_path, resume=True)
    assert here == [20, 1]
    assert f"warning: {path}, line 2 is cut or damaged" in capsys.readouterr().err
    assert len(read_trials(tmp_path)[0]) == 20


def test_a_full_disk_is_told_and_the_summary_says_what_there_is(
    tmp_path: Path, here: list[int], monkeypatch
) -> None:
    append, left = runner.ResultsFolder.append, 3

    def full(self: runner.ResultsFolder, record: TrialRecord) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise UserError("cannot write trials.jsonl: No space left on device")
        append(self, record)

    monkeypatch.setattr(runner.ResultsFolder, "append", full)
    with pytest.raises(UserError, match="No space left"):
        small(tmp_path)
    assert json.loads((tmp_path / "summary.json").read_text())["totals"]["trials"] == 3
    monkeypatch.undo()


def test_a_trial_that_kills_its_workers_ends_the_run(tmp_path: Path, monkeypatch, capfd) -> None:
    monkeypatch.setattr(runner, "load_player", die_always)
    monkeypatch.setattr(runner, "ATTEMPTS", 2)
    with pytest.raises(
        UserError, match=r"trial \d of random-10: .*2 times in a row.*resume the run"
    ):
        small(tmp_path, policies=("random",), objects=(10,))
    assert "of random-10: its worker died (exit code 9); trying again" in capfd.readouterr().err


def test_bad_input_leaves_nothing(tmp_path: Path) -> None:
    for changes, message in (
        ({"policies": ("nosuchpolicy",)}, "nosuchpolicy"),
        ({"policies": ("random", "random")}, "two policies would be called random"),
        ({"workers": 0}, "workers 0"),
        ({"trials": 0}, "trials 0"),
    ):
        with pytest.raises(UserError, match=message):
            small(tmp_path / "o", **changes)
    assert list(tmp_path.iterdir()) == []


def test_scenes_that_cannot_be_run_leave_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    scene = tmp_path / "twins.txt"
    scene.write_text("4.obj 1 0 0 -0.5 -0.1 0.0251 0 0 0\n4.obj 1 0 0 -0.5 0.1 0.0251 0 0 0\n")
    with pytest.raises(UserError, match="cannot tell apart"):
        evaluate(EvaluationConfig(policies=("random",), scenes=(str(scene),)), out=out)
    assert not out.exists()
    with pytest.raises(UserError, match="almost no depth over the workspace"):
        empty = CameraSpec("high", Intrinsics(4, 4, 4, 4, 2, 2), Cell().camera_pose)
        write_cameras(tmp_path / "empty.json", [empty])
        config = EvaluationConfig(policies=("random",), cameras=tmp_path / "empty.json", trials=1)
        evaluate(config, out=out)
    assert read_trials(out) == ([], [])


# --- with the simulator -----------------------------------------------------------------


@pytest.mark.slow
def test_a_real_run_is_the_same_in_parts_and_on_two_processes(tmp_path: Path) -> None:
    how: dict[str, Any] = {"trials": 2, "objects": (3,), "policies": ("random", "default")}
    whole = small(tmp_path / "whole", workers=2, observe=StripObserver(tmp_path / "whole"), **how)
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path / "parts", progress=stop_after(1, KeyboardInterrupt()), **how)
    parts = small(tmp_path / "parts", resume=True, **how)
    for summary in (whole, parts):
        for group in summary["groups"]:
            assert group.pop("decision_s") > 0
            assert group.pop("trial_s") > 0
    assert rates(parts) == rates(whole)
    for folder in ("whole", "parts"):
        records, _ = read_trials(tmp_path / folder)
        assert len(records) == 4
        for record in records:
            assert len(record.steps) == record.actions > 0
            lifted = [bool(step.lifted) for step in record.steps if step.primitive == "grasp"]
            assert sum(lifted) == record.good_grasps
    pictures = {str(p.relative_to(tmp_path / "whole")) for p in tmp_path.rglob("*.webp")}
    assert pictures == {
        f"pictures/{policy}/random-3-{i:04d}.webp" for policy in ("random", "default")
        for i in range(2)
    }  # fmt: skip


@pytest.mark.slow
def test_ctrl_c_on_the_command_line(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "pushgrasp", "evaluate", "--policy", "random", "--objects"]
    command += ["3", "--trials", "300", "--workers", "1", "--out", str(out)]
    run = start_group(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    end = time.monotonic() + 120
    while time.monotonic() < end and len(read_trials(out)[0]) < 2:
        time.sleep(0.1)
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "interrupted; " in errors
    assert "of 300 trials are played and kept; the same command with --resume continues" in errors
    assert "Traceback" not in errors
    records, damaged = read_trials(out)
    assert (len(records) >= 2, damaged) == (True, [])
    summary = json.loads((out / "summary.json").read_text())
    assert summary["totals"]["trials"] == len(records)
    assert main([*command[3:-1], str(out)]) == 2  # without --resume
