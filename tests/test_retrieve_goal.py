"""Retrieval where seeing is hard: a goal in doubt, and a tote round the objects."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from pictures import BLUE, RED, Box, picture

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Command, GripperSpec, Region, Report, RGBDFrame
from pushgrasp.perception.perceive import observe
from pushgrasp.policy.load import load_policy
from pushgrasp.retrieve import End, retrieve
from pushgrasp.sim.cell import Tote
from pushgrasp.sim.scenes.build import SceneConfig, build_scene


class Still:
    """A camera that always sees the same."""

    def __init__(self, frame: RGBDFrame) -> None:
        self.frame = frame
        self.intrinsics, self.T_world_camera = frame.intrinsics, frame.T_world_camera

    def capture(self, region: Region | None = None) -> RGBDFrame:
        return self.frame


@dataclass
class HomesOnly:
    """A robot that counts what it is asked to do."""

    name: str = "homes-only"
    gripper: GripperSpec = field(default_factory=GripperSpec)
    asked: list[str] = field(default_factory=list)

    def execute(self, command: Command) -> Report:
        self.asked.append("execute")
        return self.state()

    def refuses(self, moves: object) -> str:
        self.asked.append("refuses")
        return ""

    def home(self) -> Report:
        self.asked.append("home")
        return self.state()

    def state(self) -> Report:
        return Report((-0.5, 0.0, 0.4), 0.0, 0.1)

    def stop(self) -> None:
        self.asked.append("stop")


def test_a_goal_that_cannot_be_distinguished_is_told_before_anything_moves() -> None:
    frame, _ = picture(
        Box((-0.55, 0.09), (0.025, 0.025, 0.025), RED),
        Box((-0.45, -0.09), (0.03, 0.025, 0.02), RED),
        Box((-0.52, -0.02), (0.02, 0.02, 0.02), BLUE),
    )
    robot = HomesOnly()
    with pytest.raises(UserError) as told:
        next(retrieve(Still(frame), robot, load_policy("geometric"), RED))
    sentence = str(told.value)
    for region in ("(-0.55", "(-0.45"):
        assert region in sentence, "both are named by their place"
    assert sentence.count("cm2") == 2
    assert "show the goal by a mask or a picture" in sentence
    assert robot.asked == ["home", "stop"]


@pytest.mark.parametrize("seed", [1, 4])
def test_the_goal_is_retrieved_from_a_tote(seed: int) -> None:
    tote = Tote(inner=(0.36, 0.30), height=0.08)
    scene = build_scene(SceneConfig("random", 5, seed=seed, tote=tote))
    cameras, robot = scene.make_cameras(), scene.make_robot()
    first = observe([c.capture() for c in cameras], scene.goal_rgb)
    assert first.walls is not None
    assert first.walls.sum() > 500
    steps = list(retrieve(cameras, robot, load_policy("default"), scene.goal_rgb))
    for step in steps:
        action, walls = step.decision.action, step.observation.walls
        assert walls is not None
        assert not (step.decision.target.mask & walls).any()
        if action is not None:
            assert not walls[action.pixel]
    assert steps[-1].end is End.GOAL_IN_HAND, steps[-1].reason
    assert scene.world.is_parked(scene.goal_name)  # in the bin, by the ground truth
