"""Runs read from their metrics, summed up, and drawn."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from pushgrasp.cli.main import main
from pushgrasp.view.curves import COLORS, DASHES, draw_curves
from pushgrasp.view.history import (
    MAX_RUNS,
    History,
    read_histories,
    read_history,
    run_table,
    smoothed,
)

STAGE_LINES = 12
Line = dict[str, Any]


def line(
    stage: str, samples: int, stage_samples: int, wall_s: float, **values: object
) -> dict[str, Any]:
    given = {
        "success_greedy": 0.5, "loss": 0.3, "epsilon": 0.5, "samples_per_s": 4.0,
        "share_scene": 0.25, "share_robot": 0.5, "share_camera": 0.25,
    }  # fmt: skip
    places = {"samples": samples, "stage": stage, "stage_samples": stage_samples}
    return {**places, "wall_s": wall_s, **given, **values}


def two_stages() -> list[Line]:
    """60 actions per minute in each stage; success rises from 50 % to 94 %."""
    return [
        line(
            stage, 60 * (k + 1) + before, 60 * (k + 1), 60 * (k + 1) + before,
            success_greedy=0.5 + 0.04 * k,
        )
        for stage, before in (("grasp-any", 0), ("grasp-goal", 720))
        for k in range(STAGE_LINES)
    ]  # fmt: skip


def make(directory: Path, lines: list[Line] | None = None, recipe: str = "default") -> Path:
    directory.mkdir(parents=True)
    config = {"format": "pushgrasp-run", "recipe": {"name": recipe, "loss": "bce"}}
    (directory / "config.json").write_text(json.dumps(config))
    content = "".join(json.dumps(one) + "\n" for one in (two_stages() if lines is None else lines))
    (directory / "metrics.jsonl").write_text(content)
    return directory


def history(directory: Path, lines: list[Line]) -> History:
    return read_history(make(directory, lines), "run")


def test_a_run_has_its_size_success_milestone_and_shares(tmp_path: Path) -> None:
    run = history(tmp_path / "run", two_stages())
    assert (run.recipe, run.n_actions, run.minutes) == ("default", 1440, 24.0)
    assert run.last_success() == pytest.approx({"grasp-any": 0.94, "grasp-goal": 0.94})
    assert run.milestone() == (720 + 540, 21.0)  # 82 % at the ninth line of the second stage
    assert run.shares(["grasp-any"]) == {"scene": 0.25, "robot": 0.5, "camera": 0.25}


def test_a_few_lucky_greedy_actions_are_no_milestone(tmp_path: Path) -> None:
    lines = [
        line("grasp-goal", 20, 20, 10, success_greedy=1.0, epsilon=0.5),  # of 10
        line("grasp-goal", 210, 210, 60, success_greedy=0.7, epsilon=0.5),
        line("grasp-goal", 230, 230, 70, success_greedy=0.81, epsilon=0.5),
    ]
    assert history(tmp_path / "a", lines).milestone() == (230, pytest.approx(70 / 60))
    assert history(tmp_path / "b", lines[:2]).milestone() is None


def test_stages_of_one_name_stay_separate_and_stages_without_actions_are_left_out(
    tmp_path: Path,
) -> None:
    lines = [
        line("grasp-goal", 50, 50, 10),
        line("grasp-goal", 100, 100, 20),
        line("grasp-goal", 130, 30, 30),  # the next stage, of the same name
        line("grasp-any", 130, 100, 31, success_greedy=0.9),  # passed through at resume
        line("push", 160, 30, 40, success_greedy=None),
    ]
    run = history(tmp_path / "run", lines)
    assert [(v.stage, v.start[0], v.end[0]) for v in run.visits] == [
        ("grasp-goal", 0, 100),
        ("grasp-goal", 100, 130),
        ("push", 130, 160),
    ]
    assert list(run.last_success()) == ["grasp-goal", "push"]
    assert math.isnan(run.last_success()["push"])


def test_shares_are_weighted_by_duration(tmp_path: Path) -> None:
    lines = [
        line("push", 10, 10, 30, share_scene=1.0, share_robot=0.0, share_camera=None),
        line("push", 20, 20, 40, share_scene=0.0, share_robot=1.0, share_learning=0.9),
        line("push", 30, 30, 40, share_scene=None, share_robot=None, share_camera=None),
    ]
    lines[1]["share_camera"] = 0.0
    shares = history(tmp_path / "run", lines).shares(["push"])
    assert shares == pytest.approx({"scene": 0.75, "robot": 0.25, "camera": 0.0})


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b'{"samples": 3, "stage', "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[1, 2]", "no object"),
        (b'{"samples": 3, "stage_samples": 3, "wall_s": 1}', "names no stage"),
        (b'{"stage": "push", "samples": -1, "stage_samples": 3, "wall_s": 1}', "as samples"),
        (b'{"stage": "push", "samples": 1, "stage_samples": 3, "wall_s": NaN}', "as wall_s"),
        (
            b'{"stage": "push", "samples": 1, "stage_samples": 1, "wall_s": 1, "loss": "x"}',
            "as loss",
        ),
    ],
)
def test_a_damaged_line_is_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: bytes, words: str
) -> None:
    run = make(tmp_path / "run")
    good = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (run / "metrics.jsonl").write_bytes(b"".join([*good[:5], bad + b"\n", *good[5:]]))
    assert main(["plot", str(run), "--out", str(tmp_path / "c.svg"), "--json"]) == 0
    told = capsys.readouterr()
    assert "line 6 is damaged and left out" in told.err
    assert words in told.err
    (summary,) = json.loads(told.out)["runs"]
    assert (summary["samples"], summary["damaged_lines"]) == (1440, 1)


def test_a_line_that_is_being_written_is_no_damage(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    with open(run / "metrics.jsonl", "a") as file:
        file.write('{"samples": 99')
    read = read_history(run, "run")
    assert (read.n_actions, read.damaged) == (1440, [])


def test_runs_in_folders_of_one_name_get_different_names(tmp_path: Path) -> None:
    places = [make(tmp_path / name) for name in ("a/run", "b/run", "other")]
    assert [run.name for run in read_histories(places)] == ["a/run", "b/run", "other"]


def test_gaps_and_stages_break_the_curves(tmp_path: Path) -> None:
    lines = two_stages()
    for k in (3, 4, 6):  # leaves 5 alone
        lines[k]["success_greedy"] = None
    figure = draw_curves([history(tmp_path / "run", lines)])
    success = next(a for a in figure.axes if "%" in a.get_ylabel())
    curves = [c for c in success.get_lines() if len(np.atleast_1d(c.get_xdata())) == STAGE_LINES]
    assert len(curves) == 2
    y = np.asarray(curves[0].get_ydata(), float)
    assert np.flatnonzero(np.isnan(y)).tolist() == [3, 4, 6]
    dots = [c for c in success.get_lines() if c.get_marker() == "."]
    assert [float(v) for c in dots for v in np.ravel(c.get_ydata())] == pytest.approx([70.0])
    starts = [c for c in success.get_lines() if np.array_equal(c.get_xdata(), [720, 720])]
    assert len(starts) == 1


def test_runs_differ_in_colour_and_in_dashes() -> None:
    assert len(set(COLORS)) == len(set(DASHES)) == MAX_RUNS


def test_no_words_overlap_or_leave_the_sheet(tmp_path: Path) -> None:
    names = ["_first", "a $very$ long name of a run " * 4, *(f"run-{i}" for i in range(5))]
    names_of_stages = ("grasp-any", "grasp-goal", "push", "alternate-grasp", "alternate-push")
    lines = [
        line(stage, 1000 * i + 100 * k, 100 * k, 600 * i + 60 * k)
        for i, stage in enumerate(names_of_stages)
        for k in range(1, 11)
    ]
    runs = [read_history(make(tmp_path / str(i), lines, "paper-no-switching"), name, i + 1)
            for i, name in enumerate(names)]  # fmt: skip
    for some in (runs[:1], runs[:2], runs):
        figure = draw_curves(some)
        figure.draw_without_rendering()
        boxes = [(text.get_text(), text.get_window_extent()) for text in _texts(figure)]
        for text, box in boxes:
            assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 + 1, text  # noqa: PT018
            assert box.y0 >= 0 and box.y1 <= figure.bbox.y1 + 1, text  # noqa: PT018
        for (one, a), (other, b) in itertools.combinations(boxes, 2):
            assert not a.overlaps(b), f"{one!r} and {other!r}"


def _texts(figure: Figure) -> list[Text]:
    """All visible words but the ticks' labels, which Matplotlib spaces itself."""
    ticks = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for label in axis.get_ticklabels(which="both")
    }
    return [
        text
        for text in figure.findobj(Text)
        if isinstance(text, Text) and text.get_text() and text.get_visible() and text not in ticks
    ]


