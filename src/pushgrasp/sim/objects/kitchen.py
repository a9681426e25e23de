"""What is found in a kitchen and a bathroom, standing upright or lying as it does at rest.

Lengths in millimetres; +z is up. Sizes and masses are those of common things, the tallest
made small enough to lie in a heap.
"""

from __future__ import annotations

import numpy as np

from .shapes import Shape
from .solids import box, cylinder, hull, lathe, prism, ring, solid, sweep, turned, wall


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
    return solid("banana", turned(sweep([*path, stem], radii), "x", 90), grams=125, rolls=True)


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
    return solid("lemon", turned(lathe(profile, 20), "y", 90), grams=110, rolls=True)


def _egg() -> Shape:
    """Standing on its blunt end, 58 high and 44 across."""
    height = np.linspace(-1, 1, 13) ** 3 * 0.35 + np.linspace(-1, 1, 13) * 0.65
    radius = 22 * np.sqrt(np.maximum(1 - height**2, 0.01)) * (1 - 0.12 * height)
    profile = [(float(r), float(29 + 29 * h)) for r, h in zip(radius, height, strict=True)]
    return solid("egg", lathe(profile, 18), grams=60, rolls=True)


KITCHEN: tuple[Shape, ...] = (
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
)
