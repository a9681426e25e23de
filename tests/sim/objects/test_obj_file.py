"""OBJ files: the forms in which faces are written, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_meshes import box, obj
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.sim.objects.obj_file import parse_obj, triangulate

OBJ = Path("thing.obj")


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
    vertices, faces = parse_obj((end.join(lines) + end).encode(), OBJ)
    np.testing.assert_array_equal(vertices[faces], [[[0, 0, 0], [1, 0, 0], [0, 1, 0]]])


def test_obj_counts_backwards_and_continues_lines() -> None:
    text = b"v 9 9 9\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 \\\n -1\nv 8 8 8\n"
    vertices, faces = parse_obj(text, OBJ)
    np.testing.assert_array_equal(vertices[faces], [[[0, 0, 0], [1, 0, 0], [0, 1, 0]]])


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
    a, b, c = points[np.array(triangles)].transpose(1, 0, 2)
    crossed = np.cross(b - a, c - a)
    assert 0.5 * np.linalg.norm(crossed, axis=1).sum() == pytest.approx(expected)
    normal = np.cross(points, np.roll(points, -1, 0)).sum(0) * (-1 if flip else 1)
    assert (crossed @ normal > -1e-12).all()  # in the polygon's sense of rotation


GOOD = obj(box(0.05, 0.05, 0.05))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("v 0 0 zero\n", "line 1: cannot read 'v 0 0 zero'"),
        ("v 0 0\n", "line 1: cannot read"),
        ("v 0 0 0\nf one two three\n", "line 2: cannot read"),
        (GOOD + "f 1 2 9\n", "line 21: the face names a vertex that does not exist; .* has 8"),
        (GOOD + "f 0 1 2\n", "line 21: the face names a vertex that does not exist"),
        (GOOD + "f -9 1 2\n", "names a vertex that does not exist"),
        (GOOD + "f 1 2\n", "needs 3 vertices, not 2"),
    ],
)
def test_broken_lines_are_named(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        parse_obj(text.encode(), OBJ)
    assert str(error.value).startswith("thing.obj, line")
