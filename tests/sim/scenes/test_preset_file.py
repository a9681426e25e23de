"""Preset files: how lines are read, which meshes they may name, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pushgrasp.errors import UserError
from pushgrasp.perception.colors import parse_color
from pushgrasp.sim.objects.novel import NOVEL
from pushgrasp.sim.objects.shapes import SHAPES
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.sim.scenes.preset_file import read_preset

CUBE = "4.obj 1.0 0.5 0.0 -0.5 0.1 0.025 0 0 0"
WEDGE = """v -0.02 -0.03 -0.02
v 0.02 -0.03 -0.02
v 0.02 0.03 -0.02
v -0.02 0.03 -0.02
v -0.02 -0.03 0.02
v -0.02 0.03 0.02
f 1 4 3 2
f 1 2 5
f 4 6 3
f 2 3 6 5
f 1 5 6 4
"""


def write(folder: Path, *lines: str) -> Path:
    path = folder / "scene.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_objects_are_numbered_by_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path, CUBE, "", "1.obj 0 0 1 -6.0e-01 0 -2.5e-02 1.5707963 0.3 -0.2")
    scene = read_preset(path)
    assert [(number, o.shape.name) for number, o in scene.objects.items()] == [
        (0, "cube"),
        (1, "arch"),
    ]
    assert scene.objects[0].color == (255, 128, 0)
    assert scene.objects[0].position == (-0.5, 0.1, 0.025)
    assert scene.objects[0].quaternion == (1.0, 0.0, 0.0, 0.0)
    assert scene.notes == ()


@given(*[st.floats(-3.1, 3.1)] * 3)
def test_rotation_is_rx_ry_rz(tmp_path_factory, alpha: float, beta: float, gamma: float) -> None:
    path = write(
        tmp_path_factory.mktemp("s"), f"4.obj 0 0 0 -0.5 0 0.1 {alpha!r} {beta!r} {gamma!r}"
    )
    turns = [Rotation.from_rotvec(v).as_matrix() for v in np.diag([alpha, beta, gamma])]
    read = Rotation.from_quat(np.roll(read_preset(path).objects[0].quaternion, -1))
    np.testing.assert_allclose(read.as_matrix(), turns[0] @ turns[1] @ turns[2], atol=1e-9)


def test_every_block_has_its_mesh(tmp_path: Path) -> None:
    lines = [CUBE.replace("4.obj", f"{i}.obj") for i in (0, 1, 2, 3, 4, 6, 7, 8)]
    shapes = [o.shape.name for o in read_preset(write(tmp_path, *lines)).objects.values()]
    assert shapes == list(SHAPES)


def test_lines_end_as_on_any_system_and_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    unix = read_preset(write(tmp_path, CUBE, CUBE))
    path = tmp_path / "windows.txt"
    path.write_bytes(b"\xef\xbb\xbf" + f"{CUBE}\r\n{CUBE}\r\n\r\n".encode())
    assert read_preset(path) == unix
    path.write_bytes(f"{CUBE}\r{CUBE}".encode())
    assert read_preset(path) == unix


# --- the half-cylinder ----------------------------------------------------------------------

ROLLED = "7.obj 1 0.3 0.2 -0.5 0.0 {z} {angles}"


def rests(tmp_path: Path, z: float, rotation: Rotation, name: str = "7.obj") -> tuple[float, float]:
    """How far a half-cylinder moves (m) and turns (rad) from the pose in a file."""
    angles = " ".join(f"{a:.6f}" for a in rotation.as_euler("XYZ"))
    scene = build_scene(
        SceneConfig(str(write(tmp_path, ROLLED.format(z=z, angles=angles).replace("7.obj", name))))
    )
    quaternion = scene.world.pose(scene.goal_name)[1]
    fix = Rotation.from_euler("x", 90 if name == "7.obj" else 0, degrees=True)
    now = Rotation.from_quat(np.roll(quaternion, -1)) * fix.inv()
    return scene.motion_m[scene.goal_name], (rotation.inv() * now).magnitude()


@pytest.mark.filterwarnings("ignore:Gimbal lock")
@pytest.mark.parametrize("yaw", [0.0, 1.1, -2.3])
@pytest.mark.parametrize("roll", [0.0, 0.085, -0.1])
def test_a_half_cylinder_on_its_round_side_has_rolled_about_its_z_axis(
    tmp_path: Path, yaw: float, roll: float
) -> None:
    """The round side is towards +x of the mesh's frame: turned down, then rolled a little."""
    down = Rotation.from_euler("y", 90, degrees=True)
    turn = Rotation.from_euler("z", yaw) * down * Rotation.from_euler("z", roll)
    # the centre of the bounding box is 12.5 mm from the cylinder's axis, which stays at 25 mm
    moved, turned = rests(tmp_path, 0.025 - 0.0125 * np.cos(roll), turn)
    assert moved < 0.002
    assert turned < abs(roll) + 0.02  # it may roll to its middle, but does not tip over


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_half_cylinder_stands_on_its_half_disc_with_z_up_or_down(
    tmp_path: Path, side: float
) -> None:
    flip = Rotation.from_euler("x", 0 if side > 0 else np.pi)
    moved, turned = rests(tmp_path, 0.0252, flip * Rotation.from_euler("z", 0.7))
    assert moved < 0.0005
    assert turned < 0.01


