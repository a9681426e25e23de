"""Scenes: what is in them, that they rest, and that a seed is enough to tell one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pushgrasp.errors import SimulatorFault, UserError
from pushgrasp.perception.colors import PALETTE, format_color, parse_color
from pushgrasp.perception.heightmap import project
from pushgrasp.perception.segmentation import matches
from pushgrasp.sim.cameras.light import AMBIENT, Lamp
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.sim.cameras.views import ViewConfig
from pushgrasp.sim.objects.novel import NOVEL
from pushgrasp.sim.objects.shapes import SHAPES
from pushgrasp.sim.randomise import DomainConfig
from pushgrasp.sim.robots.gantry import Gantry
from pushgrasp.sim.robots.registry import ROBOTS
from pushgrasp.sim.scenes.build import Scene, SceneConfig, build_scene, object_colors
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
    kinds = NOVEL if "novel" in scene.config.name else SHAPES
    assert {o.shape.name for o in world.objects} <= set(kinds)
    poses = np.array([world.pose(name)[0] for name in world.object_names])
    assert Workspace().contains(poses[:, :2]).all()
    assert (poses[:, 2] > 0.004).all()  # on the table, not in it
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
        SceneConfig("random-novel", n_objects=6, seed=4),
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


def test_a_seed_fixes_a_scene_bit_for_bit() -> None:
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
    assert (again.world.data.qpos == scene.world.data.qpos).all()  # no seed is used


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
    assert "object 2 (cylinder)" in scene.left_out[0]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_objects": 0}, f"objects 0: a scene has 1 to {len(PALETTE)} objects"),
        ({"n_objects": 31}, "objects 31: a scene has 1 to 30 objects"),
        ({"n_objects": 5, "goal": 5}, "goal 5: the scene has 5 objects, so the goal is 0 to 4"),
        ({"goal": -1}, "goal -1: the scene has 10 objects"),
        ({"sigma": 0.0}, "sigma 0.0: the spread is above 0 and at most 0.1 m"),
        ({"sigma": float("nan")}, "sigma nan: the spread is above 0"),
        ({"sigma": 0.5}, "sigma 0.5: the spread is above 0 and at most 0.1 m"),
        ({"seed": -1}, "seed -1: a seed is 0 or more"),
        ({"name": "kitchen"}, "no scene 'kitchen': it is neither a file nor one of random, heap"),
        ({"name": "/"}, "no scene '/': it is neither a file nor one of random, heap"),
    ],
)
def test_impossible_settings_are_refused_with_a_sentence(settings: dict, words: str) -> None:
    with pytest.raises(UserError) as error:
        build_scene(SceneConfig(**settings))
    assert words in str(error.value)


def test_a_file_without_objects_or_with_too_few_for_the_goal(pair: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"goal 2: .*pair.txt has 2 objects, .* 0 to 1"):
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


# --- dropped one after another ---------------------------------------------------------------


def test_objects_of_a_file_at_one_place_are_dropped_into_a_pile(tmp_path: Path) -> None:
    path = tmp_path / "stack.txt"
    colors = ("red", "green", "blue", "yellow")
    path.write_text("".join(f"4.obj {c} -0.5 0 0.0251 0 0 0.3\n" for c in colors))
    with pytest.raises(UserError, match=r"overlap by .* mm, and only up to 12 mm .*--drop"):
        build_scene(SceneConfig(str(path)))
    scene = build_scene(SceneConfig(str(path), drop=True, goal=2))
    check(scene, 4)
    world = scene.world
    assert scene.goal_rgb == world.color("object_02") == parse_color("blue")
    heights = [world.pose(name)[0][2] for name in world.object_names]
    assert heights == pytest.approx([0.025, 0.075, 0.125, 0.175], abs=0.002)  # in the file's order
    again = build_scene(SceneConfig(str(path), drop=True, seed=4))
    assert (again.world.data.qpos == world.data.qpos).all()
    moved = build_scene(SceneConfig(str(path), drop=True, seed=4, perturb=True))
    assert np.linalg.norm(moved.world.pose("object_00")[0] - world.pose("object_00")[0]) > 1e-4


# --- novel objects -------------------------------------------------------------------------


def test_a_novel_scene_is_built_as_its_file_says() -> None:
    scene = build_scene(SceneConfig("novel-01"))
    world = scene.world
    assert {o.shape.name for o in world.objects} <= set(NOVEL)
    red, green, blue = scene.goal_rgb  # the goal is red
    assert red > 3 * max(green, blue)
    assert scene.goal_rgb == world.color(scene.goal_name)
    assert max(scene.motion_m.values()) < 3e-3
    colors = object_colors(SceneConfig("novel-01"))
    assert list(colors.values()) == [world.color(n) for n in world.object_names]
    moved = build_scene(SceneConfig("novel-01", seed=1, perturb=True))
    apart = [np.linalg.norm(world.pose(n)[0] - moved.world.pose(n)[0]) for n in world.object_names]
    assert 1e-4 < np.median(apart) < 0.01


# --- domain randomisation ------------------------------------------------------------------

NOTHING = DomainConfig(
    mass=(1.0, 1.0), friction=(1.0, 1.0), size=(1.0, 1.0), color_turn=(0.0, 0.0),
    color_brightness=(1.0, 1.0), lamp_cone=0.0, ambient=(AMBIENT, AMBIENT),
    intensity=(1.0, 1.0), tint=(1.0, 1.0),
)  # fmt: skip


@pytest.mark.parametrize(
    ("seed", "drawn"),
    [
        (0, "arch #61e1a2, long #164ce1, arch #a414c8, brick #8548d7"),
        (5, "tile #14c87c, brick #5069e1, arch #b06f3f, brick #f59ab8"),
    ],
)
def test_a_seed_draws_what_it_always_drew(seed: int, drawn: str) -> None:
    """Evaluations name their scenes by seed: what a seed means must never change."""
    world = build_scene(SceneConfig(n_objects=4, sigma=0.1, seed=seed)).world
    assert ", ".join(f"{o.shape.name} {format_color(o.color)}" for o in world.objects) == drawn


@pytest.mark.parametrize(
    "config", [SceneConfig(n_objects=4, seed=6), SceneConfig("challenging-02")]
)
def test_no_randomisation_and_empty_ranges_are_bit_for_bit_the_same(config: SceneConfig) -> None:
    assert config.randomise is None
    plain = build_scene(config)
    same = build_scene(dataclasses.replace(config, randomise=NOTHING))
    assert (plain.world.data.qpos == same.world.data.qpos).all()
    for quantity in ("geom_friction", "body_mass", "geom_rgba", "geom_size"):
        a, b = (getattr(s.world.model, quantity) for s in (plain, same))
        assert np.allclose(a, b, atol=1e-12), quantity
    assert plain.light == Lamp()
    assert np.allclose(same.light.towards, plain.light.towards)


@pytest.mark.parametrize("name", ["random", "challenging-02", "random-novel"])
def test_a_randomised_world_varies_and_the_goals_nominal_colour_does_not(name: str) -> None:
    plain = SceneConfig(name, n_objects=4, seed=6, sigma=0.1)
    config = dataclasses.replace(plain, randomise=DomainConfig())
    nominal, varied, again = (build_scene(c) for c in (plain, config, config))
    assert varied.world.data.qpos.tobytes() == again.world.data.qpos.tobytes()
    assert varied.world.model.geom_rgba.tobytes() == again.world.model.geom_rgba.tobytes()
    assert varied.light == again.light != nominal.light
    other = build_scene(dataclasses.replace(config, seed=7))
    assert other.light != varied.light

    assert varied.goal_rgb == nominal.goal_rgb  # all that the robot is told
    seen = varied.world.color(varied.goal_name)
    assert seen != varied.goal_rgb
    assert matches(np.array([seen]), varied.goal_rgb).all()
    assert object_colors(config) == object_colors(plain)

    pairs = list(zip(nominal.world.objects, varied.world.objects, strict=True))
    factors = np.array([b.shape.density / a.shape.density for a, b in pairs])
    assert ((factors > 0.69) & (factors < 1.41)).all()
    assert np.ptp(factors) > 0.05
    frictions = np.array([b.friction for _, b in pairs])
    assert np.ptp(frictions) > 0.05
    assert varied.world.model.geom("table").friction[0] == pytest.approx(0.35)  # the smoothest
    sizes = np.array([b.shape.extent[0] / a.shape.extent[0] for a, b in pairs])
    if name == "challenging-02":  # what stands in place keeps its size, or it would not fit
        assert (sizes == 1).all()
    else:
        assert np.ptp(sizes) > 0.02
        assert ((sizes > 0.89) & (sizes < 1.11)).all()
        assert [a.shape.name for a, _ in pairs] == [b.shape.name.split("*")[0] for _, b in pairs]


def test_the_cameras_see_the_scenes_light() -> None:
    scene = build_scene(SceneConfig(n_objects=2, seed=6, randomise=DomainConfig()))
    (camera,) = scene.make_cameras()
    in_light = RayCamera(scene.world, light=scene.light).capture()
    assert (camera.capture().color == in_light.color).all()
    assert (RayCamera(scene.world).capture().color != in_light.color).any()


def test_a_scenes_seed_is_its_noises_unless_told_otherwise() -> None:
    scene = build_scene(SceneConfig(n_objects=1, seed=6))
    view = ViewConfig(noise="d405")
    depths = [scene.make_cameras(view, seed=seed)[0].capture().depth for seed in (None, 6, 7)]
    assert (depths[0] == depths[1]).all()
    assert (depths[0] != depths[2]).any()


# --- robots --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        SceneConfig(n_objects=8, seed=1),
        SceneConfig("random-novel", n_objects=8, seed=1),
        SceneConfig("challenging-03", seed=2, perturb=True),
        SceneConfig("novel-01", randomise=DomainConfig()),
    ],
    ids=lambda c: c.name,
)
def test_every_robot_meets_the_same_scene(config: SceneConfig) -> None:
    scenes = [build_scene(dataclasses.replace(config, robot=robot)) for robot in ROBOTS]
    first = scenes[0]
    for scene, robot in zip(scenes, ROBOTS, strict=True):
        assert scene.make_robot().name == robot
        world = scene.world
        assert world.object_names == first.world.object_names
        assert scene.goal == first.goal
        assert scene.goal_rgb == first.goal_rgb
        assert scene.light == first.light
        assert world.max_penetration == MAX_PENETRATION
        # of a world with an arm, too: it is at home, not in the picture
        assert scene.visible_fraction == pytest.approx(first.visible_fraction, abs=2e-3)
        tables = [s.world.model.geom("table").friction[0] for s in (scene, first)]
        assert tables[0] == tables[1]
        for name in world.object_names:
            here, there = (s.world.pose(name) for s in (scene, first))
            assert np.abs(here[0] - there[0]).max() < 1e-3
            assert np.abs(np.dot(here[1], there[1])) > 1 - 1e-4


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_robot_at_home_hides_nothing(robot: str) -> None:
    scene = build_scene(SceneConfig(n_objects=2, seed=6, robot=robot))
    plain = build_scene(SceneConfig(n_objects=2, seed=6))
    maps = [project([s.make_cameras()[0].capture()], Workspace()) for s in (scene, plain)]
    heights = [m.height for m in maps]
    # an edge may fall on the next pixel, since objects settle once more
    assert (np.isnan(heights[0]) != np.isnan(heights[1])).mean() < 1e-3
    assert np.nanquantile(np.abs(heights[0] - heights[1]), 0.998) < 1e-3


def test_an_unknown_robot_is_refused_before_anything_is_built(monkeypatch) -> None:
    monkeypatch.setattr("pushgrasp.sim.scenes.build.drop_all", None)
    with pytest.raises(UserError, match="no robot 'kuka'; there are: gantry, ur5e, panda"):
        build_scene(SceneConfig(robot="kuka"))
