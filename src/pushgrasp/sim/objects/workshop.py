"""What is found in a toolbox, on a desk and among toys, lying or standing as it does at rest.

Lengths in millimetres; +z is up. Sizes and masses are those of common things, the longest
made short enough to lie in a heap.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .shapes import Shape
from .solids import box, cylinder, hull, lathe, prism, ring, solid, sweep, turned, wall


def _wrench() -> Shape:
    """Lying, 160 long and 10 thick: a ring at one end, a fork at the other."""
    fork = [
        prism([(0, -6.5), (10, -18), (19, -18), (19, 18), (10, 18), (0, 6.5)], 0, 10),
        prism([(19, 7), (19, 18), (28, 17), (36, 11), (34, 7)], 0, 10),
        prism([(19, -7), (19, -18), (28, -17), (36, -11), (34, -7)], 0, 10),
    ]
    handle = prism([(15, -6), (15, 6), (108, 6.5), (108, -6.5)], 1.5, 8.5)
    parts = [*wall((9.5, 17, 0), (9.5, 17, 10), 10), handle]
    return solid("wrench", parts + turned(fork, "z", 12, (106, 0, 0)), grams=160)


def _screwdriver() -> Shape:
    """Lying, 170 long, with an eight-sided handle."""
    handle = lathe([(9, 0), (14, 5), (14, 48), (9, 64), (9, 68), (12, 74), (12, 80)], 8)
    tip = hull(ring(2.5, 2.5, 158, 8), [(x, y, 170) for x in (-4, 4) for y in (-0.8, 0.8)])
    parts = [*handle, cylinder(3, 80, 158), tip]
    return solid("screwdriver", turned(parts, "y", 90), grams=90)


def _hammer() -> Shape:
    """A claw hammer lying on its side, 160 long."""
    handle = lathe([(11, 0), (13, 6), (13, 60), (9, 92), (9, 122)], 10, squash=0.7)
    head = [box((122, 146), (-15, 13), (-11, 11))]
    head += [cylinder(8.5, 13, 22, "y", (134, 0)), cylinder(12.5, 22, 40, "y", (134, 0))]
    claw = [(-15, 134, 11), (-30, 131, 9), (-42, 126, 6), (-50, 119, 3)]
    for side in (-1, 1):
        ends = [[(x + t, y, side * z) for t in (-h, h) for z in (1.5, 9.5)] for (y, x, h) in claw]
        head += [hull(a, b) for a, b in pairwise(ends)]
    return solid("hammer", turned(handle, "y", 90) + head, grams=330)


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


WORKSHOP: tuple[Shape, ...] = (
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
