"""Steps of an episode, made without a simulator."""

from __future__ import annotations

import numpy as np

from pushgrasp.interfaces import Action, Intrinsics, Outcome, Primitive, RGBDFrame
from pushgrasp.perception.heightmap import Heightmap
from pushgrasp.perception.observation import Observation
from pushgrasp.policy.base import Decision, Target
from pushgrasp.retrieve import Step
from pushgrasp.sim.cell import Cell
from pushgrasp.workspace import Workspace

WORKSPACE = Workspace()
RED = (235, 24, 24)


def make_step(primitive: Primitive | None = "grasp", *, hidden: bool = False) -> Step:
    """Two blocks, the nearer one red and the goal, and a shadow behind the other."""
    shape = WORKSPACE.shape
    labels = np.zeros(shape, np.int32)
    labels[100:120, 90:110] = 1
    labels[130:160, 120:140] = 2
    color = np.full((*shape, 3), (58, 63, 74), np.uint8)
    height = np.zeros(shape, np.float32)
    color[labels == 1], height[labels == 1] = RED, 0.03
    color[labels == 2], height[labels == 2] = (24, 24, 235), 0.05
    height[130:160, 140:150], color[130:160, 140:150] = np.nan, 0
    goal = (labels == 1) & (not hidden)
    observation = Observation(Heightmap(color, height, WORKSPACE), labels, labels > 0, goal)
    mask = labels == 2 if hidden else goal
    q_map = np.full((16, *shape), -np.inf, np.float32)
    q_map[:, mask] = np.linspace(0.1, 0.9, 16)[:, None]
    why = "the goal shows 0 px, not over 5" if hidden else "the goal shows 400 px, over 5"
    target = Target(mask, not hidden, int(goal.sum()), 0.25, why)
    row, column = (int(i) for i in np.argwhere(mask).mean(0))
    x, y = WORKSPACE.to_xy(row, column)
    action = None
    if primitive is not None:
        place = (float(x), float(y), 0.03)
        action = Action(primitive, (row, column), 4, place, np.pi / 2, 0.9, "Q_g 0.90 is over 0.5")
    push_map = q_map if primitive == "push" else None
    q_push = 0.4 if primitive == "push" else float("nan")
    decision = Decision(action, target, 0.9, q_push, q_map, push_map, "because")
    good = Outcome(holding=primitive == "grasp", holds_goal=not hidden, changed=True)
    return Step(
        index=1, observation=observation, decision=decision, outcome=good, after=observation,
        decision_s=0.05, action_s=0.4,
    )  # fmt: skip


def make_frame() -> RGBDFrame:
    return RGBDFrame(
        np.full((480, 640, 3), 90, np.uint8), np.ones((480, 640), np.float32), Intrinsics(),
        Cell().camera_pose,
    )  # fmt: skip
