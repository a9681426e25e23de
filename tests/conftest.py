"""Imports the package before any test imports torch, for the setting of OpenMP that it makes."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

import pushgrasp as pushgrasp

# A machine under load is no reason to fail.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Small networks, and other tests beside this one."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
