"""`pushgrasp scene`: build a scene, render it and say what it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ..errors import UserError
from ..perception.colors import color_name, format_color, parse_color
from ..perception.heightmap import project
from ..perception.segmentation import matches
from ..sim.cameras.views import ViewConfig
from ..sim.randomise import DomainConfig
from ..sim.scenes.build import Scene, SceneConfig, build_scene, object_colors
from ..utils.files import to_json, write_atomic, write_json
from ..utils.output import check_output_folder, output_folder
from ..view.draw.pictures import png
from ..workspace import Workspace

RECORD = "scene.json"
CONTENTS = (RECORD, "camera.png", "heightmap.png")


def show_scene(
    name: str,
    *,
    objects: int,
    goal: str | None,
    seed: int,
    sigma: float,
    out: Path | None,
    as_json: bool,
    view: ViewConfig | None = None,
    randomise: bool = False,
    robot: str = "gantry",
    file_settings: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """Build, render and describe a scene; see `cli.Scene` for the arguments."""
    if out is not None:
        check_output_folder(out, CONTENTS, RECORD)
    config = SceneConfig(
        name=name, n_objects=objects, sigma=sigma, seed=seed, robot=robot,
        randomise=DomainConfig() if randomise else None, **file_settings,
    )  # fmt: skip
    scene = build_scene_for(config, goal)
    if view is not None and view.cameras:
        scene.visible_fraction = scene.visible_from(view)
    record = scene_record(scene)
    if out is not None:
        with output_folder(out, CONTENTS, RECORD) as folder:
            frames = [camera.capture() for camera in scene.make_cameras(view)]
            write_atomic(folder / "camera.png", png(frames[0].color))
            heightmap = project(frames, Workspace())
            write_atomic(folder / "heightmap.png", png(heightmap.color[::-1]))
            write_json(folder / RECORD, record)
    if as_json:
        print(to_json(record, indent=2))
        return 0
    table = Table("object", "shape", "colour", "position [m]", "moved [mm]", box=None)
    for o in record["objects"]:
        x, y, z = o["position"]
        is_goal = o["name"] == record["goal"]["name"]
        table.add_row(
            o["name"], o["shape"], color_name(parse_color(o["color"])),
            f"{x:.3f} {y:.3f} {z:.3f}", f"{1e3 * o['motion_m']:.1f}",
            style="bold" if is_goal else None,
        )  # fmt: skip
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(table)
    console.print(
        f"The goal, {record['goal']['name']}, is {seen_words(scene.visible_fraction)}; "
        f"the deepest contact is {1e3 * record['max_penetration_m']:.1f} mm."
    )
    for line in scene.left_out:
        console.print(line)
    for line in scene.notes:
        console.print(line)
    if out is not None:
        console.print(f"pictures and {RECORD} are in {out}")
    return 0


def scene_record(scene: Scene) -> dict[str, Any]:
    """A scene as `pushgrasp scene --json` prints it."""
    world = scene.world
    shapes = {o.name: o.shape.name for o in world.objects}
    objects = []
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


def build_scene_for(config: SceneConfig, goal: str | None) -> Scene:
    """Build a scene whose goal is named by a person.

    Args:
        config: the scene; its goal is replaced.
        goal: a colour name, "#rrggbb", or the number of an object in its scene or file; None: the
            scene's own.
    Raises:
        UserError: no such colour, no such index, no object of that colour on the table, or
            impossible settings.
    """
    if goal is None:
        return build_scene(dataclasses.replace(config, goal=None))
    if goal.strip().lstrip("+-").isdigit():
        return build_scene(dataclasses.replace(config, goal=int(goal)))
    wanted = parse_color(goal)
    colors = object_colors(config)
    exact = [number for number, color in colors.items() if color == wanted]
    alike = matches(np.array(list(colors.values())), wanted)
    like = [number for number, same in zip(colors, alike, strict=True) if same]
    if not exact + like:
        there = ", ".join(color_name(c) for c in colors.values())
        raise UserError(
            f"--goal {goal}: no object on the table has that colour; there are: {there}"
        )
    return build_scene(dataclasses.replace(config, goal=(exact + like)[0]))


def seen_words(fraction: float) -> str:
    """How much of the goal the camera sees, in words."""
    if fraction == 0:
        return "fully hidden from the camera"
    return f"{100 * fraction:.0f} % visible" if fraction >= 0.01 else "less than 1 % visible"
