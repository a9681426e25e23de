"""Objects of a scene file that overlap are moved apart before time runs, if they overlap little.

Piles recorded in a softer simulator overlap by some millimetres; here they would burst apart.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ..cell import Box, Cell
from ..objects.shapes import add_to_spec
from .placed import PlacedObject

TOLERATED = 0.002  # m; the simulator pushes that apart without a visible jump
MAX_OVERLAP = 0.012  # m; more is a mistake in the file
MAX_SHIFT = 0.03  # m that an object may be moved in all
_MAX_MOVES = 2000
_UPRIGHT = 0.7  # vertical part of a contact's normal above which one object lies on the other
_TABLE = -1


def part_overlaps(
    objects: Mapping[int, PlacedObject], where: str, table_z: float = 0.0
) -> tuple[dict[int, PlacedObject], tuple[str, ...]]:
    """Move objects apart along their overlaps, the deepest first, and up out of the table.

    Of two objects side by side both move by half; of one on the other, the upper.

    Args:
        objects: by their numbers.
        where: the file, for messages.
        table_z: m, world height of the table.
    Returns:
        The objects, and a sentence on which moved and by how much, if any did.
    Raises:
        UserError: an overlap is deeper than MAX_OVERLAP, or one cannot be resolved.
    """
    numbers = list(objects)
    model = _model(list(objects.values()), table_z)
    data = mujoco.MjData(model)
    positions = data.qpos.reshape(-1, 7)[:, :3]  # a view
    start = positions.copy()
    first: tuple[float, str] | None = None
    for _ in range(_MAX_MOVES):
        mujoco.mj_fwdPosition(model, data)
        depth, pair, normal = _deepest(model, data)
        if depth <= TOLERATED:
            break
        names = [f"object {numbers[i]} ({objects[numbers[i]].shape.name})" for i in pair if i >= 0]
        if first is None:
            first = depth, " and ".join(names) if len(names) > 1 else f"{names[0]} and the table"
            if depth > MAX_OVERLAP:
                advice = "move one of them, or --drop all" if len(names) > 1 else "raise it"
                raise UserError(
                    f"{where}: {first[1]} overlap by {1e3 * depth:.1f} mm, and only up to "
                    f"{1e3 * MAX_OVERLAP:.0f} mm is resolved on loading; {advice}"
                )
        _part(positions, pair, depth, normal)
        if np.linalg.norm(positions - start, axis=1).max() > MAX_SHIFT:
            raise UserError(
                f"{where}: {first[1]} overlap by {1e3 * first[0]:.1f} mm and there is no room to "
                f"part them within {1e3 * MAX_SHIFT:.0f} mm; move one of them"
            )
    else:
        raise UserError(f"{where}: the objects overlap and there is no room to part them")
    if first is None:
        return dict(objects), ()
    moved = np.linalg.norm(positions - start, axis=1)
    parted = {
        number: dataclasses.replace(placed, position=tuple(float(v) for v in positions[i]))
        if moved[i]
        else placed
        for i, (number, placed) in enumerate(objects.items())
    }
    shifts = [f"object {numbers[i]} by {1e3 * moved[i]:.1f} mm" for i in np.flatnonzero(moved)]
    note = f"{first[1]} overlapped by {1e3 * first[0]:.1f} mm; moved apart: {', '.join(shifts)}"
    return parted, (note,)


def check_walls(objects: Mapping[int, PlacedObject], cell: Cell, where: str) -> None:
    """Check that no object stands in a wall of the cell's tote.

    Args:
        objects: by their numbers.
        cell: with the tote.
        where: the scene, for messages.
    Raises:
        UserError: an object overlaps a wall by more than TOLERATED.
    """
    if cell.tote is None:
        return
    numbers = list(objects)
    model = _model(list(objects.values()), cell.workspace.table_z, cell.walls)
    data = mujoco.MjData(model)
    mujoco.mj_fwdPosition(model, data)
    for contact in data.contact[: data.ncon]:
        bodies = model.geom_bodyid[contact.geom]
        wall = model.geom_type[contact.geom] == mujoco.mjtGeom.mjGEOM_BOX
        if (wall & (bodies == 0)).any() and -contact.dist > TOLERATED:
            i = int(bodies.max()) - 1
            raise UserError(
                f"{where}: object {numbers[i]} ({objects[numbers[i]].shape.name}) stands in a wall "
                f"of the tote, {-1e3 * contact.dist:.1f} mm deep; move it, or widen the tote"
            )


def _model(
    objects: list[PlacedObject], table_z: float, walls: Sequence[Box] = ()
) -> mujoco.MjModel:
    """Compile the objects where they stand, on a table."""
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_PLANE, size=[5, 5, 0.1], pos=(0.0, 0.0, table_z)
    )
    for center, half in walls:
        spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, pos=center, size=half)
    for placed in objects:
        body = spec.worldbody.add_body(pos=placed.position, quat=placed.quaternion)
        body.add_freejoint()
        add_to_spec(spec, body, placed.shape, rgba=(1.0, 1.0, 1.0, 1.0))
    return spec.compile()


def _deepest(
    model: mujoco.MjModel, data: mujoco.MjData
) -> tuple[float, tuple[int, int], npt.NDArray[np.float64]]:
    """Return the deepest overlap in m, of which two, and the unit normal from first to second."""
    contact = data.contact
    if not data.ncon:
        return 0.0, (_TABLE, _TABLE), np.zeros(3)
    worst = int(np.argmin(contact.dist))
    first, second = (int(model.geom_bodyid[geom]) - 1 for geom in contact.geom[worst])
    return -float(contact.dist[worst]), (first, second), contact.frame[worst, :3].copy()


def _part(
    positions: npt.NDArray[np.float64],
    pair: tuple[int, int],
    depth: float,
    normal: npt.NDArray[np.float64],
) -> None:
    """Move two overlapping objects, or one out of the table."""
    first, second = pair
    if _TABLE in pair:
        positions[max(pair), 2] += depth
    elif abs(normal[2]) > _UPRIGHT:
        upper, sign = (second, 1) if normal[2] > 0 else (first, -1)
        positions[upper] += sign * depth * normal
    else:
        positions[first] -= depth / 2 * normal
        positions[second] += depth / 2 * normal
