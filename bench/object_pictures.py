"""Draw the novel objects with their names: docs/images/novel.png. Needs OpenGL.

python bench/object_pictures.py
"""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np

from pushgrasp.perception.colors import PALETTE, parse_color
from pushgrasp.sim.cameras.opengl import Canvas
from pushgrasp.sim.objects.novel import NOVEL
from pushgrasp.sim.objects.shapes import Shape, add_to_spec
from pushgrasp.utils.files import write_atomic
from pushgrasp.view.draw.pictures import png
from pushgrasp.view.draw.sheet import Picture, Sheet

OUT = Path(__file__).resolve().parent.parent / "docs" / "images" / "novel.png"
SIDE, COLUMNS = 176, 9  # pixels of a tile, tiles in a row
WORDS = 30  # pixels below a tile


def picture(shape: Shape, color: str) -> Picture:
    """Draw one object as it stands on a table."""
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_PLANE, size=(2, 2, 0.1), rgba=(0.89, 0.88, 0.86, 1),
        pos=(0, 0, -shape.extent[2] / 2),
    )  # fmt: skip
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, pos=(-0.4, -0.2, 0.6), dir=(0.5, 0.3, -1),
        castshadow=True, ambient=(0, 0, 0), diffuse=(0.5, 0.5, 0.5),
    )  # fmt: skip
    red, green, blue = (c / 255 for c in parse_color(color))
    body = spec.worldbody.add_body()
    body.add_freejoint()
    add_to_spec(spec, body, shape, rgba=(red, green, blue, 1.0))
    spec.visual.headlight.ambient = (0.45, 0.45, 0.45)
    spec.visual.headlight.diffuse = (0.25, 0.25, 0.25)
    spec.visual.headlight.specular = (0.05, 0.05, 0.05)
    spec.visual.global_.offwidth = spec.visual.global_.offheight = SIDE
    spec.stat.extent = 0.4
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    camera, scene = mujoco.MjvCamera(), mujoco.MjvScene(model, maxgeom=100)
    camera.distance, camera.azimuth, camera.elevation = 0.34, 35, -32
    scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 1
    everything = int(mujoco.mjtCatBit.mjCAT_STATIC | mujoco.mjtCatBit.mjCAT_DYNAMIC)
    mujoco.mjv_updateScene(model, data, mujoco.MjvOption(), None, camera, everything, scene)
    canvas = Canvas(model)
    color_image, _ = canvas.draw(scene, SIDE, SIDE)
    canvas.close()
    return np.ascontiguousarray(color_image)


def main() -> None:
    rows = -(-len(NOVEL) // COLUMNS)
    sheet = Sheet(COLUMNS * (SIDE + 6) + 6, rows * (SIDE + WORDS) + 6)
    colors = list(PALETTE)
    for i, (name, shape) in enumerate(NOVEL.items()):
        x, y = 6 + i % COLUMNS * (SIDE + 6), 6 + i // COLUMNS * (SIDE + WORDS)
        sheet.paste(picture(shape, colors[i % len(colors)]), x, y)
        sheet.text(x + SIDE / 2, y + SIDE + 12, name.replace("_", " "), 15, anchor="mm")
    write_atomic(OUT, png(sheet.picture()))


if __name__ == "__main__":
    main()
