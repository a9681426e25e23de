"""What an arm is, as data: lengths in metres, angles in radians, quaternions wxyz."""

from __future__ import annotations

import math
from dataclasses import dataclass

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
Color = tuple[float, float, float]  # 0..1
Capsule = tuple[Vector, Vector, float]
"""From, to (the centres of its two ends) and radius, in the link's frame."""

IDENTITY: Quaternion = (1.0, 0.0, 0.0, 0.0)
HALF = math.sqrt(0.5)
"""Half an angle of a quarter turn: the quaternion (HALF, HALF, 0, 0) is one about x."""


@dataclass(frozen=True)
class Visual:
    """One mesh file of a link."""

    file: str
    color: Color


@dataclass(frozen=True)
class LinkSpec:
    """A rigid link."""

    name: str
    mass: float  # kg
    com: Vector  # m, link frame
    inertia: tuple[float, float, float, float, float, float]
    """kg m2 about the centre of mass, axes of the link frame: xx, yy, zz, xy, xz, yz."""
    capsules: tuple[Capsule, ...]  # what collides, link frame
    visuals: tuple[Visual, ...]  # alternatives: those that a folder holds are drawn
    color: Color  # of the capsules
    visual_quaternion: Quaternion = IDENTITY  # of the mesh files' axes in the link frame


@dataclass(frozen=True)
class JointSpec:
    """A hinge between a link and the one before it."""

    name: str
    position: Vector  # m, of the link's frame in the frame before it, at angle 0
    quaternion: Quaternion  # likewise
    axis: Vector  # through the link frame's origin, link frame
    low: float  # rad
    high: float  # rad
    max_speed: float  # rad/s
    max_torque: float  # N m
    armature: float  # kg m2, of the motor through its gear
    max_acceleration: float  # rad/s^2


@dataclass(frozen=True)
class ArmSpec:
    """A chain of hinges on a pedestal, without a hand.

    `joints[i]` moves `links[i]`; the frame before `joints[0]` is the base's.
    """

    name: str
    base_position: Vector  # m, standard cell; a pedestal reaches down to the table from there
    base_yaw: float  # rad, about world z, standard cell
    pedestal_radius: float  # m
    base: LinkSpec
    joints: tuple[JointSpec, ...]
    links: tuple[LinkSpec, ...]
    flange_position: Vector  # m, last link's frame
    flange_quaternion: Quaternion  # likewise; the flange's z points away from the arm
    home: tuple[float, ...]  # rad: a hand points straight down over the bin
    excluded: tuple[tuple[str, str], ...] = ()
    """Pairs of links that cannot hit each other yet whose capsules may overlap; neighbours
    need not be named."""
