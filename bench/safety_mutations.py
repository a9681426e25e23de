"""Takes each safety guard of a station away, one at a time, and shows that a test notices.

Each mutation replaces a few characters in a copy of the package and runs the tests that should
fail. A mutation whose tests still pass is a guard that nothing tests.

    python bench/safety_mutations.py
    python bench/safety_mutations.py --only fence watchdog
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import tyro

ROOT = Path(__file__).parents[1]
TIMEOUT = 240  # s for the tests of one mutation; a test that hangs has noticed it


@dataclass(frozen=True)
class Mutation:
    """A guard that is taken away."""

    name: str
    point: int  # of the twelve in docs/hardware.md, What stops the arm
    file: str  # below src/pushgrasp
    old: str  # occurs once there
    new: str
    tests: str  # file below tests/hardware, and words for -k


MUTATIONS = (
    Mutation("fence", 1, "hardware/robot.py",
             "        if reason := self._not_allowed(move):\n"
             "            return self._report(reached",
             "        if (reason := self._not_allowed(move)) and False:\n"
             "            return self._report(reached",
             "test_robot.py no_sequence or refused_motion"),
    Mutation("fence-tilted", 1, "hardware/robot.py",
             "        reason = self.fence.refuses(T_world_tool[:3, 3])\n", '        reason = ""\n',
             "test_robot.py tilted_pose"),
    Mutation("speed-cap", 2, "hardware/robot.py", "min(move.speed, self.caps.speed)", "move.speed",
             "test_robot.py no_sequence or every_motion"),
    Mutation("guarded-speed-cap", 2, "hardware/robot.py",
             "speed = min(speed, self.caps.guarded_speed)", "pass", "test_robot.py every_motion"),
    Mutation("guard-cap", 2, "hardware/robot.py",
             "guard = min(move.guard_force, self.caps.max_guard)", "guard = move.guard_force",
             "test_robot.py no_sequence"),
    Mutation("grip-cap", 2, "hardware/robot.py", "self.caps.grip_force, self.gripper",
             "1e9, 1e9 or self.gripper", "test_robot.py no_sequence"),
    Mutation("axis-speed", 2, "hardware/franka.py",
             ".set(self._axis_limit(T_base_tool, speed))", ".set(speed)",
             "test_franka.py diagonal"),
    Mutation("ur-guard", 3, "hardware/ur.py", "if force > guard_force:", "if False:",
             "test_ur.py guard_counts"),
    Mutation("ur-tare", 3, "hardware/ur.py", 'self._ask("zeroFtSensor")', "pass",
             "test_ur.py guard_counts"),
    Mutation("ur-nan", 3, "hardware/ur.py", "if not np.isfinite(force):", "if False:",
             "test_ur.py no_number"),
    Mutation("franka-guard", 3, "hardware/franka.py", "motion.add_reaction(reaction)", "pass",
             "test_franka.py lines_guard"),
    Mutation("ur-stop", 4, "hardware/ur.py", "        self._halt.set()\n        if self._stuck:",
             "        return\n        if self._stuck:", "test_ur.py another_thread"),
    Mutation("franka-stop", 4, "hardware/franka.py",
             "        self._halt.set()\n        try:\n            self._robot.stop()",
             "        return\n        try:\n            self._robot.stop()",
             "test_franka.py another_thread"),
    Mutation("signals", 4, "cli/station_episode.py",
             "        interrupted = True\n        raise KeyboardInterrupt",
             "        interrupted = True\n        return\n        raise KeyboardInterrupt",
             "test_ur.py signal_stops"),
    Mutation("grip-kept", 4, "hardware/robot.py",
             "        finally:\n            self.arm.close()\n",
             "        finally:\n            self.jaw.open(0.1)\n            self.arm.close()\n",
             "test_robot.py closing_stops"),
    Mutation("watchdog", 5, "hardware/ur.py", 'self._ask("setWatchdog", WATCHDOG_HZ)', "pass",
             "test_ur.py kill_9"),
    Mutation("stale", 6, "hardware/ur.py",
             "        deadline = time.monotonic() + STALE\n        while True:",
             "        return True\n        while True:", "test_ur.py silent_controller"),
    Mutation("no-reply", 6, "hardware/ur.py",
             "thread.join(REPLY)\n            except BaseException", "thread.join(30)\n"
             "            except BaseException", "test_ur.py middle_of_a_question"),
    Mutation("safety-mode", 7, "hardware/ur.py",
             "if self._receive.getSafetyMode() not in (1, 2) or not "
             "self._control.isProgramRunning():", "if False:",
             "test_ur.py protective or each_stop"),
    Mutation("user-stop", 7, "hardware/franka.py", "        if now in steps:", "        if False:",
             "test_franka.py names_the_persons"),
    Mutation("check-first", 8, "cli/station_options.py", "if failed := run_checks(station):",
             "if (failed := run_checks(station)) and False:", "test_commands.py each_fault"),
    Mutation("check-force", 8, "hardware/check.py", "force > MAX_FORCE", "force > 1e9",
             "test_commands.py each_fault"),
    Mutation("check-table", 8, "hardware/check.py",
             "abs(plane.height) > MAX_OFFSET or plane.tilt > MAX_TILT:\n        raise UserError(",
             "False:\n        raise UserError(", "test_commands.py each_fault"),
    Mutation("check-age", 8, "hardware/check.py", "if days > MAX_AGE:", "if False:",
             "test_commands.py missing_calibration"),
    Mutation("confirm", 9, "cli/station_episode.py", "        if self._confirm:\n",
             "        if False:\n", "test_commands.py asked_by_default"),
    Mutation("dry-run", 9, "cli/station_options.py",
             "        if self.dry_run:\n            episode",
             "        if False:\n            episode", "test_commands.py dry_run"),
    Mutation("free-guard", 10, "hardware/robot.py", "guard, speed = self.caps.free_guard, ",
             "guard, speed = 1e9, ", "test_robot.py every_motion"),
    Mutation("press-more", 10, "hardware/ur.py",
             "guard_force = max(guard_force, pressed + PRESS_MORE)", "guard_force = 1e9",
             "test_ur.py presses_on_something"),
    Mutation("first-motion", 11, "hardware/robot.py", "here.yaw, speed=RISE_SPEED)",
             "here.yaw, speed=1.0)", "test_robot.py first_motion"),
    Mutation("start-outside", 11, "hardware/robot.py",
             "        if outside := self.fence.refuses(here.position):\n"
             "            raise RobotError(\n"
             '                f"{self.name} starts', "        if False:\n            outside = ''\n"
             "            raise RobotError(\n"
             '                f"{self.name} starts', "test_robot.py waits_for_a_person"),
    Mutation("start-tilted", 11, "hardware/robot.py", "if T[2, 2] < np.cos(UPRIGHT):", "if False:",
             "test_robot.py waits_for_a_person"),
    Mutation("moved-camera", 12, "hardware/check.py",
             "if abs(plane.height - self._first.height) > MAX_OFFSET or turned > MAX_TILT:",
             "if False:", "test_commands.py moved_during"),
    Mutation("old-picture", 12, "hardware/folder.py",
             "if not self._live or entry.timestamp > asked:", "if True:",
             "test_folder.py waits_for"),
    Mutation("winding", 10, "hardware/robot.py",
             "if abs(here + turn - self.poses.home_yaw) <= MOST_TURN:", "if True:",
             "test_robot.py winds_up"),
)  # fmt: skip


@dataclass
class Config:
    """Which guards to take away."""

    only: tuple[str, ...] = ()
    """Names; none for all."""
    python: Path = Path(sys.executable)
    """Interpreter with the clients' packages; tests whose packages it lacks are reported."""


