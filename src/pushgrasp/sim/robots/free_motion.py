"""Skip the robot motions that touch nothing, while nothing else moves.

Such a motion has one possible end, so simulated time can pass at once. Bounding boxes decide,
swept between poses of the motion: they are larger than what they bound, so a jump ends early
rather than late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
import numpy.typing as npt

from ..world import World
from .motion import FloatArray, JointPath

MARGIN = 0.004  # m between two boxes that count as apart
FLOOR = 0.003  # m above the table that a moving box keeps
_STEP = 0.04  # m of the tool between two poses of a sweep
_TURN = 0.25  # rad of any joint, likewise; at 0.1 m from its axis the boxes miss 0.8 mm of the arc
_SLIP = 1e-2  # m/s at which what is held may creep through the grip and still counts as held fast

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Boxes:
    """Axis-aligned boxes in some frame."""

    low: FloatArray  # (N, 3) m
    high: FloatArray  # (N, 3) m

    def union(self, other: Boxes) -> Boxes:
        """The boxes that hold each box of two equally long lists."""
        return Boxes(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def meet(self, others: Boxes, margin: float) -> bool:
        """Return True if any of these comes nearer than a margin (m) to any of the others."""
        apart = (self.low[:, None] > others.high + margin) | (
            self.high[:, None] < others.low - margin
        )
        return not apart.any(-1).all()


class FreeMotion:
    """Finds and skips the free motions of a world's robot, and moves what it carries along.

    Args:
        world: with the robot.
        joints: (n,) addresses in qpos of all joints of the robot, the fingers' too.
    """

    def __init__(self, world: World, joints: npt.NDArray[np.intp]) -> None:
        self._world = world
        m = world.model
        self._scratch = mujoco.MjData(m)
        self._tool = m.body("tool").id
        objects = np.isin(m.geom_bodyid, world.body_ids)
        solid = (m.geom_contype | m.geom_conaffinity) > 0
        of_joint = {int(q): int(b) for q, b in zip(m.jnt_qposadr, m.jnt_bodyid, strict=True)}
        trees = {int(m.body_treeid[of_joint[int(q)]]) for q in joints}
        moves = np.isin(m.body_treeid[m.geom_bodyid], list(trees))
        self._robot = np.flatnonzero(moves & solid)
        objects[m.geom("camera_post").id] = True  # the table is the floor under all boxes
        self._obstacles = np.flatnonzero(objects)
        self._own_geoms = moves
        self._own_trees = np.isin(np.arange(m.ntree), list(trees))
        self._object_trees = m.body_treeid[world.body_ids]

    def carried(self) -> list[str] | None:
        """Return the objects that ride in the hand; None while anything else moves or slips."""
        world, data = self._world, self._world.data
        if not world.skip_free_motion or world.frame_callback is not None:
            return None
        awake = data.tree_asleep < 0
        stirring = [
            name
            for name, tree in zip(world.object_names, self._object_trees, strict=True)
            if awake[tree] and not world.is_parked(name)
        ]
        if not stirring:
            return []
        held = world.held()
        if set(stirring) != set(held) or self._touch_others(held):
            return None
        slips = max(self._slip(name) for name in held)
        return held if slips < _SLIP else None

    def reach(
        self, path: JointPath, joints: npt.NDArray[np.intp], share: float, held: list[str]
    ) -> float:
        """Return the share of a path up to which the robot and what it holds touch nothing.

        Args:
            path: of the joints whose addresses in qpos are given.
            share: where on it the robot is.
            held: what rides in the hand.
        """
        rotations = (
            np.abs(path.joints[-1] - path.joints[0]).max() / _TURN
        )  # metres count as radians
        n = max(2, int(np.ceil((1 - share) * max(path.length / _STEP, rotations))) + 1)
        shares = np.linspace(share, 1.0, n)
        frame = self._frame()
        obstacles = self._boxes(self._world.data, self._obstacles_but(held), frame)
        self._scratch.qpos[:] = self._world.data.qpos
        before = self._moving(frame, held)
        free = share
        for next_share in shares[1:]:
            self._scratch.qpos[joints] = path.at(float(next_share))
            after = self._moving(frame, held)
            swept = before.union(after)
            if swept.low[:, 2].min() < FLOOR or swept.meet(obstacles, MARGIN):
                return free
            before, free = after, float(next_share)
        return free

    def jaw_reach(
        self, width: float, target: float, pads: Sequence[int], thickness: float
    ) -> float:
        """Return how far the empty jaw can go towards a width without touching anything, m.

        Args:
            width: m between the pads now.
            target: m, wanted.
            pads: the pads' geoms, that on the tool's +x side first.
            thickness: m of a finger along x.
        """
        data, closing = self._world.data, target < width
        frame = data.xmat[self._tool].reshape(3, 3)
        origin = frame.T @ data.xpos[self._tool]
        obstacles = self._boxes(data, self._obstacles, frame)
        fingers = self._boxes(data, np.asarray(pads), frame)
        inner, outer = width / 2, width / 2 + thickness
        for i, side in enumerate((1.0, -1.0)):
            apart = (fingers.low[i, 1:] > obstacles.high[:, 1:] + MARGIN) | (
                fingers.high[i, 1:] < obstacles.low[:, 1:] - MARGIN
            )
            beside = ~apart.any(1)
            ends = side * np.stack([obstacles.low[:, 0], obstacles.high[:, 0]]) - side * origin[0]
            near, far = ends.min(0)[beside] - MARGIN, ends.max(0)[beside] + MARGIN
            if closing:
                target = max(target, 2 * float(far[near < outer].max(initial=-np.inf)))
            else:
                ahead = near[far > inner] - thickness
                target = min(target, 2 * float(ahead.min(initial=np.inf)))
        return target if closing == (target < width) else width

    def jump(
        self,
        joints: npt.NDArray[np.intp],
        dofs: npt.NDArray[np.intp],
        positions: FloatArray,
        velocities: FloatArray,
        duration: float,
        held: Sequence[str] = (),
    ) -> None:
        """Put the robot, and what it holds, where a motion would have taken them.

        Args:
            joints, dofs: (n,) addresses in qpos and qvel.
            positions, velocities: (n,) of the joints there.
            duration: s that pass.
            held: what rides in the hand.
        """
        world, data = self._world, self._world.data
        rotation, origin = data.xmat[self._tool].reshape(3, 3).copy(), data.xpos[self._tool].copy()
        data.qpos[joints], data.qvel[dofs] = positions, velocities
        mujoco.mj_kinematics(world.model, data)
        change = data.xmat[self._tool].reshape(3, 3) @ rotation.T
        for name in held:
            world.carry(name, change, data.xpos[self._tool] - change @ origin)
        if held:
            mujoco.mj_kinematics(world.model, data)
        data.time += duration

    # --- parts ---------------------------------------------------------------------

    def _frame(self) -> FloatArray:
        """The tool's axes: boxes along them fit a descending jaw best."""
        return self._world.data.xmat[self._tool].reshape(3, 3).copy()

    def _slip(self, name: str) -> float:
        """m/s, an object's speed relative to the hand, at the last step."""
        model, data = self._world.model, self._world.data
        body, kind = model.body(name).id, mujoco.mjtObj.mjOBJ_BODY
        own, hand = np.empty(6), np.empty(6)  # angular, then linear; world axes
        mujoco.mj_objectVelocity(model, data, kind, body, own, 0)
        mujoco.mj_objectVelocity(model, data, kind, self._tool, hand, 0)
        arm = data.xpos[body] - data.xpos[self._tool]
        return float(np.linalg.norm(own[3:] - hand[3:] - np.cross(hand[:3], arm)))

    def _touch_others(self, held: Sequence[str]) -> bool:
        """Return True if anything held touches what is neither the robot nor held."""
        data = self._world.data
        ours = self._own_geoms | self._geoms_of(held)
        pairs = ours[data.contact.geom[: data.ncon]]
        return bool((pairs[:, 0] != pairs[:, 1]).any())

    def _geoms_of(self, names: Sequence[str]) -> BoolArray:
        world = self._world
        bodies = [world.model.body(name).id for name in names]
        return np.isin(world.model.geom_bodyid, bodies)

    def _obstacles_but(self, held: Sequence[str]) -> npt.NDArray[np.intp]:
        if not held:
            return self._obstacles
        return self._obstacles[~self._geoms_of(held)[self._obstacles]]

    def _moving(self, frame: FloatArray, held: Sequence[str]) -> Boxes:
        """The boxes of the robot where the scratch data have it, and of what it holds."""
        mujoco.mj_kinematics(self._world.model, self._scratch)
        boxes = self._boxes(self._scratch, self._robot, frame)
        if not held:
            return boxes
        data, scratch, tool = self._world.data, self._scratch, self._tool
        turn = scratch.xmat[tool].reshape(3, 3) @ data.xmat[tool].reshape(3, 3).T
        shift = scratch.xpos[tool] - turn @ data.xpos[tool]
        geoms = np.flatnonzero(self._geoms_of(held))
        carried = self._boxes(data, geoms, frame, turn, shift)
        return Boxes(
            np.concatenate([boxes.low, carried.low]), np.concatenate([boxes.high, carried.high])
        )

    def _boxes(
        self,
        data: mujoco.MjData,
        geoms: npt.NDArray[np.intp],
        frame: FloatArray,
        turn: FloatArray | None = None,
        shift: FloatArray | None = None,
    ) -> Boxes:
        """Boxes of geoms along the axes (columns) of a frame, moved first if so asked."""
        aabb = self._world.model.geom_aabb[geoms]
        axes = data.geom_xmat[geoms].reshape(-1, 3, 3)
        center = data.geom_xpos[geoms] + np.einsum("gij,gj->gi", axes, aabb[:, :3])
        if turn is not None:
            axes, center = turn @ axes, center @ turn.T + shift
        half = np.einsum("gij,gj->gi", np.abs(frame.T @ axes), aabb[:, 3:])
        center = center @ frame
        return Boxes(center - half, center + half)
