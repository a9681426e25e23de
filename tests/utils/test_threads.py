"""Thread settings hold, and a temporary one is undone."""

from __future__ import annotations

import multiprocessing
import os

import cv2
import pytest
import torch

from pushgrasp.utils.threads import n_cores, torch_threads, use_one_thread


def count_threads(_: int) -> tuple[int, int]:
    use_one_thread()
    return torch.get_num_threads(), cv2.getNumThreads()


def test_cores_are_counted_on_systems_that_pin_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert n_cores() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert n_cores() == os.cpu_count()


def test_a_process_is_limited_to_one_thread() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(count_threads, (0,)) == (1, 1)


def test_torch_threads_are_restored_even_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise ZeroDivisionError
    assert torch.get_num_threads() == before
    with torch_threads(-3):
        assert torch.get_num_threads() == 1
