"""Metrics: measured, written, and read despite damaged lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pushgrasp.training.metrics import METRICS, MetricsLog, read_metrics, success_rate
from pushgrasp.training.replay_buffer import ACTION


def line(samples: int, **values: Any) -> dict[str, Any]:
    return {"stage": "push", "stage_samples": samples, "wall_s": 2.0 * samples, **values}


def test_rates_keep_random_and_greedy_actions_apart() -> None:
    actions = np.zeros(7, ACTION)
    actions["explored"] = [0, 0, 0, 0, 1, 1, 1]
    actions["reward"] = [1, 1, 1, 0, 0.5, -0.5, 0]
    assert success_rate(actions, explored=False) == 0.75
    assert success_rate(actions, explored=True) == pytest.approx(1 / 3)
    assert np.isnan(success_rate(actions[:0], explored=True))


def test_a_line_cut_by_a_kill_is_dropped_at_resume(tmp_path: Path) -> None:
    with MetricsLog(tmp_path) as log:
        log.write(10, line(10, loss=0.5, nothing=float("nan")))
    with open(tmp_path / METRICS, "a") as file:
        file.write('{"samples": 20, "lo')
    assert len(read_metrics(tmp_path)[0]) == 1  # also before the resume
    with MetricsLog(tmp_path) as log:
        log.write(30, line(30, loss=0.4))
    assert read_metrics(tmp_path) == (
        [
            {"samples": 10, **line(10, loss=0.5, nothing=None)},
            {"samples": 30, **line(30, loss=0.4)},
        ],
        [],
    )


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (b'{"samples": 20, "stage": "pu', "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[]", "is no object"),
        (b'{"samples": 20}', "names no stage"),
        (b'{"samples": -1, "stage": "push"}', "no number of 0 or more as samples"),
        (
            b'{"samples": 1, "stage_samples": 1, "wall_s": 1, "stage": "push", "loss": "low"}',
            "has no number as loss",
        ),
    ],
)
def test_a_damaged_line_is_named_and_the_rest_is_kept(
    tmp_path: Path, damaged: bytes, words: str
) -> None:
    with MetricsLog(tmp_path) as log:
        log.write(10, line(10))
    with open(tmp_path / METRICS, "ab") as file:
        file.write(damaged + b"\n")
    with MetricsLog(tmp_path) as log:
        log.write(30, line(30))
    lines, sentences = read_metrics(tmp_path)
    assert [found["samples"] for found in lines] == [10, 30]
    assert len(sentences) == 1
    assert "line 2 is damaged and left out" in sentences[0]
    assert words in sentences[0]


def test_a_run_without_metrics_has_no_lines(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == ([], [])
