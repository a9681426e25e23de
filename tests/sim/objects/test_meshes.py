"""Mesh files: what is read, what is refused, and that the parts behave as the thing would."""

from __future__ import annotations

import logging
import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from pushgrasp.errors import UserError
from pushgrasp.sim.model import ObjectSpec
from pushgrasp.sim.objects import meshes
from pushgrasp.sim.objects.convex import HULL_TOLERANCE, MAX_VERTICES, hull_vertices, stand_off
from pushgrasp.sim.objects.mesh_files import MAX_FACES, Mesh, parse_mesh, triangulate
from pushgrasp.sim.objects.mesh_repair import area, coarsen, repair, volume
from pushgrasp.sim.objects.meshes import load_mesh
from pushgrasp.sim.objects.shapes import DENSITY, Shape
from pushgrasp.sim.robots.gantry import GantryModel
from pushgrasp.sim.world import World
from pushgrasp.utils.cache import cache_folder

OBJ, STL = Path("thing.obj"), Path("thing.stl")
UP = (1.0, 0.0, 0.0, 0.0)


# --- things to read ----------------------------------------------------------------


def box(x: float, y: float, z: float) -> Mesh:
    corners = np.stack(np.meshgrid([0, x], [0, y], [0, z], indexing="ij"), -1).reshape(-1, 3)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return Mesh(corners, np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]))


def turned(profile: Sequence[tuple[float, float]], n: int) -> Mesh:
    """A closed (r, z) profile about z; it runs anticlockwise and touches the axis at its ends."""
    angles = 2 * np.pi * np.arange(n) / n
    rows, points = [], []
    for r, z in profile:
        count = 1 if r == 0 else n
        rows.append([len(points) + (i % count) for i in range(n)])
        points += [(r * np.cos(a), r * np.sin(a), z) for a in angles[:count]]
    quads = [
        (low[i], low[(i + 1) % n], high[(i + 1) % n], high[i])
        for low, high in pairwise(rows)
        for i in range(n)
    ]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d)) if len(set(t)) == 3]
    return Mesh(np.array(points, float), np.array(triangles))


def tube(path: np.ndarray, radius: float, n: int = 8) -> Mesh:
    """A closed tube along an open path (m, 3) in the plane y = 0."""
    along = np.gradient(path, axis=0)
    across = np.cross(along / np.linalg.norm(along, axis=1, keepdims=True), (0, 1, 0))
    points = [
        p + radius * (np.cos(a) * s + np.sin(a) * np.array([0, 1, 0]))
        for p, s in zip(path, across, strict=True)
        for a in 2 * np.pi * np.arange(n) / n
    ]
    sides = [
        (i * n + k, i * n + (k + 1) % n, (i + 1) * n + (k + 1) % n, (i + 1) * n + k)
        for i in range(len(path) - 1)
        for k in range(n)
    ]
    last = (len(path) - 1) * n
    faces = [t for a, b, c, d in sides for t in ((a, c, b), (a, d, c))]
    faces += [(0, k, k + 1) for k in range(1, n - 1)]
    faces += [(last, last + k + 1, last + k) for k in range(1, n - 1)]
    return Mesh(np.array(points), np.array(faces))


def mug() -> Mesh:
    """80 mm wide, 90 high, walls of 4, the handle stuck into the wall."""
    outer, inner, height, floor = 0.04, 0.036, 0.09, 0.004
    profile = [(0, 0), (outer, 0), (outer, height), (inner, height), (inner, floor), (0, floor)]
    cup = turned(profile, 16)
    a = np.linspace(-np.pi / 2, np.pi / 2, 9)
    arc = np.column_stack([0.037 + 0.028 * np.cos(a), 0 * a, 0.047 + 0.028 * np.sin(a)])
    handle = tube(arc, 0.005)
    return Mesh(
        np.concatenate([cup.vertices, handle.vertices]),
        np.concatenate([cup.faces, handle.faces + len(cup.vertices)]),
    )


def bowl() -> Mesh:
    """Half a ball of 140 mm, walls of 5, standing on a flat foot."""
    angles = np.linspace(0.4, np.pi / 2, 4)
    outer = [(0.07 * np.sin(a), 0.07 - 0.07 * np.cos(a)) for a in angles]
    inner = [(0.065 * np.sin(a), 0.07 - 0.065 * np.cos(a)) for a in angles[::-1]]
    return turned([(0, outer[0][1]), *outer, *inner, (0, inner[-1][1])], 16)


