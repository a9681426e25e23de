"""How a robot looks in films: its maker's meshes, or shells of cylinders; the hand's details.

All of it is visual only (geom group 2) and belongs to a model that nothing is simulated in. The
geoms that collide are hidden behind it (group 3).
"""

from __future__ import annotations

import mujoco
import numpy as np
import numpy.typing as npt

from ..cell import Cell
from ..model import RobotModel
from .arm import ArmModel
from .arms import COLLISION_GROUP, VISUAL_GROUP
from .armspec import ArmSpec, Capsule, Color, JointSpec, LinkSpec
from .gantry import GantryModel
from .hand import HandSpec
from .meshes import find_meshes

_CYLINDER, _SPHERE, _BOX = (
    mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtGeom.mjGEOM_SPHERE, mujoco.mjtGeom.mjGEOM_BOX,
)  # fmt: skip
_ROUND = 1.5  # radii of length below which a capsule is a joint's housing, not a tube
_TUBE = 0.84  # radius of a tube, of its capsule's
_HOUSING = 0.93  # likewise of a housing
_LID = 0.012  # m, a housing's coloured lid
_METAL: Color = (0.80, 0.81, 0.83)
_DARK: Color = (0.20, 0.21, 0.23)
_RUBBER: Color = (0.10, 0.10, 0.11)
_ACCENT: Color = (0.36, 0.60, 0.80)
_WHITE: Color = (0.93, 0.93, 0.94)


def add_for_film(
    spec: mujoco.MjSpec, robot: RobotModel, cell: Cell, *, meshes: bool = True
) -> None:
    """Add a robot to a model that is only looked at.

    Args:
        spec: the model; the robot's joints are the same as in a simulated one.
        robot: an arm or a gantry; another one is shown as it is simulated.
        cell: where it stands.
        meshes: use the maker's meshes where they are installed.
    """
    if isinstance(robot, ArmModel):
        shown = meshes and find_meshes(robot.arm.name) is not None
        ArmModel(robot.arm.name, robot.hand, visual_meshes=shown).add_to(spec, cell)
        if not shown:
            _add_shells(spec, robot.arm)
        _hide(spec, f"{robot.arm.name}/", "pedestal")
        _add_pedestal(spec, robot.arm)
    else:
        robot.add_to(spec, cell)
    if isinstance(robot, ArmModel | GantryModel):
        _add_hand(spec, robot.hand)


def _hide(spec: mujoco.MjSpec, prefix: str, suffix: str = "") -> None:
    for geom in spec.geoms:
        if geom.name.startswith(prefix) and geom.name.endswith(suffix):
            geom.group = COLLISION_GROUP


def _add_pedestal(spec: mujoco.MjSpec, arm: ArmSpec) -> None:
    """Replace the column under the base by a slimmer one with a foot and a top plate."""
    base, height, r = spec.body(f"{arm.name}/{arm.base.name}"), arm.base_position[2], 0.8
    if height <= 0:
        return
    for low, high, radius in (
        (0.0, 0.012, 1.15), (0.012, height - 0.012, r), (height - 0.012, height, 1.0),
    ):  # fmt: skip
        _cylinder(
            base, (0, 0, low - height), (0, 0, high - height), radius * arm.pedestal_radius, _DARK
        )


def _add_shells(spec: mujoco.MjSpec, arm: ArmSpec) -> None:
    """Draw each link as tubes and joint housings with coloured lids, after its capsules."""
    lid = _ACCENT if arm.name.startswith("ur") else _METAL
    tube = _METAL if arm.name.startswith("ur") else _WHITE
    links: list[tuple[LinkSpec, JointSpec | None]] = [(arm.base, None)]
    links += list(zip(arm.links, arm.joints, strict=True))
    for link, joint in links:
        body = spec.body(f"{arm.name}/{link.name}")
        axis = (0.0, 0.0, 1.0) if joint is None else joint.axis
        for capsule in link.capsules:
            _add_shell(body, capsule, np.array(axis), tube, lid)


