"""The model that films are drawn from: the cell as it is simulated, well lit, with a bin."""

from __future__ import annotations

import mujoco

from ..model import add_surroundings
from ..objects.shapes import add_to_spec
from ..robots.arms import COLLISION_GROUP
from ..robots.looks import add_for_film
from ..world import World
from .bin import add_bin

VISIBLE = (1, 1, 1, 0, 1, 1)
"""Geom groups that films show: all but the geoms that only collide."""
FIELD_OF_VIEW = 42.0  # degrees, vertical
_TABLE = (-0.42, 0.10, 0.85, 0.80)  # m, standard cell: centre, half-extents
_TOP = (0.89, 0.88, 0.86, 1.0)
_MAT = (0.34, 0.36, 0.40, 1.0)
_SKY = ((0.80, 0.84, 0.88), (0.66, 0.70, 0.75))
_SHADOW_MAP = 2048  # pixels per side


def film_model(world: World, width: int, height: int, *, meshes: bool) -> mujoco.MjModel:
    """Compile a model with the joints of a world's, in the same order, to be looked at.

    Args:
        world: what is filmed.
        width, height: of the pictures, pixels.
        meshes: show an arm in its maker's meshes where they are installed.
    """
    spec, cell = mujoco.MjSpec(), world.cell
    add_surroundings(spec, cell)
    spec.geom("table").group = COLLISION_GROUP  # endless; a lamp's shadow map is not
    x, y, half_x, half_y = _TABLE
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX, pos=cell.place((x, y, -0.02)),
        size=(half_x + cell.wider, half_y + cell.wider, 0.02), rgba=_TOP, contype=0, conaffinity=0,
    )  # fmt: skip
    spec.geom("camera_post").group = COLLISION_GROUP  # it stands in front of the scene
    half = cell.workspace.size / 2
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX, pos=cell.place((-0.5, 0.0, 0.0)),
        size=(half, half, 0.0008), rgba=_MAT, contype=0, conaffinity=0,
    )  # fmt: skip
    add_bin(spec, cell)
    add_for_film(spec, world.robot_model, cell, meshes=meshes)
    for o in world.objects:
        body = spec.worldbody.add_body(name=o.name)
        body.add_freejoint()
        red, green, blue = (c / 255 for c in o.color)
        add_to_spec(spec, body, o.shape, rgba=(red, green, blue, 1.0))
    _light(spec, world)
    spec.visual.global_.offwidth, spec.visual.global_.offheight = width, height
    spec.visual.global_.fovy = FIELD_OF_VIEW
    return spec.compile()


def _light(spec: mujoco.MjSpec, world: World) -> None:
    """Add a lamp with shadows, a fill light at the camera, and a pale background."""
    cell, visual = world.cell, spec.visual
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, pos=cell.place((-1.08, 0.63, 1.5)),
        dir=_direction(world, (0.45, -0.35, -1.0)), castshadow=True,
        ambient=(0, 0, 0), diffuse=(0.52, 0.51, 0.49), specular=(0.15, 0.15, 0.15),
    )  # fmt: skip
    visual.headlight.ambient = (0.44, 0.44, 0.45)
    visual.headlight.diffuse = (0.22, 0.22, 0.23)
    visual.headlight.specular = (0.05, 0.05, 0.05)
    visual.quality.offsamples = 0  # antialiasing costs more than it brings without a GPU
    visual.quality.shadowsize = _SHADOW_MAP
    visual.map.shadowclip = 1.0
    visual.map.znear = 0.01
    spec.stat.extent, spec.stat.center = 1.8, cell.place((-0.4, 0.1, 0.0))
    light, dark = _SKY
    spec.add_texture(
        name="sky", type=mujoco.mjtTexture.mjTEXTURE_SKYBOX, rgb1=light, rgb2=dark,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT, width=64, height=64,
    )  # fmt: skip


def _direction(world: World, vector: tuple[float, float, float]) -> tuple[float, float, float]:
    """Turn a direction of the standard cell with the cell."""
    x, y, z = vector
    return (-x, -y, z) if world.cell.yaw else (x, y, z)
