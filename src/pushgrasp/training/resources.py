"""Memory and disk: what a run needs of them, and a warning before either runs out.

Memory is read where Linux tells it. Elsewhere nothing is known, and nothing is said of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from .run import Run

WORKER = 0.5e9
"""Bytes of a rollout process without its networks: 0.27 GB of its own were measured after a
minute of heaps, beside 0.15 GB of code that all processes share."""
LEARNER = 0.3e9
"""Bytes that the learner takes once it learns, beside what grows with network and batch."""
KEPT = {"compact": 420.0, "densenet121": 5850.0}
"""Bytes that learning keeps for each pixel of a window until the gradient is there: measured on
a batch in float32. bfloat16 takes half."""
OPTIMISING = 1.5
"""Times the weights: gradient and two averages, of one network of the two."""
CONTEXT = 0.5e9
"""Bytes of an accelerator that each process takes before it computes: CUDA's own, not measured."""
SCORING_SHARE = 1 / 8
"""Of these, what scoring needs, which keeps nothing (measured)."""
MIXED = 2.5
"""Actions recorded for each that counts, in a stage where pushes and grasps mix (measured: the
`paper` recipe's 3,000 came with 4,400 of the other primitive)."""
LOW_BYTES = 500e6
"""Less than this left of memory or disk is worth a warning,"""
LOW_SHARE = 0.05
"""and so is less than this share of the memory."""

Say = Callable[[str], None]


class Memory(NamedTuple):
    """Of this machine, or of the control group (container) that confines this process."""

    total: int  # bytes
    available: int  # bytes, with all file pages counted that the kernel can drop


def read_memory(root: Path = Path("/")) -> Memory | None:
    """How much memory there is for this process.

    Args:
        root: of the file system that holds proc and sys.
    Returns:
        The machine's, or a control group's where that is less; None where it is not told.
    Source: Linux, Documentation/filesystems/proc.rst (MemAvailable), admin-guide/cgroup-v2.rst
        and cgroup-v1/memory.rst.
    """
    machine = _numbers(root / "proc/meminfo")
    if "MemTotal" not in machine or "MemAvailable" not in machine:
        return None
    total, available = 1024 * machine["MemTotal"], 1024 * machine["MemAvailable"]
    for limit, used, droppable in _groups(root):
        total = min(total, limit)
        available = min(available, max(0, limit - used + droppable))
    return Memory(total, available)


def memory_needed(run: Run) -> tuple[float, float]:
    """What a run takes, roughly; its replay is not counted, whose pages the kernel may drop.

    Returns:
        Bytes for each worker, bytes for the learner.
    """
    recipe, network = run.recipe, run.networks["grasp"]
    weights, window = _sizes(run)
    worker = WORKER + weights + SCORING_SHARE * window * network.chunk
    if network.device.type != "cpu":  # its batches are in the accelerator's own memory
        return worker, LEARNER
    return worker, LEARNER + OPTIMISING * weights + window * recipe.batch_size


def accelerator_needed(run: Run, n_workers: int) -> float:
    """Bytes of an accelerator's memory that a learner and workers take, roughly."""
    network = run.networks["grasp"]
    weights, window = _sizes(run)
    learner = CONTEXT + (1 + OPTIMISING) * weights + window * run.recipe.batch_size
    return learner + n_workers * (CONTEXT + weights + SCORING_SHARE * window * network.chunk)


