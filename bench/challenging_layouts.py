"""Rough layouts of the challenging scenes; `design_challenging` makes their files from them.

In 1, 3, 8 and 9 the goal is hidden from the default camera, as in the paper's scenes of those
numbers (section IV-B); in the others a little of it shows.
"""

from __future__ import annotations

from dataclasses import dataclass

Place = tuple[float, ...]
"""x and y of a block's centre in mm from the workspace's, x away from the camera and y to the
camera's left; then, where not 0, the height in mm of what it rests on, the yaw in degrees of its
longer horizontal side (a half-cylinder's ridge runs across it), and its tilt in degrees about that
side."""


@dataclass(frozen=True)
class Layout:
    """A scene before it has settled; its first block is the goal."""

    description: str
    goal: str  # its colour; the others have the palette's other colours in order
    blocks: tuple[tuple[str, *tuple[Place, ...]], ...]  # "shape pose" and the places of these
    rotation: float = 0.0  # degrees, of the whole about the workspace's centre


LAYOUTS = (
    Layout(
        "a tile under a gabled bridge, behind a gate",
        "yellow",
        (
            ("tile flat", (10, 0)),
            ("long flat", (0, 58), (0, -58)),  # piers
            ("brick flat", (-27, 0, 50, 90), (27, 0, 50, 90)),  # deck
            ("half_cylinder flat", (-27, 0, 75, 90)),
            ("triangle flat", (27, 0, 75, 90)),
            ("arch flat", (-82, 0, 0, 90)),  # gate
            ("brick flat", (-81, 0, 50, 90)),
            ("cube flat", (-82, 80), (-82, -80), (81, 0)),
            ("long upright", (81, -58)),
            ("cylinder flat", (82, 58), (-20, 150)),
            ("brick edge", (0, 104), (0, -104)),
            ("triangle flat", (30, -160, 0, 20)),
            ("half_cylinder flat", (-70, -150, 0, 20)),
            ("tile flat", (85, 150, 0, 70)),
        ),
    ),
    Layout(
        "a cube pressed against a tall fence, other blocks close behind it",
        "green",
        (
            ("cube flat", (16, 0)),
            ("brick upright", *((-36, y, 0, 90) for y in (-81, -27, 27, 81))),
            ("cube flat", (14, 54)),
            ("cylinder flat", (14, -54), (68, 54)),
            ("long flat", (68, -20, 0, 90)),
            ("long upright", (14, 108), (14, -108)),
            ("arch flat", (122, 10, 0, 90)),
            ("triangle flat", (-90, 0, 0, 90)),
            ("half_cylinder flat", (-92, 90, 0, 30), (-80, -95)),
            ("tile edge", (65, 105, 0, 90)),
            ("tile flat", (14, 54, 50), (68, 0, 50, 15)),
            ("brick flat", (98, -112, 0, 10), (122, 122, 0, 80)),
        ),
    ),
    Layout(
        "a cylinder at the bottom of a square well that tiles fill and a lid closes",
        "blue",
        (
            ("cylinder flat", (0, 0)),
            ("long upright", (-51, 0), (51, 0), (0, 51), (0, -51)),
            ("cube flat", (54, 55), (54, -55), (-54, 55), (-54, -55)),
            ("cylinder flat", (54, 55, 50), (54, -55, 50), (-54, 55, 50), (-54, -55, 50)),
            ("tile flat", (0, 0, 50), (0, 0, 75)),
            ("brick flat", (0, 0, 100, 90)),
            ("half_cylinder flat", (0, 0, 125, 45)),
            ("triangle flat", (-120, 20, 0, 80)),
            ("brick flat", (20, 130, 0, 10)),
            ("arch flat", (30, -125, 0, 20)),
        ),
        rotation=-25,
    ),
    Layout(
        "a tile at the bottom of a pit in a tightly packed field",
        "red",
        (
            ("tile flat", (27, 0)),
            ("cube flat", (-81, -108), (-81, 108), (-27, -54), (-27, 0), (27, 54), (81, -108)),
            ("long flat", (-81, -27, 0, 90), (-27, 81, 0, 90), (27, -81, 0, 90)),
            ("cylinder flat", (-81, 54), (-27, -108), (27, 108)),
            ("arch flat", (81, -27, 0, 90)),
            ("triangle flat", (81, 81, 0, 90)),
            ("brick flat", (27, 32, 50)),  # over half of the pit
            ("half_cylinder flat", (-81, -30, 50, 90)),
            ("tile flat", (27, -85, 50, 10), (-27, -54, 50), (-25, 90, 50, 20)),
        ),
        rotation=20,
    ),
    Layout(
        "a brick in the lowest layer of a tower, one end sticking out",
        "cyan",
        (
            ("brick flat", (27, 22, 0, 90)),
            ("brick flat", (-27, 0, 0, 90), (0, 27, 25), (0, -27, 25)),
            ("brick flat", (-27, 0, 50, 90), (27, 0, 50, 90), (0, 27, 75), (0, -27, 75)),
            ("arch flat", (0, 0, 100, 90)),
            ("tile flat", (0, 0, 150, 45)),
            ("cube flat", (-30, 82), (80, 20), (-84, 70)),
            ("long flat", (0, -82), (-84, -10, 0, 90)),
            ("long upright", (26, 102)),
            ("cylinder flat", (82, 75), (-80, -90)),
            ("triangle flat", (85, -60, 0, 90)),
            ("half_cylinder flat", (10, -82, 50)),
        ),
    ),
    Layout(
        "a book in the middle of a full shelf, more books lying across",
        "orange",
        (
            ("brick edge", (0, 28)),
            ("brick edge", *((0, y) for y in (-84, -56, -28, 0, 56, 84))),
            ("long flat", (-81, -52, 0, 90), (-81, 52, 0, 90)),
            ("cube flat", (-24, 126), (-24, -126)),
            ("long upright", (30, 126), (30, -126)),
            ("brick flat", (-15, 28, 50, 90), (10, -56, 50, 20)),
            ("triangle flat", (82, -62, 0, 90)),
            ("tile flat", (-15, 40, 75, 30)),
            ("half_cylinder flat", (-24, -126, 50, 90)),
            ("arch flat", (82, 40, 0, 90)),
            ("cylinder flat", (132, -40)),
        ),
        rotation=10,
    ),
    Layout(
        "a half-cylinder at the foot of a wall, under bricks that lean on it",
        "magenta",
        (
            ("half_cylinder flat", (-11, 0)),
            ("long upright", *((40, y) for y in (-81, -27, 27, 81))),
            ("brick upright", *((-25.5, y, 0, 90, 38) for y in (-84, -30, 30, 84))),
            ("tile flat", (40, -27, 100), (40, 60, 100, 45)),
            ("cube flat", (95, 0), (95, -70)),
            ("cylinder flat", (95, 60), (-30, 135)),
            ("triangle flat", (-105, -50, 0, 80)),
            ("brick edge", (-96, 50, 0, 100)),
            ("half_cylinder flat", (155, -20, 0, 20)),
            ("long flat", (127, 116)),
            ("arch flat", (-20, -145, 0, 0)),
        ),
    ),
    Layout(
        "a cube walled in at the heart of a stepped pyramid",
        "purple",
        (
            ("cube flat", (0, 0)),
            ("long flat", (-54, -27, 0, 90), (27, 54), (27, -54)),
            ("cube flat", (-54, 54)),
            ("cylinder flat", (54, 0)),
            ("long flat", (-27, 0, 50, 90)),
            ("arch flat", (27, 0, 50, 90)),
            ("brick flat", (0, -26, 100), (0, 26, 100)),
            ("triangle flat", (0, 0, 125, 90)),
            ("brick edge", (-96, 0, 0, 90), (96, 0, 0, 90), (0, 96), (0, -96)),
            ("tile flat", (-114, 102, 0, 20), (114, -105, 0, 40)),
            ("half_cylinder flat", (112, 106, 0, 30), (-55, -145, 0, 70)),
            ("cylinder flat", (-108, -95)),
        ),
        rotation=35,
    ),
    Layout(
        "a long block in the shadow of a two-storey wall, open from above",
        "pink",
        (
            ("long flat", (20, 0, 0, 90)),
            ("long upright", *((-60, y) for y in (-81, -27, 27, 81))),
            ("arch flat", (-60, -52, 100, 90), (-60, 52, 100, 90)),
            ("cube flat", (20, 80), (76, -40)),
            ("cylinder flat", (20, -80), (76, 20)),
            ("brick upright", (-20, -54, 0, 90)),  # behind a slit of the wall
            ("brick edge", (98, 62)),
            ("triangle flat", (-150, -106, 0, 30)),
            ("tile flat", (76, -40, 50), (20, 80, 50, 15)),
            ("half_cylinder flat", (-128, 90, 0, 50)),
            ("brick flat", (95, -118, 0, 30), (145, -10, 0, 80)),
            ("tile edge", (8, -130, 0, 20)),
        ),
        rotation=-18,
    ),
    Layout(
        "an arch under a rockfall",
        "brown",
        (
            ("arch flat", (10, 5, 0, 70)),
            ("cube flat", (-62, 10, 0, 15), (75, 60, 0, 40), (75, -25, 0, 10)),
            ("long flat", (-52, -90, 0, 40), (-35, 100, 0, 100)),
            ("cylinder flat", (40, -90)),
            ("brick flat", (5, 0, 55, 30, 8), (-20, 40, 85, 110, 8), (60, -58, 60, 118)),
            ("triangle flat", (35, -20, 125, 140)),
            ("half_cylinder flat", (40, 50, 120, 20)),
            ("long upright", (128, 20, 0, 30)),
            ("tile flat", (10, 14, 140, 70), (128, 20, 100, 60)),
            ("brick edge", (-118, 40, 0, 110)),
            ("cylinder flat", (-168, 98)),
            ("cube flat", (0, -150, 0, 70)),
            ("triangle flat", (-150, -60, 0, 120)),
            ("tile flat", (95, -90, 0, 20)),
        ),
    ),
)
