"""A folder of results: what is written survives, what is damaged is named."""

from __future__ import annotations

import json
import lzma
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from test_settings import settings
from trial_players import record_of, step, trial

from pushgrasp.errors import UserError
from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.metrics import band
from pushgrasp.evaluation.plan import plan_trials
from pushgrasp.evaluation.records import TrialRecord
from pushgrasp.evaluation.results import in_order, open_results, parse_line, read_trials, to_line


def some(n: int, policy: str = "default") -> list[TrialRecord]:
    """The first trials of the run of `settings`."""
    specs = plan_trials(EvaluationConfig(trials=n, seed=3), [policy])
    return [record_of(spec) for spec in specs]


def write(folder: Path, *records: TrialRecord) -> Path:
    with open_results(folder, settings(), resume=True) as results:
        for record in records:
            results.append(record)
    return folder / "trials.jsonl"


def as_kept(records: list[TrialRecord]) -> list[TrialRecord]:
    return [parse_line(to_line(record).encode(), "") for record in records]


def test_a_line_is_a_record() -> None:
    steps = (
        step(),
        step(primitive="push", q=None, q_push=float("nan"), position=(0.1, 0.2, 1 / 3)),
    )
    record = trial(3, steps=steps, faults=("thrown",), wall_s=1.23456, visible_fraction=1 / 3)
    line = to_line(record)
    assert line.count("\n") == 1
    value = json.loads(line)
    assert (value["visible_fraction"], value["wall_s"]) == (0.3333, 1.235)
    assert (value["steps"][0]["decision_s"], value["steps"][1]["position"][2]) == (0.012, 0.3333)
    back = parse_line(line.encode(), "here")
    assert back.steps[1].q_push is None
    assert (back.key, back.faults, back.actions) == (record.key, ("thrown",), record.actions)
    assert to_line(back) == line


def test_trials_come_back_from_plain_and_compressed_files(tmp_path: Path) -> None:
    records = some(4)
    path = write(tmp_path / "out", *records)
    assert read_trials(path.parent) == (as_kept(records), [])
    packed = tmp_path / "packed"
    packed.mkdir()
    (packed / "trials.jsonl.xz").write_bytes(lzma.compress(path.read_bytes()))
    assert read_trials(packed) == (as_kept(records), [])
    assert read_trials(tmp_path) == ([], [])


def test_a_cut_archive_is_named(tmp_path: Path) -> None:
    text = "".join(map(to_line, some(4))).encode()
    (tmp_path / "trials.jsonl.xz").write_bytes(lzma.compress(text)[:-40])
    records, damaged = read_trials(tmp_path)
    assert len(damaged) == 1
    assert "trials.jsonl.xz is damaged" in damaged[0]
    assert records == as_kept(some(4))[: len(records)]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"policy": "default", "gro', "is cut or damaged: it is not JSON"),
        ("\x00\x00", "is cut or damaged: it is not JSON"),
        ("[1, 2]", "it must be an object"),
        ('{"index": 3}', "lacks the field"),
        ("{}", "lacks the field"),
    ],
)
def test_a_damaged_line_is_named_and_left_out(tmp_path: Path, line: str, why: str) -> None:
    first, *rest = some(4)
    path = write(tmp_path, first)
    with open(path, "a") as file:
        file.write(line + "\n")
    write(tmp_path, *rest)
    records, damaged = read_trials(tmp_path)
    assert records == as_kept(some(4))
    assert len(damaged) == 1
    assert f"{path}, line 2" in damaged[0]
    assert why in damaged[0]
    assert "left out" in damaged[0]


@pytest.mark.parametrize("change", [{"index": "three"}, {"steps": [{}]}, {"more": 1}])
def test_a_line_of_another_make_is_named(change: dict[str, Any]) -> None:
    value = json.loads(to_line(trial())) | change
    with pytest.raises(UserError, match=r"^here"):
        parse_line(json.dumps(value).encode(), "here")


