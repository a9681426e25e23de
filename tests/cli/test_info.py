"""`pushgrasp info` names versions and what works here."""

from __future__ import annotations

import json

from commands import run

from pushgrasp.sim.robots.registry import ROBOTS


def test_info_names_versions_cameras_and_policies(capsys):
    code, out, _ = run(capsys, "info", "--json")
    assert code == 0
    facts = json.loads(out)
    assert {"pushgrasp", "python", "device", "cores"} <= facts.keys()
    assert {"torch", "mujoco", "numpy"} <= facts["packages"].keys()
    assert facts["cameras"]["ray"] == "works"
    assert facts["cameras"].keys() == {"ray", "opengl"}
    assert set(facts["robots"]) == set(ROBOTS)
    assert {"default", "geometric", "random"} <= set(facts["policies"])
    code, out, _ = run(capsys, "info")
    assert code == 0
    assert "mujoco" in out
