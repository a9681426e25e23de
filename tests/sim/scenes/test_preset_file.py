"""Scene files: what is read, what is left out, what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pushgrasp.errors import UserError
from pushgrasp.sim.objects.shapes import SHAPES, add_to_spec
from pushgrasp.sim.scenes.preset_file import challenging_names, read_challenging, read_preset
from pushgrasp.workspace import Workspace

CUBE = "4.obj 1.0 0.5 0.0 -0.5 0.1 0.025 0 0 0"


def write(folder: Path, *lines: str) -> Path:
    path = folder / "scene.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_reads_objects_in_order(tmp_path: Path) -> None:
    path = write(tmp_path, CUBE, "", "1.obj 0 0 1 -6.0e-01 0 2.5e-02 1.5707963 0.3 -0.2")
    objects, left_out = read_preset(path)
    assert [o.shape.name for o in objects] == ["cube", "arch"]
    assert objects[0].color == (255, 128, 0)
    assert objects[0].position == (-0.5, 0.1, 0.025)
    assert objects[0].quaternion == (1.0, 0.0, 0.0, 0.0)
    assert left_out == []


@given(*[st.floats(-3.1, 3.1)] * 3)
def test_rotation_is_rx_ry_rz(tmp_path_factory, alpha: float, beta: float, gamma: float) -> None:
    path = write(
        tmp_path_factory.mktemp("s"), f"4.obj 0 0 0 -0.5 0 0.1 {alpha!r} {beta!r} {gamma!r}"
    )
    turns = [Rotation.from_rotvec(v).as_matrix() for v in np.diag([alpha, beta, gamma])]
    read = Rotation.from_quat(np.roll(read_preset(path)[0][0].quaternion, -1))
    np.testing.assert_allclose(read.as_matrix(), turns[0] @ turns[1] @ turns[2], atol=1e-9)


def test_every_mesh_has_its_shape(tmp_path: Path) -> None:
    lines = [CUBE.replace("4.obj", f"{i}.obj") for i in (0, 1, 2, 3, 4, 6, 7, 8)]
    shapes = [o.shape.name for o in read_preset(write(tmp_path, *lines))[0]]
    assert shapes == list(SHAPES)


@pytest.mark.parametrize(
    ("position", "why"),
    [
        ("-0.6 0.0 -726.5", "below the table"),
        ("-0.6 0.0 0.9", "higher than 0.4 m"),
        ("0.4 0.0 0.025", "0.3 m outside the workspace"),
    ],
)
def test_fallen_objects_are_left_out(tmp_path: Path, position: str, why: str) -> None:
    fallen = f"6.obj 1 1 1 {position} 0 0 0"
    objects, left_out = read_preset(write(tmp_path, fallen, CUBE))
    assert [o.shape.name for o in objects] == ["cube"]
    assert len(left_out) == 1
    assert left_out[0].startswith("line 1: 6.obj at")
    assert why in left_out[0]


def test_margin(tmp_path: Path) -> None:
    path = write(tmp_path, CUBE, CUBE.replace("0.1 0.025", "0.4 0.025"))
    assert len(read_preset(path)[0]) == 2
    assert len(read_preset(path, Workspace(), margin=0.1)[0]) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("4.obj 1 0 0 -0.5 0 0.025 0 0", r"line 2: expected a mesh and 9 numbers .* found 8"),
        (CUBE + " 7", "line 2: .* found 10"),
        ("hello", "line 2: .* found 0 after 'hello'"),
        (CUBE.replace("-0.5", "here"), "line 2: expected a number for x, found 'here'"),
        (CUBE.replace("0.025", "nan"), "line 2: expected a number for z, found 'nan'"),
        (CUBE.replace("1.0", "255"), "line 2: colours r g b are from 0 to 1, found 255"),
        (CUBE.replace("4.obj", "5.obj"), "line 2: unknown mesh '5.obj'.*4.obj .cube."),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path, CUBE, line)
    with pytest.raises(UserError, match=message) as caught:
        read_preset(path)
    assert str(path) in str(caught.value)


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no scene file"):
        read_preset(tmp_path / "none.txt")
    with pytest.raises(UserError, match="there is no scene file"):
        read_preset(tmp_path)
    with pytest.raises(UserError, match="it is empty"):
        read_preset(write(tmp_path, "", " "))
    with pytest.raises(UserError, match="all 1 lie off the table"):
        read_preset(write(tmp_path, CUBE.replace("0.025", "-9")))
    (tmp_path / "binary.txt").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UserError, match="not text"):
        read_preset(tmp_path / "binary.txt")


def test_unknown_challenging_scene() -> None:
    with pytest.raises(UserError, match="no scene 'challenging-99'"):
        read_challenging("challenging-99")
    for name in challenging_names():
        assert read_challenging(name)


@pytest.mark.skipif(
    "PUSHGRASP_PRESETS_DIR" not in os.environ,
    reason="set PUSHGRASP_PRESETS_DIR to a folder of the ancestors' scene files",
)
def test_ancestors_scenes_rest() -> None:
    """With our shapes, every object of the ancestors' files stays within 5 mm."""
    files = sorted(Path(os.environ["PUSHGRASP_PRESETS_DIR"]).glob("*.txt"))
    assert files
    for path in files:
        spec = mujoco.MjSpec()
        spec.option.timestep = 0.002
        spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
        spec.option.impratio = 10.0
        spec.option.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
        spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[5, 5, 0.1])
        for placed in read_preset(path)[0]:
            body = spec.worldbody.add_body(pos=placed.position, quat=placed.quaternion)
            body.add_freejoint()
            add_to_spec(spec, body, placed.shape, rgba=(1.0, 0.0, 0.0, 1.0))
        model = spec.compile()
        data = mujoco.MjData(model)
        start = data.qpos.copy()
        mujoco.mj_step(model, data, 1000)
        moved = np.linalg.norm((data.qpos - start).reshape(-1, 7)[:, :3], axis=1)
        assert moved.max() < 0.005, path.name
