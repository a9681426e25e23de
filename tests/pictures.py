"""Pictures of boxes and balls on a table, for tests of perception: no simulator, two lamps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pushgrasp.interfaces import Intrinsics, RGBDFrame
from pushgrasp.perception.camera_file import look_at
from pushgrasp.perception.heightmap import ray_directions

Color = tuple[int, int, int]
Point = tuple[float, float, float]
RED, BLUE, GREEN = (205, 45, 40), (45, 70, 180), (50, 150, 75)
WARM, COOL, WHITE = (1.05, 1.0, 0.90), (0.86, 0.97, 1.14), (1.0, 1.0, 1.0)
TO_LAMP = np.array([0.3, 0.4, 0.87]) / np.linalg.norm([0.3, 0.4, 0.87])


@dataclass(frozen=True)
class Box:
    """An upright box; `stripe` is the colour of every second centimetre along x."""

    center: tuple[float, float]  # m
    half: Point  # m
    color: Color
    bottom: float = 0.0  # m above the table
    stripe: Color | None = None


@dataclass(frozen=True)
class Ball:
    """A ball on the table."""

    center: tuple[float, float]  # m
    radius: float  # m
    color: Color


def picture(
    *things: Box | Ball,
    lamp: Point = WHITE,
    sky: Point = WHITE,
    table: Color = (60, 65, 74),
    table_z: float = 0.0,
    eye: Point = (-1.0, 0.0, 0.5),
    at: Point = (-0.5, 0.0, 0.0),
    gloss: float = 0.0,
    noise: float = 0.0,
    depth_noise: float = 0.0,
) -> tuple[RGBDFrame, npt.NDArray[np.int64]]:
    """Take a picture.

    Returns:
        The frame, and (H, W) 0 for the table, 1.. for the things in their order.
    """
    k = Intrinsics()
    pose = look_at(np.add(eye, (0, 0, table_z)), np.add(at, (0, 0, table_z)))
    rays = ray_directions(k) @ pose[:3, :3].T
    origin = pose[:3, 3]
    depth = np.where(
        rays[..., 2] < -1e-6, (table_z - origin[2]) / np.minimum(rays[..., 2], -1e-6), 0
    )
    normal = np.zeros(rays.shape)
    normal[..., 2] = 1
    number = np.zeros(depth.shape, int)
    albedo = np.zeros(rays.shape) + table
    for n, thing in enumerate(things, 1):
        hit, where, facing = (
            _box(thing, origin, rays, table_z)
            if isinstance(thing, Box)
            else (_ball(thing, origin, rays, table_z))
        )
        closer = hit & (where > 0) & ((where < depth) | (depth <= 0))
        depth[closer], normal[closer], number[closer] = where[closer], facing[closer], n
        albedo[closer] = thing.color
        if isinstance(thing, Box) and thing.stripe is not None:
            x = (origin + where[..., None] * rays)[..., 0]
            albedo[closer & (np.floor(x / 0.01) % 2 == 0)] = thing.stripe
    facing = np.maximum(normal @ TO_LAMP, 0)[..., None]
    light = 0.65 * facing * lamp + 0.35 * np.array(sky)
    half = -rays / np.linalg.norm(rays, axis=-1, keepdims=True) + TO_LAMP
    half /= np.linalg.norm(half, axis=-1, keepdims=True)
    shine = np.maximum((normal * half).sum(-1), 0)[..., None] ** 30 * (number > 0)[..., None]
    rng = np.random.default_rng(0)
    color = albedo * light + 255 * gloss * shine * lamp + rng.normal(0, noise, rays.shape)
    depth = depth + rng.normal(0, depth_noise, depth.shape) * (depth > 0)
    image = np.rint(np.clip(color, 0, 255)).astype(np.uint8)
    return RGBDFrame(image, depth.astype(np.float32), k, pose), number


_Hit = tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64], npt.NDArray[np.float64]]


def _box(box: Box, origin: npt.NDArray, rays: npt.NDArray, table_z: float) -> _Hit:
    half = np.array(box.half)
    c = np.array([*box.center, table_z + box.bottom + half[2]]) - origin
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (c - half) / rays, (c + half) / rays
    near, far = np.minimum(a, b), np.maximum(a, b)
    axis = near.argmax(-1)[..., None]
    normal = np.zeros(rays.shape)
    np.put_along_axis(normal, axis, -np.sign(np.take_along_axis(rays, axis, -1)), -1)
    return near.max(-1) < far.min(-1), near.max(-1), normal


def _ball(ball: Ball, origin: npt.NDArray, rays: npt.NDArray, table_z: float) -> _Hit:
    c = np.array([*ball.center, table_z + ball.radius]) - origin
    a, b = (rays**2).sum(-1), rays @ c
    root = b**2 - a * (c @ c - ball.radius**2)
    t = (b - np.sqrt(np.maximum(root, 0))) / a
    return root > 0, t, (t[..., None] * rays - c) / ball.radius
