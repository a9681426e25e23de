"""`pushgrasp scene`: build a scene, render it and describe it."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from ..errors import UserError
from ..sim.config import SceneFileConfig, SimulationConfig
from .options import ObjectOptions, SceneName, Switch

if TYPE_CHECKING:
    from rich.table import Table

    from ..sim.cameras.views import ViewConfig
    from ..sim.scenes.build import Scene, SceneConfig

RECORD, CAMERA, CAMERAS = "scene.json", "camera.png", "cameras"
COLORS, HEIGHTS = "heightmap.png", "heights.png"
CONTENTS = (RECORD, CAMERA, CAMERAS, COLORS, HEIGHTS)


@dataclass(frozen=True, kw_only=True)
class SceneCommand:
    """Build a scene, let it settle, render it and describe it.

    Examples:
      pushgrasp scene heap --objects 15 --seed 1 --out scene
      pushgrasp scene challenging-04 --goal red --json
      pushgrasp scene my-scene.json --cameras two.json --out scene
    """

    name: tyro.conf.Positional[SceneName]
    """random, heap, random-novel, challenging-01 to -10, novel-01 to -06, or a scene file."""
    out: Annotated[
        Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: none)")
    ] = None
    """Folder for the camera images, the heightmap's colours and heights, and scene.json."""
    json: Switch = False
    """Print one JSON object instead of a table."""
    scene: ObjectOptions = field(default_factory=ObjectOptions)
    """The objects and the goal."""
    file: SceneFileConfig = field(default_factory=SceneFileConfig)
    """Options of scene files."""
    simulation: SimulationConfig = field(default_factory=SimulationConfig)
    """Robot, cameras and domain randomisation."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..utils.output import check_output_folder

        if self.out is not None:
            check_output_folder(self.out, CONTENTS, RECORD)
        view = self.simulation.view()
        config = self.scene.config(self.name, self.file, self.simulation)
        config = name_goal(config, self.scene.goal)

        from rich.console import Console

        from ..sim.scenes.build import build_scene
        from ..utils.files import to_json
        from ..view.draw.words import visible_words

        scene = build_scene(config)
        if view.cameras:
            scene.visible_fraction = scene.visible_from(view)
        record = scene_record(scene)
        if refused := _refused(view, scene):
            record["notes"].append(refused)
        if self.out is not None:
            _write(self.out, scene, view, record)
        if self.json:
            print(to_json(record, indent=2))
            return 0
        console = Console(highlight=False, markup=False, soft_wrap=True)
        console.print(_table(record))
        console.print(
            f"The goal, {record['goal']['name']}, is {visible_words(scene.visible_fraction)}. "
            f"Maximum penetration: {1e3 * record['max_penetration_m']:.1f} mm."
        )
        for line in (*scene.left_out, *record["notes"]):
            console.print(line)
        if self.out is not None:
            console.print(f"Pictures and {RECORD} are in {self.out}")
        return 0


def name_goal(config: SceneConfig, goal: str | None) -> SceneConfig:
    """Set a scene's goal by colour or number; nothing is built yet.

    Args:
        config: the scene.
        goal: a colour name, "#rrggbb", or the number of an object in its scene or file; None:
            the scene's own.
    Raises:
        UserError: no such colour, no object of that colour on the table, or impossible settings.
    """
    import numpy as np

    from ..perception.colors import color_name, parse_color
    from ..perception.segmentation import matches
    from ..sim.scenes.build import object_colors

    colors = object_colors(config)
    if goal is None:
        return config
    if goal.strip().lstrip("+-").isdigit():
        return _with_goal(config, int(goal))
    wanted = parse_color(goal)
    alike = matches(np.array(list(colors.values())), wanted)
    exact = [number for number, color in colors.items() if color == wanted]
    similar = [number for number, same in zip(colors, alike, strict=True) if same]
    if not exact + similar:
        raise UserError(
            f"--goal {goal}: no object on the table has that colour; there are: "
            f"{', '.join(color_name(color) for color in colors.values())}"
        )
    return _with_goal(config, (exact + similar)[0])


def _with_goal(config: SceneConfig, number: int) -> SceneConfig:
    from ..sim.scenes.build import goal_number

    asked = dataclasses.replace(config, goal=number)
    return dataclasses.replace(asked, goal=goal_number(asked))


def scene_record(scene: Scene) -> dict[str, Any]:
    """Describe a scene as `pushgrasp scene --json` prints it; lengths in m."""
    from ..perception.colors import format_color

    world = scene.world
    shapes = {o.name: o.shape.name for o in world.objects}
    objects: list[dict[str, Any]] = []
    for name in world.in_scene():
        position, quaternion = world.pose(name)
        objects.append(
            {
                "name": name,
                "shape": shapes[name],
                "color": format_color(world.color(name)),
                "position": position,
                "quaternion": quaternion,
                "motion_m": scene.motion_m.get(name, 0.0),
            }
        )
    return {
        "scene": scene.config.name,
        "seed": scene.config.seed,
        "goal": {
            "name": scene.goal_name,
            "color": format_color(scene.goal_rgb),
            "visible_fraction": scene.visible_fraction,
        },
        "max_penetration_m": world.deepest_overlap(),
        "objects": objects,
        "left_out": list(scene.left_out),
        "notes": list(scene.notes),
    }


def _refused(view: ViewConfig, scene: Scene) -> str:
    """Say why `retrieve` refuses a scene's cameras; "" if it does not."""
    try:
        view.check(scene.workspace)
    except UserError as error:
        return f"Warning: retrieve refuses these cameras: {error}"
    return ""


def _write(out: Path, scene: Scene, view: ViewConfig, record: dict[str, Any]) -> None:
    """Write the record, the camera images and the heightmap."""
    from ..perception.heightmap import project
    from ..utils.files import write_atomic, write_json
    from ..utils.output import output_folder
    from ..view.draw.pictures import color_picture, height_picture, png

    with output_folder(out, CONTENTS, RECORD) as folder:
        frames = [camera.capture() for camera in scene.make_cameras(view, checked=False)]
        write_atomic(folder / CAMERA, png(frames[0].color))
        if len(frames) > 1:
            for i, (spec, frame) in enumerate(zip(view.cameras, frames, strict=True), start=1):
                name = re.sub(r"[^\w-]", "_", spec.name)  # it may hold anything, such as ../
                write_atomic(folder / CAMERAS / f"{i}-{name}.png", png(frame.color))
        heightmap = project(frames, scene.workspace)
        write_atomic(folder / COLORS, png(color_picture(heightmap)))
        write_atomic(folder / HEIGHTS, png(height_picture(heightmap)))
        write_json(folder / RECORD, record)


def _table(record: dict[str, Any]) -> Table:
    from rich.table import Table

    from ..perception.colors import color_name, parse_color

    table = Table("object", "shape", "colour", "position [m]", "moved [mm]", box=None)
    for o in record["objects"]:
        x, y, z = o["position"]
        is_goal = o["name"] == record["goal"]["name"]
        table.add_row(
            o["name"], o["shape"], color_name(parse_color(o["color"])),
            f"{x:.3f} {y:.3f} {z:.3f}", f"{1e3 * o['motion_m']:.1f}",
            style="bold" if is_goal else None,
        )  # fmt: skip
    return table