def main(config: Config) -> None:
    """Mutate, test and print a line per guard; exits with 1 if a guard is untested."""
    chosen = [m for m in MUTATIONS if not config.only or m.name in config.only]
    untested = [m.name for m in chosen if not _is_noticed(m, config)]
    print(f"{len(chosen) - len(untested)} of {len(chosen)} mutations are noticed")
    sys.exit(bool(untested))


def _is_noticed(mutation: Mutation, config: Config) -> bool:
    with tempfile.TemporaryDirectory(prefix="pushgrasp-mutation-") as folder:
        source = Path(folder) / "src"
        shutil.copytree(ROOT / "src" / "pushgrasp", source / "pushgrasp")
        path = source / "pushgrasp" / mutation.file
        text = path.read_text()
        if text.count(mutation.old) != 1:
            raise SystemExit(
                f"{mutation.name}: the guard occurs {text.count(mutation.old)} times in "
                f"{mutation.file}, not once: {mutation.old!r}"
            )
        path.write_text(text.replace(mutation.old, mutation.new))
        file, _, words = mutation.tests.partition(" ")
        try:
            done = subprocess.run(
                [config.python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
                 "-o", "pythonpath=tests tests/hardware", f"tests/hardware/{file}", "-k", words],
                cwd=ROOT, env={**os.environ, "PYTHONPATH": str(source)}, capture_output=True,
                text=True, timeout=TIMEOUT, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            print(f"{mutation.point:2d} {mutation.name:18s} noticed: its tests hang", flush=True)
            return True
    failed = re.search(r"FAILED (\S+::\S+)", done.stdout)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-200:]
    said = f"noticed by {failed[1].split('::')[-1]}" if failed else f"NOT NOTICED ({last})"
    print(f"{mutation.point:2d} {mutation.name:18s} {said}", flush=True)
    return failed is not None


if __name__ == "__main__":
    main(tyro.cli(Config))
