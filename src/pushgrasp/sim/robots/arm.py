"""An arm with a hand: torque-limited actuators, and inverse kinematics by mink.

A straight line of the tool is solved at close intervals before anything moves. Infeasible lines are
refused: out of reach, beyond a joint limit, through a singularity, or in collision with the arm
itself, the table, the tote or the camera's post. Objects are not known to the planner; contact with
them is sensed, as on a real arm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import mink
import mujoco
import numpy as np

from ...errors import UserError
from ..cell import Cell
from ..model import CONTACT_SOLIMP, CONTACT_SOLREF, add_surroundings
from .arms import ARMS, add_arm
from .armspec import ArmSpec
from .hand import HAND_FRICTION, HandSpec, add_hand, add_servo, open_jaw
from .meshes import find_meshes
from .motion import FloatArray, JointPath, half_turn
from .robot import HAND_BODIES, RefusedError

STIFFNESS = 250.0  # 1/rad: an actuator's position gain (N m/rad) over its torque limit
_STEP, _TURN = 0.02, 0.1  # m and rad between the points of a line at which IK is solved
_NEAR_POSITION, _NEAR_ANGLE = 5e-5, 5e-4  # m, rad: errors at which IK has converged
_MAX_ITERATIONS = 20
_HEADROOM = 0.85  # share of a joint's speed limit used in planning; the controller needs the rest
_JUMP = 0.5  # rad that a joint may move between two points; more means a singularity was crossed
_HOMING = 0.02  # gain towards the home posture in the null space; without it a redundant arm drifts
# until a joint meets its limit
_MARGIN = 0.4  # rad that the last joint keeps from its limits, by turning the other way if need be


class ArmModel:
    """Bodies and actuators of an arm and its hand.

    Args:
        name: a key of ARMS.
        hand: mounted on the flange.
        visual_meshes: add the maker's meshes where they are installed; they do not collide.
    """

    def __init__(self, name: str, hand: HandSpec, *, visual_meshes: bool = False) -> None:
        self.arm, self.hand, self._visual_meshes = ARMS[name], hand, visual_meshes

    def add_to(self, spec: mujoco.MjSpec, cell: Cell) -> None:
        """Add to a model: the arm's joints with their actuators, and the hand."""
        self.add_bodies(spec, cell, find_meshes(self.arm.name) if self._visual_meshes else None)
        stiffness, damping = _servos(self.arm.name, self.hand)
        for joint, k, d in zip(self.arm.joints, stiffness, damping, strict=True):
            add_servo(spec, joint.name, k, d, joint.max_torque)

    def add_bodies(self, spec: mujoco.MjSpec, cell: Cell, meshes: Path | None = None) -> None:
        """Add the arm and its hand, whose fingers alone have actuators."""
        flange = add_arm(spec, self.arm, cell, meshes=meshes)
        half = self.hand.mount_yaw / 2  # the tool's z points up, back into the flange
        tool = flange.add_body(
            name="tool", pos=(0, 0, self.hand.reach), gravcomp=1,
            quat=(0, np.cos(half), np.sin(half), 0),
        )  # fmt: skip
        add_hand(spec, tool, self.hand)
        for finger in HAND_BODIES[1:]:  # the wrist's capsule overlaps the palm
            spec.add_exclude(bodyname1=flange.parent.name, bodyname2=finger)
        top = self.hand.finger_length + 2 * self.hand.palm[2] - 0.005
        if self.hand.reach > top + 1e-3:  # adapter between palm and flange
            tool.add_geom(
                name="mount", type=mujoco.mjtGeom.mjGEOM_CYLINDER, mass=0,
                fromto=(0, 0, top, 0, 0, self.hand.reach), size=(0.034, 0, 0),
                rgba=(0.2, 0.21, 0.23, 1), friction=HAND_FRICTION,
                solref=CONTACT_SOLREF, solimp=CONTACT_SOLIMP,
            )  # fmt: skip

    def rest(self) -> dict[str, float]:
        """See `RobotModel.rest`."""
        joints = zip(self.arm.joints, self.arm.home, strict=True)
        return {joint.name: angle for joint, angle in joints} | open_jaw(self.hand)