def wrench_outline() -> np.ndarray:
    """(N, 2) m, anticlockwise: a handle of 150 mm with an open jaw of 12."""
    back = np.radians(np.linspace(90, 270, 8))
    low, high = np.radians(np.linspace(-155, -20, 8)), np.radians(np.linspace(20, 155, 8))
    ring = [(0.075 + 0.018 * np.cos(a), 0.018 * np.sin(a)) for a in (*low, *high)]
    ring[8:8] = [(0.071, -0.00616), (0.071, 0.00616)]
    return np.array([(-0.075 + 0.008 * np.cos(a), 0.008 * np.sin(a)) for a in back] + ring)


def wrench_obj() -> str:
    """The wrench, 8 mm thick, its sides one concave polygon each."""
    outline = wrench_outline()
    n = len(outline)
    points = [(x, y, z) for z in (0.0, 0.008) for x, y in outline]
    sides = [(i, (i + 1) % n, n + (i + 1) % n, n + i) for i in range(n)]
    return as_obj(points, [range(n - 1, -1, -1), range(n, 2 * n), *sides])


def as_obj(points, polygons) -> str:
    lines = ["v " + " ".join(f"{c:.7f}" for c in p) for p in points]
    return "\n".join([*lines, *("f " + " ".join(str(i + 1) for i in f) for f in polygons)]) + "\n"


def obj(mesh: Mesh) -> str:
    return as_obj(mesh.vertices, mesh.faces)


def binary_stl(mesh: Mesh) -> bytes:
    body = b"".join(
        struct.pack("<12fH", 0, 0, 0, *triangle.ravel(), 0) for triangle in mesh.triangles
    )
    return b"solid, or so it says".ljust(80) + struct.pack("<I", len(mesh.faces)) + body


def ascii_stl(mesh: Mesh) -> bytes:
    facets = [
        "facet normal 0 0 0\n outer loop\n"
        + "".join(f"  vertex {x:.9g} {y:.9g} {z:.9g}\n" for x, y, z in triangle)
        + " endloop\nendfacet\n"
        for triangle in mesh.triangles
    ]
    return ("solid thing\n" + "".join(facets) + "endsolid thing\n").encode()


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> dict[str, tuple[Shape, Mesh]]:
    """Mug, bowl and wrench, each with its mesh in the shape's frame."""
    folder = tmp_path_factory.mktemp("meshes")
    found = {}
    for name, text in {"mug": obj(mug()), "bowl": obj(bowl()), "wrench": wrench_obj()}.items():
        path = folder / f"{name}.obj"
        path.write_text(text)
        mesh = parse_mesh(path.read_bytes(), path)
        middle = (mesh.vertices.min(0) + mesh.vertices.max(0)) / 2
        found[name] = load_mesh(path), Mesh(mesh.vertices - middle, mesh.faces)
    return found


def vertices_of(shape: Shape) -> list[np.ndarray]:
    return [part.vertices for part in shape.parts if part.vertices is not None]


# --- reading -----------------------------------------------------------------------


@pytest.mark.parametrize("write", [binary_stl, ascii_stl])
def test_stl_is_read(write) -> None:
    mesh = parse_mesh(write(box(0.02, 0.03, 0.04)), STL)
    assert len(mesh.vertices) == 8
    assert volume(mesh.triangles) == pytest.approx(0.02 * 0.03 * 0.04)


