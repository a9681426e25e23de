"""Mesh files: found where they may lie, and lying where the capsules are."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import mujoco
import numpy as np
import pytest
from scipy.spatial import KDTree

from pushgrasp.errors import UserError
from pushgrasp.sim.cell import Cell
from pushgrasp.sim.robots import meshes as arm_meshes
from pushgrasp.sim.robots.arms import ARMS, UR5E, ArmSpec, add_arm
from pushgrasp.sim.robots.meshes import find_meshes

MODEL = {
    "ur5e": "universal_robots_ur5e", "panda": "franka_emika_panda", "fr3": "franka_emika_panda",
}  # fmt: skip
BOTH = pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS.keys())


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a checkout, nor a cache, nor a package."""
    monkeypatch.delenv("MENAGERIE_ROOT", raising=False)
    monkeypatch.setenv("MENAGERIE_CACHE_DIR", str(tmp_path / "no cache"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)


def fill(folder: Path, arm: ArmSpec, last: bool = True) -> Path:
    """Files with the names of Menagerie's (the last piece of each link)."""
    folder.mkdir(parents=True)
    for link in (arm.base, *arm.links):
        (folder / link.visuals[-1 if last else 0].file).touch()
    return folder


@BOTH
def test_without_any_there_is_none(arm: ArmSpec) -> None:
    assert find_meshes(arm.name) is None


@BOTH
def test_the_order_is_checkout_cache_package(
    arm: ArmSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = fill(tmp_path / "site" / arm_meshes._PACKAGES[arm.name][1], arm, last=False)
    if arm is not UR5E:
        package = fill(tmp_path / "site" / "panda" / arm_meshes._PACKAGES["panda"][1], arm, False)

    class Spec:
        submodule_search_locations = (str(tmp_path / "site"),)

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: Spec())
    assert find_meshes(arm.name) == package

    cache = tmp_path / "cache"
    monkeypatch.setenv("MENAGERIE_CACHE_DIR", str(cache))
    model = cache / "models" / f"{MODEL[arm.name]}-0123456789abcdef"
    published = fill(model / "assets", arm)
    assert find_meshes(arm.name) == package  # an unfinished download does not count
    (model / ".complete").touch()
    assert find_meshes(arm.name) == published

    checkout = fill(tmp_path / "menagerie" / MODEL[arm.name] / "assets", arm)
    monkeypatch.setenv("MENAGERIE_ROOT", str(tmp_path / "menagerie"))
    assert find_meshes(arm.name) == checkout
    next(checkout.iterdir()).unlink()
    assert find_meshes(arm.name) == published  # a folder that lacks a link is passed over


def test_an_unknown_arm_is_refused() -> None:
    with pytest.raises(UserError, match=r"'kuka'.*ur5e, panda"):
        find_meshes("kuka")


@pytest.fixture
def with_meshes(arm: ArmSpec, monkeypatch: pytest.MonkeyPatch) -> mujoco.MjModel:
    monkeypatch.undo()
    folder = find_meshes(arm.name)
    if folder is None:
        pytest.skip(f"no mesh files of the {arm.name} on this computer")
    spec = mujoco.MjSpec()
    add_arm(spec, arm, Cell(), meshes=folder)
    return spec.compile()


@BOTH
def test_meshes_are_only_seen(arm: ArmSpec, with_meshes: mujoco.MjModel) -> None:
    spec = mujoco.MjSpec()
    add_arm(spec, arm, Cell())
    plain = spec.compile()
    meshes = with_meshes.geom_type == mujoco.mjtGeom.mjGEOM_MESH
    assert meshes.any()
    assert set(with_meshes.geom_group[meshes]) == {2}
    assert not with_meshes.geom_contype[meshes].any()
    assert not with_meshes.geom_conaffinity[meshes].any()
    np.testing.assert_array_equal(with_meshes.body_mass[2:], plain.body_mass[2:])
    np.testing.assert_array_equal(with_meshes.body_inertia[2:], plain.body_inertia[2:])


@BOTH
def test_capsules_cover_the_meshes_and_little_more(
    arm: ArmSpec, with_meshes: mujoco.MjModel
) -> None:
    m, d = with_meshes, mujoco.MjData(with_meshes)
    d.qpos[:] = arm.home
    mujoco.mj_kinematics(m, d)
    rng = np.random.default_rng(0)
    for link in (arm.base, *arm.links):
        body = m.body(f"{arm.name}/{link.name}").id
        geoms = [int(g) for g in np.flatnonzero(m.geom_bodyid == body)]
        points = np.concatenate([_surface(m, d, g, rng) for g in geoms if m.geom_dataid[g] >= 0])
        capsules = [g for g in geoms if m.geom_type[g] == mujoco.mjtGeom.mjGEOM_CAPSULE]
        assert _outside(m, d, capsules, points).max() < 0.015, link.name
        # Points of a capsule's skin that no other capsule swallows lie near the mesh.
        skin = np.concatenate([_skin(m, d, g, rng) for g in capsules])
        skin = skin[_outside(m, d, capsules, skin) > -1e-6]
        near, _ = KDTree(points).query(skin)
        if link is not arm.base:  # the base's reach down into the pedestal
            assert np.mean(near) < 0.016, link.name


def _directions(rng: np.random.Generator, n: int) -> np.ndarray:
    v = rng.normal(size=(n, 3))
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def _surface(
    m: mujoco.MjModel, d: mujoco.MjData, geom: int, rng: np.random.Generator
) -> np.ndarray:
    """Points (N, 3) of a mesh, world frame: its vertices, and some on its larger triangles."""
    mesh = m.geom_dataid[geom]
    start, count = m.mesh_vertadr[mesh], m.mesh_vertnum[mesh]
    vertices = m.mesh_vert[start : start + count].astype(float)
    faces = m.mesh_face[m.mesh_faceadr[mesh] :][: m.mesh_facenum[mesh]]
    weights = rng.dirichlet(np.ones(3), size=len(faces))
    points = np.concatenate([vertices, (vertices[faces] * weights[..., None]).sum(1)])
    return points @ d.geom_xmat[geom].reshape(3, 3).T + d.geom_xpos[geom]


def _skin(m: mujoco.MjModel, d: mujoco.MjData, geom: int, rng: np.random.Generator) -> np.ndarray:
    """(N, 3) points on a capsule, world frame."""
    radius, half = m.geom_size[geom, :2]
    local = radius * _directions(rng, 2000)
    local[:, 2] += half * np.sign(local[:, 2])
    tube = local[:1000]
    tube[:, :2] *= radius / np.linalg.norm(tube[:, :2], axis=1, keepdims=True)
    tube[:, 2] = half * rng.uniform(-1, 1, size=1000)
    return local @ d.geom_xmat[geom].reshape(3, 3).T + d.geom_xpos[geom]


def _outside(m: mujoco.MjModel, d: mujoco.MjData, capsules: list, points: np.ndarray) -> np.ndarray:
    """(N,) m: how far points lie outside of the nearest capsule."""
    distances = []
    for g in capsules:
        radius, half = m.geom_size[g, :2]
        local = (points - d.geom_xpos[g]) @ d.geom_xmat[g].reshape(3, 3)
        local[:, 2] -= np.clip(local[:, 2], -half, half)
        distances.append(np.linalg.norm(local, axis=1) - radius)
    return np.min(distances, axis=0)