def test_a_shape_by_its_name_keeps_our_frame(tmp_path: Path) -> None:
    for name in ("half_cylinder", "mug"):
        path = write(tmp_path, CUBE.replace("4.obj", name).replace("0 0 0", "0 0 1"))
        placed = read_preset(path).objects[0]
        assert placed.shape is (SHAPES | NOVEL)[name]
        assert placed.quaternion == pytest.approx((np.cos(0.5), 0, 0, np.sin(0.5)))


# --- colours --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "4.obj blue -0.5 0.1 0.025 0 0 0",
        "blue 4.obj -0.5 0.1 0.025 0 0 0",
        "4.obj Blue -0.5 0.1 0.025 0 0 0",
        "cube #1818eb -0.5 0.1 0.025 0 0 0",
        "#1818eb cube -0.5 0.1 0.025 0 0 0",
    ],
)
def test_a_colour_may_be_a_word_before_or_after_the_mesh(tmp_path: Path, line: str) -> None:
    (placed,) = read_preset(write(tmp_path, line)).objects.values()
    assert (placed.shape.name, placed.color) == ("cube", parse_color("blue"))
    assert placed.position == (-0.5, 0.1, 0.025)


def test_block_is_an_obstacle_in_a_colour_that_no_other_object_has(tmp_path: Path) -> None:
    lines = ["blue 4.obj -0.5 0.0 0.0251 0 0 0", "block 4.obj -0.55 0.0 0.0251 0 0 0"]
    lines += ["block 4.obj -0.45 0.0 0.0251 0 0 0", "red 4.obj -0.6 0.1 0.0251 0 0 0"]
    scene = read_preset(write(tmp_path, *lines))
    colors = [o.color for o in scene.objects.values()]
    assert len(set(colors)) == 4
    assert scene.notes == ("'block' names no colour; chosen: object 1 green, object 2 yellow",)
    assert build_scene(SceneConfig(str(tmp_path / "scene.txt"), goal=0)).goal_rgb == colors[0]


# --- meshes ---------------------------------------------------------------------------------


def test_a_mesh_of_a_blocks_name_is_not_used_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "4.obj").write_text(WEDGE)
    scene = read_preset(write(tmp_path, CUBE))
    assert scene.objects[0].shape is SHAPES["cube"]
    assert scene.notes == (f"4.obj: the built-in blocks are used, not the files in {tmp_path}",)


def test_an_unknown_mesh_is_answered_with_the_folders_and_the_blocks(tmp_path: Path) -> None:
    path = write(tmp_path, CUBE, CUBE.replace("4.obj", "5.obj"))
    with pytest.raises(UserError) as error:
        read_preset(path, [tmp_path / "meshes"])
    assert f"line 2: there is no mesh 5.obj in {tmp_path}/meshes or {tmp_path};" in str(error.value)
    assert "4.obj (cube)" in str(error.value)


def test_a_robot_description_is_refused_with_the_meshs_name(tmp_path: Path) -> None:
    path = write(tmp_path, CUBE.replace("4.obj", "wedge.urdf"))
    (tmp_path / "wedge.stl").write_text("")
    with pytest.raises(UserError, match=r"line 1: wedge\.urdf is a robot .* mesh, wedge\.stl"):
        read_preset(path)


# --- refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("4.obj 1 0 0 -0.5 0 0.025 0 0", r"line 2: expected a mesh, a colour .* found 9 words"),
        (CUBE + " 7", "line 2: .* found 11"),
        ("hello", "line 2: .* found 1"),
        (CUBE.replace("-0.5", "here"), "line 2: expected a number for x, found 'here'"),
        (CUBE.replace("0.025", "nan"), "line 2: expected a number for z, found 'nan'"),
        (CUBE.replace("1.0", "255"), "line 2: colours r g b are from 0 to 1, found 255"),
        (CUBE.replace("4.obj", "5.obj"), "line 2: there is no mesh 5.obj"),
        ("4.obj reddish -0.5 0 0.1 0 0 0", "line 2: unknown colour 'reddish'"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path, CUBE, line)
    with pytest.raises(UserError, match=message) as caught:
        read_preset(path)
    assert str(path) in str(caught.value)


def test_bad_files(tmp_path: Path) -> None:
    for place in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(UserError, match="cannot read the scene file"):
            read_preset(place)
    with pytest.raises(UserError, match="it is empty"):
        read_preset(write(tmp_path, "", " "))
    (tmp_path / "binary.txt").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UserError, match="not text"):
        read_preset(tmp_path / "binary.txt")


@pytest.mark.skipif(
    "PUSHGRASP_PRESETS_DIR" not in os.environ,
    reason="set PUSHGRASP_PRESETS_DIR to a folder of VPG's scene files",
)
def test_scenes_recorded_in_vpg_stay_as_they_are() -> None:
    files = sorted(Path(os.environ["PUSHGRASP_PRESETS_DIR"]).glob("*.txt"))
    assert files
    for path in files:
        scene = build_scene(SceneConfig(str(path), offset=(0.0, 0.1, 0.0)))
        assert scene.notes == (), path.name
        assert max(scene.motion_m.values()) < 0.003, path.name
