"""Policies from the Hugging Face Hub, from a local folder in its cache's layout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pushgrasp.errors import UserError
from pushgrasp.policy.config import NetworkConfig
from pushgrasp.policy.learned import Policy
from pushgrasp.policy.load import PolicySource

COMMIT = 40 * "a"


def cached_policy(cache: Path, name: str = "models--someone--careful") -> Policy:
    """Put a policy where the hub's client keeps what it has downloaded."""
    policy = Policy.random_init(NetworkConfig(widths=(16, 16, 16)), seed=3)
    policy.save_pretrained(cache / name / "snapshots" / COMMIT)
    (cache / name / "refs").mkdir()
    (cache / name / "refs" / "main").write_text(COMMIT)
    return policy


def offline(cache: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code with the cache and without a network; the client reads both when imported."""
    environment = {**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )


def test_a_policy_in_the_cache_is_loaded_without_a_network(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    cached_policy(tmp_path)
    code = (
        "from pushgrasp.policy.load import PolicySource, load_policy\n"
        "for end in ('', '@main', ',max_pushes=7'):\n"
        "    print(load_policy('hf://someone/careful' + end).name)\n"
        "assert load_policy('hf://someone/careful,max_pushes=7').decision.max_pushes == 7\n"
        "print(PolicySource.resolve('hf://someone/careful').sha256())\n"
    )
    done = offline(tmp_path, code)
    assert done.returncode == 0, done.stderr
    *names, sha256 = done.stdout.split()
    assert names == ["careful", "careful@main", "careful,max_pushes=7"]
    assert (
        sha256
        == PolicySource.resolve(tmp_path / "models--someone--careful/snapshots" / COMMIT).sha256()
    )


def test_what_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    cached_policy(tmp_path)
    (tmp_path / "models--someone--careful/snapshots" / COMMIT / "model.safetensors").unlink()
    for name, words in (("someone/else", "cannot get hf://"), ("someone/careful", "no model.safe")):
        code = f"from pushgrasp import load_policy\nload_policy('hf://{name}')"
        done = offline(tmp_path, code)
        assert "UserError" in done.stderr.splitlines()[-1]
        assert words in done.stderr


@pytest.mark.parametrize("source", ["hf://careful", "hf://", "hf://a/b/c", "hf:///b"])
def test_a_wrong_name_is_refused_before_anything_is_asked(source: str) -> None:
    with pytest.raises(UserError, match="write hf://OWNER/NAME"):
        PolicySource.resolve(source)
