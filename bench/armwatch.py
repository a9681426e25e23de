"""Records a robot's tracking error, tick by tick."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import mujoco
import numpy as np
import numpy.typing as npt

from pushgrasp.interfaces import Command, MoveJaw, MoveTo, Report
from pushgrasp.primitives import DESCENT_GUARD, PUSH_GUARD, present
from pushgrasp.sim.robots.robot import SimRobot
from pushgrasp.workspace import Workspace

Vector = npt.NDArray[np.float64]

PHASES = ("over", "down", "jaw", "across", "lift", "show", "home")
ERRORS = ("off_setpoint_mm", "off_line_mm", "turned_deg", "tilted_deg")


@dataclass(frozen=True, order=True)
class Peak:
    """Largest share of a limit that any joint reached."""

    share: float = 0.0
    joint: str = ""
    phase: str = ""


class Watch:
    """Records a robot after every tick of its world while it executes something.

    `samples` holds a row of ERRORS per tick, by primitive and phase.

    Args:
        robot: to be used through this object from now on; `primitive` names its next action.
    """

    def __init__(self, robot: SimRobot) -> None:
        self.robot, self.world = robot, robot.world
        self.primitive = ""
        self.samples: dict[tuple[str, str], list[tuple[float, ...]]] = {}
        self.unfinished: Counter[str] = Counter()
        self.fastest = self.hardest = Peak()
        model = self.world.model
        self._tool = model.body("tool").id
        self._actual, self._wanted = mujoco.MjData(model), mujoco.MjData(model)
        self._joints = robot.kinematics.joints
        self._q = np.array([model.joint(n).qposadr[0] for n in self._joints])
        self._dofs = np.array([model.joint(n).dofadr[0] for n in self._joints])
        self._drives = np.array([model.actuator(n).id for n in self._joints])
        self._phase = ""
        self._line = np.zeros(3), np.zeros(3)
        self._execute = robot.execute
        robot.execute = self.execute  # home() calls it, too
        self.world.frame_period, self.world.frame_callback = 0.0, self._look

    def execute(self, command: Command) -> Report:
        """Execute a command and record it; see `Robot.execute`."""
        start = self._setpoint()
        end = np.array(command.position) if isinstance(command, MoveTo) else start
        homing = self._phase == "home"
        self._phase = "home" if homing else _phase(command, float(start[2]))
        self._line = start, end
        report = self._execute(command)
        if isinstance(command, MoveTo) and not (report.reached or report.stopped_by_contact):
            self.unfinished[f"{self._phase}: {report.reason}"] += 1
        self._phase = "home" if homing else ""
        return report

    def home(self) -> None:
        """Send the robot home and record it."""
        self._phase = "home"
        self.robot.home()
        self._phase = ""

    def _setpoint(self) -> Vector:
        """Return the tool's set-point (3,) m."""
        return self.robot.kinematics.pose(self.robot.setpoint)[0]

    def _look(self) -> None:
        if not self._phase:
            return
        model, data = self.world.model, self.world.data
        position, axes = self._pose(self._actual, data.qpos)
        joints = data.qpos.copy()
        joints[self._q] = self.robot.setpoint
        wanted, wanted_axes = self._pose(self._wanted, joints)
        sample = (
            1e3 * float(np.linalg.norm(position - wanted)),
            1e3 * _off_line(position, *self._line),
            _degrees((np.trace(axes.T @ wanted_axes) - 1) / 2),
            _degrees(axes[2, 2]),
        )
        self.samples.setdefault((self.primitive, self._phase), []).append(sample)
        speed = np.abs(data.qvel[self._dofs]) / self.robot.kinematics.speeds
        torque = np.abs(data.actuator_force[self._drives])
        torque /= model.actuator_forcerange[self._drives, 1]
        self.fastest = max(self.fastest, self._peak(speed))
        self.hardest = max(self.hardest, self._peak(torque))

    def _peak(self, shares: Vector) -> Peak:
        joint = int(shares.argmax())
        return Peak(float(shares[joint]), self._joints[joint], self._phase)

    def _pose(self, scratch: mujoco.MjData, joints: Vector) -> tuple[Vector, Vector]:
        """Compute the tool's position (3,) m and axes (3, 3), columns, world frame."""
        scratch.qpos[:] = joints
        mujoco.mj_kinematics(self.world.model, scratch)
        return scratch.xpos[self._tool].copy(), scratch.xmat[self._tool].reshape(3, 3).copy()


def _phase(command: Command, height: float) -> str:
    """Name the phase of a command; `height` is the tool's, m."""
    if isinstance(command, MoveJaw):
        return "jaw"
    if command == present(Workspace()):
        return "show"
    if command.guard_force in (DESCENT_GUARD, PUSH_GUARD):
        return "down" if command.guard_force == DESCENT_GUARD else "across"
    return "lift" if command.position[2] > height + 1e-3 else "over"


def _off_line(point: Vector, start: Vector, end: Vector) -> float:
    """Compute the distance in m from a point to the segment between two others."""
    along = end - start
    square = float(along @ along)
    share = np.clip((point - start) @ along / square, 0, 1) if square > 0 else 0.0
    return float(np.linalg.norm(point - start - share * along))


def _degrees(cosine: float) -> float:
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
