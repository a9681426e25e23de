"""`pushgrasp policies` lists every name with what stands behind it."""

from __future__ import annotations

import json

import pytest
from commands import run

from pushgrasp.policy.load import policy_sources


def test_every_policy_that_has_a_name_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "policies", "--json")
    assert code == 0
    facts = json.loads(out)
    assert list(facts) == policy_sources()
    assert facts["paper"]["network"] == "compact"
    assert 0.5 < facts["paper"]["megabytes"] < 2
    assert facts["paper-no-switching"]["about"] == "recipe paper, switching=False"
    assert facts["value"]["about"] == "recipe value, based on default"
    assert facts["value"]["megabytes"] < 3
    code, out, _ = run(capsys, "policies")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["name", *policy_sources()]
