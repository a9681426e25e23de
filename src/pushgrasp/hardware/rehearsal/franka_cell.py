"""A Franka arm with its hand in a simulated cell, behind franky-sim's libfranka server.

Run as `python -m pushgrasp.hardware.rehearsal.franka_cell SESSION.json`; words on stdin stage
faults and end it, see `main`. franky-sim moves its robots by torques and knows neither contact
forces nor reflexes; here the commanded joint positions go to the simulated arm's drives, contacts
are reported as external force, and too much of it is a reflex.
"""

# pyright: reportMissingImports=false, reportUntypedBaseClass=false
# franky-sim is half a gigabyte with what it needs, so that not everybody has it.

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np

from ...interfaces import MoveJaw
from ...sim.model import TIMESTEP
from ...sim.robots.hand import STEPS_PER_TICK
from ..devices import FloatArray
from ..extras import need
from .cell_world import CellWorld
from .session import Session, serve_words

need("franky_sim", "rehearsal")

import pinocchio as pin  # noqa: E402
from franky_sim.base_simulator import BaseRobot, BaseSimulator, InnerRobotState  # noqa: E402
from franky_sim.franka_gripper_protocol import GripperCommandStatus  # noqa: E402
from franky_sim.franka_robot_protocol import (  # noqa: E402
    AutomaticErrorRecoveryCommand,
    AutomaticErrorRecoveryStatus,
    BaseCommand,
    MoveStatus,
    RobotCommand,
    RobotMode,
    SetCollisionBehaviorCommand,
)
from franky_sim.franka_robot_server import FrankaRobotServer  # noqa: E402

PERIOD = 0.001  # s between two states
TICKS_PER_STEP = round(TIMESTEP / PERIOD)
STIFFNESS = (3000.0, 3000.0, 3000.0, 2500.0, 2500.0, 2000.0, 2000.0)  # N m/rad, Franka's own
PATIENCE = 0.5  # s for which the cell's clock waits for a client's set-point
IK_STEPS = 4
POSTURE = 0.002  # share of the way to the home posture in each millisecond of a motion
_CARTESIAN_REFLEX, _DISCONTINUITY = 7, 20  # places in libfranka's list of errors
_N_ERRORS = 41


def soften(cell: CellWorld) -> None:
    """Give the simulated arm's drives the stiffness of Franka's joint impedance."""
    model, kinematics = cell.world.model, cell.robot.kinematics
    for i, (name, stiffness) in enumerate(zip(kinematics.joints, STIFFNESS, strict=True)):
        drive = model.actuator(name)
        softer = stiffness / float(drive.gainprm[0])
        drive.gainprm[0] *= softer
        drive.biasprm[1] *= softer
        drive.biasprm[2] *= np.sqrt(softer)  # as well damped as before
        kinematics.lag[i] /= np.sqrt(softer)


