"""Meshes as shapes: frames, names, sizes out of reason, and the cache."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from drawn_meshes import binary_stl, box, mug, obj

from pushgrasp.errors import UserError
from pushgrasp.sim.model import ObjectSpec
from pushgrasp.sim.objects import meshes
from pushgrasp.sim.objects.meshes import load_mesh
from pushgrasp.sim.objects.shapes import DENSITY
from pushgrasp.sim.robots.gantry import GantryModel
from pushgrasp.sim.world import World
from pushgrasp.utils.cache import cache_folder


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


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
    (tmp_path / "thing.step").write_text("step")
    with pytest.raises(UserError, match=r"expected \.obj, \.stl, \.ply, \.glb or \.off"):
        load_mesh(tmp_path / "thing.step")
    (tmp_path / "folder.obj").mkdir()
    with pytest.raises(UserError, match="cannot read the mesh"):
        load_mesh(tmp_path / "folder.obj")


def test_a_mesh_that_coacd_cannot_take(tmp_path: Path, monkeypatch) -> None:
    """Its process may end as it likes; ours goes on."""
    worker = tmp_path / "convex_worker.py"
    worker.write_text("import os, sys\nprint('Assertion failed', file=sys.stderr)\nos.abort()\n")
    monkeypatch.setattr("pushgrasp.sim.objects.decompose.WORKER", worker)
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
