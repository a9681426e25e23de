"""How the fixed scenes `challenging-01` to `challenging-10` were made, and how they behave.

Each layout below says roughly where the blocks go; the simulator lets them settle, and the
poses at which they rest become the scene's file. The goal is always the first block.

    python bench/design_challenging.py                 # look: what shows, what moves
    python bench/design_challenging.py --write         # make the files anew
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
import numpy.typing as npt
import tyro
from scipy.spatial.transform import Rotation

import pushgrasp.sim
from pushgrasp.colors import PALETTE, parse_color
from pushgrasp.files import write_atomic
from pushgrasp.sim.gantry import GantryModel
from pushgrasp.sim.scenes import SceneConfig, build_scene
from pushgrasp.sim.shapes import SHAPES
from pushgrasp.sim.world import ObjectSpec, World
from pushgrasp.workspace import Workspace

FOLDER = Path(pushgrasp.sim.__file__).parent / "challenging"
CLEARANCE = 2e-4  # m by which a block hangs above what it will rest on

Place = tuple[float, ...]
"""x and y of a block's centre in mm from the workspace's, x away from the camera and y to the
camera's left; then, where not 0, the height in mm of what it rests on, the yaw in degrees of
its longer horizontal side, and by how many degrees it leans over that side."""


@dataclass(frozen=True)
class Layout:
    """A scene as a person would describe it."""

    idea: str
    goal: str  # its colour; the others have the palette's other colours in order
    blocks: tuple[tuple[str, *tuple[Place, ...]], ...]  # "shape pose" and the places of such
    turn: float = 0.0  # degrees, the whole about the workspace's centre


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
            ("tile flat", (-82, 0, 50, 10)),
            ("cube flat", (-82, 80), (-82, -80), (81, 0)),
            ("long upright", (81, -58)),
            ("cylinder flat", (82, 58), (-20, 150)),
            ("brick edge", (0, 104), (0, -104)),
            ("triangle flat", (30, -160, 0, 20)),
            ("half_cylinder flat", (-70, -150, 0, 20)),
            ("brick flat", (92, 150, 0, 70)),
        ),
    ),
    Layout(
        "a cube pressed against a tall fence, other blocks close behind it",
        "green",
        (
            ("cube flat", (14, 0)),
            ("brick upright", *((-36, y, 0, 90) for y in (-81, -27, 27, 81))),
            ("cube flat", (14, 54)),
            ("cylinder flat", (14, -54), (68, 54)),
            ("long flat", (68, -20, 0, 90)),
            ("long upright", (14, 108), (14, -108)),
            ("arch flat", (122, 10, 0, 90)),
            ("triangle flat", (-90, 0, 0, 90)),
            ("half_cylinder flat", (-92, 90, 0, 30), (-80, -95)),
            ("tile edge", (66, 97, 0, 90)),
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
        turn=-25,
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
            ("brick flat", (27, 27, 50)),  # over half of the pit
            ("half_cylinder flat", (-81, -30, 50, 90)),
            ("tile flat", (27, -85, 50, 10), (-27, -54, 50), (-25, 90, 50, 20)),
        ),
        turn=20,
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
            ("half_cylinder flat", (-81, 52, 50, 90)),
            ("arch flat", (82, 40, 0, 90)),
            ("cylinder flat", (132, -40)),
        ),
        turn=10,
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
            ("half_cylinder flat", (150, -20, 0, 20)),
            ("long flat", (155, 50, 0, 70)),
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
            ("arch flat", (-27, 0, 50, 90)),
            ("long flat", (27, 0, 50, 90)),
            ("brick flat", (0, -26, 100), (0, 26, 100)),
            ("triangle flat", (0, 0, 125, 90)),
            ("brick edge", (-96, 0, 0, 90), (96, 0, 0, 90), (0, 96), (0, -96)),
            ("tile flat", (-114, 102, 0, 20), (114, -105, 0, 40)),
            ("half_cylinder flat", (112, 106, 0, 30), (-55, -145, 0, 70)),
            ("cylinder flat", (-108, -95)),
        ),
        turn=35,
    ),
    Layout(
        "a long block in the shadow of a two-storey wall, open from above",
        "pink",
        (
            ("long flat", (10, 0, 0, 90)),
            ("long upright", *((-60, y) for y in (-81, -27, 27, 81))),
            ("arch flat", (-60, -54, 100, 90), (-60, 54, 100, 90)),
            ("cube flat", (10, 80), (66, -40)),
            ("cylinder flat", (10, -78), (66, 20)),
            ("brick edge", (88, 62), (-110, 0, 0, 90)),
            ("triangle flat", (-148, -90, 0, 30)),
            ("tile flat", (66, -40, 50), (10, 80, 50, 15)),
            ("half_cylinder flat", (-128, 90, 0, 50)),
            ("brick flat", (85, -118, 0, 30), (135, -10, 0, 80)),
            ("tile edge", (-2, -128, 0, 20)),
        ),
        turn=-10,
    ),
    Layout(
        "an arch under a rockfall",
        "brown",
        (
            ("arch flat", (10, 5, 0, 70)),
            ("cube flat", (-62, 10, 0, 15), (75, 60, 0, 40), (75, -25, 0, 10)),
            ("long flat", (-45, -75, 0, 40), (-35, 90, 0, 100)),
            ("cylinder flat", (30, -90)),
            ("brick flat", (5, 0, 55, 30, 8), (-20, 40, 80, 110, 8), (-35, -30, 90, 60)),
            ("triangle flat", (35, -20, 100, 140)),
            ("half_cylinder flat", (40, 50, 100, 20)),
            ("tile flat", (-10, 10, 120, 70), (-60, 60, 60, 10)),
            ("long upright", (125, 20, 0, 30)),
            ("brick edge", (-110, 10, 0, 110, 0)),
            ("cylinder edge", (-100, 100, 0, 30)),
            ("cube flat", (0, -150, 0, 70)),
            ("triangle flat", (-125, -60, 0, 120)),
            ("tile flat", (95, -90, 0, 20)),
            ("half_cylinder flat", (-70, -140, 0, 20)),
        ),
    ),
)


def stand(pose: str, yaw: float, lean: float) -> Rotation:
    """How a block stands.

    Args:
        pose: flat, edge or upright: the shape's x, y or z axis points up.
        yaw: degrees about the vertical, of the longer horizontal side.
        lean: degrees about that side.
    """
    up, angle = np.array([0.0, 0.0, 1.0]), np.radians(yaw)
    along = np.array([np.cos(angle), np.sin(angle), 0.0])
    side = np.cross(along, up)
    axes = {"flat": (up, side, along), "edge": (-side, up, along), "upright": (side, along, up)}
    turn = Rotation.from_matrix(np.stack(axes[pose], axis=1))
    return Rotation.from_rotvec(np.radians(lean) * along) * turn


def build(layout: Layout) -> World:
    """The layout's blocks, put down one after another and settled."""
    others = [name for name in PALETTE if name != layout.goal]
    kinds = [(*kind.split(), place) for kind, *places in layout.blocks for place in places]
    colors = [parse_color(name) for name in (layout.goal, *others)][: len(kinds)]
    world = World(
        [
            ObjectSpec(f"object_{i:02d}", shape, color)
            for i, ((shape, _, _), color) in enumerate(zip(kinds, colors, strict=True))
        ],
        GantryModel(),
    )
    whole = Rotation.from_euler("z", layout.turn, degrees=True)
    for name, (shape, pose, place) in zip(world.object_names, kinds, strict=True):
        x, y, on, yaw, lean = (*place, 0.0, 0.0, 0.0)[:5]
        turn = whole * stand(pose, yaw, lean)
        half_height = np.abs(turn.as_matrix()[2]) @ SHAPES[shape].extent / 2
        position = whole.apply((x / 1e3, y / 1e3, on / 1e3 + half_height + CLEARANCE))
        position[:2] += Workspace().center
        world.place(name, position, turn.as_quat(scalar_first=True))
        mujoco.mj_forward(world.model, world.data)
        if world.penetration() > 1e-3:
            depth = 1e3 * world.penetration()
            print(f"  {shape} {pose} {place} overlaps by {depth:.1f} mm")
        world.step(50)
    world.settle(max_time=8.0)
    return world