def _add_shell(
    body: mujoco.MjsBody, capsule: Capsule, axis: npt.NDArray[np.float64], tube: Color, lid: Color
) -> None:
    start, end, radius = np.array(capsule[0]), np.array(capsule[1]), capsule[2]
    length = float(np.linalg.norm(end - start))
    if length > _ROUND * radius:
        _cylinder(body, start, end, _TUBE * radius, tube)
        for at in (start, end):
            _sphere(body, at, _TUBE * radius, tube)
        return
    along = (end - start) / length if length > 0.02 else axis
    middle, half = (start + end) / 2, length / 2 + 0.72 * radius
    low, high = middle - half * along, middle + half * along
    _cylinder(body, low, high, _HOUSING * radius, _DARK)
    for at, out in ((low, -along), (high, along)):
        _cylinder(body, at - 0.004 * out, at + _LID * out, 0.88 * radius, lid)


def _add_hand(spec: mujoco.MjSpec, hand: HandSpec) -> None:
    """Draw a palm with a rail, and fingers with rubber tips, over the boxes that collide."""
    tool, g = spec.body("tool"), hand.gripper
    for name in ("palm", "pad_left", "pad_right", "mount"):
        _hide(spec, name)
    length, (x, y, z) = hand.finger_length, hand.palm
    middle = length + z - 0.005
    body = _WHITE if min(hand.color) > 0.8 else _DARK
    _box(tool, (0, 0, middle + 0.2 * z), (0.78 * x, y, 0.8 * z), body)
    for sign in (-1, 1):
        u, v = sign * 0.78 * x, middle + 0.2 * z
        _cylinder(tool, (u, -y, v), (u, y, v), 0.8 * z, body)
        _cylinder(tool, (u, -y - 0.002, v), (u, y + 0.002, v), 0.45 * z, _ACCENT)
    _box(tool, (0, 0, middle - 0.78 * z), (x, 0.6 * y, 0.22 * z), _METAL)
    top = middle + z
    if hand.reach > top:
        _cylinder(tool, (0, 0, top), (0, 0, hand.reach), 0.034, _METAL)
        _cylinder(tool, (0, 0, top), (0, 0, top + 0.012), 0.042, _DARK)
    for name, sign in (("finger_left", 1), ("finger_right", -1)):
        finger = spec.body(name)
        half, breadth, tip = g.finger_thickness / 2, g.finger_breadth / 2, 0.32 * length
        offset = sign * half
        _box(finger, (offset, 0, tip / 2), (half, breadth, tip / 2), _RUBBER)
        _box(
            finger, (offset + sign * 0.002, 0, (tip + length) / 2),
            (half, 0.8 * breadth, (length - tip) / 2), _METAL,
        )  # fmt: skip
        _box(
            finger, (offset + sign * 0.006, 0, length - 0.008), (2 * half, 1.15 * breadth, 0.010),
            _DARK,
        )  # fmt: skip


def _cylinder(
    body: mujoco.MjsBody, start: npt.ArrayLike, end: npt.ArrayLike, radius: float, color: Color
) -> None:
    _add(body, _CYLINDER, color, fromto=[*np.asarray(start), *np.asarray(end)], size=(radius, 0, 0))


def _sphere(body: mujoco.MjsBody, at: npt.ArrayLike, radius: float, color: Color) -> None:
    _add(body, _SPHERE, color, pos=np.asarray(at), size=(radius, 0, 0))


def _box(body: mujoco.MjsBody, at: npt.ArrayLike, half: npt.ArrayLike, color: Color) -> None:
    _add(body, _BOX, color, pos=np.asarray(at), size=np.asarray(half))


def _add(body: mujoco.MjsBody, kind: mujoco.mjtGeom, color: Color, **shape: npt.ArrayLike) -> None:
    body.add_geom(
        type=kind, rgba=(*color, 1.0), group=VISUAL_GROUP, contype=0, conaffinity=0, mass=0, **shape
    )
