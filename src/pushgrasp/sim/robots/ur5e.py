"""Universal Robots UR5e.

Kinematics, masses and centres of mass: Universal Robots, "DH parameters for calculations of
kinematics and dynamics", UR5e. Limits: UR5e technical specification. The document gives no
inertias; solid cylinders approximate them, as in the maker's ROS description. Link frames lie along
the joint axes where MuJoCo Menagerie's `universal_robots_ur5e` has them, so that its mesh files
fit. Menagerie rounds lengths to 1 mm; its flange differs by up to 2 mm from this one.
"""

from __future__ import annotations

import math

from .armspec import HALF, IDENTITY, ArmSpec, Capsule, JointSpec, LinkSpec, Vector, Visual

# Denavit-Hartenberg lengths, m
D1, A2, A3, D4, D5, D6 = 0.1625, -0.425, -0.3922, 0.1333, 0.0997, 0.0996
_SHOULDER, _ELBOW = 0.138, 0.131  # m, d4 is split into 0.138 out, 0.131 back and the rest out

_GREY = (0.80, 0.81, 0.82)
_BLUE = (0.45, 0.66, 0.82)
_JOINT = (0.30, 0.31, 0.32)
_BLACK = (0.06, 0.06, 0.07)

_TURN = 2 * math.pi
_BIG = (math.pi, 150.0)  # rad/s, N m: base, shoulder, elbow
_SMALL = (math.pi, 28.0)  # wrists
_ARMATURE = 0.1  # kg m2, Menagerie's; UR publishes none


_ACCELERATION = 15.0  # rad/s^2 (assumed); UR publishes none, its controller accepts up to 40


def _joint(
    name: str,
    position: Vector,
    quaternion: tuple[float, float, float, float],
    axis: Vector,
    limit: float,
    rating: tuple[float, float],
) -> JointSpec:
    return JointSpec(
        name,
        position,
        quaternion,
        axis,
        -limit,
        limit,
        rating[0],
        rating[1],
        _ARMATURE,
        _ACCELERATION,
    )


def _link(
    name: str,
    mass: float,
    com: Vector,
    cylinder: tuple[str, float, float],
    capsules: tuple[Capsule, ...],
    visuals: dict[str, tuple[float, float, float]],
) -> LinkSpec:
    """Make a link with the inertia of a solid cylinder, given by axis, radius and length (m)."""
    axis, radius, length = cylinder
    across = mass * (3 * radius**2 + length**2) / 12
    moments = [mass * radius**2 / 2 if a == axis else across for a in "xyz"]
    return LinkSpec(
        name,
        mass,
        com,
        (moments[0], moments[1], moments[2], 0.0, 0.0, 0.0),
        capsules,
        tuple(Visual(f"{file}.obj", color) for file, color in visuals.items()),
        _GREY,
    )


_BASE = LinkSpec(
    "base",
    4.0,
    (0.0, 0.0, 0.0),
    (0.00443, 0.00443, 0.0072, 0.0, 0.0, 0.0),
    (((0.0, 0.0, 0.031), (0.0, 0.0, 0.043), 0.076),),
    (Visual("base_0.obj", _BLACK), Visual("base_1.obj", _JOINT)),
    _JOINT,
    visual_quaternion=(0.0, 0.0, 0.0, 1.0),  # the files' x points to the DH frame's -x
)

