"""Everyday objects that no policy was trained with, and every shape by its name.

Lengths in millimetres; +z is up. Sizes and masses are those of common things, the largest made
small enough to lie in a heap; each stands or lies as it would at rest.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ...errors import UserError
from .shapes import SHAPES, Shape
from .solids import box, cylinder, hull, lathe, prism, ring, rotated, solid, sweep, wall

# --- kitchen and bathroom ------------------------------------------------------------------


def _cup() -> Shape:
    """A teacup, 65 high and 80 across, with a round handle."""
    bend = np.radians(np.linspace(-75, 75, 6))
    handle = [(33 + 17 * np.cos(a) + 3 * np.sin(a), 0, 35 + 17 * np.sin(a)) for a in bend]
    parts = [hull(ring(25, 25, 0, 12), ring(27.5, 27.5, 6, 12))]
    parts += wall((23.5, 27.5, 6), (36.5, 40, 65), 12)
    return solid("cup", parts + sweep(handle, [3.5] * 6, flat=1.3), grams=150, rolls=True)


def _mug() -> Shape:
    """Straight, 92 high and 74 across, with an angular handle."""
    handle = [(35, 0, 22), (49, 0, 24), (60, 0, 34), (60, 0, 60), (49, 0, 70), (35, 0, 72)]
    parts = [hull(ring(37, 37, 0, 14), ring(37, 37, 6, 14))]
    parts += wall((33, 37, 6), (33, 37, 92), 14)
    return solid("mug", parts + sweep(handle, [4.5] * 6, flat=1.5), grams=300, rolls=True)


def _bowl() -> Shape:
    """Round, 120 across and 50 high, on a foot."""
    parts = [hull(ring(26, 26, 0, 10), ring(30, 30, 7, 10))]
    parts += wall((26, 30, 7), (46, 50.5, 24), 10) + wall((46, 50.5, 24), (56, 60, 50), 10)
    return solid("bowl", parts, grams=220, rolls=True)


def _spoon() -> Shape:
    """Of wood, 160 long: its bowl is hollow, its handle rises."""
    bowl = [hull(ring(17, 12, 0, 10), ring(20, 15, 4, 10))]
    bowl += wall((14.5, 20, 4), (21.5, 26, 13), 10, squash=0.75)
    handle = sweep([(24, 0, 9), (60, 0, 13), (134, 0, 20)], [3.5, 3.5, 4.5], flat=1.6)
    return solid("spoon", bowl + handle, grams=35, rolls=True)


def _bottle() -> Shape:
    """A small water bottle with a screw cap, 140 high and 50 across."""
    waist = lathe([(25, 48), (22.5, 52), (22.5, 60), (25, 64)])
    neck = lathe([(25, 84), (24, 94), (20, 104), (14, 112), (12, 115)])
    body = [cylinder(25, 0, 48), cylinder(25, 64, 84), cylinder(11.5, 115, 122)]
    return solid("bottle", [*body, *waist, *neck, cylinder(15, 122, 140)], grams=180, rolls=True)


def _spray_bottle() -> Shape:
    """A travel-size trigger spray, 138 high."""
    parts = lathe([(28, 0), (30, 4), (30, 70), (26, 84), (14, 96), (11, 98)], 16, squash=0.72)
    head = [
        cylinder(10, 98, 108),
        prism([(-20, 122), (-12, 108), (14, 108), (26, 122)], -9, 9, "y"),
        prism([(-24, 126), (-20, 122), (30, 122), (30, 138), (-16, 138)], -9, 9, "y"),
        cylinder(5, 30, 38, "x", (0, 130)),
    ]
    trigger = sweep([(21, 0, 116), (29, 0, 104), (30, 0, 90)], [3.5, 3.5, 2.5], flat=1.6)
    return solid("spray_bottle", parts + head + trigger, grams=190, rolls=True)


def _shampoo_bottle() -> Shape:
    """An oval bottle with a flip cap, 135 high."""
    profile = [(26, 0), (30, 5), (32, 45), (30, 85), (24, 102), (17, 106)]
    cap = lathe([(17, 106), (17, 127), (15.5, 132)], 16, squash=0.8)
    lip = box((14, 20), (-7, 7), (127, 130))
    return solid(
        "shampoo_bottle", [*lathe(profile, 16, squash=0.6), *cap, lip], grams=210, rolls=True
    )


def _can() -> Shape:
    """A drinks can, 66 across and 115 high."""
    foot = lathe([(25, 0), (26, 2), (33, 10)])
    shoulder = lathe([(33, 101), (26, 112)])
    parts = [*foot, cylinder(33, 10, 101), *shoulder, cylinder(27, 112, 115)]
    return solid("can", parts, grams=340, rolls=True)


def _tin() -> Shape:
    """A flat tin of fish, 72 across and 30 high, its rims standing out."""
    parts = [cylinder(36, 0, 3), cylinder(34, 3, 27), cylinder(36, 27, 30)]
    return solid("tin", parts, grams=185, rolls=True)


def _milk_carton() -> Shape:
    """With a gable and a fin, 60 x 60 x 134."""
    gable = prism([(-30, 94), (30, 94), (2, 122), (-2, 122)], -30, 30, "x")
    parts = [box((-30, 30), (-30, 30), (0, 94)), gable, box((-30, 30), (-2, 2), (122, 134))]
    return solid("milk_carton", parts, grams=260)


def _banana() -> Shape:
    """Lying on its side, 165 from end to end."""
    bend = np.radians(np.linspace(-56, 56, 10))
    path = np.array([(95 * np.sin(a), 0, 95 * np.cos(a)) for a in bend])
    stem = path[-1] + (9, 0, -17)
    radii = [5, 11, 15, 17, 18, 18, 17, 15, 11, 5, 4]
    return solid("banana", rotated(sweep([*path, stem], radii), "x", 90), grams=125, rolls=True)


def _pear() -> Shape:
    """With its stem, 95 high and 66 across."""
    profile = [
        (12, 0), (22, 3), (30, 13), (33, 26), (31, 39), (25, 50), (18, 61),
        (15, 70), (13, 77), (8, 82), (3, 84),
    ]  # fmt: skip
    stem = sweep([(0, 0, 84), (1, 0, 90), (5, 0, 96)], [1.8, 1.8, 2.4], 6)
    return solid("pear", lathe(profile, 18) + stem, grams=170, rolls=True)


def _lemon() -> Shape:
    """Lying, 74 long and 52 across."""
    profile = [
        (2, 0), (5, 2), (7, 7), (17, 13), (24, 23), (26, 36), (24, 49), (17, 60), (9, 66),
        (5, 71), (2, 74),
    ]  # fmt: skip
    return solid("lemon", rotated(lathe(profile, 20), "y", 90), grams=110, rolls=True)


def _egg() -> Shape:
    """Standing on its blunt end, 58 high and 44 across."""
    height = np.linspace(-1, 1, 13) ** 3 * 0.35 + np.linspace(-1, 1, 13) * 0.65
    radius = 22 * np.sqrt(np.maximum(1 - height**2, 0.01)) * (1 - 0.12 * height)
    profile = [(float(r), float(29 + 29 * h)) for r, h in zip(radius, height, strict=True)]
    return solid("egg", lathe(profile, 18), grams=60, rolls=True)


# --- toolbox, desk and toys ----------------------------------------------------------------


def _wrench() -> Shape:
    """Lying, 160 long and 10 thick: a ring at one end, a fork at the other."""
    fork = [
        prism([(0, -6.5), (10, -18), (19, -18), (19, 18), (10, 18), (0, 6.5)], 0, 10),
        prism([(19, 7), (19, 18), (28, 17), (36, 11), (34, 7)], 0, 10),
        prism([(19, -7), (19, -18), (28, -17), (36, -11), (34, -7)], 0, 10),
    ]
    handle = prism([(15, -6), (15, 6), (108, 6.5), (108, -6.5)], 1.5, 8.5)
    parts = [*wall((9.5, 17, 0), (9.5, 17, 10), 10), handle]
    return solid("wrench", parts + rotated(fork, "z", 12, (106, 0, 0)), grams=160)


def _screwdriver() -> Shape:
    """Lying, 170 long, with an eight-sided handle."""
    handle = lathe([(9, 0), (14, 5), (14, 48), (9, 64), (9, 68), (12, 74), (12, 80)], 8)
    tip = hull(ring(2.5, 2.5, 158, 8), [(x, y, 170) for x in (-4, 4) for y in (-0.8, 0.8)])
    parts = [*handle, cylinder(3, 80, 158), tip]
    return solid("screwdriver", rotated(parts, "y", 90), grams=90)


def _hammer() -> Shape:
    """A claw hammer lying on its side, 160 long."""
    handle = lathe([(11, 0), (13, 6), (13, 60), (9, 92), (9, 122)], 10, squash=0.7)
    head = [box((122, 146), (-15, 13), (-11, 11))]
    head += [cylinder(8.5, 13, 22, "y", (134, 0)), cylinder(12.5, 22, 40, "y", (134, 0))]
    claw = [(-15, 134, 11), (-30, 131, 9), (-42, 126, 6), (-50, 119, 3)]
    for side in (-1, 1):
        ends = [[(x + t, y, side * z) for t in (-h, h) for z in (1.5, 9.5)] for (y, x, h) in claw]
        head += [hull(a, b) for a, b in pairwise(ends)]
    return solid("hammer", rotated(handle, "y", 90) + head, grams=330)


def _bracket() -> Shape:
    """An angle of 60 x 60, 40 wide and 5 thick, with a rib."""
    parts = [
        box((0, 60), (-20, 20), (0, 5)),
        box((0, 5), (-20, 20), (5, 60)),
        prism([(5, 5), (42, 5), (5, 42)], -3, 3, "y"),
    ]
    return solid("bracket", parts, grams=120)


def _t_pipe() -> Shape:
    """A pipe fitting lying on its back: three sockets on a hub, 96 x 66 x 36."""
    parts = [box((-16, 16), (-16, 16), (-16, 16))]
    for side in (-1, 1):
        inner, outer = (25 * side - 9, 25 * side + 9), (41 * side - 7, 41 * side + 7)
        parts += [cylinder(14, *inner, axis="x"), cylinder(18, *outer, axis="x")]
    parts += [cylinder(14, 16, 34, "y"), cylinder(18, 34, 48, "y")]
    return solid("t_pipe", parts, grams=140)


def _light_bulb() -> Shape:
    """Standing on its cap, 104 high and 60 across."""
    cap = [cylinder(5, 0, 2.5), *lathe([(8, 2.5), (12.5, 6)])]
    for z in (6, 12, 18):
        cap += lathe([(12.5, z), (13.5, z + 3), (12.5, z + 6)])
    profile = [
        (13.5, 24), (15, 32), (20, 43), (26, 54), (29.5, 64), (30, 74), (28, 85), (22, 95),
        (13, 101.5), (4, 104),
    ]  # fmt: skip
    return solid("light_bulb", cap + lathe(profile), grams=45, rolls=True)


def _padlock() -> Shape:
    """Standing, 46 wide and 76 high."""
    body = [
        hull(ring(25, 13, 0, 8), ring(25, 13, 40, 8)),
        box((-12, 12), (-9, 9), (40, 42)),
    ]
    bend = np.radians(np.linspace(0, 180, 7))
    arc = [(14.5 * np.cos(a), 0, 58 + 14.5 * np.sin(a)) for a in bend]
    shackle = sweep([(14.5, 0, 40), *arc, (-14.5, 0, 40)], [4] * 9)
    return solid("padlock", body + shackle, grams=230)


def _toy_brick() -> Shape:
    """A large building brick of two by four studs, 64 x 32 x 24."""
    studs = [cylinder(4.7, 19.2, 23.6, at=(x, y)) for x in (-24, -8, 8, 24) for y in (-8, 8)]
    return solid("toy_brick", [box((-31.8, 31.8), (-15.8, 15.8), (0, 19.2)), *studs], grams=30)


def _puzzle_cube() -> Shape:
    """A twisty cube of 57, its upper layer half turned."""
    cells = [(-28.5, -10), (-9.25, 9.25), (10, 28.5)]
    parts = [box(x, y, (0, 18.5)) for x in cells for y in cells]
    parts += [box((-27.5, 27.5), (-27.5, 27.5), (18.5, 38.5))]
    parts += [box(x, y, (38.5, 57), yaw=33) for x in cells for y in cells]
    return solid("puzzle_cube", parts, grams=95)


def _tape_roll() -> Shape:
    """A roll of adhesive tape lying flat, 90 across, its hole 56, 25 high."""
    return solid("tape_roll", wall((28, 45, 0), (28, 45, 25), 16), grams=110, rolls=True)


def _matchbox() -> Shape:
    """A full household matchbox, its drawer open by a third."""
    parts = [
        box((0, 90), (-30, 30), (0, 22)),
        box((90, 120), (-27.5, 27.5), (2, 6)),
        box((116, 120), (-27.5, 27.5), (6, 19)),
        box((90, 116), (-27.5, -23.5), (6, 19)),
        box((90, 116), (23.5, 27.5), (6, 19)),
    ]
    return solid("matchbox", parts, grams=60)


def _glue_stick() -> Shape:
    """Standing on its knob, 98 high and 28 across."""
    parts = [cylinder(12, 0, 11), cylinder(14, 12, 62), cylinder(13, 62, 95)]
    parts += [cylinder(10, 11, 12), *lathe([(13, 95), (11, 98)])]
    return solid("glue_stick", parts, grams=40, rolls=True)


def _stapler() -> Shape:
    """Standing on its base, 126 long, its arm half open."""
    base = prism([(-60, 0), (62, 0), (66, 3), (66, 6), (-60, 9)], -16, 16, "y")
    hinge = prism([(-60, 9), (-30, 8), (-34, 27), (-58, 24)], -12, 12, "y")
    magazine = prism([(-34, 20), (60, 35), (60, 44), (-34, 27)], -9, 9, "y")
    arm = prism([(-58, 24), (60, 44), (66, 50), (62, 57), (-30, 45), (-56, 34)], -13, 13, "y")
    return solid("stapler", [base, hinge, magazine, arm], grams=210)


NOVEL: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        _cup(),
        _mug(),
        _bowl(),
        _spoon(),
        _bottle(),
        _spray_bottle(),
        _shampoo_bottle(),
        _can(),
        _tin(),
        _milk_carton(),
        _banana(),
        _pear(),
        _lemon(),
        _egg(),
        _wrench(),
        _screwdriver(),
        _hammer(),
        _bracket(),
        _t_pipe(),
        _light_bulb(),
        _padlock(),
        _toy_brick(),
        _puzzle_cube(),
        _tape_roll(),
        _matchbox(),
        _glue_stick(),
        _stapler(),
    )
}
"""The novel shapes by name."""


def find_shape(name: str) -> Shape:
    """Return a block or a novel shape.

    Args:
        name: a key of SHAPES or NOVEL.
    Raises:
        UserError: there is none of that name; the message lists those there are.
    """
    shape = SHAPES.get(name) or NOVEL.get(name)
    if shape is None:
        raise UserError(
            f"no shape {name!r}; the blocks are {', '.join(SHAPES)}; "
            f"the novel shapes are {', '.join(sorted(NOVEL))}"
        )
    return shape
