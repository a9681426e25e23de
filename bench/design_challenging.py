"""Make the fixed scenes `challenging-01` to `challenging-10`, and show how they behave.

`challenging_layouts` gives rough positions. The blocks are placed one after another and settle, and
their poses at rest become the scene's file. A pile may settle differently with another version of
the simulator: the files are what counts.

    python bench/design_challenging.py             # visible fraction, motion, overlap
    python bench/design_challenging.py --write     # make the files again
"""

from __future__ import annotations

import warnings

import mujoco
import numpy as np
import tyro
from challenging_layouts import LAYOUTS, Layout
from scipy.spatial.transform import Rotation

from pushgrasp.errors import UserError
from pushgrasp.perception.colors import PALETTE, parse_color
from pushgrasp.sim.model import ObjectSpec
from pushgrasp.sim.objects.shapes import SHAPES
from pushgrasp.sim.robots.gantry import GantryModel
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.sim.scenes.layouts import DATA
from pushgrasp.sim.world import World
from pushgrasp.utils.files import write_atomic
from pushgrasp.workspace import Workspace

FOLDER = DATA / "challenging"
CLEARANCE = 2e-4  # m between a placed block and what it will rest on


def orientation(pose: str, yaw: float, lean: float) -> Rotation:
    """Return the orientation of a block.

    Args:
        pose: flat, edge or upright: the shape's x, y or z axis points up.
        yaw: degrees about the vertical, of the longer horizontal side.
        lean: degrees about that side.
    """
    up, angle = np.array([0.0, 0.0, 1.0]), np.radians(yaw)
    along = np.array([np.cos(angle), np.sin(angle), 0.0])
    side = np.cross(along, up)
    axes = {"flat": (up, side, along), "edge": (-side, up, along), "upright": (side, along, up)}
    rotation = Rotation.from_matrix(np.stack(axes[pose], axis=1))
    return Rotation.from_rotvec(np.radians(lean) * along) * rotation


def build(layout: Layout) -> World:
    """Place a layout's blocks one after another and let them settle."""
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
    layout_rotation = Rotation.from_euler("z", layout.rotation, degrees=True)
    for name, (shape, pose, place) in zip(world.object_names, kinds, strict=True):
        x, y, on, yaw, lean = (*place, 0.0, 0.0, 0.0)[:5]
        rotation = layout_rotation * orientation(pose, yaw, lean)
        half_height = np.abs(rotation.as_matrix()[2]) @ SHAPES[shape].extent / 2
        position = layout_rotation.apply((x / 1e3, y / 1e3, on / 1e3 + half_height + CLEARANCE))
        position[:2] += Workspace().center
        world.place(name, position, np.roll(rotation.as_quat(), 1))
        mujoco.mj_forward(world.model, world.data)
        if world.penetration() > 1e-3:
            raise UserError(
                f"{layout.description}: {shape} {pose} at {place} overlaps another block"
            )
        world.settle(max_time=0.5)
    world.settle(max_time=8.0)
    return world


def preset(world: World) -> str:
    """Return the world's objects as a preset file, one per line."""
    lines = []
    for item in world.objects:
        position, quaternion = world.pose(item.name)
        with warnings.catch_warnings():  # angles are not unique at 90 degrees; any will do
            warnings.simplefilter("ignore", UserWarning)
            angles = Rotation.from_quat(np.roll(quaternion, -1)).as_euler("XYZ")
        color = " ".join(f"{c / 255:.4f}" for c in item.color)
        pose = " ".join(f"{v:.6f}" for v in (*position, *angles))
        lines.append(f"{item.shape.name} {color} {pose}\n")
    return "".join(lines)


def describe(name: str, trials: int) -> list[str]:
    """Make a row of the table: a scene as in its file, and in perturbed trials."""
    scene = build_scene(SceneConfig(name))
    scene.world.wake()  # sleeping blocks have no contacts
    mujoco.mj_forward(scene.world.model, scene.world.data)
    row = [
        f"{scene.visible_fraction:.3f}",
        f"{1e3 * max(scene.motion_m.values()):.2f}",
        f"{1e3 * scene.world.penetration():.2f}",
    ]
    tried = [build_scene(SceneConfig(name, seed=s, perturb=True)) for s in range(trials)]
    if tried:
        visible = [t.visible_fraction for t in tried]
        moved = np.array([[*t.motion_m.values()] for t in tried])
        row += [
            f"{min(visible):.3f} to {max(visible):.3f}",
            f"{1e3 * moved[:, 0].max():.0f}",
            f"{1e3 * moved.max():.0f}",
            f"{(moved > 0.02).sum(1).mean():.1f}",
        ]
    return row


def main(write: bool = False, trials: int = 10) -> None:
    """Show how the scenes behave.

    Args:
        write: build them from their layouts first, and write their files.
        trials: perturbed trials of each.
    """
    print("| scene | goal | visible | motion, mm | overlap, mm", end="")
    print(" | perturbed: visible | goal's motion, mm | largest, mm | blocks over 20 mm |")
    print("|" + "---|" * 9)
    for number, layout in enumerate(LAYOUTS, start=1):
        path = FOLDER / f"challenging-{number:02d}.txt"
        if write:
            write_atomic(path, preset(build(layout)))
        print(f"| {path.stem}: {layout.description} | {layout.goal} |", end=" ", flush=True)
        print(" | ".join(describe(path.stem, trials)), "|", flush=True)


if __name__ == "__main__":
    tyro.cli(main)
