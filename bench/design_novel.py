"""How the scenes `novel-01` to `novel-06` were made, and how they behave.

`novel_layouts` says roughly where the things go; here each is lowered until it touches what is
there and let go, and the poses at which all rest become the scene's file. A pile that falls
into place may fall differently with another version of the simulator: the files count.

    python bench/design_novel.py                # what shows, what moves
    python bench/design_novel.py --write        # make the files anew
    python bench/design_novel.py --pictures DIR # the camera's view and the heightmap of each
"""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import tyro
from novel_layouts import LAYOUTS, Layout
from scipy.spatial.transform import Rotation

import pushgrasp.sim
from pushgrasp.errors import UserError
from pushgrasp.perception.colors import PALETTE, parse_color
from pushgrasp.perception.heightmap import project
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.sim.model import ObjectSpec
from pushgrasp.sim.objects.novel import NOVEL
from pushgrasp.sim.robots.gantry import GantryModel
from pushgrasp.sim.scenes.layouts import novel_names, read_fixed
from pushgrasp.sim.scenes.placed import PlacedObject, SceneFile
from pushgrasp.sim.scenes.scene_file import write_scene_file
from pushgrasp.sim.world import World
from pushgrasp.utils.files import write_atomic
from pushgrasp.view.draw.pictures import png
from pushgrasp.workspace import Workspace

FOLDER = Path(pushgrasp.sim.__file__).parent / "novel_scenes"
STEP = 0.001  # m by which a thing is lowered
POSES = {
    "up": Rotation.identity(),
    "over": Rotation.from_euler("x", 180, degrees=True),
    "lying": Rotation.from_euler("y", 90, degrees=True),
    "side": Rotation.from_euler("x", 90, degrees=True),
    "tail": Rotation.from_euler("y", -90, degrees=True),
}


def lower(world: World, name: str, xy: np.ndarray, turn: Rotation) -> None:
    """Put a thing where it just does not touch what lies under it."""
    x, y, z, w = turn.as_quat()
    extent = world.objects[world.object_names.index(name)].shape.extent
    lowest = float(np.abs(turn.as_matrix()[2]) @ extent) / 2
    for height in np.arange(lowest + 0.2, lowest - 3 * STEP, -STEP):
        world.place(name, (*xy, height), (w, x, y, z))
        mujoco.mj_forward(world.model, world.data)
        if world.penetration() > 0:
            world.place(name, (*xy, height + STEP), (w, x, y, z))
            return
    raise UserError(f"{name} meets nothing, not even the table")


def build(layout: Layout, first_color: int) -> World:
    """The layout's things, put down one after another and settled."""
    others = [name for name in PALETTE if name != "red"]
    colors = ["red", *np.roll(others[:24], -first_color)]
    kinds = [NOVEL[shape] for shape, *_ in layout.things]
    world = World(
        [
            ObjectSpec(f"object_{i:02d}", shape, parse_color(str(color)))
            for i, (shape, color) in enumerate(zip(kinds, colors, strict=False))
        ],
        GantryModel(),
    )
    for name, (_, x, y, yaw, pose) in zip(world.object_names, layout.things, strict=True):
        turn = Rotation.from_euler("z", yaw, degrees=True) * POSES[pose]
        lower(world, name, np.array([x, y]) / 1e3 + Workspace().center, turn)
        world.settle(max_time=1.5)
    world.settle(max_time=8.0)
    return world


def loaded(scene: SceneFile) -> World:
    """A scene's things where its file says, at rest."""
    placed_objects = scene.objects.values()
    things = [ObjectSpec(f"object_{i:02d}", o.shape, o.color) for i, o in enumerate(placed_objects)]
    world = World(things, GantryModel())
    for name, placed in zip(world.object_names, placed_objects, strict=True):
        world.place(name, placed.position, placed.quaternion)
    world.settle(max_time=4.0)
    return world


def exported(world: World, description: str) -> SceneFile:
    """A world's things as a scene whose goal is the first."""
    objects = []
    for thing in world.objects:
        position, quaternion = world.pose(thing.name)
        x, y, z = (float(v) for v in position)
        w, i, j, k = (float(v) for v in quaternion)
        objects.append(PlacedObject(thing.shape, thing.color, (x, y, z), (w, i, j, k)))
    return SceneFile(dict(enumerate(objects)), 0, description)


def describe(name: str, pictures: Path | None) -> str:
    """A row of the table."""
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
    shows = camera.visible_fraction(int(world.body_ids[goal]))
    return (
        f"| {name} | {scene.objects[goal].shape.name} | {len(scene.objects)} | {shows:.3f} "
        f"| {1e3 * max(moved):.2f} | {1e3 * world.deepest_overlap():.2f} |"
    )


def main(write: bool = False, pictures: Path | None = None) -> None:
    """Show how the novel scenes behave.

    Args:
        write: build them from their layouts first, and write their files.
        pictures: a folder for the camera's view and the heightmap of each.
    """
    if write:
        for number, layout in enumerate(LAYOUTS, start=1):
            world = build(layout, first_color=4 * number)
            path = FOLDER / f"novel-{number:02d}.json"
            write_scene_file(path, exported(world, layout.description))
    print("| scene | goal | objects | shows | moves, mm | overlap, mm |")
    print("|" + "---|" * 6)
    for name in novel_names():
        print(describe(name, pictures), flush=True)


if __name__ == "__main__":
    tyro.cli(main)
