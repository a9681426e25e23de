"""Scene files: read, written, refused; and the scenes of novel objects."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from test_novel import JAW, narrowest, surface

from pushgrasp.errors import UserError
from pushgrasp.perception.colors import color_name, parse_color
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.sim.model import ObjectSpec
from pushgrasp.sim.objects.novel import NOVEL, find_shape
from pushgrasp.sim.objects.shapes import SHAPES
from pushgrasp.sim.robots.gantry import GantryModel
from pushgrasp.sim.scenes.goals import check_goal_color
from pushgrasp.sim.scenes.layouts import novel_names, read_fixed
from pushgrasp.sim.scenes.placed import PlacedObject, SceneFile
from pushgrasp.sim.scenes.scene_file import read_scene_file, write_scene_file
from pushgrasp.sim.world import World
from pushgrasp.workspace import Workspace

NAMES = [f"novel-{number:02d}" for number in range(1, 7)]
CUP = {"shape": "cup", "color": "red", "position": [-0.5, 0.0, 0.033]}
CUBE = {"shape": "cube", "color": "#1818eb", "position": [-0.5, 0.1, 0.025], "yaw": 0.5}


def write(folder: Path, *objects: dict[str, Any], **rest: Any) -> Path:
    path = folder / "scene.json"
    path.write_text(json.dumps({"objects": objects, **rest}))
    return path


def test_reads_objects_goal_and_description(tmp_path: Path) -> None:
    scene = read_scene_file(write(tmp_path, CUP, CUBE, goal=1, description="two things"))
    assert [o.shape for o in scene.objects.values()] == [NOVEL["cup"], SHAPES["cube"]]
    assert [o.color for o in scene.objects.values()] == [parse_color("red"), (24, 24, 235)]
    assert scene.objects[1].position == (-0.5, 0.1, 0.025)
    assert scene.objects[1].quaternion == pytest.approx((np.cos(0.25), 0, 0, np.sin(0.25)))
    assert (scene.goal, scene.description, scene.left_out) == (1, "two things", {})
    assert read_scene_file(write(tmp_path, CUP)).goal is None


def test_line_ends_of_windows_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    plain = read_scene_file(write(tmp_path, CUP, CUBE))
    text = json.dumps({"objects": [CUP, CUBE]}, indent=1).replace("\n", "\r\n")
    (tmp_path / "windows.json").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_scene_file(tmp_path / "windows.json") == plain


def test_what_was_left_out_is_not_written_and_the_goal_is_numbered_anew(tmp_path: Path) -> None:
    far = CUP | {"position": [3, 0, 0.1]}
    scene = read_fixed(str(write(tmp_path, far, CUP, CUBE | {"yaw": 0}, goal=2)))
    assert list(scene.objects) == [1, 2]
    write_scene_file(tmp_path / "copy.json", scene)
    copy = read_fixed(str(tmp_path / "copy.json"))
    assert copy.goal == 1
    assert list(copy.objects.values()) == list(scene.objects.values())


_turns = st.tuples(*[st.floats(-3, 3)] * 3)
_things = st.tuples(
    st.sampled_from([*SHAPES, *NOVEL]), st.tuples(*[st.integers(0, 255)] * 3), _turns
)


@settings(max_examples=40, deadline=None)
@given(st.lists(_things, min_size=1, max_size=4), st.text(max_size=30))
def test_what_is_written_is_read_again(tmp_path_factory, things, description: str) -> None:
    objects = []
    for i, (name, color, turn) in enumerate(things):
        x, y, z, w = (float(v) for v in Rotation.from_rotvec(turn).as_quat())
        objects.append(
            PlacedObject(find_shape(name), color, (-0.6, 0.2 * i - 0.3, 0.2), (w, x, y, z))
        )
    path = tmp_path_factory.mktemp("s") / "new" / "scene.json"
    write_scene_file(path, SceneFile(dict(enumerate(objects)), None, description))
    read = read_scene_file(path)
    assert read.description == description
    found = list(read.objects.values())
    assert [o.shape for o in found] == [o.shape for o in objects]
    assert [o.color for o in found] == [o.color for o in objects]
    for before, after in zip(objects, found, strict=True):
        assert after.position == pytest.approx(before.position, abs=1e-6)
        assert after.quaternion == pytest.approx(before.quaternion, abs=2e-6)


def test_meshes(tmp_path: Path) -> None:
    corners = np.array(np.meshgrid([0, 30], [0, 40], [0, 20], indexing="ij")).reshape(3, -1).T
    hull = [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
            (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)]  # fmt: skip
    lines = ["solid s"]
    for face in hull:
        vertices = "\n".join("vertex {} {} {}".format(*corners[i]) for i in face)
        lines.append(f"facet normal 0 0 0\nouter loop\n{vertices}\nendloop\nendfacet")
    (tmp_path / "cube.stl").write_text("\n".join([*lines, "endsolid s\n"]))
    mesh = {"mesh": "cube.stl", "scale": 0.001, "mass": 0.12, "color": "blue"}
    path = write(
        tmp_path,
        mesh | {"position": [-0.5, 0.1, 0.0101]},
        mesh | {"position": [-0.5, -0.1, 0.0201], "scale": 0.002},
        mesh | {"position": [-0.6, -0.1, 0.0101]},
        CUP,
    )
    scene = read_scene_file(path)
    small, large, again, cup = (o.shape for o in scene.objects.values())
    assert small is again
    assert sorted(small.extent) == pytest.approx([0.02, 0.03, 0.04], abs=1e-4)
    assert sorted(large.extent) == pytest.approx([0.04, 0.06, 0.08], abs=1e-4)
    assert small.mass == pytest.approx(0.12, rel=1e-3)
    assert len({small.name, large.name, cup.name, "cube"}) == 4  # the names also name geometry

    (tmp_path / "other").mkdir()
    write_scene_file(tmp_path / "other" / "copy.json", scene)
    assert "../cube.stl" in (tmp_path / "other" / "copy.json").read_text()
    copy = read_scene_file(tmp_path / "other" / "copy.json")
    extents = [[o.shape.extent for o in s.objects.values()] for s in (copy, scene)]
    assert extents[0] == extents[1]
    with pytest.raises(UserError, match=r"objects\[0\].*none\.stl"):
        read_scene_file(write(tmp_path, mesh | {"mesh": "none.stl", "position": [-0.5, 0, 0.1]}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, r"objects\[1\] has the unknown field 'colour'; there are: color"),
        ({"shape": None}, r'objects\[1\] has neither of "shape" and "mesh"'),
        ({"mesh": "a.stl"}, r'objects\[1\] has both of "shape" and "mesh"'),
        ({"shape": "teapot"}, r"objects\[1\]: no shape 'teapot'; .* banana"),
        ({"shape": 7}, "shape is 7; it must be of type str"),
        ({"color": "reddish"}, r"objects\[1\]: unknown colour 'reddish'"),
        ({"position": [0, 0]}, r"position is \[0, 0\]; it must be a list of 3"),
        ({"position": [0, 0, "a"]}, r"position\[2\] is 'a'"),
        ({"position": [0, 0, float("nan")]}, r"position\[2\] is nan; .* finite"),
        ({"position": [0, 0, float("inf")]}, r"position\[2\] is inf; .* finite"),
        ({"yaw": True}, "yaw is True"),
        ({"quaternion": [1, 0, 0, 0]}, 'both of "yaw" and "quaternion"'),
        ({"yaw": None, "quaternion": [0, 0, 0, 0]}, "has length 0; a rotation's is 1"),
        ({"yaw": None, "quaternion": [1, 1, 0, 0]}, "has length 1.41"),
        ({"scale": 1.0}, '"scale", "mass" or "max_parts", which only a "mesh" can have'),
        ({"mass": 0.1}, '"scale", "mass" or "max_parts", which only a "mesh" can have'),
        ({"max_parts": 1}, '"scale", "mass" or "max_parts", which only a "mesh" can have'),
        ({"shape": None, "mesh": "none.stl"}, r"objects\[1\]: there is no mesh none.stl in "),
    ],
)
def test_bad_objects_are_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = write(tmp_path, CUP, CUBE | change)
    with pytest.raises(UserError, match=message) as caught:
        read_scene_file(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"objects": []}', "its list of objects is empty"),
        ("{}", "lacks the field 'objects'"),
        ("[]", "must be an object with named fields"),
        ('{"objects": [], "seed": 1}', "unknown field 'seed'"),
        ('{"objects": [], "objects": []}', "the field 'objects' twice"),
        ('{"objects": [}', "not a scene file: .* at line 1, column 14"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 1_000_001, "longer than 1,000,000 bytes"),
        ("9" * 5000, "a number of 5000 digits"),
        (json.dumps({"objects": [CUP] * 101}), "holds 101 objects; a scene has at most 100"),
        (json.dumps({"objects": [CUP], "goal": 1}), "goal is 1; the scene has 1 objects"),
        (json.dumps({"objects": [CUP], "goal": -1}), "goal is -1"),
        (json.dumps({"objects": [CUP], "goal": 0.0}), "goal is 0.0; it must be of type int"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_scene_file(path)
    assert str(path) in str(caught.value)


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the scene file"):
        read_scene_file(tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UserError, match="not text"):
        read_scene_file(tmp_path / "binary.json")


def test_a_thing_in_a_hollow_one_does_not_overlap_it(tmp_path: Path) -> None:
    egg = {"shape": "egg", "color": "green", "position": [-0.507, 0, 0.045]}
    scene = read_fixed(str(write(tmp_path, CUP, egg)))
    assert len(scene.objects) == 2
    assert scene.notes == ()


def test_a_shape_that_a_file_cannot_name_is_not_written(tmp_path: Path) -> None:
    heavier = dataclasses.replace(NOVEL["cup"], density=5000.0)
    placed = PlacedObject(heavier, (255, 0, 0), (-0.5, 0, 0.1), (1, 0, 0, 0))
    with pytest.raises(UserError, match="cannot say what this 'cup' is"):
        write_scene_file(tmp_path / "scene.json", SceneFile({0: placed}))
    assert not (tmp_path / "scene.json").exists()


def test_there_are_six_novel_scenes() -> None:
    assert novel_names() == NAMES
    goals = [read_fixed(name).objects[0].shape.name for name in NAMES]
    assert len(set(goals)) == 6


@pytest.fixture(scope="module", params=NAMES)
def novel(request: pytest.FixtureRequest) -> tuple[str, SceneFile, World]:
    """A novel scene, and its world four seconds after loading."""
    scene = read_fixed(request.param)
    things = [ObjectSpec(f"o{i}", o.shape, o.color) for i, o in scene.objects.items()]
    world = World(things, GantryModel())
    for name, placed in zip(world.object_names, scene.objects.values(), strict=True):
        world.place(name, placed.position, placed.quaternion)
    world.settle(max_time=4.0)
    return request.param, scene, world


def test_a_novel_scene_is_as_documented(novel: tuple[str, SceneFile, World]) -> None:
    name, scene, world = novel
    assert scene.goal == 0
    assert color_name(scene.objects[0].color) == "red"
    objects = list(scene.objects.values())
    check_goal_color({i: o.color for i, o in scene.objects.items()}, 0, name)
    assert 8 <= len(objects) <= 14
    assert len({o.shape.name for o in objects}) == len(objects)
    assert {o.shape.name for o in objects} <= set(NOVEL)
    assert len({o.color for o in objects}) == len(objects)
    assert Workspace().contains([o.position[:2] for o in objects], margin=-0.015).all()

    for thing, placed in zip(world.object_names, scene.objects.values(), strict=True):
        position, quaternion = world.pose(thing)
        assert np.linalg.norm(position - placed.position) < 0.002, placed.shape.name
        assert abs(quaternion @ placed.quaternion) > np.cos(np.radians(1.0)), placed.shape.name
    assert world.deepest_overlap() < 0.001
    shows = RayCamera(world).visible_fraction(int(world.body_ids[0]))
    assert shows == 0 if name == "novel-04" else 0.05 < shows < 0.5


def test_a_novel_scene_is_clutter(novel: tuple[str, SceneFile, World]) -> None:
    _, _, world = novel
    world.wake()
    mujoco.mj_forward(world.model, world.data)
    touching, off_table = set(), set(world.object_names)
    bodies = {int(b): n for b, n in zip(world.body_ids, world.object_names, strict=True)}
    for a, b in world.model.geom_bodyid[world.data.contact.geom]:
        if a in bodies and b in bodies:
            touching |= {bodies[a], bodies[b]}
        else:
            off_table -= {bodies.get(a), bodies.get(b)}
    assert len(touching) >= 6
    assert len(off_table) >= 2  # they rest on others only


def test_the_goal_could_be_grasped_if_it_were_alone(novel: tuple[str, SceneFile, World]) -> None:
    _, scene, _ = novel
    goal, step = scene.objects[0], 0.003
    lies = Rotation.from_quat(np.roll(goal.quaternion, -1))
    turns = [Rotation.from_euler("z", 22.5 * i, degrees=True) * lies for i in range(8)]
    assert min(narrowest(surface(goal.shape, t, step), step) for t in turns) <= JAW - step
