"""The bin that fills in films: a small world of its own, beside the simulated one.

The simulation takes an object out of the scene once the hand has let go of it over the bin. For a
film it falls into one, here, so that nothing in the simulated world depends on being filmed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import mujoco
import numpy as np
import numpy.typing as npt

from ...errors import SimulatorFault
from ..cell import Box, Cell, Point
from ..model import CONTACT_SOLIMP, CONTACT_SOLREF, OBJECT_FRICTION, TIMESTEP
from ..world import World

INNER = (0.30, 0.24)  # m inside the walls, along x and y of the standard cell
HEIGHT = 0.09  # m, below the tips of a hand over it
_WALL = 0.005  # m
_BELOW = -1.0  # m, where objects are hidden that are neither on the table nor in the bin
_COLOR = (0.28, 0.41, 0.55, 1.0)

Pose = npt.NDArray[np.float64]
"""(7,) position in m and quaternion wxyz, world frame."""


def walls(cell: Cell) -> list[Box]:
    """Return the centres and half-extents of the bin's floor and walls, world frame."""
    x, y, _ = cell.home
    z = cell.workspace.table_z
    half_x, half_y = INNER[0] / 2, INNER[1] / 2
    boxes: list[Box] = [((x, y, z + _WALL / 2), (half_x + _WALL, half_y + _WALL, _WALL / 2))]
    for sign in (-1, 1):
        side: Point = (x + sign * (half_x + _WALL / 2), y, z + HEIGHT / 2)
        end: Point = (x, y + sign * (half_y + _WALL / 2), z + HEIGHT / 2)
        boxes.append((side, (_WALL / 2, half_y + _WALL, HEIGHT / 2)))
        boxes.append((end, (half_x + _WALL, _WALL / 2, HEIGHT / 2)))
    return boxes


def add_bin(spec: mujoco.MjSpec, cell: Cell) -> None:
    """Add the bin to a model."""
    for i, (center, half) in enumerate(walls(cell)):
        spec.worldbody.add_geom(
            name=f"bin_{i}", type=mujoco.mjtGeom.mjGEOM_BOX, pos=center, size=half, rgba=_COLOR,
            friction=OBJECT_FRICTION, solref=CONTACT_SOLREF, solimp=CONTACT_SOLIMP,
        )  # fmt: skip


class _BinModel:
    """A bin in the robot's place; see `RobotModel`."""

    def add_to(self, spec: mujoco.MjSpec, cell: Cell) -> None:
        add_bin(spec, cell)

    def rest(self) -> Mapping[str, float]:
        return {}


class Bin:
    """Follows what a world's robot lets go over the bin.

    Args:
        world: it is only read.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._bin = World(world.objects, _BinModel(), cell=world.cell)
        self._taken = set(world.object_names) - set(world.in_scene())
        self._absent = set(self._taken)  # not in the scene from the start
        self._time = float(world.data.time)
        self._last: dict[str, Pose] = {}

    def follow(self) -> dict[str, Pose]:
        """Let the same time pass here as in the world since the last call.

        Returns:
            Where the objects are that have been let go.
        """
        world = self._world
        for name in self._released():
            position, quaternion = np.split(self._last[name], [3])
            if not self._over(position):  # nobody looked while it was carried here
                position = np.array(world.cell.home) - (0, 0, 0.08)
            self._bin.place(name, position, quaternion)
            self._taken.add(name)
        steps = round((float(world.data.time) - self._time) / TIMESTEP)
        self._time = float(world.data.time)
        with contextlib.suppress(SimulatorFault):  # two of them overlapped when they were let go
            self._bin.step(max(steps, 0))
        self._last = {n: self._pose(n) for n in world.in_scene() if n not in self._taken}
        inside = self._taken - self._absent
        return {name: np.concatenate(self._bin.pose(name)) for name in sorted(inside)}

    def _released(self) -> list[str]:
        """Name the objects that the hand has let go over the bin since the last call."""
        world, held = self._world, set(self._world.held())
        gone = [n for n in self._last if world.is_parked(n)]
        fallen = set(self._last) - set(gone) - held
        return gone + sorted(n for n in fallen if self._over(world.pose(n)[0]))

    def _over(self, position: npt.NDArray[np.float64]) -> bool:
        (x, y, z), home = position, self._world.cell.home
        inside = abs(x - home[0]) < INNER[0] / 2 and abs(y - home[1]) < INNER[1] / 2
        return inside and z < home[2] + 0.1

    def _pose(self, name: str) -> Pose:
        return np.concatenate(self._world.pose(name))


class Follower:
    """Follows a world as films show it: what was let go lies in the bin.

    Args:
        world: it is only read.
    """

    def __init__(self, world: World) -> None:
        self._world, self._bin = world, Bin(world)
        model = world.model
        self._objects = {
            name: int(model.jnt_qposadr[model.body(name).jntadr[0]]) for name in world.object_names
        }

    def qpos(self) -> npt.NDArray[np.float64]:
        """Return the present positions of the film model's joints; to be called as it moves."""
        qpos, binned = self._world.data.qpos.copy(), self._bin.follow()
        for name, at in self._objects.items():
            if name in binned:
                qpos[at : at + 7] = binned[name]
            elif self._world.is_parked(name):
                qpos[at + 2] = _BELOW
        return qpos
