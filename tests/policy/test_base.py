"""The memory of an episode's actions."""

from __future__ import annotations

import math

from pushgrasp.interfaces import Action, Outcome, Primitive
from pushgrasp.policy.base import Memory
from pushgrasp.workspace import Workspace

WORKSPACE = Workspace()


def action(primitive: Primitive, pixel: tuple[int, int], rotation: int = 0) -> Action:
    x, y = WORKSPACE.to_xy(*pixel)
    return Action(
        primitive, pixel, rotation, (float(x), float(y), 0.05), rotation * math.pi / 8, 0.5
    )


def test_memory_keeps_failures_until_the_scene_there_changes() -> None:
    near, far = action("grasp", (100, 100)), action("grasp", (10, 10))
    failed, moved, held = Outcome(), Outcome(changed=True), Outcome(holding=True)
    memory = Memory().after(near, failed).after(far, failed)
    assert memory.failed == (near, far)
    assert memory.after(action("grasp", (110, 120), 3), moved).failed == (far,)
    assert memory.after(action("grasp", (20, 20), 3), held).failed == (near,)


def test_memory_counts_pushes_in_a_row() -> None:
    push, grasp = action("push", (5, 5)), action("grasp", (5, 5))
    memory = Memory().after(push, Outcome(changed=True)).after(push, Outcome())
    assert memory.pushes_in_a_row == 2
    assert memory.failed == (push,)
    assert memory.after(grasp, Outcome()).pushes_in_a_row == 0
    refused = memory.after(grasp, Outcome(executed=False))
    assert grasp in refused.failed
    assert refused.failures_in_a_row == 1
    assert refused.after(push, Outcome()).failures_in_a_row == 1  # a push undoes no failure
