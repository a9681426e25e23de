"""Arm descriptions as data: lengths in metres, angles in radians, quaternions wxyz."""

from __future__ import annotations

import math
from dataclasses import dataclass

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
Color = tuple[float, float, float]  # 0..1
Capsule = tuple[Vector, Vector, float]
"""Centres of its two end spheres and radius, link frame."""

IDENTITY: Quaternion = (1.0, 0.0, 0.0, 0.0)
HALF = math.sqrt(0.5)
"""cos(45 degrees): the quaternion (HALF, HALF, 0, 0) is a quarter turn about x."""


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
    capsules: tuple[Capsule, ...]  # collision geometry, link frame
    visuals: tuple[Visual, ...]  # alternatives; those found in the mesh folder are used
    color: Color  # of the capsules
    visual_quaternion: Quaternion = IDENTITY  # orientation of the mesh files in the link frame


@dataclass(frozen=True)
class JointSpec:
    """A hinge between a link and its parent."""

    name: str
    position: Vector  # m, of the link frame in the parent's frame at angle 0
    quaternion: Quaternion  # orientation, likewise
    axis: Vector  # through the link frame's origin, link frame
    low: float  # rad
    high: float  # rad
    max_speed: float  # rad/s
    max_torque: float  # N m
    armature: float  # kg m2, reflected rotor inertia
    max_acceleration: float  # rad/s^2


@dataclass(frozen=True)
class ArmSpec:
    """A serial arm on a pedestal, without a hand.

    `joints[i]` moves `links[i]`; the parent of `joints[0]` is the base.
    """

    name: str
    base_position: Vector  # m, standard cell; a pedestal reaches down to the table from there
    base_yaw: float  # rad, about world z, standard cell
    pedestal_radius: float  # m
    base: LinkSpec
    joints: tuple[JointSpec, ...]
    links: tuple[LinkSpec, ...]
    flange_position: Vector  # m, last link's frame
    flange_quaternion: Quaternion  # likewise; the flange's z axis points away from the arm
    home: tuple[float, ...]  # rad: the hand points straight down over the bin
    excluded: tuple[tuple[str, str], ...] = ()
    """Pairs of links whose capsules may overlap although the links cannot collide; neighbours are
    always excluded."""
