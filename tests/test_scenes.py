"""Scenes: what is in them, that they rest, and that a seed is enough to tell one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pushgrasp.colors import PALETTE
from pushgrasp.errors import SimulatorFault, UserError
from pushgrasp.sim import piles
from pushgrasp.sim.camera import RayCamera
from pushgrasp.sim.gantry import Gantry
from pushgrasp.sim.scenes import Scene, SceneConfig, build_scene
from pushgrasp.sim.shapes import SHAPES
from pushgrasp.sim.world import MAX_PENETRATION
from pushgrasp.workspace import Workspace

PAIR = """4.obj 1 0 0 -0.5 0.0 0.0251 0 0 0
3.obj 0 0 1 -0.6 0.1 0.0501 0 0 0.4
"""


@pytest.fixture(scope="module")
def heap() -> Scene:
    """All 30 objects, in the middle of the table."""
    return build_scene(SceneConfig("heap", n_objects=30, goal=3, seed=5))


@pytest.fixture
def pair(tmp_path: Path) -> str:
    """A file with a cube and a brick that stand apart."""
    path = tmp_path / "pair.txt"
    path.write_text(PAIR)
    return str(path)


def check(scene: Scene, n: int) -> None:
    """What holds for every settled scene."""
    world = scene.world
    assert world.in_scene() == list(world.object_names)
    assert len(world.object_names) == n
    colors = [world.color(name) for name in world.object_names]
    assert len(set(colors)) == n
    assert {o.shape.name for o in world.objects} <= set(SHAPES)
    poses = np.array([world.pose(name)[0] for name in world.object_names])
    assert Workspace().contains(poses[:, :2]).all()
    assert (poses[:, 2] > 0.01).all()  # on the table, not in it
    assert 0 <= scene.visible_fraction <= 1
    assert world.deepest_overlap() < 1.5e-3
    assert world.max_penetration == MAX_PENETRATION
    assert scene.motion_m.keys() == set(world.object_names)
    assert scene.goal_name == world.object_names[scene.goal]
    assert scene.goal_rgb == world.color(scene.goal_name)


@pytest.mark.parametrize(
    "config",
    [
        SceneConfig(n_objects=1, seed=3),
        SceneConfig(n_objects=6, goal=1, seed=4),
        SceneConfig(n_objects=12, goal=11, sigma=0.1, seed=1),
        SceneConfig("heap", n_objects=6, seed=2),
    ],
    ids=lambda c: f"{c.name}-{c.n_objects}",
)
def test_a_scene_is_complete_and_rests(config: SceneConfig) -> None:
    scene = build_scene(config)
    check(scene, config.n_objects)
    assert max(scene.motion_m.values()) < 2e-3
    before = [scene.world.pose(name)[0] for name in scene.world.object_names]
    Gantry(scene.world)  # whose coming disturbs nothing
    scene.world.step(500)
    after = [scene.world.pose(name)[0] for name in scene.world.object_names]
    assert np.abs(np.subtract(after, before)).max() < 2e-3


def test_a_heap_of_30_is_complete_and_rests(heap: Scene) -> None:
    check(heap, 30)
    assert max(heap.motion_m.values()) < 3e-3
    assert sum(heap.world.pose(name)[0][2] > 0.06 for name in heap.world.object_names) > 2


def test_what_sleeps_would_also_rest_awake(heap: Scene) -> None:
    """Nothing hangs in the air because it fell asleep there."""
    world = heap.world
    before = [world.pose(name)[0] for name in world.object_names]
    for _ in range(20):
        world.wake()
        world.step(10)
    after = [world.pose(name)[0] for name in world.object_names]
    assert np.abs(np.subtract(after, before)).max() < 3e-3


def test_a_heap_is_narrower_than_a_wide_random_scene() -> None:
    def spread(config: SceneConfig) -> float:
        world = build_scene(config).world
        xy = [world.pose(name)[0][:2] for name in world.object_names]
        return float(np.linalg.norm(np.std(xy, axis=0)))

    assert spread(SceneConfig("heap", 5)) < 0.8 * spread(SceneConfig("random", 5, sigma=0.1))


def test_the_visible_fraction_is_what_the_camera_sees() -> None:
    scene = build_scene(SceneConfig(n_objects=8, seed=11))
    body = int(scene.world.body_ids[scene.goal])
    assert scene.visible_fraction == RayCamera(scene.world).visible_fraction(body)
    alone = build_scene(SceneConfig(n_objects=1))
    assert alone.visible_fraction == 1


def test_a_seed_tells_a_scene_to_the_bit() -> None:
    config = SceneConfig(n_objects=7, seed=21)
    first, second = build_scene(config), build_scene(config)
    assert first.world.objects == second.world.objects
    assert (first.world.data.qpos == second.world.data.qpos).all()
    assert (first.visible_fraction, first.motion_m) == (second.visible_fraction, second.motion_m)
    pictures = [RayCamera(scene.world).capture() for scene in (first, second)]
    assert (pictures[0].color == pictures[1].color).all()
    assert (pictures[0].depth == pictures[1].depth).all()
    other = build_scene(dataclasses.replace(config, seed=22))
    assert other.world.objects != first.world.objects


def test_the_goal_does_not_change_the_scene() -> None:
    config = SceneConfig(n_objects=4, seed=8)
    first = build_scene(config)
    second = build_scene(dataclasses.replace(config, goal=3))
    assert (first.world.data.qpos == second.world.data.qpos).all()
    assert (first.goal_name, second.goal_name) == ("object_00", "object_03")


def test_a_file_is_built_as_it_says(pair: str) -> None:
    scene = build_scene(SceneConfig(pair, goal=1))
    check(scene, 2)
    assert [o.shape.name for o in scene.world.objects] == ["cube", "brick"]
    assert scene.goal_rgb == (0, 0, 255)
    assert max(scene.motion_m.values()) < 1e-3
    assert np.allclose(scene.world.pose("object_01")[0], (-0.6, 0.1, 0.05), atol=1e-3)
    again = build_scene(SceneConfig(pair, goal=1, seed=9))
    assert (again.world.data.qpos == scene.world.data.qpos).all()  # nothing is left to chance


def test_perturbing_moves_by_millimetres(pair: str) -> None:
    plain = build_scene(SceneConfig(pair))
    moved = [build_scene(SceneConfig(pair, seed=s, perturb=True)) for s in (0, 1, 1)]
    assert (moved[1].world.data.qpos == moved[2].world.data.qpos).all()
    frictions = {float(s.world.model.geom_friction[0, 0]) for s in (plain, *moved)}
    assert len(frictions) == 3
    for name in plain.world.object_names:
        places = [s.world.pose(name)[0] for s in (plain, moved[0], moved[1])]
        for a, b in ((0, 1), (0, 2), (1, 2)):
            assert 1e-5 < np.linalg.norm(places[a] - places[b]) < 0.015


def test_objects_off_the_table_are_left_out_and_named(tmp_path: Path) -> None:
    path = tmp_path / "scene.txt"
    path.write_text(PAIR + "8.obj 0 1 0 4.0 0.0 0.03 0 0 0\n")
    scene = build_scene(SceneConfig(str(path)))
    assert len(scene.world.object_names) == 2
    assert len(scene.left_out) == 1
    assert "line 3" in scene.left_out[0]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_objects": 0}, f"--objects 0: a scene has 1 to {len(PALETTE)} objects"),
        ({"n_objects": 31}, "--objects 31: a scene has 1 to 30 objects"),
        ({"n_objects": 5, "goal": 5}, "--goal 5: the scene has 5 objects, so the goal is 0 to 4"),
        ({"goal": -1}, "--goal -1: the scene has 10 objects"),
        ({"sigma": 0.0}, "--sigma 0.0: the spread is above 0 and at most 0.1 m"),
        ({"sigma": float("nan")}, "--sigma nan: the spread is above 0"),
        ({"sigma": 0.5}, "--sigma 0.5: the spread is above 0 and at most 0.1 m"),
        ({"seed": -1}, "--seed -1: a seed is 0 or more"),
        ({"name": "kitchen"}, "no scene 'kitchen': it is neither a file nor one of random, heap"),
        ({"name": "/"}, "no scene '/': it is neither a file nor one of random, heap"),
    ],
)
def test_impossible_settings_are_told_in_a_sentence(settings: dict, words: str) -> None:
    with pytest.raises(UserError) as error:
        build_scene(SceneConfig(**settings))
    assert words in str(error.value)


def test_a_file_without_objects_or_with_too_few_for_the_goal(pair: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--goal 2: .*pair.txt has 2 objects on the table"):
        build_scene(SceneConfig(pair, goal=2))
    empty = tmp_path / "empty.txt"
    empty.write_text("\n")
    with pytest.raises(UserError, match=r"empty.txt holds no object to place"):
        build_scene(SceneConfig(str(empty)))


def test_a_goal_out_of_view_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "edge.txt"
    path.write_text("4.obj 0 1 0 -0.9 0.0 0.0251 0 0 0\n" + PAIR)  # on the table, out of view
    with pytest.raises(UserError, match="outside the workspace"):
        build_scene(SceneConfig(str(path), goal=0))
    assert build_scene(SceneConfig(str(path))).goal_name == "object_01"  # the first in view


def test_a_goal_that_topples_out_of_view_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "edge.txt"
    path.write_text("4.obj 0 1 0 -0.7235 0.0 0.0354 0 0.7 0\n" + PAIR)  # stands on an edge
    with pytest.raises(SimulatorFault, match="the goal rolled out of the workspace"):
        build_scene(SceneConfig(str(path)))


def test_what_rolls_out_is_dropped_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drop, calls = piles._drop, []

    def roll(world, i, config, rng, workspace):
        calls.append(i)
        drop(world, i, config, rng, workspace)
        if len(calls) == 2:
            world.place(world.object_names[i], (-0.5, 0.3, 0.06), (1, 0, 0, 0))

    monkeypatch.setattr(piles, "_drop", roll)
    scene = build_scene(SceneConfig(n_objects=3, seed=1))
    assert calls == [0, 1, 2, 1]
    check(scene, 3)

    def always(world, i, config, rng, workspace):
        world.place(world.object_names[i], (-0.5, 0.3, 0.06), (1, 0, 0, 0))

    monkeypatch.setattr(piles, "_drop", always)
    with pytest.raises(SimulatorFault, match="kept rolling out"):
        build_scene(SceneConfig(n_objects=1))