@pytest.mark.parametrize("face", ["1 2 3", "1/4 2/4 3/4", "1//7 2//7 3//7", "1/1/1 2/2/2 3/3/3"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_obj_forms(face: str, end: str) -> None:
    lines = [
        "# made by hand",
        "mtllib a.mtl",
        "o thing",
        "v 0 0 0",
        "v 1 0 0 1.0",
        "v 0 1 0 0.5 0.5 0.5",
        "vt 0 0",
        "vn 0 0 1",
        "g side",
        "usemtl red",
        "s off",
        f"f {face}",
    ]
    mesh = parse_mesh((end.join(lines) + end).encode(), OBJ)
    np.testing.assert_array_equal(mesh.triangles, [[[0, 0, 0], [1, 0, 0], [0, 1, 0]]])


def test_obj_counts_backwards_and_continues_lines() -> None:
    text = b"v 9 9 9\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 \\\n -1\nv 8 8 8\n"
    np.testing.assert_array_equal(
        parse_mesh(text, OBJ).triangles, [[[0, 0, 0], [1, 0, 0], [0, 1, 0]]]
    )


@settings(deadline=None, max_examples=40)
@given(
    radii=st.lists(st.floats(0.2, 1.0), min_size=3, max_size=12),
    tilt=st.floats(0.0, 6.3),
    flip=st.booleans(),
)
def test_polygons_are_cut_without_overlap(radii: list[float], tilt: float, flip: bool) -> None:
    """Of a star-shaped polygon, however tilted: the triangles' areas add up to its own."""
    a = 2 * np.pi * np.arange(len(radii)) / len(radii)
    flat = np.column_stack([np.cos(a), np.sin(a)]) * np.array(radii)[:, None]
    x, y = flat.T
    expected = 0.5 * abs(float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()))
    points = np.column_stack([x, y * np.cos(tilt), y * np.sin(tilt)])
    order = list(range(len(radii)))[:: -1 if flip else 1]
    triangles = triangulate(points, order)
    assert len(triangles) == len(radii) - 2
    assert area(points[np.array(triangles)]).sum() == pytest.approx(expected)


def broken(name: str) -> tuple[Path, bytes]:
    good = obj(box(0.05, 0.05, 0.05))
    return {
        "empty": (OBJ, b""),
        "no face": (OBJ, b"v 0 0 0\nv 1 0 0\nv 0 1 0\n"),
        "not a number": (OBJ, b"v 0 0 zero\n"),
        "two coordinates": (OBJ, b"v 0 0\n"),
        "nan": (OBJ, good.replace("v 0.0500000", "v nan", 1).encode()),
        "infinite": (OBJ, good.replace("v 0.0500000", "v inf", 1).encode()),
        "beyond": (OBJ, (good + "f 1 2 9\n").encode()),
        "zero": (OBJ, (good + "f 0 1 2\n").encode()),
        "before": (OBJ, (good + "f -9 1 2\n").encode()),
        "two corners": (OBJ, (good + "f 1 2\n").encode()),
        "points": (OBJ, b"v 0 0 0\nv 0 0 0\nv 0 0 0\nf 1 2 3\n"),
        "cut binary": (STL, binary_stl(box(1, 1, 1))[:-7]),
        "cut ascii": (STL, ascii_stl(box(1, 1, 1))[:-90]),
        "cut header": (STL, b"\0" * 40),
        "four vertices": (STL, ascii_stl(box(1, 1, 1)).replace(b" endloop", b"vertex 0 0 0", 1)),
        "empty stl": (STL, b"solid\nendsolid\n"),
    }[name]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", "holds no faces"),
        ("no face", "holds no faces"),
        ("not a number", "line 1: cannot read 'v 0 0 zero'"),
        ("two coordinates", "line 1: cannot read"),
        ("nan", "vertex 5 is not a finite point"),
        ("infinite", "vertex 5 is not a finite point"),
        ("beyond", "line 21: the face names a vertex that does not exist; the file has 8"),
        ("zero", "names a vertex that does not exist"),
        ("before", "names a vertex that does not exist"),
        ("two corners", "needs 3 vertices, not 2"),
        ("points", "no triangle with an area"),
        ("cut binary", "not a whole STL file|ends too early"),
        ("cut ascii", "ends too early"),
        ("cut header", "not a whole STL file"),
        ("four vertices", "needs 3 vertices, this one has 4"),
        ("empty stl", "no triangle"),
    ],
)
def test_broken_files_are_named(name: str, words: str) -> None:
    path, content = broken(name)
    with pytest.raises(UserError, match=words) as error:
        parse_mesh(content, path)
    assert str(path) in str(error.value)


@settings(deadline=None, max_examples=60)
@given(noise=st.binary(max_size=300), suffix=st.sampled_from([".obj", ".stl"]))
def test_any_bytes_are_a_mesh_or_a_user_error(noise: bytes, suffix: str) -> None:
    for content in (noise, b"solid " + noise, b"v 0 0 0\nf " + noise):
        with pytest.raises(UserError):
            parse_mesh(content, Path("noise" + suffix))


def test_too_many_triangles() -> None:
    lines = b"v 0 0 0\nv 1 0 0\nv 0 1 0\n" + b"f 1 2 3\n" * (MAX_FACES + 1)
    with pytest.raises(UserError, match=f"{MAX_FACES + 1} triangles.*simplify"):
        parse_mesh(lines, OBJ)


# --- repairing ---------------------------------------------------------------------


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999))
def test_faces_turned_at_random_are_turned_back(seed: int) -> None:
    whole = mug()
    flipped = np.random.default_rng(seed).random(len(whole.faces)) < 0.5
    faces = np.where(flipped[:, None], whole.faces[:, ::-1], whole.faces)
    mesh, closed = repair(Mesh(whole.vertices, faces))
    assert closed
    assert volume(mesh.triangles) == pytest.approx(volume(whole.triangles))