@lru_cache(maxsize=4)
def _planning_model(name: str, hand: HandSpec, cell: Cell, *, alone: bool) -> mujoco.MjModel:
    """The arm and what is fixed in the cell, without any object."""
    spec = mujoco.MjSpec()
    if not alone:
        add_surroundings(spec, cell)
    ArmModel(name, hand).add_bodies(spec, cell)
    return spec.compile()


@lru_cache(maxsize=4)
def _servos(name: str, hand: HandSpec) -> tuple[FloatArray, FloatArray]:
    """Return each joint's position gain (N m/rad) and the damping that is critical at home."""
    arm, model = ARMS[name], _planning_model(name, hand, Cell(), alone=False)
    data = mujoco.MjData(model)
    dofs = [model.joint(j.name).dofadr[0] for j in arm.joints]
    for joint, angle in zip(arm.joints, arm.home, strict=True):
        data.qpos[model.joint(joint.name).qposadr[0]] = angle
    mujoco.mj_forward(model, data)
    inertia = []
    for dof in dofs:
        column = np.zeros(model.nv)
        mujoco.mj_mulM(model, data, column, np.eye(model.nv)[dof])
        inertia.append(column[dof])
    stiffness = STIFFNESS * np.array([j.max_torque for j in arm.joints])
    return stiffness, 2 * np.sqrt(stiffness * inertia)


