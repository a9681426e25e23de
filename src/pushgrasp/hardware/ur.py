"""Universal Robots e-Series through `ur_rtde`: guarded lines, tare, watchdog, stale-state check.

The arm must be in remote control. An asynchronous motion of a UR continues when the PC dies, so
the controller's watchdog guards every motion: without a kick for 0.1 s it stops the program.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from ..errors import RobotError, UserError
from .devices import ArmState, FloatArray
from .extras import need

WATCHDOG_HZ = 10.0  # kicks per second below which the controller stops a moving arm
IDLE_HZ = 0.2  # likewise at rest, where Python may be busy for a second, importing say
STALE = 0.2  # s without a newer timestamp after which a state is not believed
HUNG = 0.1  # s without a turn of the motion loop after which nobody kicks the watchdog for it
ACCELERATION = 0.5  # m/s^2
BRAKE = 5.0  # m/s^2
GUARD_BRAKE = 10.0  # m/s^2 at a contact, where speeds are low and each millimetre is force
POLL = 0.001  # s between two looks at the force
NEWS = 0.1  # s by which the client's two interfaces may be out of step
REPLY = 1.0  # s in which the controller must answer
START = 0.5  # s within which a motion must have begun
BASELINE = 10.0  # N at rest after a tare; more means a wrong payload or something in the way
PRESS_MORE = 10.0  # N above what it already presses with that stop a motion away from a contact


class UrArm:
    """A UR arm as an `Arm`.

    Args:
        address: of the controller.
        T_flange_tool: (4, 4), the tool frame (z up when the fingers point down) at the flange.
        payload: kg of hand and fingers; 0 keeps what the installation says.
        payload_center: (3,) m, flange frame.
    Raises:
        UserError: ur_rtde is not installed.
        RobotError: the controller does not answer or is not ready; the message says what to do.
    """

    def __init__(
        self,
        address: str,
        *,
        T_flange_tool: FloatArray,
        payload: float = 0.0,
        payload_center: tuple[float, float, float] = (0.0, 0.0, 0.0),
        name: str = "ur",
    ) -> None:
        self.name, self._address = name, address
        control, receive = need("rtde_control", "ur"), need("rtde_receive", "ur")
        self._lock = threading.RLock()
        self._stuck = False  # a call of the client library never came back
        self._halt = threading.Event()  # set by `stop`, cleared by the next motion
        self._closed = threading.Event()
        self._touches = False  # the last motion ended at its guard: a tare would hide that force
        self._beat: float | None = None  # monotonic s of the motion loop's last turn
        self._seen = (-1.0, time.monotonic())  # newest timestamp, and when it came
        try:
            self._receive: Any = receive.RTDEReceiveInterface(address)
            self._control: Any = control.RTDEControlInterface(address)
        except RuntimeError as error:
            raise RobotError(
                f"the UR controller at {address} cannot be used: {error}; check that it is on, "
                "that the address is right, and that remote control is enabled on the pendant"
            ) from error
        self._check()
        self._ask("setTcp", _to_ur(T_flange_tool))
        if payload > 0:
            self._ask("setPayload", payload, list(payload_center))
        self._ask("setWatchdog", IDLE_HZ)
        threading.Thread(target=self._keep_alive, daemon=True).start()

    # --- the Arm protocol ----------------------------------------------------------

    def state(self) -> ArmState:
        """See `Arm.state`."""
        self._check()
        return ArmState(
            T_base_tool=_from_ur(self._receive.getActualTCPPose()),
            joints=np.array(self._receive.getActualQ(), np.float64),
            force=self._force(),
            stamp=float(self._receive.getTimestamp()),
        )

    def move(self, T_base_tool: FloatArray, speed: float, guard_force: float) -> bool:
        """See `Arm.move`."""
        self._halt.clear()
        self._check()
        if self._touches:
            pressed = float(np.linalg.norm(self._force()))
            guard_force = max(guard_force, pressed + PRESS_MORE)
        else:
            self._ask("zeroFtSensor")
            self._wait_for_tare()
        pose = _to_ur(T_base_tool)
        if not self._ask("isPoseWithinSafetyLimits", pose):
            raise RobotError(
                f"{self.name}: its own safety limits forbid {np.round(pose[:3], 3).tolist()} m"
            )
        self._ask("setWatchdog", WATCHDOG_HZ)
        try:
            self._beat = time.monotonic()
            if not self._ask("moveL", pose, speed, ACCELERATION, True):
                self._check()
                raise RobotError(f"{self.name} did not take the motion; {self._mode()}")
            self._touches = contact = self._follow(guard_force)
        finally:
            self._beat = None
        self._ask("setWatchdog", IDLE_HZ)
        self._wait_for_news()
        return contact

    def stop(self) -> None:
        """See `Arm.stop`."""
        self._halt.set()
        if self._stuck:
            return  # a silent controller cannot be told anything
        with self._lock:
            if self._is_fresh() and self._control.isProgramRunning():
                self._ask("stopL", BRAKE)

    def close(self) -> None:
        """See `Arm.close`."""
        self._closed.set()
        if self._stuck:
            return
        with self._lock:
            if self._is_fresh():
                self._ask("stopScript")
                self._control.disconnect()
                self._receive.disconnect()

    # --- inside --------------------------------------------------------------------

    def _follow(self, guard_force: float) -> bool:
        """Watch a motion until it ends; stop it at the guard."""
        started, begun = time.monotonic(), False
        while True:
            self._beat = time.monotonic()
            self._check()
            force = float(np.linalg.norm(self._force()))
            if not np.isfinite(force):
                self.stop()
                raise RobotError(f"{self.name}: the force sensor gives no number; arm stopped")
            if force > guard_force:
                self._ask("stopL", GUARD_BRAKE)
                return True
            if self._halt.is_set():
                self._ask("stopL", BRAKE)
                return False
            try:
                with self._lock:  # neither of the two waits for an answer
                    self._control.kickWatchdog()
                    running = self._control.getAsyncOperationProgressEx().isAsyncOperationRunning()
            except RuntimeError as error:  # a lost connection could not be made again
                raise RobotError(f"{self._silent()} ({error})") from error
            begun = begun or running
            if not running and (begun or self._beat - started > START):
                self._check()
                return False
            time.sleep(POLL)

    def _wait_for_tare(self) -> None:
        deadline = time.monotonic() + 0.3
        while (force := float(np.linalg.norm(self._force()))) > BASELINE:
            if time.monotonic() > deadline:
                raise RobotError(
                    f"{self.name} feels {force:.0f} N right after its sensor was zeroed; check "
                    "the payload in the station file, and that nothing touches the hand"
                )
            time.sleep(0.01)

    def _wait_for_news(self) -> None:
        """Wait for two newer states: the two interfaces of the client are not in step."""
        last = float(self._receive.getTimestamp())
        for _ in range(2):
            while float(self._receive.getTimestamp()) == last:
                self._check()
                time.sleep(POLL)
            last = float(self._receive.getTimestamp())

    def _force(self) -> FloatArray:
        return np.array(self._receive.getActualTCPForce()[:3], np.float64)

    def _check(self) -> None:
        """Make sure that the state is fresh and the program runs.

        Raises:
            RobotError: the controller is gone, frozen, or has stopped.
        """
        if not self._is_fresh():
            raise RobotError(self._silent())
        if self._receive.getSafetyMode() not in (1, 2) or not self._control.isProgramRunning():
            raise RobotError(f"{self.name} has stopped: {self._mode()}")

    def _is_fresh(self) -> bool:
        """Return whether the controller has said something within STALE.

        The client library goes on returning the last values of a controller that died.
        """
        deadline = time.monotonic() + STALE
        while True:
            stamp, now = float(self._receive.getTimestamp()), time.monotonic()
            if stamp != self._seen[0]:
                self._seen = stamp, now
            if now - self._seen[1] <= STALE:
                return bool(self._receive.isConnected())
            if now > deadline:  # nobody had looked for a while: a living one has spoken by now
                return False
            time.sleep(POLL)

    def _mode(self) -> str:
        deadline = time.monotonic() + NEWS
        while (mode := int(self._receive.getSafetyMode())) in (1, 2):
            if time.monotonic() > deadline:  # it is no safety stop
                break
            time.sleep(POLL)
        return _SAFETY.get(mode, f"safety mode {mode}; look at the pendant")

    def _ask(self, method: str, *values: Any) -> Any:
        """Call a function of the client library that waits for the controller's answer.

        It waits for minutes if none comes. So it runs in a thread that is left behind then.

        Raises:
            RobotError: no answer came within REPLY.
        """
        results: list[Any] = []
        errors: list[Exception] = []

        def call() -> None:
            try:
                results.append(getattr(self._control, method)(*values))
            except Exception as error:
                errors.append(error)

        with self._lock:  # the client library is not made for several threads
            if self._stuck:
                raise RobotError(self._silent())
            thread = threading.Thread(target=call, daemon=True)
            thread.start()
            try:
                thread.join(REPLY)
            except BaseException:  # a signal: the answer is on its way
                thread.join(REPLY)
                raise
            finally:
                self._stuck = thread.is_alive()
        if self._stuck:
            self._check()  # it may have stopped, and say why
            raise RobotError(self._silent())
        if errors:
            self._check()
            raise RobotError(f"the UR controller at {self._address}: {errors[0]}") from errors[0]
        return results[0]

    def _silent(self) -> str:
        return (
            f"the UR controller at {self._address} has gone silent; check cable and power, then "
            "start again"
        )

    def _keep_alive(self) -> None:
        """Kick the watchdog while nothing moves, and while the motion loop is alive."""
        while not self._closed.wait(0.25 / WATCHDOG_HZ):
            beat = self._beat
            if beat is not None and time.monotonic() - beat > HUNG:
                continue
            try:
                with self._lock:
                    if self._closed.is_set() or not self._control.isConnected():
                        return
                    if self._control.isProgramRunning():
                        self._control.kickWatchdog()
            except RuntimeError:  # the connection is lost: the next motion says so
                return


_SAFETY = {
    1: "its program ended; check the pendant for a message, then start again",
    3: "protective stop; find the cause, unlock it on the pendant, then start again",
    4: "recovery mode; move the arm back within its limits on the pendant",
    5: "safeguard stop; close the safeguard, then start again",
    6: "system emergency stop; release it, power the arm on, then start again",
    7: "emergency stop; release the button, power the arm on, then start again",
    8: "violation of a safety limit; look at the pendant",
    9: "fault; look at the pendant",
}


def _to_ur(T: FloatArray) -> list[float]:
    """Convert a (4, 4) pose to x, y, z in m and a rotation vector."""
    rotation = Rotation.from_matrix(T[:3, :3]).as_rotvec()
    return [float(v) for v in (*T[:3, 3], *rotation)]


def _from_ur(pose: list[float]) -> FloatArray:
    T = np.eye(4)
    T[:3, :3] = Rotation.from_rotvec(pose[3:]).as_matrix()
    T[:3, 3] = pose[:3]
    return T


def make_ur(address: str, T_flange_tool: FloatArray, **options: Any) -> UrArm:
    """Connect to a UR; see `UrArm`.

    Raises:
        UserError: the tool frame is not a pose.
    """
    if T_flange_tool.shape != (4, 4):
        raise UserError(f"T_flange_tool has shape {T_flange_tool.shape}; it must be 4 x 4")
    return UrArm(address, T_flange_tool=T_flange_tool, **options)
