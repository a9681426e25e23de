"""The MuJoCo model of a table, a robot and objects, before anything moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..perception.colors import TABLE_COLOR, parse_color
from ._mujoco import mujoco
from .cell import Cell
from .objects.shapes import Shape, add_to_spec

TIMESTEP = 0.002  # s
OBJECT_FRICTION = (0.5, 0.005, 0.0005)  # sliding, turning (m), rolling (m); wood-like plastic
CONTACT_SOLREF = (0.006, 1.0)  # s, damping ratio: with the impedance below, 15 N on a 60 g
CONTACT_SOLIMP = (0.95, 0.99, 0.001, 0.5, 2.0)  # block press it in by less than 1 mm
SLEEP_SPEED = 0.005  # m/s below which resting objects are put to sleep until touched


@dataclass(frozen=True)
class ObjectSpec:
    """One object of a scene."""

    name: str
    shape: Shape
    color: tuple[int, int, int]  # sRGB, 0..255
    friction: float = 1.0  # factor on OBJECT_FRICTION's sliding


class RobotModel(Protocol):
    """What a robot adds to the model before it is compiled."""

    def add_to(self, spec: mujoco.MjSpec, cell: Cell) -> None:
        """Add bodies and actuators, each actuator with its joint's name."""
        ...

    def rest(self) -> Mapping[str, float]:
        """Joints that do not stand at 0 while the robot is at home, rad or m."""
        ...


def compile_model(objects: Sequence[ObjectSpec], robot: RobotModel, cell: Cell) -> mujoco.MjModel:
    """Compile the model of a cell with a robot, and with a body by its name for each object."""
    spec = mujoco.MjSpec()
    option = spec.option
    option.timestep = TIMESTEP
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.impratio = 10.0
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_AUTORESET)
    # Resting heaps creep numerically; asleep they stay put, and cost a tenth of the time.
    option.enableflags |= int(mujoco.mjtEnableBit.mjENBL_SLEEP)
    option.sleep_tolerance = SLEEP_SPEED
    add_surroundings(spec, cell)
    robot.add_to(spec, cell)
    for o in objects:
        body = spec.worldbody.add_body(name=o.name)
        body.add_freejoint()
        add_to_spec(
            spec,
            body,
            o.shape,
            rgba=_rgba(o.color),
            friction=(o.friction * OBJECT_FRICTION[0], *OBJECT_FRICTION[1:]),
            condim=6 if o.shape.rolls else 4,
            solref=CONTACT_SOLREF,
            solimp=CONTACT_SOLIMP,
        )
    return spec.compile()


def add_surroundings(spec: mujoco.MjSpec, cell: Cell) -> None:
    """Add what is fixed: the table, the tote's walls, and the default camera's post."""
    contact = {"friction": OBJECT_FRICTION, "solref": CONTACT_SOLREF, "solimp": CONTACT_SOLIMP}
    spec.worldbody.add_geom(
        name="table",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        pos=cell.place((0.0, 0.0, 0.0)),
        size=[5, 5, 0.1],
        rgba=_rgba(TABLE_COLOR),
        condim=3,
        **contact,
    )
    spec.worldbody.add_geom(
        name="camera_post",
        type=mujoco.mjtGeom.mjGEOM_CAPSULE,
        fromto=[*cell.post[0], *cell.post[1]],
        size=(0.02, 0, 0),
        rgba=(0.3, 0.31, 0.34, 1),
        **contact,
    )
    for i, (center, half) in enumerate(cell.walls):
        assert cell.tote is not None
        spec.worldbody.add_geom(
            name=f"tote_wall_{i}",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            pos=center,
            size=half,
            rgba=_rgba(parse_color(cell.tote.color)),
            **contact,
        )


def _rgba(color: tuple[int, int, int]) -> tuple[float, float, float, float]:
    return color[0] / 255, color[1] / 255, color[2] / 255, 1.0
