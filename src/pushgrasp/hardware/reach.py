"""Check of a real arm's motions before they start, by the simulated arm's kinematics.

Joint limits, singularities and self-collision; what stands around the arm is the fence's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import UserError
from ..sim.cell import Cell, Point
from ..sim.robots.arm import ArmKinematics
from ..sim.robots.arms import ARMS
from ..sim.robots.hand import FRANKA_HAND, RG2
from ..sim.robots.robot import RefusedError
from .devices import FloatArray
from .robot import Reach
from .station import Station

LEVEL = np.radians(0.5)  # tilt of a base that still counts as upright


def make_reach(station: Station) -> Reach:
    """Return the check for the arm that `arm.model` names.

    Raises:
        UserError: there is no such model, its base is tilted, or it cannot reach the home pose.
    """
    model = station.arm.model
    if model not in ARMS:
        raise UserError(
            f'arm: there is no model {model!r}; there are {", ".join(sorted(ARMS))}, and "" for '
            "no check before a motion"
        )
    base = station.base()
    if base[2, 2] < np.cos(LEVEL):
        raise UserError(
            f"T_world_base: the base is tilted by {np.degrees(np.arccos(base[2, 2])):.1f} degrees; "
            'motions of a tilted arm cannot be checked: give arm.model as ""'
        )
    hand = FRANKA_HAND if station.jaw.driver == "franka-hand" else RG2
    yaw = float(np.arctan2(base[1, 0], base[0, 0])) - ARMS[model].base_yaw
    x, y, z = (float(v) for v in base[:3, 3])
    try:
        kinematics = ArmKinematics(
            model, hand, _Place(base=(x, y, z), turn=yaw, over=station.home), alone=True
        )
    except UserError as error:
        cause = error.__cause__ or error
        raise UserError(f"home: {cause}; choose another home pose") from error

    def refuses(joints: FloatArray, targets: Sequence[FloatArray]) -> str:
        if len(joints) != len(kinematics.joints):
            return f"the arm has {len(joints)} joints, a {model} has {len(kinematics.joints)}"
        for T_world_tool in targets:
            try:
                joints = kinematics.pose_path(joints, T_world_tool).joints[-1]
            except RefusedError as why:
                return str(why)
        return ""

    return refuses


@dataclass(frozen=True)
class _Place(Cell):
    """A cell that says no more than where an arm stands and where its home is."""

    base: Point = (0.0, 0.0, 0.0)  # m, world frame
    turn: float = 0.0  # rad about world z, from the model's own
    over: Point = (0.0, 0.0, 0.0)  # m, world frame: the tool at home

    @property
    def yaw(self) -> float:
        """See `Cell.yaw`."""
        return self.turn

    @property
    def home(self) -> Point:
        """See `Cell.home`."""
        return self.over

    def place(self, point: Point) -> Point:
        """Return the base's place, which is all that is asked for."""
        return self.base
