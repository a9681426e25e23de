"""How the fixed scenes `challenging-01` to `challenging-10` were made, and how they behave.

`challenging_layouts` says roughly where the blocks go; here they are put down one after
another and settle, and the poses at which they rest become the scene's file. A pile that
falls into place may fall differently with another version of the simulator: the files count.

    python bench/design_challenging.py             # what shows, what moves
    python bench/design_challenging.py --write     # make the files anew
"""

from __future__ import annotations

import warnings
from pathlib import Path

import mujoco
import numpy as np
import tyro
from challenging_layouts import LAYOUTS, Layout
from scipy.spatial.transform import Rotation

import pushgrasp.sim
from pushgrasp.errors import UserError
from pushgrasp.perception.colors import PALETTE, parse_color
from pushgrasp.sim.model import ObjectSpec
from pushgrasp.sim.objects.shapes import SHAPES
from pushgrasp.sim.robots.gantry import GantryModel
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.sim.world import World
from pushgrasp.utils.files import write_atomic
from pushgrasp.workspace import Workspace

FOLDER = Path(pushgrasp.sim.__file__).parent / "challenging"
CLEARANCE = 2e-4  # m by which a block hangs above what it will rest on


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
            ObjectSpec(f"object_{i:02d}", SHAPES[shape], color)
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
        world.place(name, position, np.roll(turn.as_quat(), 1))
        mujoco.mj_forward(world.model, world.data)
        if world.penetration() > 1e-3:
            raise UserError(f"{layout.idea}: {shape} {pose} at {place} overlaps another block")
        world.settle(max_time=0.5)
    world.settle(max_time=8.0)
    return world


def preset(world: World) -> str:
    """Return the world's objects as a preset file, one per line."""
    lines = []
    for thing in world.objects:
        position, quaternion = world.pose(thing.name)
        with warnings.catch_warnings():  # of angles that are not unique; any will do
            warnings.simplefilter("ignore", UserWarning)
            turn = Rotation.from_quat(np.roll(quaternion, -1)).as_euler("XYZ")
        color = " ".join(f"{c / 255:.4f}" for c in thing.color)
        pose = " ".join(f"{v:.6f}" for v in (*position, *turn))
        lines.append(f"{thing.shape.name} {color} {pose}\n")
    return "".join(lines)


def describe(path: Path, trials: int) -> list[str]:
    """A row of the table: a scene as it stands, and in perturbed trials."""
    scene = build_scene(SceneConfig(str(path)))
    scene.world.wake()  # sleeping blocks have no contacts
    mujoco.mj_forward(scene.world.model, scene.world.data)
    row = [
        f"{scene.visible_fraction:.3f}",
        f"{1e3 * max(scene.motion_m.values()):.2f}",
        f"{1e3 * scene.world.penetration():.2f}",
    ]
    tried = [build_scene(SceneConfig(str(path), seed=s, perturb=True)) for s in range(trials)]
    if tried:
        shows = [t.visible_fraction for t in tried]
        moved = np.array([[*t.motion_m.values()] for t in tried])
        row += [
            f"{min(shows):.3f} to {max(shows):.3f}",
            f"{1e3 * moved[:, 0].max():.0f}",
            f"{1e3 * moved.max():.0f}",
            f"{(moved > 0.02).sum(1).mean():.1f}",
        ]
    return row


def main(write: bool = False, trials: int = 10) -> None:
    """Show how the fixed scenes behave.

    Args:
        write: build them from their layouts first, and write their files.
        trials: perturbed trials of each.
    """
    print("| scene | goal | shows | moves, mm | overlap, mm", end="")
    print(" | perturbed: shows | goal moves, mm | most, mm | blocks over 20 mm |")
    print("|" + "---|" * 9)
    for number, layout in enumerate(LAYOUTS, start=1):
        path = FOLDER / f"challenging-{number:02d}.txt"
        if write:
            write_atomic(path, preset(build(layout)))
        print(f"| {path.stem}: {layout.idea} | {layout.goal} |", end=" ", flush=True)
        print(" | ".join(describe(path, trials)), "|", flush=True)


if __name__ == "__main__":
    tyro.cli(main)