def accelerator_free(device: torch.device) -> float | None:
    """Bytes of memory that an accelerator has left; None for a processor."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None


def _sizes(run: Run) -> tuple[float, float]:
    """Bytes of the weights of both networks, and of what is kept for a window."""
    network = run.networks["grasp"]
    with network.autocast():
        is_half = torch.is_autocast_enabled(network.device.type)
    weights = sum(4.0 * p.numel() for n in run.networks.values() for p in n.parameters())
    pixels = run.recipe.network.crop_px**2
    return weights, KEPT[run.recipe.network.name] * pixels / (2 if is_half else 1)


def warn_at_start(run: Run, n_workers: int, say: Say, memory: Memory | None) -> None:
    """Say so if memory or disk will probably not do.

    Args:
        run: before its workers are started.
        n_workers: rollout processes on this machine.
        say: takes each sentence.
        memory: from `read_memory`.
    """
    warn_of_small_disk(run, say)
    warn_of_small_accelerator(run, n_workers, say, accelerator_free(run.networks["grasp"].device))
    if memory is None:
        return
    worker, learner = memory_needed(run)
    needed = n_workers * worker + learner
    if needed <= memory.available:
        return
    n_fitting = int((memory.available - learner) // worker)
    advice = (
        f"--workers {n_fitting} would do"
        if n_fitting >= 1
        else "free some, or train a smaller network or batch"
    )
    workers = f" and {worker / 1e9:.1f} GB for each of {n_workers} workers" if n_workers else ""
    say(
        f"warning: the run needs about {needed / 1e9:.1f} GB of memory ({learner / 1e9:.1f} GB to "
        f"learn{workers}) and {memory.available / 1e9:.1f} GB are available; {advice}"
    )


def warn_of_small_accelerator(run: Run, n_workers: int, say: Say, free: float | None) -> None:
    """Say so if its memory will probably not do; `free` is from `accelerator_free`."""
    needed = accelerator_needed(run, n_workers)
    if free is not None and needed > free:
        say(
            f"warning: the run needs about {needed / 1e9:.1f} GB of the accelerator's memory and "
            f"{free / 1e9:.1f} GB are free; train a smaller batch, or with fewer --workers"
        )


def warn_of_small_disk(run: Run, say: Say) -> None:
    """Say so if the replay will not fit."""
    wanted = sum(
        round((MIXED if stage.mixes else 1) * max(0, stage.n_samples - done))
        for stage, done in zip(run.recipe.stages, run.samples, strict=True)
    )
    missing = run.replay.missing_space(wanted)
    if missing:
        say(
            f"warning: the replay of {wanted} more actions needs {missing / 1e9:.1f} GB more "
            f"than is free at {run.directory}"
        )


class Watch:
    """Looks at memory and disk while a run goes on; each is warned of once.

    Args:
        directory: of the run.
        say: takes each sentence.
    """

    def __init__(self, directory: Path, say: Say) -> None:
        self._directory, self._say = directory, say
        self._said: set[str] = set()

    def look(self, memory: Memory | None) -> None:
        """Warn if little is left.

        Args:
            memory: from `read_memory`.
        """
        if memory and memory.available < max(LOW_BYTES, LOW_SHARE * memory.total):
            self._once(
                "memory",
                f"only {memory.available / 1e9:.1f} GB of memory are left; what the system stops "
                "goes on with --resume, and fewer --workers need less",
            )
        free = shutil.disk_usage(self._directory).free
        if free < LOW_BYTES:
            self._once(
                "disk",
                f"only {free / 1e9:.1f} GB of disk are left at {self._directory}; training stops "
                "when it is full, and goes on with --resume once there is room",
            )

    def _once(self, what: str, sentence: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self._say(f"warning: {sentence}")


def _groups(root: Path) -> Iterator[tuple[int, int, int]]:
    """The limits of this process's control groups, their use, and how much of that are file
    pages, in bytes. A group lies in others, each with a limit of its own or none."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        top = root / "sys/fs/cgroup"
        if controllers == "":  # version 2
            limit, used, prefix = "memory.max", "memory.current", ""
        elif "memory" in controllers.split(","):
            top, limit, used = top / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            prefix = "total_"  # with the groups inside
        else:
            continue
        folder = top / path.lstrip("/")  # in a container often missing; its own is then the top
        for group in (folder, *folder.parents):
            if group != top and top not in group.parents:
                break
            most, now = _number(group / limit), _number(group / used)
            if most is not None and now is not None:
                pages = _numbers(group / "memory.stat")
                files = (pages.get(f"{prefix}{kind}_file", 0) for kind in ("active", "inactive"))
                yield most, now, sum(files)


def _number(path: Path) -> int | None:
    """The number in a file; None where there is none, or it is "max"."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _numbers(path: Path) -> dict[str, int]:
    """The numbers in a file of lines with a name and a number; empty where there is none."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.replace(":", " ").split() for line in lines)
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) > 1 and pair[1].isdigit()}
