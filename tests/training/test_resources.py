"""Memory as the kernel tells it, what a run needs, and the warnings."""

from __future__ import annotations

import dataclasses
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from test_rollout import TINY

from pushgrasp.training import resources
from pushgrasp.training.begin import begin_run
from pushgrasp.training.resources import (
    Memory,
    Watch,
    accelerator_free,
    accelerator_needed,
    memory_needed,
    read_memory,
    warn_at_start,
)
from pushgrasp.training.run import Run

GB = 10**9
Disk = namedtuple("Disk", "total used free")


def machine(root: Path, total_kb: int = 8_000_000, available_kb: int = 5_000_000) -> Path:
    put(
        root / "proc/meminfo",
        f"MemTotal:  {total_kb} kB\nMemFree: 1 kB\nMemAvailable:  {available_kb} kB\n",
    )
    return root


def put(path: Path, text: str | int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def test_of_the_machine(tmp_path: Path) -> None:
    assert read_memory(machine(tmp_path)) == Memory(8_192_000_000, 5_120_000_000)


def test_nothing_is_known_without_proc(tmp_path: Path) -> None:
    assert read_memory(tmp_path) is None


def test_a_group_of_version_2_and_those_around_it(tmp_path: Path) -> None:
    put(machine(tmp_path) / "proc/self/cgroup", "0::/outer/inner")
    group = tmp_path / "sys/fs/cgroup/outer"
    put(group / "inner/memory.max", "max")  # it has no limit itself
    put(group / "inner/memory.current", GB)
    put(group / "memory.max", 2 * GB)
    put(group / "memory.current", 3 * GB // 2)
    put(group / "memory.stat", "anon 5\nactive_file 200000000\ninactive_file 100000000")
    assert read_memory(tmp_path) == Memory(2 * GB, 800_000_000)  # with the file pages


def test_a_group_of_version_1_seen_from_a_container(tmp_path: Path) -> None:
    lines = "9:name=systemd:/host/me\n4:cpu,memory:/host/me\n0::/"
    put(machine(tmp_path) / "proc/self/cgroup", lines)
    group = tmp_path / "sys/fs/cgroup/memory"  # the host's path is not there
    put(group / "memory.limit_in_bytes", 3 * GB)
    put(group / "memory.usage_in_bytes", GB)
    put(group / "memory.stat", "active_file 7\ntotal_active_file 1000\ntotal_inactive_file 500")
    assert read_memory(tmp_path) == Memory(3 * GB, 2 * GB + 1500)


def test_a_group_without_limit_or_over_its_limit(tmp_path: Path) -> None:
    put(machine(tmp_path) / "proc/self/cgroup", "4:memory:/a")
    group = tmp_path / "sys/fs/cgroup/memory/a"
    put(group / "memory.limit_in_bytes", 9223372036854771712)
    put(group / "memory.usage_in_bytes", GB)
    assert read_memory(tmp_path) == Memory(8_192_000_000, 5_120_000_000)
    put(group / "memory.limit_in_bytes", GB // 2)
    assert read_memory(tmp_path) == Memory(GB // 2, 0)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return begin_run(tmp_path / "run", TINY, 0)


def test_a_run_needs_more_with_a_larger_batch_or_window(run: Run) -> None:
    worker, learner = memory_needed(run)
    assert 0.3 * GB < worker < GB
    network = dataclasses.replace(run.recipe.network, crop_px=2 * run.recipe.network.crop_px)
    run.recipe = dataclasses.replace(run.recipe, batch_size=1000 * run.recipe.batch_size)
    larger_batch = memory_needed(run)
    assert larger_batch[0] == worker
    assert larger_batch[1] > learner
    run.recipe = dataclasses.replace(run.recipe, network=network)
    larger_window = memory_needed(run)
    assert larger_window[0] > worker
    assert larger_window[1] - resources.LEARNER == pytest.approx(
        4 * (larger_batch[1] - resources.LEARNER), rel=0.05
    )


def test_the_start_says_how_many_workers_fit(run: Run) -> None:
    said: list[str] = []
    worker, learner = memory_needed(run)
    enough = int(4 * worker + learner) + 1
    warn_at_start(run, 4, said.append, Memory(64 * GB, enough))
    warn_at_start(run, 4, said.append, None)
    assert said == []
    warn_at_start(run, 5, said.append, Memory(64 * GB, enough))
    assert "--workers 4 would do" in said.pop()
    warn_at_start(run, 4, said.append, Memory(64 * GB, GB // 10))
    (sentence,) = said
    assert "0.1 GB are available" in sentence
    assert "a smaller network" in sentence
    warn_at_start(run, 0, said.append, Memory(64 * GB, GB // 10))  # they are on other machines
    assert "worker" not in said[-1]


def test_the_start_says_that_the_replay_does_not_fit(run: Run, monkeypatch) -> None:
    said: list[str] = []
    stage = dataclasses.replace(run.recipe.stages[0], n_samples=10_000)
    run.recipe = dataclasses.replace(run.recipe, stages=(stage,))
    run.samples = [1000]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(GB, GB, 0))
    warn_at_start(run, 1, said.append, None)
    assert "the replay of 9000 more actions" in said[0]
    assert str(run.directory) in said[0]
    stage = dataclasses.replace(stage, name="push")  # grasps come with its pushes
    run.recipe = dataclasses.replace(run.recipe, stages=(stage,))
    warn_at_start(run, 1, said.append, None)
    assert "the replay of 22500 more actions" in said[1]


def test_an_accelerator_that_is_too_small_is_told(run: Run, monkeypatch) -> None:
    said: list[str] = []
    assert accelerator_free(torch.device("cpu")) is None
    needed = accelerator_needed(run, 2)
    assert needed > accelerator_needed(run, 1) > accelerator_needed(run, 0) > 0
    monkeypatch.setattr(resources, "accelerator_free", lambda _: needed + 1)
    warn_at_start(run, 2, said.append, None)
    assert said == []
    warn_at_start(run, 3, said.append, None)
    assert "of the accelerator's memory" in said[0]


@pytest.mark.parametrize(
    ("memory", "free", "words"),
    [
        (Memory(64 * GB, 4 * GB), 9 * GB, []),
        (Memory(64 * GB, 3 * GB), 9 * GB, ["3.0 GB of memory"]),  # under 5 %
        (Memory(4 * GB, GB // 4), 9 * GB, ["0.2 GB of memory"]),  # over 5 %, under 500 MB
        (Memory(64 * GB, 4 * GB), GB // 10, ["0.1 GB of disk"]),
        (Memory(64 * GB, 0), 0, ["0.0 GB of memory", "0.0 GB of disk"]),
        (None, 9 * GB, []),
    ],
)
def test_the_watch_warns_once(
    tmp_path: Path, monkeypatch, memory: Memory | None, free: int, words: list[str]
) -> None:
    said: list[str] = []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(10 * GB, GB, free))
    watch = Watch(tmp_path, said.append)
    for _ in range(3):
        watch.look(memory)
    assert len(said) == len(words)
    assert all(word in sentence for word, sentence in zip(words, said, strict=True))
