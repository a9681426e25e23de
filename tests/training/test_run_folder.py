"""A run's folder: created, refused, resumed."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from painted import TINY, fill, new_run

from pushgrasp.errors import UserError
from pushgrasp.policy.config import NetworkConfig
from pushgrasp.policy.learned import Policy
from pushgrasp.training import run as run_module
from pushgrasp.training.config import TrainingConfig
from pushgrasp.training.learner import freeze_all_but
from pushgrasp.training.run_folder import create_run, prepare_start, resume_run
from pushgrasp.training.train import train, train_step

pytestmark = pytest.mark.usefixtures("one_thread")


def test_another_run_is_not_overwritten(tmp_path: Path):
    new_run(tmp_path / "run")
    with pytest.raises(UserError, match="holds a training run; resume it"):
        train(TINY, tmp_path / "run")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("dear")
    with pytest.raises(UserError, match="not empty"):
        train(TINY, tmp_path / "other")
    assert (tmp_path / "other" / "thesis.txt").read_text() == "dear"


def test_a_run_that_is_refused_leaves_the_folder_as_it_was(tmp_path: Path):
    mine = tmp_path / "mine"
    mine.mkdir()
    for out in (mine, tmp_path / "new"):
        with pytest.raises(UserError, match="no policy 'nobody'"):
            train(TINY, out, TrainingConfig(init_from="nobody", workers=1))
    assert mine.is_dir()
    assert not any(mine.iterdir())
    assert not (tmp_path / "new").exists()


def test_a_link_to_an_empty_folder_is_kept_after_bad_input_and_used_after_good(tmp_path: Path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to("real")
    with pytest.raises(UserError, match="no policy 'nobody'"):
        train(TINY, link, TrainingConfig(init_from="nobody", workers=1))
    assert link.is_symlink()
    assert not any((tmp_path / "real").iterdir())
    new_run(link)
    assert (tmp_path / "real" / "config.json").is_file()


def test_a_run_that_cannot_be_created_leaves_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UserError, match=r"the disk is full at .*nothing was saved"):
        train(TINY, tmp_path / "run", TrainingConfig(workers=1))
    assert not any((tmp_path / "run").iterdir())


@pytest.mark.parametrize("checkpoint_is_old", [False, True])
def test_a_run_whose_replay_was_not_copied_is_not_resumed(
    tmp_path: Path, checkpoint_is_old: bool, monkeypatch: pytest.MonkeyPatch
):
    """Its networks have learned from actions that are missing."""
    run = new_run(tmp_path)
    fill(run, 12)
    freeze_all_but(run.networks, "grasp")
    train_step(run, "grasp")
    if checkpoint_is_old:  # it does not count the actions
        save = run_module.save_checkpoint

        def save_old(path: Path, networks: Any, optimizers: Any, rng: Any, state: Any) -> None:
            del state["n_records"]
            save(path, networks, optimizers, rng, state)

        monkeypatch.setattr(run_module, "save_checkpoint", save_old)
    run.save()
    for path in (tmp_path / "replay").iterdir():
        path.unlink()
    with pytest.raises(UserError, match=r"replay holds 0 of the \d+ or more actions"):
        resume_run(tmp_path)
    assert not any((tmp_path / "replay").iterdir())


def test_a_device_that_is_not_there_is_refused_before_anything_is_written(tmp_path: Path):
    n = torch.cuda.device_count()
    for device, words in ((f"cuda:{n}", "is not available"), ("tpu", "auto, cpu, cuda or cuda:N")):
        with pytest.raises(UserError, match=words):
            train(TINY, tmp_path / "run", TrainingConfig(device=device, workers=1))
        assert not (tmp_path / "run").exists()
        new_run(tmp_path / "old")
        with pytest.raises(UserError, match=words):
            resume_run(tmp_path / "old", None, TrainingConfig(device=device))
        shutil.rmtree(tmp_path / "old")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_run_may_move_from_a_gpu_to_the_cpu(tmp_path: Path):
    start = prepare_start(tmp_path, TINY, TrainingConfig(device="cuda"))
    assert all(network.device.type == "cuda" for network in start.networks.values())
    run = create_run(tmp_path, start)
    fill(run, 12)
    freeze_all_but(run.networks, "grasp")
    train_step(run, "grasp")
    run.save()
    run = resume_run(tmp_path, None, TrainingConfig(device="cpu"))
    assert all(network.device.type == "cpu" for network in run.networks.values())
    freeze_all_but(run.networks, "grasp")
    train_step(run, "grasp")


def test_resume_needs_a_run(tmp_path: Path):
    with pytest.raises(UserError, match="holds no training run"):
        train(TINY, tmp_path / "nothing", TrainingConfig(resume=True))


def test_a_damaged_checkpoint_is_named(tmp_path: Path):
    new_run(tmp_path / "run")
    checkpoint = tmp_path / "run" / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"checkpoint.safetensors is no checkpoint"):
        resume_run(tmp_path / "run")


def test_a_policy_with_other_networks_cannot_be_the_start(tmp_path: Path):
    Policy.random_init(NetworkConfig(widths=(12, 12, 12))).save_pretrained(tmp_path / "p")
    with pytest.raises(UserError, match="networks differ"):
        train(TINY, tmp_path / "run", TrainingConfig(init_from=str(tmp_path / "p")))


def test_a_run_starts_from_a_policy(tmp_path: Path):
    policy = Policy.random_init(TINY.network, seed=5)
    policy.save_pretrained(tmp_path / "p")
    start = prepare_start(tmp_path / "run", TINY, TrainingConfig(init_from=str(tmp_path / "p")))
    run = create_run(tmp_path / "run", start)
    for key, value in policy.grasp.state_dict().items():
        assert torch.equal(value, run.networks["grasp"].state_dict()[key])
