"""Domain randomisation: ranges of masses, frictions, sizes, colours and light.

Numbers only; the scene builder applies them. The default ranges keep every object graspable by the
jaw and recognisable by its nominal colour.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..errors import UserError
from .cameras.light import LIGHT, Lamp
from .objects.shapes import Part, Shape

Range = tuple[float, float]  # lowest and highest, both included


@dataclass(frozen=True)
class DomainConfig:
    """Ranges from which a domain is drawn uniformly.

    Raises:
        UserError: a range is reversed or has impossible values.
    """

    mass: Range = (0.7, 1.4)
    """Factor on the density: blocks have 336 to 672 kg/m3, cedar to beech."""
    friction: Range = (0.7, 1.3)
    """Factor on the sliding friction of 0.5: 0.35, varnish, to 0.65, raw wood."""
    size: Range = (0.9, 1.1)
    """Factor on all lengths; a 100 mm block still fits the 110 mm jaw."""
    color_turn: Range = (0.0, 0.008)
    """rad by which a colour's direction in RGB space turns: 0.5 of the 2.7 degrees within which
    two colours count as the same; camera noise takes up 1.4 of them."""
    color_brightness: Range = (0.9, 1.0)
    """Factor on a colour; at most 1, since a channel that clips changes the hue."""
    lamp_cone: float = 0.5
    """rad around the default direction of the lamp, uniform over the solid angle."""
    ambient: Range = (0.5, 0.7)
    """Share of ambient light; with the ranges of brightness and intensity the dimmest face keeps
    0.38 of its colour."""
    intensity: Range = (0.85, 1.0)
    """Factor on all light; at most 1, as for colours."""
    tint: Range = (0.985, 1.0)
    """Gain of each channel of the light; turns a colour by 0.5 degrees at most."""

    def __post_init__(self) -> None:
        ranges = {k: v for k, v in vars(self).items() if k != "lamp_cone"}
        for name, (low, high) in ranges.items():
            if not 0 <= low <= high < np.inf:
                raise UserError(f"{name} is {low} to {high}: expected two rising numbers >= 0")
        for name in ("mass", "friction", "size", "color_brightness", "intensity", "tint"):
            if ranges[name][0] == 0:
                raise UserError(f"{name} is 0 to {ranges[name][1]}: a factor must be above 0")
        for name in ("color_brightness", "ambient", "intensity", "tint"):
            if ranges[name][1] > 1:
                raise UserError(f"{name} is up to {ranges[name][1]}: above 1 colours would clip")
        if not 0 <= self.lamp_cone <= np.pi / 2:
            raise UserError(f"lamp_cone is {self.lamp_cone}: expected an angle of 0 to pi / 2 rad")


@dataclass(frozen=True)
class ObjectDomain:
    """Deviations of one object from its nominal properties."""

    mass: float = 1.0  # factor on the density
    friction: float = 1.0  # factor
    size: float = 1.0  # factor
    color_brightness: float = 1.0  # factor
    color_turn: float = 0.0  # rad between the directions of its colour and the nominal one
    color_heading: float = 0.0  # rad, direction of that turn around the nominal colour

    def color(self, nominal: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return its colour for a nominal one, sRGB 0..255."""
        rgb = np.array(nominal, np.float64)
        length = float(np.linalg.norm(rgb))
        if length == 0:
            return nominal
        axis = rgb / length
        side = np.cross(axis, np.eye(3)[int(np.argmin(axis))])
        side /= np.linalg.norm(side)
        up = np.cross(axis, side)
        away = np.cos(self.color_heading) * side + np.sin(self.color_heading) * up
        turned = np.cos(self.color_turn) * axis + np.sin(self.color_turn) * away
        r, g, b = np.clip(np.rint(self.color_brightness * length * turned), 0, 255)
        return int(r), int(g), int(b)


@dataclass(frozen=True)
class Domain:
    """Deviations of one world."""

    objects: tuple[ObjectDomain, ...]
    light: Lamp


def sample_domain(config: DomainConfig, rng: np.random.Generator, n_objects: int) -> Domain:
    """Draw a world's deviations.

    Args:
        config: the ranges.
        rng: the same state gives the same light and the same first n objects, whatever the number
            of objects.
        n_objects: in the world.
    """
    light = _light(config, rng)
    objects = tuple(
        ObjectDomain(
            mass=rng.uniform(*config.mass),
            friction=rng.uniform(*config.friction),
            size=rng.uniform(*config.size),
            color_brightness=rng.uniform(*config.color_brightness),
            color_turn=rng.uniform(*config.color_turn),
            color_heading=rng.uniform(0.0, 2 * np.pi),
        )
        for _ in range(n_objects)
    )
    return Domain(objects, light)


def scaled(shape: Shape, factor: float) -> Shape:
    """Scale a shape; its density stays.

    Args:
        shape: any.
        factor: above 0.
    Returns:
        A shape with another name, because a model shares meshes by name; for factor 1 the same
        shape.
    Raises:
        UserError: the factor is not above 0.
    """
    if not 0 < factor < np.inf:
        raise UserError(f"a shape cannot be scaled by {factor}; the factor must be above 0")
    if factor == 1:
        return shape
    return dataclasses.replace(
        shape,
        name=f"{shape.name}*{factor:.4f}",
        parts=tuple(_scaled_part(part, factor) for part in shape.parts),
        extent=_times(shape.extent, factor),
    )


def _scaled_part(part: Part, factor: float) -> Part:
    return dataclasses.replace(
        part,
        size=tuple(factor * s for s in part.size),
        vertices=None if part.vertices is None else factor * part.vertices,
        position=_times(part.position, factor),
    )


def _times(xyz: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    return factor * xyz[0], factor * xyz[1], factor * xyz[2]


def _light(config: DomainConfig, rng: np.random.Generator) -> Lamp:
    """Draw a lamp within the cone; ambient and diffuse shares add up to the intensity."""
    cosine = rng.uniform(np.cos(config.lamp_cone), 1.0)
    turn = rng.uniform(0.0, 2 * np.pi)
    intensity, ambient = rng.uniform(*config.intensity), rng.uniform(*config.ambient)
    tint = rng.uniform(*config.tint, 3)
    side = np.cross(LIGHT, (1.0, 0.0, 0.0))
    side /= np.linalg.norm(side)
    away = np.cos(turn) * side + np.sin(turn) * np.cross(LIGHT, side)
    x, y, z = cosine * LIGHT + np.sqrt(1 - cosine**2) * away
    return Lamp(
        direction=(float(x), float(y), float(z)),
        ambient=intensity * ambient,
        diffuse=intensity * (1 - ambient),
        tint=(float(tint[0]), float(tint[1]), float(tint[2])),
    )
