"""Whether a scene that a person made can be played: the goal is known, and nothing bursts."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from ...errors import UserError
from ...perception.colors import color_name
from ...perception.segmentation import matches
from ..objects.shapes import add_to_spec
from .preset_file import PlacedObject

MAX_OVERLAP = 0.002  # m; the simulator pushes apart what overlaps more, fast enough to see
_TABLE = -1  # stands for the table where objects are numbered


def check_goal_color(colors: Sequence[tuple[int, int, int]], goal: int, where: str) -> None:
    """Whether the goal's colour sets it apart, for that is all that the robot is told.

    Args:
        colors: sRGB 0..255 of all objects.
        goal: the goal's index.
        where: what named the goal, for the message.
    Raises:
        UserError: the goal's colour has no hue, or another object's is the same to the robot.
    """
    own = colors[goal]
    alike = matches(np.array(colors), own)
    if not alike[goal]:
        raise UserError(f"{where} {goal} is {color_name(own)}; give it a colour that is not black")
    others = [i for i, same in enumerate(alike) if same and i != goal]
    if others:
        raise UserError(
            f"{where} {goal} is {color_name(own)} and object {others[0]} "
            f"{color_name(colors[others[0]])}, which the robot cannot tell apart; "
            "give the goal a colour of its own"
        )


def check_overlaps(objects: Sequence[PlacedObject], where: str) -> None:
    """Whether the objects have room, before the simulator throws them apart.

    Args:
        objects: where they shall stand.
        where: the file that says so, for the message.
    Raises:
        UserError: two objects, or one and the table, overlap by more than MAX_OVERLAP.
    """
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[5, 5, 0.1])
    for placed in objects:
        body = spec.worldbody.add_body(pos=placed.position, quat=placed.quaternion)
        body.add_freejoint()
        add_to_spec(spec, body, placed.shape, rgba=(1.0, 1.0, 1.0, 1.0))
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_fwdPosition(model, data)
    contact = data.contact
    if not data.ncon or -contact.dist.min() <= MAX_OVERLAP:
        return
    worst = int(np.argmin(contact.dist))
    first, second = sorted(int(b) - 1 for b in model.geom_bodyid[contact.geom[worst]])
    names = [f"object {i} ({objects[i].shape.name})" for i in (first, second) if i != _TABLE]
    depth = f"by {-1e3 * contact.dist[worst]:.1f} mm, more than {1e3 * MAX_OVERLAP:.0f} mm"
    if first == _TABLE:
        raise UserError(f"{where}: {names[0]} is in the table {depth}; raise it")
    raise UserError(f"{where}: {names[0]} and {names[1]} overlap {depth}; move one of them")
