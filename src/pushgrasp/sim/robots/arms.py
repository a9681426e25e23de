"""The arms as MuJoCo bodies: joints, inertias, collision capsules, visual meshes."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np

from ...errors import UserError
from ..cell import Cell
from ..model import CONTACT_SOLIMP, CONTACT_SOLREF
from .armspec import ArmSpec, Capsule, JointSpec, LinkSpec
from .panda import FR3, PANDA
from .ur5e import UR5E

__all__ = ["ARMS", "FR3", "PANDA", "UR5E", "ArmSpec", "Capsule", "JointSpec", "LinkSpec", "add_arm"]

ARMS = {arm.name: arm for arm in (UR5E, PANDA, FR3)}
"""The arms by name."""

COLLISION_GROUP = 3
VISUAL_GROUP = 2
_FRICTION = (0.4, 0.005, 0.0001)  # as the hand's palm: painted metal and plastic
_PEDESTAL = (0.35, 0.36, 0.38, 1.0)


def add_arm(
    spec: mujoco.MjSpec, arm: ArmSpec, cell: Cell, *, meshes: Path | None = None
) -> mujoco.MjsBody:
    """Add an arm to a model before it is compiled.

    Bodies are named `<arm>/<link>`, joints as in `arm`. Every link is gravity-compensated; there
    are no actuators. Capsules (group 3) collide, with each other too unless the links are
    neighbours; meshes (group 2) are visual only.

    Args:
        spec: the model.
        arm: what to add.
        cell: where it stands.
        meshes: the folder of its mesh files (`meshes.find_meshes`), or None.
    Returns:
        The body `<arm>/flange`, whose z axis points away from the arm; mount a hand on it.
    Raises:
        UserError: the folder lacks a link's files.
    """
    half_yaw = (arm.base_yaw + cell.yaw) / 2
    unit = np.degrees(1.0) if spec.compiler.degree else 1.0  # `spec`'s angle unit per radian
    base = body = spec.worldbody.add_body(
        name=f"{arm.name}/{arm.base.name}",
        pos=cell.place(arm.base_position),
        quat=(np.cos(half_yaw), 0, 0, np.sin(half_yaw)),
    )
    _add_pedestal(base, arm)
    _add_geoms(spec, base, arm.base, arm.name, meshes)
    for joint, link in zip(arm.joints, arm.links, strict=True):
        parent = body
        body = parent.add_body(
            name=f"{arm.name}/{link.name}",
            pos=joint.position,
            quat=joint.quaternion,
            gravcomp=1,
            mass=link.mass,
            ipos=link.com,
            fullinertia=link.inertia,
            explicitinertial=True,
        )
        body.add_joint(
            name=joint.name,
            type=mujoco.mjtJoint.mjJNT_HINGE,
            axis=joint.axis,
            limited=True,
            range=(unit * joint.low, unit * joint.high),
            armature=joint.armature,
        )
        _add_geoms(spec, body, link, arm.name, meshes)
        spec.add_exclude(bodyname1=parent.name, bodyname2=body.name)
    for first, second in arm.excluded:
        spec.add_exclude(bodyname1=f"{arm.name}/{first}", bodyname2=f"{arm.name}/{second}")
    return body.add_body(
        name=f"{arm.name}/flange", pos=arm.flange_position, quat=arm.flange_quaternion, gravcomp=1
    )


def _add_pedestal(base: mujoco.MjsBody, arm: ArmSpec) -> None:
    """Add a column from the table up to a base that stands above it."""
    height = arm.base_position[2]
    if height > 0:
        base.add_geom(
            name=f"{arm.name}/pedestal",
            type=mujoco.mjtGeom.mjGEOM_CYLINDER,
            size=(arm.pedestal_radius, height / 2, 0),
            pos=(0, 0, -height / 2),
            rgba=_PEDESTAL,
            friction=_FRICTION,
            solref=CONTACT_SOLREF,
            solimp=CONTACT_SOLIMP,
        )


def _add_geoms(
    spec: mujoco.MjSpec, body: mujoco.MjsBody, link: LinkSpec, prefix: str, meshes: Path | None
) -> None:
    for i, (start, end, radius) in enumerate(link.capsules):
        body.add_geom(
            name=f"{prefix}/{link.name}_{i}",
            type=mujoco.mjtGeom.mjGEOM_CAPSULE,
            fromto=(*start, *end),
            size=(radius, 0, 0),
            group=COLLISION_GROUP,
            mass=0,
            rgba=(*link.color, 1.0),
            friction=_FRICTION,
            solref=CONTACT_SOLREF,
            solimp=CONTACT_SOLIMP,
        )
    if meshes is None:
        return
    found = [v for v in link.visuals if (meshes / v.file).is_file()]
    if not found:
        wanted = " or ".join(v.file for v in link.visuals[:2])
        raise UserError(
            f"the folder {str(meshes)!r} has no mesh file for link {link.name!r} of the {prefix}: "
            f"expected {wanted}; give the assets folder of a MuJoCo Menagerie model, or none"
        )
    for visual in found:
        name = f"{prefix}/{visual.file}"
        spec.add_mesh(
            name=name,
            file=str((meshes / visual.file).resolve()),
            inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,  # open surfaces have no volume
        )
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=name,
            quat=link.visual_quaternion,
            group=VISUAL_GROUP,
            contype=0,
            conaffinity=0,
            mass=0,
            rgba=(*visual.color, 1.0),
        )