class CellRobot(BaseRobot):
    """The simulated arm and hand as franky-sim's robot.

    Args:
        cell: the world that they are in.
    """

    def __init__(self, cell: CellWorld) -> None:
        super().__init__()
        soften(cell)
        self._cell = cell
        self._setpoint = cell.robot.joint_positions()
        self._last_setpoint = self._setpoint
        self._home = np.array(cell.robot.kinematics.home)
        self._jaw: Generator[None, None, bool] | None = None
        self._carried: set[str] = set()
        self._width = cell.robot.state().width
        self.asked = 0.0  # m/s, the fastest that set-points of the tool followed each other
        self._asked_for: FloatArray | None = None  # (3,) m, base frame; None: a motion begins
        self._ticks = 1  # since the newest set-point
        self.force = np.zeros(3)  # N on the hand, world frame

    # --- what franky-sim asks for --------------------------------------------------

    def _joint_position_control(self, target_q: FloatArray) -> None:
        self._setpoint = np.array(target_q, np.float64)
        self._torque_is_ours()

    def cartesian_position_control(
        self, target_pose: Any, target_elbow_config: Any, has_new_command: bool = True
    ) -> None:
        """See the base class, which lets a redundant arm drift; here it is drawn to its home."""
        self._note_speed(np.asarray(target_pose, np.float64)[:3], has_new_command)
        state = self._tracked_state_components["O_T_EE_c"]
        target = pin.XYZQUATToSE3(np.asarray(target_pose))
        state.set(self.__dict__["_BaseRobot__t"], target, call_observers=has_new_command)
        model, data = (self.__dict__[f"_BaseRobot__{name}"] for name in ("model", "data"))
        frame, q = model.getFrameId("tcp"), self._setpoint
        for step in range(IK_STEPS):
            pin.forwardKinematics(model, data, q)
            pin.updateFramePlacement(model, data, frame)
            error = pin.log6(data.oMf[frame].inverse() * target).vector
            if step and np.linalg.norm(error) < 1e-5:
                break
            J = pin.computeFrameJacobian(model, data, q, frame, pin.ReferenceFrame.LOCAL)
            inverse = J.T @ np.linalg.inv(J @ J.T + 1e-6 * np.eye(6))
            away = POSTURE * (self._home - q) if step == 0 else np.zeros_like(q)
            q = q + inverse @ error + away - inverse @ (J @ away)
        self.joint_position_control(q, has_new_command)

    def begin_motion(self) -> None:
        """Forget the last motion's set-points."""
        self._asked_for = None

    def _note_speed(self, position: FloatArray, is_new: bool) -> None:
        if not is_new:
            self._ticks += 1
            return
        if self._asked_for is not None:
            way = float(np.linalg.norm(position - self._asked_for))
            self.asked = max(self.asked, way / (self._ticks * PERIOD))
        self._asked_for, self._ticks = position, 1

    def _joint_velocity_control(self, target_dq: FloatArray) -> None:
        self._setpoint = self._setpoint + PERIOD * np.asarray(target_dq)
        self._torque_is_ours()

    def _torque_is_ours(self) -> None:
        """Tell the bookkeeping of the base class that torques are no matter of the client's."""
        self.torque_control(np.zeros(7), has_new_command=False)

    def _torque_control(self, torques: FloatArray) -> None:
        """Do nothing: the simulated arm's drives follow positions."""

    def _get_state(self) -> InnerRobotState:
        q = self._cell.robot.joint_positions()
        zeros = (0.0,) * 7
        return InnerRobotState(q=tuple(map(float, q)), dq=zeros, tau_j=zeros)

    def set_hand_goal(self, width: float, max_velocity: float, max_force: float) -> None:
        """See `BaseRobot.set_hand_goal`; the hand has one speed."""
        command = MoveJaw(max(width, 0.0), max_force)
        opens = width > self._cell.robot.state().width
        self._carried = self._cell.over_bin() if opens else set()
        self._jaw = self._cell.robot.jaw_motion(command)

    def _get_hand_width(self) -> float:
        return self._width

    @property
    def state(self) -> Any:
        """Return the state with the contact force on the hand, base frame."""
        R = self._cell.T_world_base[:3, :3]
        force = R.T @ self.force
        return super().state.replace(O_F_ext_hat_K=(*map(float, force), 0.0, 0.0, 0.0))

    def setpoints(self) -> tuple[float, ...]:
        """Return where the arm's drives are sent, rad."""
        return tuple(map(float, self._setpoint))

    # --- the clock -----------------------------------------------------------------

    def drive(self) -> None:
        """Give the arm's drives the newest set-points; once for each step of the world."""
        velocity = (self._setpoint - self._last_setpoint) / TIMESTEP
        self._cell.robot.servo(self._setpoint.copy(), velocity)
        self._last_setpoint = self._setpoint

    def tick(self) -> None:
        """Move the jaw on and look around, once for each tick of the jaw."""
        if self._jaw is not None:
            try:
                next(self._jaw)
            except StopIteration:
                self._jaw = None
                self._cell.empty_bin(self._carried)
                self._carried = set()
        self._cell.robot.press()
        self._width = self._cell.look_on().width

    def is_jaw_busy(self) -> bool:
        """Return True while the jaw moves."""
        return self._jaw is not None


