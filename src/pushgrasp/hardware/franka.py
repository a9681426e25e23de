"""Franka FR3 and Panda through `franky`: guarded lines in the 1 kHz thread, tare, reflexes.

The PC needs a PREEMPT_RT kernel for a real robot (`realtime = True`); a rehearsal does not. The
robot stops by itself when the PC stops sending, so it needs no watchdog of ours.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

from ..errors import RobotError
from ..interfaces import GripperSpec
from .devices import ArmState, FloatArray
from .extras import need

BASELINE = 10.0  # N in free air; more means a wrong payload in Desk
BASELINE_SAMPLES = 50  # states, 2 ms apart
REFLEX_MARGIN = 25.0  # N above the guard at which the robot's own reflex stops it
REFLEX_TORQUE = 40.0  # N m
ACCELERATION = 0.5  # share of the robot's own limits
TURN_SPEED = 0.8  # rad/s
PRESS_MORE = 10.0  # N above what it already presses with that stop a motion away from a contact
POLL = 0.02  # s between two looks for a signal
ARRIVED = 1e-3  # m
PREEMPTED = "preempted!"  # what libfranka says of a motion that this program stopped
NEAR = 0.003  # m from the width asked for: arrived
TIMEOUT = 6.0  # s for the longest motion of the hand

HAND = GripperSpec(max_width=0.08, max_force=70.0, finger_breadth=0.02)
"""The Franka Hand."""


class FrankaArm:
    """A Franka arm as an `Arm`.

    Args:
        address: of its controller.
        T_flange_tool: (4, 4), the tool frame (z up when the fingers point down) at the flange.
        payload, payload_center: kg and (3,) m beyond the hand that Desk knows; 0 for none.
        realtime: demand a real-time kernel, as a real robot needs.
    Raises:
        UserError: franky is not installed.
        RobotError: the controller does not answer or is not ready; the message says what to do.
    """

    def __init__(
        self,
        address: str,
        *,
        T_flange_tool: FloatArray,
        payload: float = 0.0,
        payload_center: tuple[float, float, float] = (0.0, 0.0, 0.0),
        realtime: bool = True,
        name: str = "franka",
    ) -> None:
        self.name, self._address = name, address
        self._franky: Any = need("franky", "franka")
        config = self._franky.RealtimeConfig
        self._halt = threading.Event()
        self._moving = threading.Lock()
        self._baseline: FloatArray | None = None  # N; None: tare before the next motion
        try:
            self._robot: Any = self._franky.Robot(
                address, realtime_config=config.Enforce if realtime else config.Ignore
            )
        except Exception as error:  # franky's exceptions share no base but RuntimeError's
            raise self._sentence(error) from error
        try:
            self._prepare(T_flange_tool, payload, payload_center)
        except Exception as error:
            raise self._sentence(error) from error

    # --- the Arm protocol ----------------------------------------------------------

    def state(self) -> ArmState:
        """See `Arm.state`."""
        try:
            state = self._robot.state
        except Exception as error:
            raise self._sentence(error) from error
        return ArmState(
            T_base_tool=np.array(self._robot.current_pose.end_effector_pose.matrix, np.float64),
            joints=np.array(state.q, np.float64),
            force=np.array(state.O_F_ext_hat_K[:3], np.float64),
            stamp=float(state.time.to_sec()),
        )

    def move(self, T_base_tool: FloatArray, speed: float, guard_force: float) -> bool:
        """See `Arm.move`."""
        self._halt.clear()
        with self._moving:
            self._check()
            if self._baseline is None:
                baseline = self._tare()
            else:
                baseline = self._baseline
                pressed = float(np.linalg.norm(self.state().force - baseline))
                guard_force = max(guard_force, pressed + PRESS_MORE)
            try:
                # The robot compares untared forces, for each axis.
                limit = guard_force + float(np.abs(baseline).max()) + REFLEX_MARGIN
                self._robot.set_collision_behavior(REFLEX_TORQUE, limit)
                self._robot.translation_velocity_limit.set(self._axis_limit(T_base_tool, speed))
                self._robot.rotation_velocity_limit.set(TURN_SPEED)
            except Exception as error:
                raise self._sentence(error) from error
            try:
                contact = self._line(T_base_tool, baseline, guard_force, ACCELERATION)
            except _DiscontinuityError:  # once, as a rule of thumb of franky's author has it
                self._check()
                contact = self._line(T_base_tool, baseline, guard_force, ACCELERATION / 4)
            self._baseline = baseline if contact else None
            return contact

    def stop(self) -> None:
        """See `Arm.stop`."""
        self._halt.set()
        try:
            self._robot.stop()
        except Exception as error:
            if PREEMPTED not in str(error):  # what the stopped motion says of itself
                raise self._sentence(error) from error

    def close(self) -> None:
        """See `Arm.close`."""
        try:
            self._robot.stop()
        except Exception:  # it has gone: there is nobody to tell
            return

    # --- inside --------------------------------------------------------------------

    def _axis_limit(self, T: FloatArray, speed: float) -> float:
        """Return the limit (m/s) of each axis with which the tool keeps to a speed.

        franky limits x, y and z each: along a diagonal the tool would be up to 1.7 times as fast.
        They arrive together, so that none is on average faster than its share of the longest way,
        and none peaks at more than twice its average.
        """
        way = np.abs(T[:3, 3] - self.state().T_base_tool[:3, 3])
        if way.max() < 1e-6:
            return speed
        return speed / float(np.linalg.norm(np.minimum(1.0, 2 * way / way.max())))

    def _line(
        self, T: FloatArray, baseline: FloatArray, guard_force: float, acceleration: float
    ) -> bool:
        f = self._franky
        fired = threading.Event()
        parts = zip(
            (f.Measure.FORCE_X, f.Measure.FORCE_Y, f.Measure.FORCE_Z), baseline, strict=True
        )
        x, y, z = (measure - float(zero) for measure, zero in parts)
        force = (x**2 + y**2 + z**2) ** 0.5
        brake = f.CartesianStopMotion(f.RelativeDynamicsFactor.MAX_DYNAMICS)
        reaction = f.Reaction(force > guard_force, brake)
        reaction.register_callback(lambda *_: fired.set())
        motion = f.CartesianMotion(
            f.Affine(T),
            relative_dynamics_factor=f.RelativeDynamicsFactor(1.0, acceleration, acceleration),
        )
        motion.add_reaction(reaction)
        try:
            self._robot.move(motion, asynchronous=True)
            while not self._robot.join_motion(POLL):  # in between Python hears of signals
                if self._halt.is_set():  # from before it had begun
                    self._robot.stop()
        except Exception as error:
            if self._halt.is_set():  # franky says that the motion was preempted
                return False
            if PREEMPTED in str(error):  # franky hears signals while it waits, and drops them
                raise KeyboardInterrupt(
                    "the arm has stopped; the jaw keeps what it holds"
                ) from error
            sentence = self._sentence(error)
            if "discontinuity" in str(sentence):
                raise _DiscontinuityError(str(sentence)) from error
            raise sentence from error
        miss = np.linalg.norm(self.state().T_base_tool[:3, 3] - T[:3, 3])
        if miss > ARRIVED:  # a stopped motion: the callback comes from another thread
            fired.wait(0.05)
        return fired.is_set()

    def _prepare(
        self, T_flange_tool: FloatArray, payload: float, center: tuple[float, float, float]
    ) -> None:
        """Clear old errors, and tell the controller of the tool.

        The controller wants the tool's frame in its nominal one, which Desk defines for the hand.
        """
        self._check()
        nominal = np.reshape(self._robot.state.F_T_NE.matrix, (4, 4))
        frame = np.linalg.inv(nominal) @ T_flange_tool
        self._robot.set_ee(frame.flatten(order="F").tolist())
        if payload > 0:
            self._robot.set_load(payload, list(center), [0.0] * 9)

    def _check(self) -> None:
        """Make sure that the robot can move; an old reflex is cleared.

        Raises:
            RobotError: it cannot; the message names the person's next step.
        """
        mode = self._franky.RobotMode
        try:
            now = self._robot.state.robot_mode
            if now == mode.Reflex or self._robot.has_errors:
                self._robot.recover_from_errors()
                now = self._robot.state.robot_mode
        except Exception as error:
            raise self._sentence(error) from error
        steps = {
            mode.UserStopped: "its stop button is pressed; release it, then start again",
            mode.Guiding: "somebody guides it by hand; let go, then start again",
            mode.Reflex: "it has stopped by a reflex; clear the place, unlock it in Desk",
            mode.Other: "it is not ready; open the brakes and enable FCI in Desk",
        }
        if now in steps:
            raise RobotError(f"{self.name} at {self._address}: {steps[now]}")

    def _tare(self) -> FloatArray:
        """Return the mean (3,) force in N at rest.

        Raises:
            RobotError: it is so large that the payload must be wrong.
        """
        readings: list[FloatArray] = []
        for _ in range(BASELINE_SAMPLES):
            readings.append(self.state().force)
            time.sleep(0.002)
        baseline = np.mean(readings, axis=0)
        if not np.isfinite(baseline).all() or np.linalg.norm(baseline) > BASELINE:
            raise RobotError(
                f"{self.name} feels {np.linalg.norm(baseline):.0f} N at rest; set the hand and its "
                "payload in Desk, check that nothing touches it, and start again"
            )
        return baseline

    def _mode(self) -> str:
        """Return the robot's mode and errors in words; "" if it does not answer."""
        try:
            state = self._robot.state
            if state.robot_mode.name != "Reflex":
                return "stopped"
            errors = state.last_motion_errors
            named = [n for n in dir(errors) if not n.startswith("_") and getattr(errors, n) is True]
            return f"by a reflex: {', '.join(named)}" if named else "by a reflex"
        except Exception:
            return ""

    def _sentence(self, error: Exception) -> RobotError:
        said = str(error).removeprefix("libfranka: ")
        if said == "Move command aborted!":  # the reason came a moment later
            said += f" {self._mode()}"
        for mark, help_ in _NEXT_STEPS.items():
            if mark.lower() in said.lower():
                return RobotError(f"{self.name} at {self._address}: {said}; {help_}")
        return RobotError(f"{self.name} at {self._address}: {said}")


