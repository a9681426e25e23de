"""Piles: objects fall one after another onto what is already there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from ...errors import SimulatorFault, UserError
from ..cell import Cell
from ..model import ObjectSpec
from ..objects.shapes import Shape
from ..robots.gantry import GantryModel
from ..world import World

DROP_CLEARANCE = 0.01  # m between a new object and what lies under it
EDGE = 0.05  # m from the workspace's edge within which nothing is dropped
HEAP_HALF_SIDE = 0.0125  # m, the released code's central square
LANDING = 75  # steps, 0.15 s: a dropped object has landed, if not settled
MAX_REDROPS = 10  # times that what rolled off the workspace, mostly cylinders, is dropped again


def drop_all(
    objects: Sequence[ObjectSpec],
    sigma: float | None,
    rng: np.random.Generator,
    cell: Cell,
    table_friction: float = 1.0,
) -> World:
    """Build a pile.

    Args:
        objects: in the order of falling.
        sigma: m, spread of the Gaussian round the centre over which they fall; None: all above a
            central square of 25 mm.
        rng: places and orientations.
        cell: where; what rolls out of its workspace is dropped again.
        table_friction: see `World`.
    Returns:
        The world with the gantry, settled.
    Raises:
        UserError: the workspace or the tote is too small for the objects.
        SimulatorFault: objects kept rolling out.
    """
    for o in objects:
        if not cell.has_room_for(cell.workspace.center, EDGE, _radius(o.shape)):
            raise UserError(
                f"a workspace of {cell.workspace.size} m, or the tote in it, is too small to drop "
                f"a {o.shape.name} of {2 * _radius(o.shape):.2f} m into; give it more room"
            )
    world = World(objects, GantryModel(), table_friction, cell)
    for i in range(len(objects)):
        _drop_at_random(world, i, sigma, rng)
        world.step(LANDING)
    for _ in range(MAX_REDROPS):
        world.settle(max_time=2.0)
        lost = [
            i
            for i, name in enumerate(world.object_names)
            if not cell.has_room_for(world.pose(name)[0][:2], 0.02)
        ]
        if not lost:
            return world
        for i in lost:
            world.remove(world.object_names[i])
        for i in lost:
            _drop_at_random(world, i, sigma, rng)
            world.step(150)
    raise SimulatorFault("objects kept rolling out of the workspace")


def drop_placed(world: World, poses: Sequence[tuple[npt.NDArray[np.float64], Rotation]]) -> None:
    """Drop a world's objects one after another, each from above what already lies there.

    Args:
        world: its objects are parked.
        poses: for each object, (2,) x, y in m and its orientation.
    """
    for i, (xy, rotation) in enumerate(poses):
        _drop(world, i, xy, rotation)
        world.step(LANDING)


def _drop_at_random(world: World, i: int, sigma: float | None, rng: np.random.Generator) -> None:
    cell, radius = world.cell, _radius(world.objects[i].shape)
    center = np.array(cell.workspace.center)
    while True:
        if sigma is None:
            xy = center + rng.uniform(-HEAP_HALF_SIDE, HEAP_HALF_SIDE, 2)
        else:
            xy = center + rng.normal(0.0, sigma, 2)
        if cell.has_room_for(xy, EDGE, radius):
            break
    _drop(world, i, xy, Rotation.random(None, rng))


def _drop(world: World, i: int, xy: npt.NDArray[np.float64], rotation: Rotation) -> None:
    name = world.object_names[i]
    top, reach = _top_under(world, xy, i), _half_height(world.objects[i].shape, rotation)
    x, y, z, w = rotation.as_quat()
    world.place(name, (*xy, top + reach + DROP_CLEARANCE), (w, x, y, z))


def _top_under(world: World, xy: npt.NDArray[np.float64], i: int) -> float:
    """Return the world height in m that the falling object's bounding circle may meet."""
    radius = _radius(world.objects[i].shape)
    top = world.cell.workspace.table_z
    for other in world.in_scene():
        position, quaternion = world.pose(other)
        shape = world.objects[world.object_names.index(other)].shape
        own = _radius(shape)
        if np.linalg.norm(position[:2] - xy) < radius + own:
            turn = Rotation.from_quat(np.roll(quaternion, -1))
            top = max(top, position[2] + _half_height(shape, turn))
    return top


def _radius(shape: Shape) -> float:
    """Return the radius in m of a ball around a shape's bounding box."""
    return 0.5 * float(np.linalg.norm(shape.extent))


def _half_height(shape: Shape, rotation: Rotation) -> float:
    """Return half the height in m of a rotated shape's bounding box."""
    return float(np.abs(rotation.as_matrix()[2]) @ (0.5 * np.array(shape.extent)))
