"""Where a simulated robot waits, lets go and shows what it holds is a setting."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import run

from pushgrasp.errors import UserError
from pushgrasp.policy.geometric.planner import Geometric
from pushgrasp.retrieve import End, retrieve
from pushgrasp.sim.scenes.build import SceneConfig, build_scene

HOME, PRESENT = (-0.5, -0.44, 0.27), (-0.55, 0.05, 0.28)


@pytest.mark.parametrize("robot", ["gantry", "fr3"])
def test_the_robot_lets_go_and_shows_the_goal_where_it_is_told(robot: str) -> None:
    scene = build_scene(
        SceneConfig(n_objects=1, seed=1, robot=robot, home=HOME, present=PRESENT)
    )  # fmt: skip
    arm = scene.make_robot()
    steps = list(
        retrieve(scene.make_cameras(), arm, Geometric(arm.gripper), scene.goal_rgb)
    )  # fmt: skip
    assert steps[-1].end is End.GOAL_IN_HAND
    shown = steps[-1].outcome.reports[-1]
    assert np.allclose(shown.position, PRESENT, atol=3e-3)
    assert np.allclose(arm.state().position, HOME, atol=3e-3)


def test_the_command_line_sets_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("retrieve", "--objects", "1", "--seed", "1", "--policy", "geometric", "--no-video")
    places = ("--home", *map(str, HOME), "--present", *map(str, PRESENT))
    code, said, why = run(capsys, *words, *places, "--out", str(tmp_path / "out"))
    assert code == 0, why
    record = json.loads((tmp_path / "out" / "episode.json").read_text())
    assert record["claimed_success"], said


def test_a_home_that_the_robot_cannot_reach_is_refused() -> None:
    config = SceneConfig(n_objects=1, seed=1, robot="ur5e", home=(-1.9, 0.4, 0.25))
    with pytest.raises(UserError, match="cannot reach its home"):
        build_scene(config).make_robot()
