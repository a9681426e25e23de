"""Warnings of low memory and disk."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import psutil
import pytest
from painted import LONGEST, new_run

from pushgrasp.training.resources import ResourceMonitor
from pushgrasp.training.run import Run

GB = 10**9
Disk = namedtuple("Disk", "total used free")
Memory = namedtuple("Memory", "total available")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return new_run(tmp_path)


def machine(monkeypatch: pytest.MonkeyPatch, memory: Memory, free: int) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(10 * GB, GB, free))


@pytest.mark.parametrize(
    ("memory", "free", "words"),
    [
        (Memory(64 * GB, 4 * GB), 9 * GB, []),
        (Memory(64 * GB, 3 * GB), 9 * GB, ["3.0 GB of memory"]),  # under 5 %
        (Memory(4 * GB, GB // 4), 9 * GB, ["0.2 GB of memory"]),  # over 5 %, under 500 MB
        (Memory(64 * GB, 4 * GB), GB // 10, ["0.1 GB of disk"]),
        (Memory(64 * GB, 0), 0, ["0.0 GB of memory", "0.0 GB of disk"]),
    ],
)
def test_low_memory_and_disk_are_warned_of_once(
    run: Run, monkeypatch: pytest.MonkeyPatch, memory: Memory, free: int, words: list[str]
) -> None:
    machine(monkeypatch, memory, free)
    said: list[str] = []
    monitor = ResourceMonitor(run, said.append)
    for _ in range(3):
        monitor.check()
    assert len(said) == len(words)
    assert all(word in sentence for word, sentence in zip(words, said, strict=True))


def test_too_many_workers_for_the_memory_are_warned_of(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, Memory(8 * GB, 2 * GB), 9 * GB)
    said: list[str] = []
    ResourceMonitor(run, said.append).check_start(n_workers=2)
    assert not said
    ResourceMonitor(run, said.append).check_start(n_workers=8)
    assert "8 workers and the learner need about 4.5 GB of memory, and 2.0 GB are" in said[0]


def test_a_disk_too_small_for_the_replay_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path, LONGEST)
    machine(monkeypatch, Memory(8 * GB, 8 * GB), GB)
    said: list[str] = []
    ResourceMonitor(run, said.append).check_start(n_workers=1)
    assert not said
    machine(monkeypatch, Memory(8 * GB, 8 * GB), 0)
    ResourceMonitor(run, said.append).check_start(n_workers=1)
    # Grasps of two stages, and pushes with 1.5 times as many grasps.
    assert f"the replay of {600 + 600 + 1500} more actions needs 0.4 GB more" in said[0]
