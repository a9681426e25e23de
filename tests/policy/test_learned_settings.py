"""Settings of a learned policy's rule follow its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushgrasp.errors import UserError
from pushgrasp.evaluation.policies import policy_entries
from pushgrasp.policy.learned import Policy
from pushgrasp.policy.learned_settings import split_settings
from pushgrasp.policy.load import PolicySource


def test_the_rule_and_the_primitives_take_the_settings() -> None:
    plain = Policy.from_pretrained("default")
    policy = Policy.from_pretrained("default,max_pushes=none,grasp_depth=0.04")
    assert (policy.decision.max_pushes, policy.primitive.grasp_depth) == (None, 0.04)
    assert policy.name == "default,max_pushes=none,grasp_depth=0.04"
    assert policy.decision.distrust == plain.decision.distrust


def test_an_evaluation_keeps_variants_apart() -> None:
    entries = policy_entries(["default", "default,distrust=1", "default,distrust=0.6"])
    assert [entry.name for entry in entries] == [
        "default", "default,distrust=1", "default,distrust=0.6"
    ]  # fmt: skip
    hashes = [entry.sha256 for entry in entries]
    assert hashes[0] != hashes[1]
    assert hashes[0] == hashes[2], "0.6 is its own number"


def test_a_variant_can_be_set_back() -> None:
    assert (
        PolicySource.resolve("paper-no-switching,switching=true").sha256()
        == PolicySource.resolve("paper").sha256()
    )


def test_a_comma_in_a_folder_name_is_no_setting(tmp_path: Path) -> None:
    folder = tmp_path / "a,b"
    Policy.random_init().save_pretrained(folder)
    assert Policy.from_pretrained(folder).name == "a,b"
    assert Policy.from_pretrained(f"{folder},max_pushes=1").decision.max_pushes == 1
    assert split_settings("a=1,b,c=2") == ("a=1,b", ["c=2"])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("default,max_push=1", "did you mean 'max_pushes'.*grasp_depth"),
        ("default,distrust=7", "distrust is 7.0; it must be 0.0 to 1.0"),
        ("default,distrust=x", "distrust is 'x'; it must be of type float"),
        ("default,distrust=1,distrust=1", "distrust is set twice"),
        ("geometric,max_pushes=1", "geometric is not a learned policy and has no settings"),
        ("nobody,max_pushes=1", "no policy 'nobody'"),
        ("default,", "no policy 'default,'"),
    ],
)
def test_wrong_settings_are_refused(source: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        PolicySource.resolve(source)