class _DiscontinuityError(RobotError):
    """The robot refused a set-point that jumped; it has stopped, and may be asked again."""


_NEXT_STEPS = {
    "discontinuity": "it stopped at jumping set-points, twice; check the real-time kernel, the "
    "network card and the cable, then start again",
    "realtime": "install a PREEMPT_RT kernel (docs/hardware.md)",
    "refused": "open the brakes and enable FCI in Desk; check that the hand is initialised there",
    "timeout": "check cable and power, and that no other program holds FCI; then start again",
    "reflex": "it met more force than expected; clear the place, then start again",
    "user stopped": "release the button, then start again",
    "safety functions": "its stop button is pressed; release it, then start again",
    "incompatible": "use the franky wheel for this robot's system version (docs/hardware.md)",
}
"""What a person does about what libfranka says."""


class FrankaHand:
    """The Franka Hand as a `Jaw`.

    Args:
        address: of the arm's controller.
        speed: m/s, change of the width.
    Raises:
        RobotError: the hand does not answer, or was never homed and cannot be.
    """

    def __init__(self, address: str, *, speed: float = 0.1, gripper: GripperSpec = HAND) -> None:
        franky = need("franky", "franka")
        self.gripper, self._speed = gripper, speed
        self._halt = threading.Event()
        self._is_moving = threading.Event()
        try:
            self._hand: Any = franky.Gripper(address)
            if self._hand.max_width <= 0:
                self._hand.homing()
            self._hand.width  # noqa: B018  # it answers
        except Exception as error:
            raise RobotError(
                f"the Franka Hand at {address}: {error}; homing it in Desk helps"
            ) from error

    def width(self) -> float:
        """See `Jaw.width`."""
        return float(self._hand.width)

    def open(self, width: float) -> bool:
        """See `Jaw.open`."""
        width = min(width, float(self._hand.max_width))
        self._ask("move_async", width, self._speed)
        return width - self.width() < NEAR

    def grip(self, width: float, force: float) -> bool:
        """See `Jaw.grip`.

        The hand reopens when the width at contact lies outside its tolerances, so both are as
        wide as the jaw; what it reports as a grasp then says nothing, and the width decides.
        """
        most = float(self._hand.max_width)
        self._ask("grasp_async", width, self._speed, force, most, most)
        return self.width() - width > NEAR

    def stop(self) -> None:
        """See `Jaw.stop`; a grasp keeps its force."""
        self._halt.set()
        if self._is_moving.is_set():
            try:
                self._hand.stop()
            except Exception as error:
                raise RobotError(f"the Franka Hand: {error}") from error
            self._is_moving.clear()

    def close(self) -> None:
        """See `Jaw.close`."""

    def _ask(self, method: str, *values: float) -> None:
        """Move, and wait in steps in which Python hears of signals."""
        self._halt.clear()
        self._is_moving.set()
        try:
            future = getattr(self._hand, method)(*values)
            deadline = time.monotonic() + TIMEOUT
            while not future.wait(POLL) and not self._halt.is_set():
                if time.monotonic() > deadline:
                    self._hand.stop()
                    raise RobotError(
                        f"the Franka Hand is still moving after {TIMEOUT:.0f} s; check it"
                    )
        except RobotError:
            raise
        except Exception as error:
            raise RobotError(f"the Franka Hand: {error}") from error
        self._is_moving.clear()