def test_small_holes_are_covered_and_mouths_are_not() -> None:
    whole = bowl()
    mesh, closed = repair(Mesh(whole.vertices, whole.faces[3:]))
    assert closed
    assert volume(mesh.triangles) == pytest.approx(volume(whole.triangles), rel=0.02)
    thin = turned([(0, 0), (0.04, 0), (0.04, 0.09)], 24)
    mesh, closed = repair(thin)
    assert not closed
    assert len(mesh.faces) == len(thin.faces)


def test_coarsening_keeps_a_thin_wall() -> None:
    z = np.linspace(0, 0.09, 60)
    profile = [(0, 0), *((0.04, h) for h in z), *((0.0385, h) for h in z[:1:-1]), (0, z[2])]
    fine = turned(profile, 80)
    coarse = coarsen(fine, 6_000)
    assert len(coarse.faces) <= 6_000 < len(fine.faces)
    assert repair(coarse)[1]
    assert volume(coarse.triangles) == pytest.approx(volume(fine.triangles), rel=0.05)


def test_hull_of_a_ball_with_many_corners() -> None:
    points = np.random.default_rng(0).normal(size=(20_000, 3))
    ball = 0.04 * points / np.linalg.norm(points, axis=1, keepdims=True)
    fewer = hull_vertices(ball)
    assert 100 < len(fewer) <= MAX_VERTICES
    np.testing.assert_array_equal(fewer.max(0), ball.max(0))


# --- shapes ------------------------------------------------------------------------


def test_a_convex_mesh_is_one_part_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "block.stl"
    path.write_bytes(binary_stl(box(20.0, 30.0, 40.0)))
    shape = load_mesh(path, scale=0.001, mass=0.1)
    assert shape.extent == pytest.approx((0.02, 0.03, 0.04))
    (part,) = shape.parts
    assert part.vertices is not None
    np.testing.assert_allclose(np.abs(part.vertices), [[0.01, 0.015, 0.02]] * 8, atol=1e-9)
    assert shape.mass == pytest.approx(0.1)
    plain = load_mesh(path, scale=0.001)
    assert plain.density == DENSITY
    assert plain.mass == pytest.approx(DENSITY * 2.4e-5)


def test_names_tell_files_apart(tmp_path: Path) -> None:
    for folder, side in (("a", 0.04), ("b", 0.05)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "thing.obj").write_text(obj(box(side, side, side)))
    small, large = (load_mesh(tmp_path / f / "thing.obj") for f in "ab")
    same = load_mesh(tmp_path / "a" / "thing.obj", mass=1.0)
    scaled = load_mesh(tmp_path / "a" / "thing.obj", scale=2.0)
    named = load_mesh(tmp_path / "b" / "thing.obj", name="dice")
    assert len({small.name, large.name, scaled.name, named.name}) == 4
    assert same.name == small.name
    assert small.name.startswith("thing-")
    assert named.name.startswith("dice-")
    shapes = (small, large, same, scaled, named)
    world = World(
        [ObjectSpec(f"o{i}", s, (255, 0, 0)) for i, s in enumerate(shapes)], GantryModel()
    )
    masses = [world.model.body(f"o{i}").mass[0] for i in range(len(shapes))]
    assert masses == pytest.approx([s.mass for s in shapes], rel=1e-4)


@pytest.mark.parametrize(
    ("size", "given", "words"),
    [
        ((0.05, 0.05, 0.05), {"scale": 0.0}, "scale must be a positive"),
        ((0.05, 0.05, 0.05), {"scale": float("nan")}, "scale must be a positive"),
        ((0.05, 0.05, 0.05), {"mass": -1.0}, "mass must be a positive"),
        ((0.05, 0.05, 0.05), {"max_parts": 0}, "max_parts must be 1 or more"),
        ((90.0, 80.0, 80.0), {}, r"90 m long.*looks like millimetres; try scale=0\.001"),
        ((0.09, 0.08, 0.08), {"scale": 0.001}, "0.09 mm long.*looks like metres; try scale=1"),
        ((0.003, 0.003, 0.003), {}, "3 mm long"),
        ((0.05, 0.05, 0.0004), {}, "is flat: 0.4 mm thick"),
        ((0.05, 0.05, 0.0), {}, "is flat: 0 mm thick"),
    ],
)
def test_sizes_and_numbers_out_of_reason(tmp_path: Path, size, given: dict, words: str) -> None:
    path = tmp_path / "thing.obj"
    path.write_text(obj(box(*size)))
    with pytest.raises(UserError, match=words):
        load_mesh(path, **given)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read the mesh .*none\.obj: No such file"):
        load_mesh(tmp_path / "none.obj")
    (tmp_path / "thing.ply").write_text("ply")
    with pytest.raises(UserError, match=r"expected \.obj or \.stl"):
        load_mesh(tmp_path / "thing.ply")
    (tmp_path / "folder.obj").mkdir()
    with pytest.raises(UserError, match="cannot read the mesh"):
        load_mesh(tmp_path / "folder.obj")


