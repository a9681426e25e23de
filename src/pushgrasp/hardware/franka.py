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
ARRIVED = 1e-3  # m

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
        try:
            self._robot: Any = self._franky.Robot(
                address, realtime_config=config.Enforce if realtime else config.Ignore
            )
        except Exception as error:  # franky's exceptions share no base but RuntimeError's
            raise self._sentence(error) from error
        self._robot.set_ee(T_flange_tool)
        if payload > 0:
            self._robot.set_load(payload, list(payload_center), np.zeros((3, 3)))
        self._robot.recover_from_errors()

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
            baseline = self._tare()
            limit = guard_force + REFLEX_MARGIN
            self._robot.set_collision_behavior(REFLEX_TORQUE, limit)
            self._robot.translation_velocity_limit.set(speed)
            return self._line(T_base_tool, baseline, guard_force)

    def stop(self) -> None:
        """See `Arm.stop`."""
        self._halt.set()
        self._robot.stop()

    def close(self) -> None:
        """See `Arm.close`."""
        self.stop()

    # --- inside --------------------------------------------------------------------

    def _line(self, T: FloatArray, baseline: FloatArray, guard_force: float) -> bool:
        f = self._franky
        fired = threading.Event()
        parts = zip(
            (f.Measure.FORCE_X, f.Measure.FORCE_Y, f.Measure.FORCE_Z), baseline, strict=True
        )
        x, y, z = (measure - float(zero) for measure, zero in parts)
        force = (x**2 + y**2 + z**2) ** 0.5
        brake = f.CartesianStopMotion(f.RelativeDynamicsFactor.MAX_DYNAMICS)
        reaction = f.CartesianReaction(force > guard_force, brake)
        reaction.register_callback(lambda *_: fired.set())
        motion = f.CartesianMotion(
            f.Affine(T), relative_dynamics_factor=f.RelativeDynamicsFactor(1.0, ACCELERATION, 0.5)
        )
        motion.add_reaction(reaction)
        try:
            self._robot.move(motion)
        except Exception as error:
            if self._halt.is_set():  # franky says that the motion was preempted
                return False
            raise self._sentence(error) from error
        miss = np.linalg.norm(self.state().T_base_tool[:3, 3] - T[:3, 3])
        if miss > ARRIVED:  # a stopped motion: the callback comes from another thread
            fired.wait(0.05)
        return fired.is_set()

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

    def _sentence(self, error: Exception) -> RobotError:
        said = str(error).removeprefix("libfranka: ")
        for mark, help_ in _NEXT_STEPS.items():
            if mark.lower() in said.lower():
                return RobotError(f"{self.name} at {self._address}: {said}; {help_}")
        return RobotError(f"{self.name} at {self._address}: {said}")


_NEXT_STEPS = {
    "realtime": "install a PREEMPT_RT kernel (docs/hardware.md)",
    "refused": "open the brakes and enable FCI in Desk; check that the hand is initialised there",
    "timeout": "check cable and power, and that no other program holds FCI; then start again",
    "reflex": "it met more force than expected; clear the place, then start again",
    "user stopped": "release the button, then start again",
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
        try:
            self._hand: Any = franky.Gripper(address)
            if self._hand.max_width <= 0:
                self._hand.homing()
        except Exception as error:
            raise RobotError(
                f"the Franka Hand at {address}: {error}; homing it in Desk helps"
            ) from (error)

    def width(self) -> float:
        """See `Jaw.width`."""
        return float(self._hand.width)

    def open(self, width: float) -> bool:
        """See `Jaw.open`."""
        width = min(width, float(self._hand.max_width))
        self._ask("move", width, self._speed)
        return width - self.width() < 0.003

    def grip(self, width: float, force: float) -> bool:
        """See `Jaw.grip`.

        The hand reopens when the width at contact lies outside its tolerances, so both are as
        wide as the jaw; what it reports as a grasp then says nothing, and the width decides.
        """
        most = float(self._hand.max_width)
        self._ask("grasp", width, self._speed, force, most, most)
        return self.width() - width > 0.003

    def stop(self) -> None:
        """See `Jaw.stop`; a grasp keeps its force."""
        if not self._hand.is_grasped:
            self._hand.stop()

    def close(self) -> None:
        """See `Jaw.close`."""

    def _ask(self, method: str, *values: float) -> None:
        try:
            getattr(self._hand, method)(*values)
        except Exception as error:
            raise RobotError(f"the Franka Hand: {error}") from error