def test_empty_plots_say_so(tmp_path: Path) -> None:
    lines = [line("grasp-any", 5, 5, 15, success_greedy=None, loss=None, share_scene=None)]
    figure = draw_curves([history(tmp_path / "run", lines)])
    words = [text.get_text() for text in _texts(figure)]
    assert words.count("no greedy action yet") == 2
    assert words.count("nothing yet") == 1


def test_running_mean() -> None:
    values = np.array([1.0, 2.0, np.nan, 4.0, 6.0])
    np.testing.assert_allclose(smoothed(values, 3), [1.5, 1.5, np.nan, 5.0, 5.0])
    np.testing.assert_allclose(smoothed(values[:1], 9), [1.0])


def test_long_names_are_shortened_in_the_middle(tmp_path: Path) -> None:
    lines = [line("push", 10, 10, 30)]
    long = read_history(make(tmp_path / "a", lines), "a rather long name of a run " * 3, 2)
    assert long.short_name.startswith("2 a rather long")
    assert long.short_name.endswith("name of a run ")
    assert len(long.short_name) == 2 + 35
    assert read_history(make(tmp_path / "b", lines), "short").short_name == "1 short"


def test_the_table_has_a_row_per_run(tmp_path: Path) -> None:
    early = [line("grasp-any", 10, 10, 30, success_greedy=None)]
    runs = [history(tmp_path / "a", two_stages()), history(tmp_path / "b", early)]
    head, rows = run_table(runs)
    assert head == ["run", "recipe", "actions", "minutes", "grasp-any", "grasp-goal",
                    "80 % in grasp-goal"]  # fmt: skip
    assert rows[0][2:] == ["1,440", "24.0", "94.0 %", "94.0 %", "1,260 / 21.0 min"]
    assert rows[1][2:] == ["10", "0.5", "–", "–", "not yet"]


