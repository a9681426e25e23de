"""Solids built from convex parts: of revolution, extruded, swept, hollow.

Lengths are in millimetres, as on a drawing; the resulting parts are in metres. A solid is drawn
wherever it is convenient; `solid` moves the shape's frame to the centre of its bounding box.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from .shapes import FloatArray, Part, Shape

Axis = Literal["x", "y", "z"]

_ALONG: dict[Axis, Rotation] = {
    "x": Rotation.from_matrix([[0, 0, 1], [1, 0, 0], [0, 1, 0]]),  # x, y, z become y, z, x
    "y": Rotation.from_euler("x", -90, degrees=True),
    "z": Rotation.identity(),
}
"""Rotates the z axis onto another."""


def solid(name: str, parts: Iterable[Part], *, grams: float, rolls: bool = False) -> Shape:
    """Make a shape from its parts, wherever they were drawn.

    Args:
        name: of the shape.
        parts: they touch or overlap a little.
        grams: its mass, spread evenly over the parts' volumes.
        rolls: it is round.
    """
    parts = tuple(parts)
    bounds = np.array([_bounds(part) for part in parts])
    low, high = bounds[:, 0].min(0), bounds[:, 1].max(0)
    center = (low + high) / 2
    shifted = tuple(
        dataclasses.replace(part, position=_triple(np.array(part.position) - center))
        for part in parts
    )
    density = grams / 1e3 / sum(part.volume for part in parts)
    return Shape(name, shifted, _triple(high - low), density=density, rolls=rolls)


def box(
    x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], yaw: float = 0.0
) -> Part:
    """Make a box from its sides' (low, high) in mm, rotated about the z axis by `yaw` degrees."""
    low, high = np.array([x, y, z], float).T / 1e3
    turn = Rotation.from_euler("z", yaw, degrees=True)
    center = turn.apply((low + high) / 2)
    return Part("box", _triple((high - low) / 2), None, _triple(center), _wxyz(turn))


def cylinder(
    radius: float,
    low: float,
    high: float,
    axis: Axis = "z",
    at: tuple[float, float] = (0.0, 0.0),
) -> Part:
    """Make a cylinder along an axis, mm.

    Args:
        radius: of it.
        low, high: where it starts and ends on its axis.
        axis: x, y or z.
        at: the other two coordinates of its axis, in the order of x, y, z.
    """
    center = np.insert(np.array(at, float), "xyz".index(axis), (low + high) / 2) / 1e3
    size = (radius / 1e3, (high - low) / 2e3)
    return Part("cylinder", size, None, _triple(center), _wxyz(_ALONG[axis]))


def hull(*points: npt.ArrayLike) -> Part:
    """Make the convex hull of points, each argument (N, 3) mm."""
    return Part("mesh", vertices=np.concatenate([np.asarray(p, float) for p in points]) / 1e3)


def prism(
    profile: Sequence[tuple[float, float]], low: float, high: float, axis: Axis = "z"
) -> Part:
    """Extrude a convex outline along an axis, mm.

    Args:
        profile: corners; the two coordinates that are not the axis, in the order of x, y, z.
        low, high: where it starts and ends on the axis.
        axis: x, y or z.
    """
    outline = np.array(profile, float)
    column = "xyz".index(axis)
    return hull(np.insert(outline, column, low, axis=1), np.insert(outline, column, high, axis=1))


def ring(rx: float, ry: float, z: float, n: int) -> FloatArray:
    """Return (n, 3) mm: corners of an ellipse at a height, the first half a corner past +x."""
    angle = (np.arange(n) + 0.5) * 2 * np.pi / n
    return np.stack([rx * np.cos(angle), ry * np.sin(angle), np.full(n, z)], axis=1)


def lathe(profile: Sequence[tuple[float, float]], n: int = 20, squash: float = 1.0) -> list[Part]:
    """Make a solid of revolution about the z axis; convex runs of its profile become one part.

    Args:
        profile: (radius, z) mm, z rising.
        n: corners of its circles.
        squash: y over x, for elliptic ones.
    """
    runs = [[profile[0], profile[1]]]
    for point in profile[2:]:
        (r0, z0), (r1, z1) = runs[-1][-2:]
        if (r1 - r0) * (point[1] - z1) >= (point[0] - r1) * (z1 - z0):
            runs[-1].append(point)
        else:
            runs.append([runs[-1][-1], point])
    return [hull(*(ring(r, squash * r, z, n) for r, z in run)) for run in runs]


def wall(
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    n: int,
    squash: float = 1.0,
) -> list[Part]:
    """Make a hollow ring about the z axis from n wedges.

    Args:
        low, high: (inner radius, outer radius, z) mm at its two ends.
        n: wedges.
        squash: y over x, for elliptic ones.
    """
    circles = [ring(r, squash * r, z, n) for inner, outer, z in (low, high) for r in (inner, outer)]
    return [
        hull(np.concatenate([[circle[i - 1], circle[i]] for circle in circles])) for i in range(n)
    ]


def sweep(path: npt.ArrayLike, radii: Sequence[float], n: int = 8, flat: float = 1.0) -> list[Part]:
    """Make a rod bent in a plane, one part for each segment of its path.

    Args:
        path: (K, 3) mm, in the plane y = 0.
        radii: K of them, mm, in that plane.
        n: corners of the cross-section.
        flat: the cross-section's size along y over that in the plane.
    """
    points = np.asarray(path, float)
    tangents = np.gradient(points, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    rings = []
    for point, tangent, radius in zip(points, tangents, radii, strict=True):
        outline = ring(radius, flat * radius, 0.0, n)
        inward = np.cross((0.0, 1.0, 0.0), tangent)
        rings.append(point + outline[:, :1] * inward + outline[:, 1:2] * (0.0, 1.0, 0.0))
    return [hull(a, b) for a, b in pairwise(rings)]


def rotated(
    parts: Iterable[Part],
    axis: Axis,
    degrees: float,
    then: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> list[Part]:
    """Rotate parts about an axis through the origin, then move them by `then` mm."""
    turn = Rotation.from_euler(axis, degrees, degrees=True)
    return [
        dataclasses.replace(
            part,
            position=_triple(turn.apply(part.position) + np.array(then) / 1e3),
            quaternion=_wxyz(turn * _rotation(part)),
        )
        for part in parts
    ]


def _bounds(part: Part) -> FloatArray:
    """Return (2, 3) m: a part's lowest and highest coordinates."""
    turn, position = _rotation(part), np.array(part.position)
    if part.kind == "mesh":
        assert part.vertices is not None
        points = turn.apply(part.vertices) + position
        return np.stack([points.min(0), points.max(0)])
    axes = turn.as_matrix()
    if part.kind == "box":
        reach = np.abs(axes) @ part.size
    else:
        radius, half_length = part.size
        along = axes[:, 2]
        reach = radius * np.sqrt(np.maximum(1 - along**2, 0)) + half_length * np.abs(along)
    return np.stack([position - reach, position + reach])


def _rotation(part: Part) -> Rotation:
    return Rotation.from_quat(np.roll(part.quaternion, -1))


def _wxyz(turn: Rotation) -> tuple[float, float, float, float]:
    x, y, z, w = (float(v) for v in turn.as_quat())
    return w, x, y, z


def _triple(values: npt.ArrayLike) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in np.asarray(values, float))
    return x, y, z
