"""Convex parts: they follow the surface, behave as the thing would, and are measured truly."""

from __future__ import annotations

import logging
import resource
from pathlib import Path

import numpy as np
import pytest
from drawn_meshes import bowl, box, mug, obj, surface, turned, wrench_obj
from scipy.spatial import ConvexHull
from trimesh import Trimesh

from pushgrasp.sim.model import ObjectSpec
from pushgrasp.sim.objects.convex import HULL_TOLERANCE, MAX_VERTICES, hull_vertices, stand_off
from pushgrasp.sim.objects.mesh_file import parse_mesh
from pushgrasp.sim.objects.meshes import MAX_PARTS, load_mesh
from pushgrasp.sim.objects.shapes import Shape
from pushgrasp.sim.robots.gantry import GantryModel
from pushgrasp.sim.world import World

UP = (1.0, 0.0, 0.0, 0.0)
HALF = np.array([0.04, 0.0, 0.0])  # m, from one half of a box of 80 mm to the other


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> dict[str, tuple[Shape, Trimesh]]:
    """Mug, bowl and wrench, each with its mesh in the shape's frame."""
    folder = tmp_path_factory.mktemp("meshes")
    found = {}
    for name, text in {"mug": obj(mug()), "bowl": obj(bowl()), "wrench": wrench_obj()}.items():
        path = folder / f"{name}.obj"
        path.write_text(text)
        mesh = parse_mesh(path.read_bytes(), path)
        middle = (mesh.vertices.min(0) + mesh.vertices.max(0)) / 2
        found[name] = load_mesh(path), surface(mesh.vertices - middle, mesh.faces)
    return found


def vertices_of(shape: Shape) -> list[np.ndarray]:
    return [part.vertices for part in shape.parts if part.vertices is not None]


# --- how far parts stand off ------------------------------------------------------------------


@pytest.mark.parametrize("slack", [0.0, 2e-5, -2e-5, 3e-4])
def test_cuts_between_parts_that_touch_are_not_measured(slack: float) -> None:
    """Parts of CoACD touch to within a fraction of a millimetre, not exactly."""
    whole = box(0.08, 0.05, 0.05)
    left = box(0.04 - slack, 0.05, 0.05).vertices
    right = box(0.04, 0.05, 0.05).vertices + HALF
    assert stand_off(whole, [left, right]).max() == 0


def test_what_stands_off_the_outer_surface_is_measured() -> None:
    whole = box(0.08, 0.05, 0.05)
    left, right = box(0.04, 0.05, 0.05).vertices, box(0.04, 0.05, 0.06).vertices + HALF
    assert stand_off(whole, [left, right]).max() == pytest.approx(0.01, abs=1e-3)
    # a part of a cut that the neighbour does not cover is outer surface
    short = box(0.04, 0.05, 0.02).vertices + HALF
    assert stand_off(whole, [left, short]).max() > 0.01


def test_a_scanned_bottle_is_split_once_and_soon(tmp_path: Path, caplog) -> None:
    """A waist and a neck, a few thousand triangles."""
    z = np.linspace(0, 0.19, 48)
    r = 0.03 + 0.009 * np.cos(z * 66) - 0.016 / (1 + np.exp((0.14 - z) * 120))
    ripple = 1 + 0.01 * np.sin(40 * z)
    path = tmp_path / "bottle.obj"
    path.write_text(obj(turned([(0, 0), *zip(r * ripple, z, strict=True), (0, 0.19)], 48)))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with caplog.at_level(logging.INFO):
        shape = load_mesh(path, mass=0.1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert 1 < len(shape.parts) < MAX_PARTS
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 20
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert "convex parts stand off its surface by up to" in record.getMessage()


# --- parts -------------------------------------------------------------------------------------


def test_hull_of_a_ball_with_many_corners() -> None:
    points = np.random.default_rng(0).normal(size=(20_000, 3))
    ball = 0.04 * points / np.linalg.norm(points, axis=1, keepdims=True)
    fewer = hull_vertices(ball)
    assert 100 < len(fewer) <= MAX_VERTICES
    np.testing.assert_array_equal(fewer.max(0), ball.max(0))


@pytest.mark.parametrize(("name", "gap"), [("mug", 0.003), ("bowl", 0.008), ("wrench", 0.003)])
def test_parts_follow_the_surface(loaded, name: str, gap: float) -> None:
    """Hollows stay open; the hull would stand off by 9 to 60 mm."""
    shape, mesh = loaded[name]
    parts = vertices_of(shape)
    assert 1 < len(parts) <= MAX_PARTS
    assert np.quantile(stand_off(mesh, parts), 0.99) < gap
    assert stand_off(mesh, [mesh.vertices]).max() > 3 * HULL_TOLERANCE
    np.testing.assert_allclose(shape.extent, np.ptp(mesh.vertices, axis=0), atol=0.001)
    planes = [ConvexHull(part).equations for part in parts]
    outside = np.min([(mesh.vertices @ p[:, :3].T + p[:, 3]).max(1) for p in planes], axis=0)
    assert outside.max() < 0.001


def test_a_mug_rests_on_the_table(loaded) -> None:
    shape, _ = loaded["mug"]
    world = World([ObjectSpec("mug", shape, (255, 0, 0))], GantryModel())
    world.place("mug", (-0.5, 0.0, shape.extent[2] / 2 + 0.03), UP)
    world.settle()
    position, _ = world.pose("mug")
    assert position[2] == pytest.approx(shape.extent[2] / 2, abs=0.001)
    assert world.penetration() < 0.001


def test_what_falls_into_a_bowl_stays_there(loaded, tmp_path: Path) -> None:
    angles = np.linspace(0, np.pi, 13)
    path = tmp_path / "ball.obj"
    ball = [(0.02 * np.sin(a) if 0 < a < np.pi else 0, -0.02 * np.cos(a)) for a in angles]
    path.write_text(obj(turned(ball, 24)))
    things = {"bowl": loaded["bowl"][0], "ball": load_mesh(path)}
    world = World(
        [ObjectSpec(name, shape, (255, 0, 0)) for name, shape in things.items()], GantryModel()
    )
    height = things["bowl"].extent[2]
    world.place("bowl", (-0.5, 0.0, height / 2), UP)
    world.place("ball", (-0.48, 0.0, height + 0.03), UP)
    world.settle()
    (x, y, z), _ = world.pose("ball")
    assert np.hypot(x + 0.5, y) < 0.03
    assert 0.02 < z < 0.045


@pytest.mark.slow
def test_a_sheet_without_thickness_gets_one(tmp_path: Path) -> None:
    """An open cup as many files have it: one surface, no inside."""
    path = tmp_path / "sheet.obj"
    sheet = turned([(0, 0), (0.04, 0), (0.04, 0.09)], 24)
    path.write_text(obj(sheet))
    shape = load_mesh(path, mass=0.05)
    sheet = surface(sheet.vertices - [0, 0, 0.045], sheet.faces)
    assert np.quantile(stand_off(sheet, vertices_of(shape)), 0.99) < 0.004
    np.testing.assert_allclose(shape.extent, (0.08, 0.08, 0.09), atol=0.003)
