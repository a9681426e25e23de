"""Make the fixed scenes `novel-01` to `novel-06`, and show how they behave.

`novel_layouts` gives rough positions. Each object is lowered until it touches something and
released, and the poses at rest become the scene's file. A pile may settle differently with another
version of the simulator: the files are what counts.

    python bench/design_novel.py                # visible fraction, motion, overlap
    python bench/design_novel.py --write        # make the files again
    python bench/design_novel.py --pictures DIR # camera image and heightmap of each
"""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import tyro
from novel_layouts import LAYOUTS, Layout
from scipy.spatial.transform import Rotation

from pushgrasp.errors import UserError
from pushgrasp.perception.colors import PALETTE, parse_color
from pushgrasp.perception.heightmap import project
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.sim.model import ObjectSpec
from pushgrasp.sim.objects.novel import NOVEL
from pushgrasp.sim.robots.gantry import GantryModel
from pushgrasp.sim.scenes.layouts import DATA, novel_names, read_fixed
from pushgrasp.sim.scenes.placed import PlacedObject, SceneFile
from pushgrasp.sim.scenes.scene_file import write_scene_file
from pushgrasp.sim.world import World
from pushgrasp.utils.files import write_atomic
from pushgrasp.view.draw.pictures import png
from pushgrasp.workspace import Workspace

FOLDER = DATA / "novel"
STEP = 0.001  # m by which an object is lowered
POSES = {
    "up": Rotation.identity(),
    "over": Rotation.from_euler("x", 180, degrees=True),
    "lying": Rotation.from_euler("y", 90, degrees=True),
    "side": Rotation.from_euler("x", 90, degrees=True),
    "tail": Rotation.from_euler("y", -90, degrees=True),
}


def lower(world: World, name: str, xy: np.ndarray, rotation: Rotation) -> None:
    """Place an object just above what lies under it."""
    x, y, z, w = rotation.as_quat()
    extent = world.objects[world.object_names.index(name)].shape.extent
    lowest = float(np.abs(rotation.as_matrix()[2]) @ extent) / 2
    for height in np.arange(lowest + 0.2, lowest - 3 * STEP, -STEP):
        world.place(name, (*xy, height), (w, x, y, z))
        mujoco.mj_forward(world.model, world.data)
        if world.penetration() > 0:
            world.place(name, (*xy, height + STEP), (w, x, y, z))
            return
    raise UserError(f"{name} touches nothing when lowered, not even the table")


def build(layout: Layout, first_color: int) -> World:
    """Place a layout's objects one after another and let them settle."""
    others = [name for name in PALETTE if name != "red"]
    colors = ["red", *np.roll(others[:24], -first_color)]
    kinds = [NOVEL[shape] for shape, *_ in layout.objects]
    world = World(
        [
            ObjectSpec(f"object_{i:02d}", shape, parse_color(str(color)))
            for i, (shape, color) in enumerate(zip(kinds, colors, strict=False))
        ],
        GantryModel(),
    )
    for name, (_, x, y, yaw, pose) in zip(world.object_names, layout.objects, strict=True):
        rotation = Rotation.from_euler("z", yaw, degrees=True) * POSES[pose]
        lower(world, name, np.array([x, y]) / 1e3 + Workspace().center, rotation)
        world.settle(max_time=1.5)
    world.settle(max_time=8.0)
    return world


def loaded(scene: SceneFile) -> World:
    """Build a scene from its file and let it settle."""
    objects = scene.objects.values()
    specs = [ObjectSpec(f"object_{i:02d}", o.shape, o.color) for i, o in enumerate(objects)]
    world = World(specs, GantryModel())
    for name, placed in zip(world.object_names, objects, strict=True):
        world.place(name, placed.position, placed.quaternion)
    world.settle(max_time=4.0)
    return world


def exported(world: World, description: str) -> SceneFile:
    """Return a world's objects as a scene whose goal is the first."""
    objects = []
    for item in world.objects:
        position, quaternion = world.pose(item.name)
        x, y, z = (float(v) for v in position)
        w, i, j, k = (float(v) for v in quaternion)
        objects.append(PlacedObject(item.shape, item.color, (x, y, z), (w, i, j, k)))
    return SceneFile(dict(enumerate(objects)), 0, description)


def describe(name: str, pictures: Path | None) -> str:
    """Make a row of the table."""
    scene = read_fixed(name)
    world = loaded(scene)
    moved = [
        float(np.linalg.norm(world.pose(n)[0] - o.position))
        for n, o in zip(world.object_names, scene.objects.values(), strict=True)
    ]
    camera = RayCamera(world)
    if pictures is not None:
        frame = camera.capture()
        write_atomic(pictures / f"{name}.png", png(frame.color))
        heightmap = project(frame, Workspace())
        write_atomic(pictures / f"{name}-map.png", png(heightmap.color[::-1]))
    goal = scene.goal or 0
    visible = camera.visible_fraction(int(world.body_ids[goal]))
    return (
        f"| {name} | {scene.objects[goal].shape.name} | {len(scene.objects)} | {visible:.3f} "
        f"| {1e3 * max(moved):.2f} | {1e3 * world.deepest_overlap():.2f} |"
    )


def main(write: bool = False, pictures: Path | None = None) -> None:
    """Show how the novel scenes behave.

    Args:
        write: build them from their layouts first, and write their files.
        pictures: folder for the camera image and the heightmap of each.
    """
    if write:
        for number, layout in enumerate(LAYOUTS, start=1):
            world = build(layout, first_color=4 * number)
            path = FOLDER / f"novel-{number:02d}.json"
            write_scene_file(path, exported(world, layout.description))
    print("| scene | goal | objects | visible | motion, mm | overlap, mm |")
    print("|" + "---|" * 6)
    for name in novel_names():
        print(describe(name, pictures), flush=True)


if __name__ == "__main__":
    tyro.cli(main)
