"""Overlaps in scene files: small ones are resolved before time runs, large ones are refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pushgrasp.errors import UserError
from pushgrasp.sim.model import ObjectSpec
from pushgrasp.sim.objects.novel import NOVEL
from pushgrasp.sim.objects.shapes import SHAPES
from pushgrasp.sim.robots.gantry import GantryModel
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.sim.scenes.overlaps import MAX_OVERLAP, TOLERATED, part_overlaps
from pushgrasp.sim.scenes.placed import PlacedObject
from pushgrasp.sim.world import World

UP = (1.0, 0.0, 0.0, 0.0)


def cube(x: float, y: float = 0.0, z: float = 0.025) -> PlacedObject:
    return PlacedObject(SHAPES["cube"], (255, 0, 0), (x, y, z), UP)


def overlap(objects: dict[int, PlacedObject]) -> float:
    """The deepest overlap in m, of any two or with the table."""
    specs = [ObjectSpec(f"o{i}", o.shape, o.color) for i, o in objects.items()]
    world = World(specs, GantryModel())
    for name, placed in zip(world.object_names, objects.values(), strict=True):
        world.place(name, placed.position, placed.quaternion)
    return world.deepest_overlap()


def test_what_overlaps_by_up_to_2_mm_stays_where_it_is() -> None:
    objects = {0: cube(-0.5), 4: cube(-0.4515)}
    assert part_overlaps(objects, "s") == (objects, ())


def test_side_by_side_both_move_by_half() -> None:
    parted, notes = part_overlaps({0: cube(-0.5), 4: cube(-0.46)}, "s")
    assert parted[0].position == pytest.approx((-0.505, 0, 0.025), abs=1e-6)
    assert parted[4].position == pytest.approx((-0.455, 0, 0.025), abs=1e-6)
    assert notes == (
        "object 0 (cube) and object 4 (cube) overlapped by 10.0 mm; "
        "moved apart: object 0 by 5.0 mm, object 4 by 5.0 mm",
    )


def test_of_one_on_the_other_the_upper_moves_whichever_comes_first() -> None:
    low, high = cube(-0.5), cube(-0.49, z=0.069)
    for objects in ({0: low, 1: high}, {1: high, 0: low}):
        parted, _ = part_overlaps(objects, "s")
        assert parted[0] == low
        assert parted[1].position == pytest.approx((-0.49, 0, 0.075), abs=1e-6)


def test_what_is_in_the_table_is_raised() -> None:
    parted, notes = part_overlaps({3: cube(-0.5, z=0.015)}, "s")
    assert parted[3].position == pytest.approx((-0.5, 0, 0.025), abs=1e-6)
    assert notes[0].startswith("object 3 (cube) and the table overlapped by 10.0 mm; moved apart")


def test_more_than_12_mm_is_refused() -> None:
    with pytest.raises(
        UserError,
        match=r"s: object 0 .* object 1 .* overlap by 20\.0 mm.*move one",
    ):
        part_overlaps({0: cube(-0.5), 1: cube(-0.47)}, "s")
    with pytest.raises(UserError, match=r"s: object 0 \(cube\) and the table overlap by 15\.0 mm"):
        part_overlaps({0: cube(-0.5, z=0.01)}, "s")


def test_where_there_is_no_room_it_is_refused() -> None:
    """A row of fifteen cubes, each 10 mm in the next: the outer ones would have to move 70 mm."""
    with pytest.raises(UserError, match="no room to part them within 30 mm"):
        part_overlaps({i: cube(-0.8 + 0.04 * i) for i in range(15)}, "s")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*SHAPES, "bottle", "banana"]),
            st.floats(-0.03, 0.03),
            st.floats(-0.03, 0.03),
            st.tuples(*[st.floats(-3, 3)] * 3),
        ),
        min_size=2,
        max_size=4,
    )
)
def test_nothing_overlaps_afterwards_and_moves_are_as_told(things) -> None:
    objects = {}
    for i, (name, x, y, turn) in enumerate(things):
        a, b, c, w = (float(v) for v in Rotation.from_rotvec(turn).as_quat())
        shape = (SHAPES | NOVEL)[name]
        objects[i] = PlacedObject(shape, (255, 0, 0), (-0.5 + x, y, 0.05 + 0.07 * i), (w, a, b, c))
    try:
        parted, notes = part_overlaps(objects, "s")
    except UserError:
        assert overlap(objects) > TOLERATED
        return
    assert overlap(parted) <= TOLERATED + 1e-6
    told = {
        int(i): float(mm) for i, mm in re.findall(r"object (\d+) by ([\d.]+) mm", "".join(notes))
    }
    for i, placed in objects.items():
        shift = 1e3 * np.linalg.norm(np.subtract(parted[i].position, placed.position))
        assert shift == pytest.approx(told.get(i, 0.0), abs=0.06)
        assert parted[i].quaternion == placed.quaternion
    if not notes:
        assert parted == objects
    else:
        assert overlap(objects) <= MAX_OVERLAP + 1e-6


def test_a_pile_recorded_in_a_softer_simulator_is_still_after_loading(tmp_path: Path) -> None:
    """Two layers of blocks that overlap by 3 to 5 mm, as soft contacts leave them."""
    path = tmp_path / "pile.txt"
    path.write_text(
        "4.obj red -0.50 0.000 0.0250 0 0 0\n"
        "4.obj blue -0.455 0.000 0.0250 0 0 0\n"
        "3.obj green -0.478 0.000 0.0595 0 1.5708 0\n"
        "4.obj yellow -0.50 0.047 0.0250 0 0 0\n"
    )
    scene = build_scene(SceneConfig(str(path)))
    assert len(scene.notes) == 1
    assert max(scene.motion_m.values()) < 0.002
    assert scene.world.peak_speed == 0.0  # reset; nothing was thrown while it settled
