"""Franka Emika Panda and Franka Research 3.

Kinematics and limits: Franka Control Interface documentation, "Robot and interface
specifications" (Denavit-Hartenberg parameters after Craig). Masses, centres of mass and
inertias: C. Gaz et al., "Dynamic identification of the Franka Emika Panda robot with retrieval
of feasible parameters", RA-L 2019, as in MuJoCo Menagerie; they are identified from joint
torques, so single numbers need not be those of the link. Link frames are the DH frames, in
which the mesh files of Menagerie and of dm_robotics.panda are given.
"""

from __future__ import annotations

import math
from dataclasses import replace

from .armspec import HALF, IDENTITY, ArmSpec, Color, JointSpec, LinkSpec, Quaternion, Vector, Visual

# Denavit-Hartenberg lengths, m
D1, D3, A4, A5, D5, A7, FLANGE = 0.333, 0.316, 0.0825, -0.0825, 0.384, 0.088, 0.107

_WHITE = (0.95, 0.95, 0.95)
_OFF_WHITE = (0.88, 0.90, 0.91)
_BLACK = (0.20, 0.20, 0.21)
_BLUE = (0.04, 0.54, 0.78)
_GREEN = (0.20, 0.80, 0.30)

_BACK: Quaternion = (HALF, -HALF, 0.0, 0.0)  # DH alpha of -90 degrees
_FORTH: Quaternion = (HALF, HALF, 0.0, 0.0)  # +90 degrees
_BIG = (2.1750, 87.0)  # rad/s, N m: joints 1 to 4
_SMALL = (2.6100, 12.0)  # joints 5 to 7
_ARMATURE = 0.1  # kg m2, Menagerie's; Franka publishes none


_ACCELERATIONS = (15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0)  # rad/s^2, Franka's control parameters


def _joint(
    number: int,
    position: Vector,
    quaternion: Quaternion,
    limits: tuple[float, float],
    rating: tuple[float, float],
) -> JointSpec:
    axis = (0.0, 0.0, 1.0)
    return JointSpec(
        f"joint{number}",
        position,
        quaternion,
        axis,
        *limits,
        rating[0],
        rating[1],
        _ARMATURE,
        _ACCELERATIONS[number - 1],
    )


def _visuals(name: str, colors: dict[Color, tuple[int, ...]]) -> tuple[Visual, ...]:
    """List a link's single mesh file, and Menagerie's pieces of it by colour."""
    pieces = {i: color for color, numbers in colors.items() for i in numbers}
    whole = (Visual(f"{name}.obj", _WHITE),)
    return whole + tuple(Visual(f"{name}_{i}.obj", pieces[i]) for i in sorted(pieces))


_BASE = LinkSpec(
    "link0", 0.629769, (-0.041018, -0.00014, 0.049974),
    (0.00315, 0.00388, 0.004285, 8.2904e-7, 0.00015, 8.2299e-6),
    (((-0.040, 0.023, 0.020), (-0.040, -0.023, 0.020), 0.077),
     ((-0.114, 0.029, 0.030), (-0.114, -0.029, 0.030), 0.044),
     ((-0.005, 0.0, 0.040), (0.0, 0.0, 0.075), 0.077)),
    _visuals("link0", {_OFF_WHITE: (0, 2, 4, 10), _BLACK: (1, 3, 5, 9), _WHITE: (7, 8, 11)}),
    _WHITE,
)  # fmt: skip

_JOINTS = (
    _joint(1, (0.0, 0.0, D1), IDENTITY, (-2.8973, 2.8973), _BIG),
    _joint(2, (0.0, 0.0, 0.0), _BACK, (-1.7628, 1.7628), _BIG),
    _joint(3, (0.0, -D3, 0.0), _FORTH, (-2.8973, 2.8973), _BIG),
    _joint(4, (A4, 0.0, 0.0), _FORTH, (-3.0718, -0.0698), _BIG),
    _joint(5, (A5, D5, 0.0), _BACK, (-2.8973, 2.8973), _SMALL),
    _joint(6, (0.0, 0.0, 0.0), _FORTH, (-0.0175, 3.7525), _SMALL),
    _joint(7, (A7, 0.0, 0.0), _FORTH, (-2.8973, 2.8973), _SMALL),
)