def test_a_mesh_that_coacd_cannot_take(tmp_path: Path, monkeypatch) -> None:
    """Its process may end as it likes; ours goes on."""
    worker = tmp_path / "convex_worker.py"
    worker.write_text("import os, sys\nprint('Assertion failed', file=sys.stderr)\nos.abort()\n")
    monkeypatch.setattr("pushgrasp.sim.objects.convex._WORKER", worker)
    path = tmp_path / "odd.obj"
    path.write_text(obj(mug()).replace("0.0900000", "0.0910000"))
    with pytest.raises(UserError, match=r"could not be split.*Assertion failed"):
        load_mesh(path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install coacd"):
        load_mesh(path)
    assert len(load_mesh(path, max_parts=1).parts) == 1


# --- the cache ---------------------------------------------------------------------


def test_parts_are_kept_and_damage_is_mended(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "thing.obj"
    path.write_text(obj(box(0.04, 0.05, 0.06)))
    first = load_mesh(path, mass=0.1)
    (kept,) = cache_folder("meshes").iterdir()
    content = kept.read_bytes()
    assert kept.parent == tmp_path / "cache" / "pushgrasp" / "meshes"

    with monkeypatch.context() as patch:
        patch.setattr(meshes, "parse_mesh", lambda *_: pytest.fail("read again"))
        again = load_mesh(path, mass=0.1)
    np.testing.assert_array_equal(again.parts[0].vertices, first.parts[0].vertices)

    for damage in (b"", content[:-30], content.replace(b"\0\0\0\0", b"\1\2\3\4"), b"PK\3\4"):
        kept.write_bytes(damage)
        assert load_mesh(path).extent == first.extent
        assert kept.read_bytes() == content
    with open(kept, "wb") as file:
        np.savez(file, np.zeros((5, 3)))
    assert load_mesh(path).extent == first.extent


def test_without_a_cache_one_warning(tmp_path: Path, monkeypatch, caplog) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    meshes._warn_once.cache_clear()
    path = tmp_path / "thing.obj"
    path.write_text(obj(box(0.04, 0.05, 0.06)))
    with caplog.at_level(logging.WARNING):
        assert load_mesh(path).extent == load_mesh(path).extent
    assert len(caplog.records) == 1
    assert "XDG_CACHE_HOME" in caplog.text


# --- decomposed --------------------------------------------------------------------


@pytest.mark.parametrize(("name", "gap"), [("mug", 0.003), ("bowl", 0.008), ("wrench", 0.003)])
def test_parts_follow_the_surface(loaded, name: str, gap: float) -> None:
    """Hollows stay open; the hull would stand off by 9 to 60 mm."""
    shape, mesh = loaded[name]
    pieces = vertices_of(shape)
    assert 1 < len(pieces) <= meshes.MAX_PARTS
    assert np.quantile(stand_off(mesh, pieces), 0.99) < gap
    assert stand_off(mesh, [mesh.vertices]).max() > 3 * HULL_TOLERANCE
    np.testing.assert_allclose(shape.extent, np.ptp(mesh.vertices, axis=0), atol=0.001)
    planes = [ConvexHull(piece).equations for piece in pieces]
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
    sheet = Mesh(sheet.vertices - [0, 0, 0.045], sheet.faces)
    assert np.quantile(stand_off(sheet, vertices_of(shape)), 0.99) < 0.004
    np.testing.assert_allclose(shape.extent, (0.08, 0.08, 0.09), atol=0.003)


def test_an_open_surface_needs_a_mass(tmp_path: Path) -> None:
    path = tmp_path / "thing.obj"
    whole = obj(box(0.04, 0.05, 0.06)).splitlines()
    faces = [line for line in whole if line.startswith("f ")]
    path.write_text("\n".join(line for line in whole if line not in faces[:4]))
    with pytest.raises(UserError, match="not a closed surface"):
        load_mesh(path)
    assert load_mesh(path, mass=0.2).mass == pytest.approx(0.2)
    with pytest.raises(UserError, match="not a closed surface"):
        load_mesh(path)  # kept or not