class ArmKinematics:
    """Kinematics and path planning of an arm; see `robot.Kinematics`.

    Args:
        name: a key of ARMS.
        hand: at its flange.
        cell: where the arm stands and what it must not hit.
        alone: plan without the cell's table, tote and post, for a real arm, whose surroundings
            are not the simulated ones.
    Raises:
        UserError: it cannot reach its home beside the cell's workspace.
    """

    def __init__(self, name: str, hand: HandSpec, cell: Cell, *, alone: bool = False) -> None:
        arm, model = ARMS[name], _planning_model(name, hand, cell, alone=alone)
        self.joints = tuple(j.name for j in arm.joints)
        self.speeds = _HEADROOM * np.array([j.max_speed for j in arm.joints])
        self.accelerations = np.array([j.max_acceleration for j in arm.joints])
        stiffness, damping = _servos(name, hand)
        self.lag = damping / stiffness
        self._model = model
        self._q = np.array([model.joint(n).qposadr[0] for n in self.joints])
        at_home = np.array(arm.home)
        if alone or cell.home_at:  # home may lie in another direction from the base than usual
            at_home[0] += half_turn(0.5 * (_bearing(arm, cell) - _bearing(arm, Cell()))) * 2
        self._rest = np.zeros(model.nq)  # fingers included; planning keeps them open
        self._rest[self._q] = at_home
        for side in ("left", "right"):
            finger = model.joint(f"finger_{side}").qposadr[0]
            self._rest[finger] = hand.gripper.max_width / 2
        self._configuration = mink.Configuration(model, q=self._rest)
        self._tool = mink.FrameTask("tool", "body", position_cost=1.0, orientation_cost=1.0)
        self._posture = mink.PostureTask(model, cost=1.0, gain=_HOMING)
        self._posture.set_target(self._rest)
        self._limits = [mink.ConfigurationLimit(model)]
        last = arm.joints[-1]
        self._last = last.low + _MARGIN, last.high - _MARGIN
        try:
            upright = mink.SO3.from_z_radians(self.pose(at_home)[1])
            self.home = self._solve(at_home, np.array(cell.home), upright)
        except RefusedError as error:
            raise UserError(
                f"the {name} cannot reach its home beside a workspace of {cell.workspace.size} m: "
                f"{error}; choose a smaller workspace or the gantry"
            ) from error

    def pose(self, joints: FloatArray) -> tuple[FloatArray, float]:
        """See `Kinematics.pose`."""
        tool = self._at(joints).get_transform_frame_to_world("tool", "body").as_matrix()
        return tool[:3, 3].copy(), float(np.arctan2(tool[1, 0], tool[0, 0]))

    def path(self, start: FloatArray, position: FloatArray, yaw: float) -> JointPath:
        """See `Kinematics.path`."""
        turn = half_turn(yaw - self.pose(start)[1])
        other = turn - np.copysign(np.pi, turn)  # equivalent for a symmetric jaw
        low, high = self._last
        # Pointing down, the last joint turns opposite to the tool's yaw.
        if not low < start[-1] - turn < high:
            turn, other = other, turn
        try:
            return self._line(start, position, turn)
        except RefusedError:
            return self._line(start, position, other)

    def pose_path(self, start: FloatArray, T_world_tool: FloatArray) -> JointPath:
        """Plan a straight line to any pose, tilted too, turning the shorter way.

        Args:
            start: (n,) joint positions.
            T_world_tool: (4, 4) where to; not modulo half a rotation.
        Raises:
            RefusedError: see `path`.
        """
        here = self._at(start).get_transform_frame_to_world("tool", "body")
        turn = (here.rotation().inverse() @ mink.SO3.from_matrix(T_world_tool[:3, :3])).log()

        def rotation(share: float) -> mink.SO3:
            return here.rotation() @ mink.SO3.exp(share * turn)

        angle = float(np.linalg.norm(turn))
        return self._straight(start, here.translation(), T_world_tool[:3, 3], rotation, angle)

    def _line(self, start: FloatArray, position: FloatArray, turn: float) -> JointPath:
        """Solve a line along which the upright tool turns by an angle (rad)."""
        here, yaw = self.pose(start)
        return self._straight(
            start, here, position, lambda share: mink.SO3.from_z_radians(yaw + share * turn),
            abs(turn),
        )  # fmt: skip

    def _straight(
        self,
        start: FloatArray,
        here: FloatArray,
        there: FloatArray,
        rotation: Callable[[float], mink.SO3],
        angle: float,
    ) -> JointPath:
        """Solve a line from (3,) to (3,) m along which the tool turns by an angle (rad)."""
        length = float(np.linalg.norm(there - here))
        n = max(2, int(np.ceil(max(length / _STEP, angle / _TURN))) + 1)
        shares, joints = np.linspace(0, 1, n), [np.array(start)]
        for share in shares[1:]:
            point = here + share * (there - here)
            solved = self._solve(joints[-1], point, rotation(share))
            if np.abs(solved - joints[-1]).max() > _JUMP:
                raise RefusedError(f"the arm would pass a singularity {_near(point)}")
            self._check_collision(solved, point)
            joints.append(solved)
        return JointPath(np.array(joints), shares, length)

    def _solve(self, near: FloatArray, position: FloatArray, rotation: mink.SO3) -> FloatArray:
        """Solve IK for a tool pose, starting from joint positions near the solution."""
        self._tool.set_target(mink.SE3.from_rotation_and_translation(rotation, position))
        configuration = self._at(near)
        for _ in range(_MAX_ITERATIONS):
            try:
                velocity = mink.solve_ik(
                    configuration,
                    [self._posture],
                    1.0,
                    "daqp",
                    limits=self._limits,
                    constraints=[self._tool],
                )
            except mink.NoSolutionFound:
                break
            configuration.integrate_inplace(velocity, 1.0)
            error = self._tool.compute_error(configuration)
            if (
                np.linalg.norm(error[:3]) < _NEAR_POSITION
                and np.linalg.norm(error[3:]) < _NEAR_ANGLE
            ):
                return configuration.q[self._q].copy()
        raise RefusedError(f"{_near(position)} is out of reach, or beyond a joint's limit")

    def _at(self, joints: FloatArray) -> mink.Configuration:
        q = self._rest.copy()
        q[self._q] = joints
        self._configuration.update(q)
        return self._configuration

    def _check_collision(self, joints: FloatArray, point: FloatArray) -> None:
        data = self._at(joints).data
        mujoco.mj_collision(self._model, data)
        for contact in data.contact[: data.ncon]:
            moving_first = sorted(contact.geom, key=lambda g: self._model.geom_bodyid[g] == 0)
            first, second = (self._display_name(g) for g in moving_first)
            raise RefusedError(f"{_near(point)} the {first} would hit the {second}")

    def _display_name(self, geom: int) -> str:
        """Return a geom's name for messages."""
        name = self._model.geom(geom).name
        return name.rsplit("/")[-1].rstrip("0123456789").strip("_").replace("_", " ")


def _bearing(arm: ArmSpec, cell: Cell) -> float:
    """Return the direction of the cell's home from the arm's base, rad, base frame."""
    x, y, _ = np.subtract(cell.home, cell.place(arm.base_position))
    return float(np.arctan2(y, x)) - arm.base_yaw - cell.yaw


def _near(point: FloatArray) -> str:
    x, y, z = point
    return f"at ({x:.2f}, {y:.2f}, {z:.2f}) m"