_LINKS = (
    LinkSpec(
        "link1", 4.970684, (0.003875, 0.002081, -0.04762),
        (0.70337, 0.70661, 0.0091170, -0.000139, 0.0067720, 0.019169),
        (((0.0, 0.008, -0.161), (0.003, -0.026, -0.050), 0.064),
         ((0.0, -0.079, -0.004), (0.0, -0.020, 0.0), 0.053)),
        _visuals("link1", {}), _WHITE,
    ),
    LinkSpec(
        "link2", 0.646926, (-0.003141, -0.02872, 0.003495),
        (0.0079620, 0.028110, 0.025995, -0.003925, 0.010254, 0.000704),
        (((0.0, -0.157, 0.008), (-0.004, -0.015, 0.020), 0.067),
         ((-0.003, -0.026, 0.019), (-0.001, -0.004, 0.069), 0.057)),
        _visuals("link2", {}), _WHITE,
    ),
    LinkSpec(
        "link3", 3.228604, (0.027518, 0.039252, -0.066502),
        (0.037242, 0.036155, 0.01083, -0.004761, -0.011396, -0.012805),
        (((0.003, 0.001, -0.086), (0.050, 0.012, -0.015), 0.062),
         ((0.069, 0.001, 0.0), (0.083, 0.050, -0.005), 0.060)),
        _visuals("link3", {_WHITE: (0, 1, 2), _BLACK: (3,)}), _WHITE,
    ),
    LinkSpec(
        "link4", 3.587895, (-0.05317, 0.104419, 0.027454),
        (0.025853, 0.019552, 0.028323, 0.007796, -0.001332, 0.008641),
        (((-0.016, 0.004, -0.019), (-0.006, 0.004, 0.050), 0.062),
         ((-0.082, 0.072, 0.0), (-0.082, 0.100, 0.0), 0.054)),
        _visuals("link4", {_WHITE: (0, 1, 3), _BLACK: (2,)}), _WHITE,
    ),
    LinkSpec(
        "link5", 1.225946, (-0.011953, 0.041065, -0.038437),
        (0.035549, 0.029474, 0.008627, -0.002117, -0.004037, 0.000229),
        (((-0.004, 0.004, -0.226), (-0.009, 0.030, -0.200), 0.060),
         ((0.003, 0.080, -0.146), (0.003, 0.091, -0.045), 0.030),
         ((0.0, 0.069, -0.004), (-0.003, 0.050, -0.007), 0.056)),
        _visuals("link5", {_BLACK: (0,), _WHITE: (1, 2)}), _WHITE,
    ),
    LinkSpec(
        "link6", 1.666555, (0.060149, -0.014117, -0.010517),
        (0.001964, 0.004354, 0.005433, 0.000109, -0.001158, 0.000341),
        (((0.015, 0.003, 0.004), (0.009, 0.003, 0.003), 0.056),
         ((0.088, -0.017, 0.001), (0.076, 0.036, 0.004), 0.050)),
        _visuals(
            "link6",
            {_OFF_WHITE: (0,), _WHITE: (1, 3, 4, 5, 6, 11, 13, 16), _BLACK: (2, 9, 10, 14, 15),
             _BLUE: (7, 8), _GREEN: (12,)},
        ), _WHITE,
    ),
    LinkSpec(
        "link7", 0.735522, (0.010517, -0.004252, 0.061597),
        (0.012516, 0.010027, 0.004815, -0.000428, -0.001196, -0.000741),
        (((0.001, 0.0, 0.078), (0.001, 0.0, 0.080), 0.053),
         ((0.030, 0.030, 0.081), (0.049, 0.048, 0.087), 0.030)),
        _visuals("link7", {_WHITE: (0, 7), _BLACK: (1, 2, 3, 4, 5, 6)}), _WHITE,
    ),
)  # fmt: skip

PANDA = ArmSpec(
    name="panda",
    base_position=(0.02, 0.0, 0.02),
    base_yaw=math.pi,
    pedestal_radius=0.15,
    base=_BASE,
    joints=_JOINTS,
    links=_LINKS,
    flange_position=(0.0, 0.0, FLANGE),
    flange_quaternion=IDENTITY,
    home=(-0.724250, 0.538182, 0.0, -1.559132, 0.0, 2.097314, 0.846546),
)
"""The Panda."""

_FR3_LIMITS = (
    (-2.7437, 2.7437), (-1.7837, 1.7837), (-2.9007, 2.9007), (-3.0421, -0.1518),
    (-2.8065, 2.8065), (0.5445, 4.5169), (-3.0159, 3.0159),
)  # fmt: skip
_FR3_SPEEDS = (2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26)  # rad/s, away from the limits
_FR3_ACCELERATION = 10.0  # rad/s^2

FR3 = replace(
    PANDA,
    name="fr3",
    joints=tuple(
        replace(joint, low=low, high=high, max_speed=speed, max_acceleration=_FR3_ACCELERATION)
        for joint, (low, high), speed in zip(_JOINTS, _FR3_LIMITS, _FR3_SPEEDS, strict=True)
    ),
)
"""The Franka Research 3: the Panda's kinematics with other limits (FCI documentation, "Robot and
interface specifications"); masses, capsules and meshes are the Panda's."""
