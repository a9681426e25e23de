"""Mesh files: what is read, what is refused, and what is mended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from drawn_meshes import ascii_stl, binary_stl, bowl, box, mug, obj, surface, turned
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.sim.objects.mesh_file import (
    MAX_FACES,
    SUFFIXES,
    coarsen,
    parse_mesh,
    repair,
)

OBJ, STL = Path("thing.obj"), Path("thing.stl")
BOX = box(0.02, 0.03, 0.04)


def exported(mesh: trimesh.Trimesh, kind: str) -> bytes:
    """A mesh as a file; ply-ascii and stl-ascii are text."""
    suffix, _, form = kind.partition("-")
    encoding = {"encoding": "ascii"} if (suffix, form) == ("ply", "ascii") else {}
    file_type = "stl_ascii" if kind == "stl-ascii" else suffix
    content = mesh.export(file_type=file_type, **encoding)
    if isinstance(content, bytes):
        return content
    assert isinstance(content, str)
    return content.encode()


KINDS = ("obj", "stl", "stl-ascii", "ply", "ply-ascii", "off", "glb")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_is_read_and_its_vertices_are_made_one(kind: str) -> None:
    path = Path("thing." + kind.partition("-")[0])
    mesh = parse_mesh(exported(BOX, kind), path)
    assert path.suffix in SUFFIXES
    assert (len(mesh.vertices), len(mesh.faces)) == (8, 12)
    assert mesh.volume == pytest.approx(0.02 * 0.03 * 0.04)
    # glTF has y up; all others keep their axes
    extents = (0.02, 0.04, 0.03) if kind == "glb" else (0.02, 0.03, 0.04)
    assert mesh.extents == pytest.approx(extents)


@pytest.mark.parametrize("write", [binary_stl, ascii_stl])
def test_stl_is_read_as_other_programs_write_it(write) -> None:
    mesh = parse_mesh(write(BOX), STL)
    assert len(mesh.vertices) == 8
    assert mesh.volume == pytest.approx(0.02 * 0.03 * 0.04)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_short_is_refused_wherever_it_is_cut(kind: str) -> None:
    """trimesh reads the whole faces of some of them, and no face of others, without a word."""
    content = exported(BOX, kind)
    path = Path("thing." + kind.partition("-")[0])
    whole = 12
    end = len(content.rstrip()) if kind != "obj" else 0
    for cut in range(1, max(end - 1, 0), 7):
        with pytest.raises(UserError, match=r"thing\."):
            assert len(parse_mesh(content[:cut], path).faces) == whole


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("kind", KINDS)
def test_points_that_are_not_finite_are_refused(kind: str, value: float) -> None:
    vertices = BOX.vertices.copy()
    vertices[4, 2] = value
    with np.errstate(invalid="ignore"):
        content = exported(surface(vertices, BOX.faces), kind)
    with pytest.raises(UserError, match=r"not a finite point|not a whole \.(ply|off)"):
        parse_mesh(content, Path("thing." + kind.partition("-")[0]))


def test_a_file_with_several_parts_is_read_whole() -> None:
    scene = trimesh.Scene([BOX.copy()])
    scene.add_geometry(
        BOX.copy(), transform=trimesh.transformations.translation_matrix([0, 0.1, 0])
    )
    content = scene.export(file_type="glb")
    assert isinstance(content, bytes)
    mesh = parse_mesh(content, Path("two.glb"))
    assert mesh.volume == pytest.approx(2 * BOX.volume)
    assert mesh.extents == pytest.approx((0.02, 0.04, 0.13))  # up in the file is up


def test_a_face_of_a_vertex_that_does_not_exist_is_refused() -> None:
    content = exported(BOX, "ply-ascii").replace(b"\n3 0 1 3", b"\n3 0 1 8", 1)
    assert content != exported(BOX, "ply-ascii")
    with pytest.raises(UserError, match="a face names a vertex that does not exist"):
        parse_mesh(content, Path("thing.ply"))


def broken(name: str) -> tuple[Path, bytes]:
    good = obj(box(0.05, 0.05, 0.05))
    return {
        "empty": (OBJ, b""),
        "no face": (OBJ, b"v 0 0 0\nv 1 0 0\nv 0 1 0\n"),
        "nan": (OBJ, good.replace("v 0.0500000", "v nan", 1).encode()),
        "infinite": (OBJ, good.replace("v 0.0500000", "v inf", 1).encode()),
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
        ("nan", "vertex 5 is not a finite point"),
        ("infinite", "vertex 5 is not a finite point"),
        ("points", "no triangle with an area"),
        ("cut binary", "not a whole .stl file"),
        ("cut ascii", "not a whole .stl file"),
        ("cut header", "not a whole .stl file"),
        ("four vertices", "not a whole .stl file"),
        ("empty stl", "holds no faces"),
    ],
)
def test_broken_files_are_named(name: str, words: str) -> None:
    path, content = broken(name)
    with pytest.raises(UserError, match=words) as error:
        parse_mesh(content, path)
    assert str(path) in str(error.value)


@settings(deadline=None, max_examples=60)
@given(noise=st.binary(max_size=300), suffix=st.sampled_from(SUFFIXES))
def test_any_bytes_are_a_mesh_or_a_user_error(noise: bytes, suffix: str) -> None:
    starts = (b"", b"solid ", b"v 0 0 0\nf ", b"ply\n", b"OFF\n", b"glTF\x02\0\0\0")
    for content in (start + noise for start in starts):
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
    mesh, closed = repair(surface(whole.vertices, faces))
    assert closed
    assert mesh.volume == pytest.approx(whole.volume)


def test_small_holes_are_covered_and_mouths_are_not() -> None:
    whole = bowl()
    mesh, closed = repair(surface(whole.vertices, whole.faces[3:]))
    assert closed
    assert mesh.volume == pytest.approx(whole.volume, rel=0.02)
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
    assert coarse.volume == pytest.approx(fine.volume, rel=0.05)