def test_what_is_written_after_a_cut_line_is_whole(tmp_path: Path) -> None:
    records = some(3)
    path = write(tmp_path, records[0])
    whole = to_line(records[1])
    with open(path, "a") as file:
        file.write(whole[: len(whole) // 2])  # a kill, in the middle of a line
    write(tmp_path, *records[1:])
    kept, damaged = read_trials(tmp_path)
    assert kept == as_kept(records)
    assert [sentence.split(", line ")[1][0] for sentence in damaged] == ["2"]


def test_the_first_of_two_lines_on_a_trial_counts(tmp_path: Path) -> None:
    first = some(1)[0]
    write(tmp_path, first, trial(0, seed=first.seed, pushes=9))
    records, damaged = read_trials(tmp_path)
    assert records == as_kept([first])
    assert "line 2: trial 0 of random-10 by default is there before" in damaged[0]


def test_trials_of_another_run_are_left_out_and_do_not_stand_in_the_way(tmp_path: Path) -> None:
    mine = some(2)
    strange = [
        trial(1, seed=mine[1].seed + 1, pushes=9),
        trial(0, seed=mine[0].seed, policy="stranger"),
        trial(0, seed=mine[0].seed, group="heap-10"),
    ]
    write(tmp_path, *strange, *mine)  # trial 1 was played again after the strange one
    kept, damaged = read_trials(tmp_path)
    assert kept == as_kept(mine)
    assert len(damaged) == 3
    assert all("is not of this run" in sentence for sentence in damaged)


def test_a_trial_after_a_fault_has_the_next_seed(tmp_path: Path) -> None:
    (spec,) = plan_trials(EvaluationConfig(trials=1, seed=3))
    good = trial(0, seed=spec.seed(1), faults=("NaN",))
    write(tmp_path / "good", good)
    assert read_trials(tmp_path / "good") == (as_kept([good]), [])
    write(tmp_path / "bad", trial(0, seed=spec.seed(1)))
    assert read_trials(tmp_path / "bad")[0] == []


def test_order_is_the_plans(tmp_path: Path) -> None:
    both = settings(("b", "a"))
    records = [*some(3, "a"), *some(3, "b")]
    kept = in_order(both, reversed(records))
    assert [(r.policy, r.index) for r in kept] == [(p, i) for p in "ba" for i in range(3)]


# --- what may be written where ----------------------------------------------------------


def test_results_are_not_overwritten(tmp_path: Path) -> None:
    path = write(tmp_path / "out", *some(2))
    before = path.read_bytes()
    with (
        pytest.raises(UserError, match=r"holds the results of an evaluation; .* --resume"),
        open_results(tmp_path / "out", settings(), resume=False),
    ):
        pass
    with (
        pytest.raises(UserError, match="seed 3, not 4"),
        open_results(tmp_path / "out", settings(seed=4), resume=True),
    ):
        pass
    assert path.read_bytes() == before


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, resume: bool) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with (
        pytest.raises(UserError, match=r"holds something else \(thesis.tex\)"),
        open_results(tmp_path, settings(), resume=resume),
    ):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_stands_beside_the_results_does_not_hinder_a_resumption(tmp_path: Path) -> None:
    write(tmp_path, *some(1))
    (tmp_path / "README.md").write_text("how it was made")
    (tmp_path / ".summary.json.77.partial").write_text("half")
    write(tmp_path, *some(2)[1:])
    names = {entry.name for entry in tmp_path.iterdir()}
    assert names == {"settings.json", "trials.jsonl", "README.md"}


def test_compressed_trials_are_unpacked_by_who_goes_on(tmp_path: Path) -> None:
    path = write(tmp_path, *some(1))
    path.with_name("trials.jsonl.xz").write_bytes(lzma.compress(path.read_bytes()))
    path.unlink()
    with (
        pytest.raises(UserError, match=r"compressed; unpack them first: xz -d .*trials.jsonl.xz"),
        open_results(tmp_path, settings(), resume=True),
    ):
        pass


def test_two_processes_do_not_write_to_one_folder(tmp_path: Path) -> None:
    with (
        open_results(tmp_path, settings(), resume=False),
        pytest.raises(UserError, match="another process is writing to"),
        open_results(tmp_path, settings(), resume=True),
    ):
        pass


@contextmanager
def disk_of(n_bytes: int) -> Iterator[None]:
    """No file may grow beyond this size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    records = some(3)
    path = write(tmp_path, *records[:2])
    before = path.read_bytes()
    with open_results(tmp_path, settings(), resume=True) as results:
        room = len(before) + len(to_line(records[2])) // 2
        with disk_of(room), pytest.raises(UserError, match=r"cannot write .*--resume"):
            results.append(records[2])
        assert path.read_bytes() == before  # no part of a line
        results.append(records[2])  # room was made
    assert read_trials(tmp_path) == (as_kept(records), [])


def test_a_goal_that_shows_at_all_is_never_recorded_as_hidden() -> None:
    for seen, kept in ((0.0, 0.0), (0.00003, 0.0001), (0.00012, 0.0001), (0.25, 0.25)):
        (record,) = as_kept([trial(0, visible_fraction=seen)])
        assert record.visible_fraction == kept
        assert (band(record.visible_fraction) == "hidden") == (seen == 0)