class Simulator(BaseSimulator):
    """The world's clock as franky-sim's simulator: one step for every other state."""

    def __init__(self, cell: CellWorld, robot: CellRobot) -> None:
        super().__init__()
        self._cell, self._robot, self._ticks = cell, robot, 0

    def _get_robots(self) -> list[BaseRobot]:
        return [self._robot]

    def _step(self) -> None:
        self._ticks += 1
        if self._ticks % TICKS_PER_STEP:
            return
        self._robot.drive()
        self._cell.world.step(1)
        self._robot.force = self._cell.feel(TIMESTEP)
        if self._ticks % (TICKS_PER_STEP * STEPS_PER_TICK) == 0:
            self._robot.tick()


class Server(FrankaRobotServer):
    """franky-sim's server with reflexes and a stop button."""

    def __init__(self, robot: CellRobot, host: str) -> None:
        self.mode: RobotMode | None = None  # kReflex or kUserStopped; None: all is well
        self.force_limit = np.inf  # N, as the client set it
        self.worst_limit = 0.0  # N, the highest that it ever set
        self._error = _CARTESIAN_REFLEX
        self._heard = True  # the client has answered the newest state
        super().__init__(robot, [host])
        self._cell_robot = robot
        commands = self.__dict__["_FrankaServer__command_class_map"]
        commands[RobotCommand.kSetCollisionBehavior] = _SetCollisionBehavior
        commands[RobotCommand.kAutomaticErrorRecovery] = _Recovery

    def _reset_state(self) -> None:
        """Hold the last set-points when a client goes; where the arm lags behind it would jump."""
        super()._reset_state()
        self.__dict__["_FrankaRobotServer__holding_q"] = self._cell_robot.setpoints()

    def send_state(self) -> None:
        """See the base class; a client answers each state of a motion with a set-point."""
        self._heard = False
        super().send_state()

    def _handle_udp_command(self, command_data: bytes) -> None:
        self._heard = True
        super()._handle_udp_command(command_data)

    def wait_for_client(self) -> None:
        """Let no time pass in a motion until the client has sent its set-point, or has gone.

        It shares this computer with the cell and whatever else runs here. A late set-point would
        be a jump of several milliseconds at once.
        """
        deadline = time.monotonic() + PATIENCE
        while self.current_motion_id and not self._heard and time.monotonic() < deadline:
            time.sleep(1e-4)
            self.process_commands()

    def watch_force(self) -> None:
        """Stop by a reflex if the arm meets more than the client allows."""
        force = float(np.abs(self._cell_robot.force).max())
        if self.mode is None and self.current_motion_id and force > self.force_limit:
            self.abort(RobotMode.kReflex, MoveStatus.kReflexAborted)

    def abort(self, mode: RobotMode, status: MoveStatus, error: int = _CARTESIAN_REFLEX) -> None:
        """Stop, and tell the client why, as a real controller does."""
        self.mode, self._error = mode, error
        motion = self.current_motion_id
        self.stop_motion(send_preemption_signal=False)
        if motion and self._tcp_socket is not None:
            self.send_state()
            BaseCommand.send_response(self._tcp_socket, RobotCommand.kMove, motion, status)
        self.reset_current_motion_id()

    def start_motion(self, *arguments: Any, **named: Any) -> None:
        """See the base class; a stopped robot does not move."""
        if self.mode is not None:
            raise RuntimeError(f"the robot is in mode {self.mode.name}")
        self._cell_robot.begin_motion()
        super().start_motion(*arguments, **named)

    @property
    def robot_state(self) -> Any:
        """Return the state with the mode and what ended the last motion."""
        state = super().robot_state
        if self.mode is None:
            return state
        errors = [False] * _N_ERRORS
        errors[self._error] = self.mode == RobotMode.kReflex
        return state.replace(
            robot_mode=self.mode,
            errors=tuple(errors),
            current_errors=tuple(errors),
            last_motion_errors=tuple(errors),
            reflex_reason=tuple(errors),
        )


