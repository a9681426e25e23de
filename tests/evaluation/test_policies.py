"""The policies of a run by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushgrasp.errors import UserError
from pushgrasp.evaluation.policies import policy_entries


def test_policies_have_names_and_hashes(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("class Greedy: ...\n")
    default, greedy = policy_entries(["default", f"{mine}:Greedy"])
    assert (default.name, default.source) == ("default", "default")
    assert (greedy.name, greedy.source) == ("Greedy", f"{mine}:Greedy")
    assert policy_entries(["default"]) == [default]
    mine.write_text("class Greedy: name = 'another'\n")
    assert policy_entries([f"{mine}:Greedy"])[0].sha256 != greedy.sha256


def test_two_policies_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text("class Greedy: ...\n")
    sources = [str(tmp_path / folder / "mine.py") + ":Greedy" for folder in ("a", "b")]
    with pytest.raises(UserError, match=r"two policies would be called Greedy: .*a/.* and .*b/"):
        policy_entries(sources)
    with pytest.raises(UserError, match="two policies would be called default"):
        policy_entries(["default", "default"])
    with pytest.raises(UserError, match="no policy given"):
        policy_entries([])
