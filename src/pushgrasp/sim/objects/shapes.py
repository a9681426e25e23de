"""The eight block shapes, as MuJoCo geoms.

A shape's frame sits at the centre of its bounding box. Its axes are those of VPG's meshes after
their vertices have been mapped (meshes 2 and 6 not at all, the others by
[[0,0,1],[0,-1,0],[1,0,0]]), so that a pose in a preset file means the same here; for the
half-cylinder `scenes/preset_file.py` rotates between the two. Edges are sharp where VPG's are
bevelled by 2 mm, except the triangle's, whose bevel determines its measured size. VPG's file of
the tile shows it rotated by 15 degrees about its short axis, but recorded poses are those of the
unrotated tile: otherwise tiles that stand on an edge would reach 4 mm into the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import mujoco
import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

FloatArray = npt.NDArray[np.float64]

DENSITY = 480.0
"""kg/m3: 60 g for a cube of 50 mm."""

_ARC_SEGMENTS = 8
"""Chords of the arch's opening, twice as many of the half-cylinder: 0.5 and 0.1 mm off the arc."""


@dataclass(frozen=True, eq=False)
class Part:
    """One convex piece of a shape."""

    kind: Literal["box", "cylinder", "mesh"]
    size: tuple[float, ...] = ()  # m; box: half-extents; cylinder: radius, half-length (along z)
    vertices: FloatArray | None = None  # (N, 3) m; mesh: points whose convex hull it is
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)  # m, shape frame
    quaternion: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)  # wxyz, shape frame

    @property
    def volume(self) -> float:
        """Cubic metres."""
        if self.kind == "box":
            return float(8 * np.prod(self.size))
        if self.kind == "cylinder":
            return float(2 * np.pi * self.size[0] ** 2 * self.size[1])
        assert self.vertices is not None
        return float(ConvexHull(self.vertices).volume)


@dataclass(frozen=True, eq=False)
class Shape:
    """A solid whose parts touch and do not overlap."""

    name: str
    parts: tuple[Part, ...]
    extent: tuple[float, float, float]  # m, bounding box in the shape frame, centred on it
    mesh: str = ""  # VPG's mesh file that it stands for, if any
    density: float = DENSITY  # kg/m3
    rolls: bool = False  # round: gets rolling friction

    @property
    def volume(self) -> float:
        """Cubic metres."""
        return sum(part.volume for part in self.parts)

    @property
    def mass(self) -> float:
        """Kilograms."""
        return self.density * self.volume


def _prism(profile: list[tuple[float, float]], length: float = 0.05) -> Part:
    """Extrude a convex (x, z) profile in metres along y, centred on the origin."""
    corners = [(x, y, z) for x, z in profile for y in (-length / 2, length / 2)]
    return Part("mesh", vertices=np.array(corners))