def answer_when_stopped(gripper: Any) -> None:
    """Make a hand's server answer the motion that a stop ends; franky-sim leaves it waiting."""
    stop = gripper.stop

    def stop_and_answer(command_id: int, tcp_socket: Any) -> None:
        if gripper._pending_command_id is not None:
            BaseCommand.send_response(
                gripper._pending_tcp_socket, gripper._pending_command_type,
                gripper._pending_command_id, GripperCommandStatus.kUnsuccessful,
                command_type_struct="H", status_type_struct="H",
            )  # fmt: skip
        stop(command_id, tcp_socket)

    gripper.stop = stop_and_answer


class _SetCollisionBehavior(SetCollisionBehaviorCommand):
    def handle(self, server: Any) -> None:
        server.force_limit = float(max(self.upper_force_thresholds_nominal[:3]))
        server.worst_limit = max(server.worst_limit, server.force_limit)
        self.reply(0)


class _Recovery(AutomaticErrorRecoveryCommand):
    def handle(self, server: Any) -> None:
        if server.mode == RobotMode.kUserStopped:
            self.reply(AutomaticErrorRecoveryStatus.kCommandRejectedDueToActivatedSafetyFunctions)
            return
        server.mode = None
        self.reply(AutomaticErrorRecoveryStatus.kSuccess)


class Controller:
    """Server, simulator and camera, run in one thread.

    Args:
        cell: the world.
        session: address and clock.
    """

    def __init__(self, cell: CellWorld, session: Session) -> None:
        self._cell, self._period = cell, PERIOD / session.speedup
        self.robot = CellRobot(cell)
        self.simulator = Simulator(cell, self.robot)
        self.server = Server(self.robot, session.host)
        self.frozen = False
        self.simulator.init()
        self.server.init()
        answer_when_stopped(self.server.gripper_server)
        self.simulator.start()

    def serve(self, keep_going: Callable[[], bool]) -> None:
        """Answer, and let time pass, until told to stop."""
        due = time.monotonic()
        while keep_going():
            if self.frozen:
                time.sleep(0.01)
                continue
            self.server.process_commands()
            self.server.wait_for_client()
            self.simulator.step()
            self.server.watch_force()
            self.server.send_state()
            if self.server.current_motion_id or self.robot.is_jaw_busy():
                self._cell.calm_since = time.monotonic()
            elif self._cell.photograph():
                due = time.monotonic()
            due += self._period
            ahead = due - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            elif ahead < -0.05:  # slower than the clock: nobody minds
                due = time.monotonic()
        self.server.cleanup()
        self.simulator.cleanup()


def main() -> None:
    """Serve until told to stop on stdin."""
    session = Session.read(Path(sys.argv[1]))
    scene = session.build()
    cell = CellWorld(scene, session)
    controller = Controller(cell, session)
    todo: list[Callable[[], None]] = []  # for the serving thread: it alone touches sockets

    def freeze() -> None:
        controller.frozen = True

    def reflex() -> None:
        todo.append(lambda: controller.server.abort(RobotMode.kReflex, MoveStatus.kReflexAborted))

    def button() -> None:
        todo.append(
            lambda: controller.server.abort(
                RobotMode.kUserStopped, MoveStatus.kPreemptedDueToActivatedSafetyFunctions
            )
        )

    def discontinuity() -> None:
        todo.append(
            lambda: controller.server.abort(
                RobotMode.kReflex, MoveStatus.kReflexAborted, _DISCONTINUITY
            )
        )

    words = {
        "freeze": freeze,
        "die": lambda: os._exit(0),
        "reflex": reflex,
        "discontinuity": discontinuity,
        "button": button,
        "no board": cell.put_board_away,
    }

    def report() -> dict[str, float]:
        return {"force_limit": controller.server.worst_limit, "asked": controller.robot.asked}

    stop = serve_words(scene, cell, words, report)

    def keep_going() -> bool:
        while todo:
            todo.pop(0)()
        return not stop.is_set()

    controller.serve(keep_going)


if __name__ == "__main__":
    main()
