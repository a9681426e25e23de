"""The simulated table: its clock, its faults, and the only access to the ground truth.

No module of the decision path imports this file. What a robot could not know (names, poses, who
holds what) is read here: by scene generation, scoring, the labels and rewards of training,
rehearsals behind the protocol, and tests.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ..errors import SimulatorFault
from ._mujoco import mujoco
from .cell import Cell
from .model import ObjectSpec, RobotModel, compile_model

MAX_OBJECT_SPEED = 3.0  # m/s; a fall from 30 cm reaches 2.4, no primitive comes near
MAX_PENETRATION = 0.012  # m; a quarter of a block

# MuJoCo would write its warnings to MUJOCO_LOG.TXT in the working directory.
mujoco.set_mju_user_warning(logging.getLogger(__name__).warning)


class World:
    """A table, a robot and objects, in MuJoCo.

    Args:
        objects: what there is; each starts parked, away from the table and out of the physics.
        robot: adds its bodies and actuators to the model.
        table_friction: factor on the table's sliding friction; of two surfaces the rougher counts.
        cell: where the table is and what stands around it; None: the standard one.
    """

    def __init__(
        self,
        objects: Sequence[ObjectSpec],
        robot: RobotModel,
        table_friction: float = 1.0,
        cell: Cell | None = None,
    ) -> None:
        self.cell = cell or Cell()
        self.robot_model = robot
        self.objects = tuple(objects)
        self.object_names = tuple(o.name for o in objects)
        self.model = compile_model(objects, robot, self.cell)
        self.model.geom("table").friction[0] *= table_friction
        self._table_friction, self._friction = table_friction, 1.0
        self.data = mujoco.MjData(self.model)
        self.frame_callback: Callable[[], None] | None = None
        self.frame_period = 0.04  # s of simulated time between calls of frame_callback
        self._next_frame = 0.0
        self.skip_free_motion = False
        """Let time pass at once while the robot touches nothing and nothing else moves."""
        self.max_penetration = np.inf  # m; scenes set MAX_PENETRATION once they have settled
        self.peak_penetration = 0.0  # m, since it was last set to 0
        self.peak_speed = 0.0  # m/s, likewise

        m = self.model
        bodies = [m.body(name) for name in self.object_names]
        self.body_ids = np.array([b.id for b in bodies], int)
        self._qpos = np.array([m.jnt_qposadr[b.jntadr[0]] for b in bodies], int)
        self._dof = np.array([b.dofadr[0] for b in bodies], int)
        self._linear = (self._dof[:, None] + np.arange(3)).reshape(-1)
        owner = {int(b): i for i, b in enumerate(self.body_ids)}
        self._geom_object = np.array([owner.get(int(b), -1) for b in m.geom_bodyid], int)
        self._contype = m.geom_contype.copy()
        self._body_geoms: dict[tuple[str, ...], npt.NDArray[np.bool_]] = {}
        names = [m.geom(g).name for g in range(m.ngeom)]
        self._pads = tuple(
            np.array([name.startswith(f"pad_{side}") for name in names])
            for side in ("left", "right")
        )
        for joint, value in robot.rest().items():
            self.data.qpos[m.joint(joint).qposadr[0]] = value
            self.data.ctrl[m.actuator(joint).id] = value
        for i in range(len(objects)):
            self._park(i)
        mujoco.mj_forward(self.model, self.data)

    # --- the clock -----------------------------------------------------------------

    def step(self, n_steps: int = 4, drive: Callable[[float], None] | None = None) -> None:
        """Let time pass.

        Args:
            n_steps: steps of TIMESTEP.
            drive: called before each step with the share of the steps that it completes, to
                move the set-points of a robot.
        Raises:
            SimulatorFault: an object was thrown, overlaps another by more than max_penetration
                (the contacts say so, and the positions computed afresh, too), or became NaN.
        """
        if drive is None:
            mujoco.mj_step(self.model, self.data, n_steps)
        else:
            for i in range(n_steps):
                drive((i + 1) / n_steps)
                mujoco.mj_step(self.model, self.data)
        velocity = self.data.qvel[self._linear]
        speed = float(np.sqrt((velocity.reshape(-1, 3) ** 2).sum(1)).max(initial=0.0))
        if not np.isfinite(self.data.qacc).all() or not np.isfinite(speed):
            raise SimulatorFault("the state became NaN")
        self.peak_speed = max(self.peak_speed, speed)
        if speed > MAX_OBJECT_SPEED:
            raise SimulatorFault(f"an object was thrown ({speed:.1f} m/s)")
        depth = self.penetration()
        if depth > self.max_penetration:  # often a misreading of one step: see the positions
            depth = self.deepest_overlap()
        self.peak_penetration = max(self.peak_penetration, depth)
        if depth > self.max_penetration:
            raise SimulatorFault(f"deep penetration ({1e3 * depth:.0f} mm)")
        if self.frame_callback is not None and self.data.time >= self._next_frame:
            self._next_frame = self.data.time + self.frame_period
            self.frame_callback()

    def settle(self, max_time: float = 3.0, speed: float = 0.005) -> float:
        """Let everything come to rest.

        Args:
            max_time: s after which to give up.
            speed: m/s below which an object rests; it must hold for 0.1 s.
        Returns:
            The simulated seconds it took.
        """
        start, calm = self.data.time, 0
        while self.data.time - start < max_time and calm < 5:
            self.step(10)
            calm = calm + 1 if np.abs(self.data.qvel[self._linear]).max(initial=0) < speed else 0
        return self.data.time - start

    def penetration(self) -> float:
        """Return the deepest overlap of any two things of which one is awake, m."""
        return _deepest(self.data)

    def deepest_overlap(self) -> float:
        """Return the deepest overlap of any two things, sleeping ones too, m; slower."""
        awake = mujoco.MjData(self.model)
        awake.qpos[:] = self.data.qpos
        mujoco.mj_fwdPosition(self.model, awake)
        return _deepest(awake)

    # --- placing -------------------------------------------------------------------

    def place(self, name: str, position: npt.ArrayLike, quaternion: npt.ArrayLike) -> None:
        """Put an object somewhere, at rest, and make it part of the physics.

        Args:
            name: the object.
            position: (3,) m, world frame, of its body frame.
            quaternion: (4,) wxyz.
        """
        i = self._index(name)
        self._set_solid(i, True)
        q, v = self._qpos[i], self._dof[i]
        self.data.qpos[q : q + 3] = position
        self.data.qpos[q + 3 : q + 7] = quaternion
        self.data.qvel[v : v + 6] = 0.0
        self.data.qacc_warmstart[v : v + 6] = 0.0
        self.wake()

    def with_robot(self, robot: RobotModel) -> World:
        """Return a world with another robot and the same objects where they lie now.

        So every robot meets the same scene; the two settle to within a fraction of a millimetre.
        """
        world = World(self.objects, robot, self._table_friction, self.cell)
        world.vary_friction(self._friction)
        world.skip_free_motion = self.skip_free_motion
        for name in self.in_scene():
            world.place(name, *self.pose(name))
        world.settle()
        return world

    def vary_friction(self, factor: float) -> None:
        """Multiply all sliding friction, of the robot's fingers too."""
        self.model.geom_friction[:, 0] *= factor
        self._friction *= factor

    def wake(self) -> None:
        """Wake all objects, so that they react to what has changed around them."""
        everything = mujoco.mjtState.mjSTATE_INTEGRATION
        state = np.empty(mujoco.mj_stateSize(self.model, everything))
        mujoco.mj_getState(self.model, self.data, state, everything)
        mujoco.mj_resetData(self.model, self.data)
        mujoco.mj_setState(self.model, self.data, state, everything)
        mujoco.mj_kinematics(self.model, self.data)

    def carry(self, name: str, rotation: npt.ArrayLike, shift: npt.ArrayLike) -> None:
        """Move an object rigidly, at rest, with whatever holds it; wake nothing else.

        Args:
            name: the object.
            rotation, shift: (3, 3) and (3,) m, world frame; a point p goes to rotation @ p + shift.
        """
        i = self._index(name)
        q, v = self._qpos[i], self._dof[i]
        position, quaternion = self.pose(name)
        turned = np.empty(4)
        mujoco.mju_mat2Quat(turned, np.asarray(rotation, np.float64).reshape(9))
        mujoco.mju_mulQuat(self.data.qpos[q + 3 : q + 7], turned, quaternion)
        self.data.qpos[q : q + 3] = np.asarray(rotation, np.float64) @ position + np.asarray(
            shift, np.float64
        )
        self.data.qvel[v : v + 6] = 0.0

    def remove(self, name: str) -> None:
        """Take an object off the table and out of the physics."""
        i = self._index(name)
        self._park(i, wake=not (self.skip_free_motion and self._stands_alone(i)))

    def _park(self, i: int, *, wake: bool = True) -> None:
        q, v = self._qpos[i], self._dof[i]
        self.data.qpos[q : q + 3] = self.cell.parking(i)
        self.data.qpos[q + 3 : q + 7] = (1, 0, 0, 0)
        self.data.qvel[v : v + 6] = 0.0
        self.data.qacc_warmstart[v : v + 6] = 0.0
        self._set_solid(i, False)
        if wake:
            self.wake()

    def _stands_alone(self, i: int) -> bool:
        """Return True if an object is awake and touched no other at the last step."""
        pairs = self._geom_object[self.data.contact.geom[: self.data.ncon]]
        others = pairs[(pairs == i).any(1)]
        awake = self.data.tree_asleep[self.model.body_treeid[self.body_ids[i]]] < 0
        return bool(awake) and not ((others != i) & (others >= 0)).any()

    def _set_solid(self, i: int, solid: bool) -> None:
        geoms = self._geom_object == i
        self.model.geom_contype[geoms] = self._contype[geoms] if solid else 0
        self.model.geom_conaffinity[geoms] = self._contype[geoms] if solid else 0
        self.model.body_gravcomp[self.body_ids[i]] = 0.0 if solid else 1.0

    # --- ground truth --------------------------------------------------------------

    def pose(self, name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return an object's (3,) position in m, world frame, and (4,) quaternion wxyz."""
        q = self._qpos[self._index(name)]
        return self.data.qpos[q : q + 3].copy(), self.data.qpos[q + 3 : q + 7].copy()

    def color(self, name: str) -> tuple[int, int, int]:
        """Return an object's colour, sRGB 0..255."""
        return self.objects[self._index(name)].color

    def is_parked(self, name: str) -> bool:
        """Return True if the object has left the scene."""
        geoms = self._geom_object == self._index(name)
        return not self.model.geom_contype[geoms].any()

    def in_scene(self) -> list[str]:
        """Return the objects that are part of the physics."""
        return [name for name in self.object_names if not self.is_parked(name)]

    def near(self, point: tuple[float, float, float], radius: float) -> list[str]:
        """Return the objects of the scene whose centres lie within a distance (m) of a point."""
        return [
            name
            for name in self.in_scene()
            if np.linalg.norm(self.pose(name)[0] - np.asarray(point)) < radius
        ]

    def touching(self, *bodies: str) -> float:
        """Return the contact force on some bodies together at the last step, N.

        Forces between the bodies do not count.
        """
        return float(np.linalg.norm(self.contact_force(*bodies)))

    def contact_force(self, *bodies: str) -> npt.NDArray[np.float64]:
        """Return the same as a vector, (3,) N, world frame."""
        total, wrench = np.zeros(3), np.zeros(6)
        n = self.data.ncon
        if n == 0:
            return total
        inside = self._geoms_of(bodies)[self.data.contact.geom[:n]]
        for i in np.flatnonzero(inside[:, 0] != inside[:, 1]):
            mujoco.mj_contactForce(self.model, self.data, int(i), wrench)
            frame = self.data.contact.frame[i].reshape(3, 3)  # rows: the contact's axes
            total += (1.0 if inside[i, 1] else -1.0) * (wrench[:3] @ frame)
        return total

    def held(self) -> list[str]:
        """Return the objects that both pads touched and the table did not, at the last step."""
        pairs = self.data.contact.geom[: self.data.ncon]
        pairs = np.concatenate([pairs, pairs[:, ::-1]])
        pairs = pairs[self._geom_object[pairs[:, 0]] >= 0]
        objects, others = self._geom_object[pairs[:, 0]], pairs[:, 1]
        left, right = (set(objects[pads[others]].tolist()) for pads in self._pads)
        grounded = set(objects[self.model.geom_bodyid[others] == 0].tolist())
        return [self.object_names[i] for i in sorted((left & right) - grounded)]

    def _geoms_of(self, bodies: tuple[str, ...]) -> npt.NDArray[np.bool_]:
        """(ngeom,) bool: the geoms of some bodies."""
        if bodies not in self._body_geoms:
            ids = [self.model.body(name).id for name in bodies]
            self._body_geoms[bodies] = np.isin(self.model.geom_bodyid, ids)
        return self._body_geoms[bodies]

    def _index(self, name: str) -> int:
        if name not in self.object_names:
            raise KeyError(f"no object {name!r}; this world has: {', '.join(self.object_names)}")
        return self.object_names.index(name)


def _deepest(data: mujoco.MjData) -> float:
    return float(-data.contact.dist[: data.ncon].min(initial=0.0))
