"""The fixed scenes: what the camera sees of the goal, and that nothing falls."""

from __future__ import annotations

import mujoco
import pytest

from pushgrasp.perception.colors import PALETTE, color_name
from pushgrasp.perception.perceive import observe
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.sim.scenes.layouts import challenging_names, read_fixed
from pushgrasp.workspace import Workspace

NAMES = [f"challenging-{number:02d}" for number in range(1, 11)]
HIDDEN = {NAMES[number - 1] for number in (1, 3, 8, 9)}  # as in the paper, section IV-B


def test_there_are_ten_with_goals_of_ten_colours() -> None:
    assert challenging_names() == NAMES
    goals = {color_name(read_fixed(name).objects[0].color) for name in NAMES}
    assert len(goals) == 10
    assert goals <= set(PALETTE)


@pytest.mark.parametrize("name", NAMES)
def test_about_twenty_blocks_each_of_its_own_colour(name: str) -> None:
    objects = list(read_fixed(name).objects.values())
    assert 18 <= len(objects) <= 22
    colors = {color_name(o.color) for o in objects}
    assert len(colors) == len(objects)
    assert colors <= set(PALETTE)
    assert len({o.shape.name for o in objects}) >= 6
    assert Workspace().contains([o.position[:2] for o in objects], margin=-0.02).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_goal_is_hidden_or_nearly_so_and_nothing_moves(name: str) -> None:
    scene = build_scene(SceneConfig(name))
    assert max(scene.motion_m.values()) < 0.001
    world = scene.world
    world.wake()  # sleeping objects have no contacts
    mujoco.mj_forward(world.model, world.data)
    assert world.data.ncon > len(world.objects)
    assert world.penetration() < 0.001

    observation = observe(RayCamera(world).capture(), scene.goal_rgb, Workspace())
    if name in HIDDEN:
        assert scene.visible_fraction == 0
        assert not observation.goal.any()
    else:
        assert 0.02 <= scene.visible_fraction <= 0.25
        assert observation.goal.sum() > 5


@pytest.mark.parametrize("name", NAMES)
def test_it_stands_when_perturbed(name: str) -> None:
    scene = build_scene(SceneConfig(name, seed=1, perturb=True))
    assert scene.visible_fraction <= (0.02 if name in HIDDEN else 0.35)
    assert scene.motion_m[scene.goal_name] < 0.01
    assert max(scene.motion_m.values()) < 0.03