_JOINTS = (
    _joint(
        "shoulder_pan_joint", (0.0, 0.0, D1), (0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 1.0), _TURN, _BIG
    ),
    _joint(
        "shoulder_lift_joint",
        (0.0, _SHOULDER, 0.0), (HALF, 0.0, HALF, 0.0), (0.0, 1.0, 0.0), _TURN, _BIG,
    ),
    # UR allows a full turn; beyond half a turn the forearm would intersect the upper arm.
    _joint("elbow_joint", (0.0, -_ELBOW, -A2), IDENTITY, (0.0, 1.0, 0.0), math.pi, _BIG),
    _joint(
        "wrist_1_joint", (0.0, 0.0, -A3), (HALF, 0.0, HALF, 0.0), (0.0, 1.0, 0.0), _TURN, _SMALL
    ),
    _joint(
        "wrist_2_joint",
        (0.0, D4 - _SHOULDER + _ELBOW, 0.0), IDENTITY, (0.0, 0.0, 1.0), _TURN, _SMALL,
    ),
    _joint("wrist_3_joint", (0.0, 0.0, D5), IDENTITY, (0.0, 1.0, 0.0), _TURN, _SMALL),
)  # fmt: skip

_LINKS = (
    _link(
        "shoulder", 3.761, (0.0, 0.00193, -0.02561), ("z", 0.06, 0.178),
        (((0.0, 0.016, -0.031), (0.0, 0.016, 0.010), 0.076),
         ((0.0, 0.050, 0.050), (0.0, 0.070, -0.012), 0.022)),
        {"shoulder_0": _BLUE, "shoulder_1": _BLACK, "shoulder_2": _JOINT},
    ),
    _link(
        "upper_arm", 8.058, (0.0, -0.02464, 0.2125), ("z", 0.06, 0.425),
        (((0.0, -0.038, 0.0), (0.0, 0.032, 0.005), 0.055),
         ((0.0, 0.0, 0.049), (0.0, 0.0, 0.371), 0.050),
         ((0.0, -0.049, 0.425), (0.0, 0.031, 0.419), 0.056)),
        {"upperarm_0": _GREY, "upperarm_1": _BLACK, "upperarm_2": _JOINT, "upperarm_3": _BLUE},
    ),
    _link(
        "forearm", 2.846, (0.0, 0.0195, 0.2422), ("z", 0.06, 0.392),
        (((0.0, 0.020, 0.0), (0.0, 0.020, 0.004), 0.058),
         ((0.0, -0.007, 0.077), (0.0, 0.002, 0.308), 0.050),
         ((0.0, -0.024, 0.389), (0.0, 0.029, 0.392), 0.037)),
        {"forearm_0": _BLUE, "forearm_1": _GREY, "forearm_2": _BLACK, "forearm_3": _JOINT},
    ),
    _link(
        "wrist_1", 1.37, (0.0, 0.1245, 0.01634), ("y", 0.06, 0.12),
        (((0.0, 0.060, 0.0), (0.0, 0.129, -0.016), 0.034),
         ((0.0, 0.126, -0.028), (0.0, 0.126, 0.029), 0.038)),
        {"wrist1_0": _BLACK, "wrist1_1": _BLUE, "wrist1_2": _JOINT},
    ),
    _link(
        "wrist_2", 1.3, (0.0, 0.01634, 0.0979), ("z", 0.06, 0.12),
        (((0.0, 0.0, 0.085), (0.0, 0.0, 0.086), 0.043),
         ((0.0, -0.019, 0.097), (0.0, 0.023, 0.099), 0.042)),
        {"wrist2_0": _BLACK, "wrist2_1": _BLUE, "wrist2_2": _JOINT},
    ),
    _link(
        "wrist_3", 0.365, (0.0, 0.09844, 0.0), ("y", 0.0375, 0.0345),
        (((0.0, 0.071, 0.001), (0.0, 0.073, 0.001), 0.037),),
        {"wrist3": _GREY},
    ),
)  # fmt: skip

UR5E = ArmSpec(
    name="ur5e",
    base_position=(0.05, 0.0, 0.20),
    base_yaw=0.0,
    pedestal_radius=0.10,
    base=_BASE,
    joints=_JOINTS,
    links=_LINKS,
    flange_position=(0.0, D6, 0.0),
    flange_quaternion=(-HALF, HALF, 0.0, 0.0),
    home=(-0.883523, -0.979644, 1.333155, -1.924307, -1.570796, 0.687273),
)
"""The UR5e."""