def _box(
    extent: tuple[float, float, float], position: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Part:
    return Part("box", size=tuple(e / 2 for e in extent), position=position)


def _arc(radius: float, start: float, stop: float, n: int) -> list[tuple[float, float]]:
    """Return the ends (x, z) of n chords of a circle, angles from +z towards +x."""
    angles = np.linspace(start, stop, n + 1)
    return [(float(radius * np.sin(a)), float(radius * np.cos(a))) for a in angles]


def _arch() -> Shape:
    """100 x 50 x 50 mm less a half-cylinder of radius 25 that opens towards -x.

    Two legs and the lintel are boxes, since boxes make the best contacts; the corners between
    them and the opening are fans of triangular prisms.
    """
    legs = [_box((0.05, 0.05, 0.025), position=(0.0, 0.0, z)) for z in (0.0375, -0.0375)]
    lintel = _box((0.025, 0.05, 0.05), position=(0.0125, 0.0, 0.0))
    fans = []
    for side in (1.0, -1.0):
        arc = [(x - 0.025, side * z) for x, z in _arc(0.025, 0.0, np.pi / 2, _ARC_SEGMENTS // 2)]
        fans += [_prism([(0.0, side * 0.025), a, b]) for a, b in pairwise(arc)]
    return Shape("arch", (*legs, lintel, *fans), (0.05, 0.05, 0.1), "1.obj")


def _triangle() -> Shape:
    """A right-angled prism lying on its long side (-x), 93 x 49 x 50 mm with its bevels."""
    profile = [
        (x, side * z)
        for x, z in ((-0.02425, 0.0459), (-0.0212, 0.04665), (0.02425, 0.0012))
        for side in (1.0, -1.0)
    ]
    return Shape("triangle", (_prism(profile),), (0.0485, 0.05, 0.0933), "0.obj")


def _half_cylinder() -> Shape:
    """Radius 25 mm, length 50 along y, flat side towards -x."""
    profile = [(x - 0.0125, z) for x, z in _arc(0.025, 0.0, np.pi, 2 * _ARC_SEGMENTS)]
    return Shape("half_cylinder", (_prism(profile),), (0.025, 0.05, 0.05), "7.obj", rolls=True)


def _cylinder() -> Shape:
    """Diameter 45 mm, height 50 along x."""
    quarter = float(np.sqrt(0.5))
    part = Part("cylinder", size=(0.0225, 0.025), quaternion=(quarter, 0.0, quarter, 0.0))
    return Shape("cylinder", (part,), (0.05, 0.045, 0.045), "8.obj", rolls=True)


def _block(name: str, extent: tuple[float, float, float], mesh: str) -> Shape:
    return Shape(name, (_box(extent),), extent, mesh)


SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        _triangle(),
        _arch(),
        _block("tile", (0.025, 0.05, 0.05), "2.obj"),
        _block("brick", (0.025, 0.05, 0.1), "3.obj"),
        _block("cube", (0.05, 0.05, 0.05), "4.obj"),
        _block("long", (0.05, 0.05, 0.1), "6.obj"),
        _half_cylinder(),
        _cylinder(),
    )
}
"""All shapes by name."""

_GEOM_TYPES = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "mesh": mujoco.mjtGeom.mjGEOM_MESH,
}


def add_to_spec(
    spec: mujoco.MjSpec,
    body: mujoco.MjsBody,
    shape: Shape,
    *,
    rgba: tuple[float, float, float, float],
    friction: tuple[float, float, float] = (0.5, 0.005, 0.0001),
    solref: tuple[float, float] = (0.02, 1.0),
    solimp: tuple[float, ...] = (0.9, 0.95, 0.001, 0.5, 2.0),
    condim: int = 4,
    group: int = 0,
) -> list[mujoco.MjsGeom]:
    """Give a body a shape's geoms; the body's frame is the shape's.

    Masses and inertias follow from the shape's density.

    Args:
        spec: the model being made; a shape's meshes are added once and shared, under the names
            "shape/part".
        body: of that spec.
        shape: one of SHAPES.
        rgba: colour, 0 to 1.
        friction: sliding, torsional (m), rolling (m).
        solref: contact time constant (s) and damping ratio.
        solimp: contact impedance, MuJoCo's three to five numbers.
        condim: contact dimensions, 1, 3, 4 or 6.
        group: geom group.
    Returns:
        The geoms, in the order of shape.parts.
    """
    known = {mesh.name for mesh in spec.meshes}
    impedance = (0.9, 0.95, 0.001, 0.5, 2.0)
    impedance = (*solimp, *impedance[len(solimp) :])
    geoms = []
    for index, part in enumerate(shape.parts):
        given = {"meshname": f"{shape.name}/{index}"} if part.kind == "mesh" else {}
        if part.kind == "mesh" and given["meshname"] not in known:
            assert part.vertices is not None
            spec.add_mesh(
                name=given["meshname"],
                uservert=part.vertices.ravel().tolist(),
                inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX,
            )
        size = (*part.size, 0.0, 0.0, 0.0)[:3]
        geom = body.add_geom(
            type=_GEOM_TYPES[part.kind],
            size=size,
            pos=part.position,
            quat=part.quaternion,
            rgba=rgba,
            density=shape.density,
            friction=friction,
            solref=solref,
            solimp=impedance,
            condim=condim,
            group=group,
            **given,
        )
        geoms.append(geom)
    return geoms