@pytest.mark.parametrize(("name", "magic"), [("c.png", b"\x89PNG"), ("c.pdf", b"%PDF")])
def test_the_command_draws_runs_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, magic: bytes
) -> None:
    runs = [str(make(tmp_path / "a")), str(make(tmp_path / "b", recipe="paper"))]
    out = tmp_path / "new" / name
    assert main(["plot", *runs, "--out", str(out)]) == 0
    assert out.read_bytes().startswith(magic)
    assert [path.name for path in out.parent.iterdir()] == [name]
    told = capsys.readouterr().out
    assert "paper" in told
    assert "94.0 %" in told


def test_bad_input_is_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, empty, bad = make(tmp_path / "run"), make(tmp_path / "new", []), make(tmp_path / "bad", [])
    (bad / "metrics.jsonl").write_text("?\n")
    other = tmp_path / "policy"
    other.mkdir()
    (other / "config.json").write_text('{"recipe": "default"}')
    out = ["--out", str(tmp_path / "c.png")]
    for arguments, words in (
        ([str(tmp_path), *out], "holds no training run"),
        ([str(tmp_path / "nowhere"), *out], "holds no training run"),
        ([str(other), *out], "no training run's configuration"),
        ([str(run), str(empty), *out], "has no metrics yet"),
        ([str(bad), *out], "1 are damaged"),
        ([str(run), str(run), *out], "given twice"),
        (out, "no run is named"),
        ([str(run)] * (MAX_RUNS + 1) + out, "are too many for one picture"),
        ([str(run), "--out", str(tmp_path / "c.jpg")], "must end in"),
        ([str(run), "--out", str(run / "config.json" / "c.png")], "cannot be written"),
    ):
        assert main(["plot", *arguments]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "c.png").exists()


def test_curves_need_neither_pytorch_nor_a_display(tmp_path: Path) -> None:
    code = (
        "import sys; from pushgrasp.cli.main import main; main(sys.argv[1:]); "
        "assert 'torch' not in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    arguments = ["plot", str(make(tmp_path / "run")), "--out", str(tmp_path / "c.svg")]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)
