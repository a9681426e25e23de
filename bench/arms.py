"""Tracking errors of a robot, refused actions, and planning times.

Each action is executed on a bare table with a cube at its target, so that a grasp has something to
lift and a push something to move. Every 8 ms the tool's true pose is compared with the set-point
and with the commanded line; joint speeds and torques are recorded too.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import common
import numpy as np
import tyro
from armwatch import ERRORS, PHASES, Peak, Watch

from pushgrasp.interfaces import Action, Primitive
from pushgrasp.primitives import moves, run
from pushgrasp.sim.model import ObjectSpec
from pushgrasp.sim.objects.shapes import SHAPES
from pushgrasp.sim.robots.registry import ROBOTS, make_robot, robot_model
from pushgrasp.sim.robots.robot import SimRobot
from pushgrasp.sim.world import World
from pushgrasp.training.recipes import RECIPES
from pushgrasp.workspace import N_ROTATIONS, Workspace, rotation_angle

TALLEST = 0.12  # m, highest surface in planning queries
PRIMITIVE = RECIPES["default"].primitive
KINDS: tuple[Primitive, Primitive] = ("grasp", "push")


@dataclass
class _Plans:
    """Answers of a robot, at home, to queries about actions."""

    seconds: list[float] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)

    def ask(self, robot: SimRobot, action: Action, workspace: Workspace) -> bool:
        """Check whether the robot can do an action."""
        start = time.perf_counter()
        refusal = robot.refuses(moves(action, PRIMITIVE, workspace))
        self.seconds.append(time.perf_counter() - start)
        if refusal:
            self.refusals[f"{action.primitive}: {common.kind(refusal)}"] += 1
        return not refusal


def main(
    robots: tuple[str, ...] = ROBOTS,
    actions: int = 50,
    plans: int = 500,
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Measure errors along grasps and pushes at random places of the whole workspace.

    Args:
        robots: names, one row each; all get the same actions.
        actions: to execute, grasps and pushes in turn.
        plans: further actions that are only planned, on surfaces 0 to 0.12 m high.
        seed: draws the actions.
        out: file for the JSON.
    """
    errors, summary, results = [], [], []
    for name in robots:
        result, error_rows = _measure(name, actions, plans, np.random.default_rng(seed))
        results.append(result)
        errors += error_rows
        planning, refused = result["planning_ms"], sum(result["refusals"].values())
        summary.append(
            (
                name,
                result["actions"],
                f"{result['cubes_taken']} of {result['grasps']}",
                f"{100 * refused / result['asked']:.1f} % of {result['asked']}",
                _counts(result["refusals"]),
                _counts(result["unfinished"]),
                f"{planning['median']:.0f}",
                f"{planning['p95']:.0f}",
                _peak(Peak(**result["fastest"])),
                _peak(Peak(**result["hardest"])),
            )
        )
    header = (
        "robot", "primitive", "phase", "set-point error, mm", "distance from the line, mm",
        "yaw error, degrees", "tilt, degrees", "samples",
    )  # fmt: skip
    print("Median / 95th percentile / maximum:\n")
    common.table(header, errors)
    print()
    header = (
        "robot", "actions", "cubes taken", "refused", "why", "motions cut short",
        "planning, median ms", "95th percentile, ms", "fastest joint, share of its limit",
        "largest torque, share of its limit",
    )  # fmt: skip
    result = {"setting": common.setting(), "seed": seed, "results": results}
    common.show(result, header, summary)
    common.save(result, out)


def _measure(
    name: str, n_actions: int, n_plans: int, rng: np.random.Generator
) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """Measure a robot; returns its figures and its rows of the table of errors."""
    workspace, cube = Workspace(), SHAPES["cube"]
    world = World([ObjectSpec("cube", cube, (225, 87, 89))], robot_model(name))
    robot, plans = make_robot(name, world), _Plans()
    watch, done, taken = Watch(robot), Counter(), 0
    top = cube.extent[2]
    for i in range(n_actions):
        action = _draw(KINDS[i % 2], top, workspace, rng)
        x, y, _ = action.position
        world.place("cube", (x, y, top / 2), _about_z(action.yaw))
        world.settle()
        if not plans.ask(robot, action, workspace):
            continue
        watch.primitive = action.primitive
        run(robot, action, PRIMITIVE, workspace)
        done[action.primitive] += 1
        taken += action.primitive == "grasp" and "cube" in world.held()
        watch.home()
    for i in range(n_plans):
        plans.ask(robot, _draw(KINDS[i % 2], rng.uniform(0, TALLEST), workspace, rng), workspace)
    errors, rows = [], []
    for primitive in KINDS:
        phases = {p: watch.samples[primitive, p] for p in PHASES if (primitive, p) in watch.samples}
        if phases:
            phases["all"] = list(chain.from_iterable(phases.values()))
        for phase, samples in phases.items():
            columns = zip(ERRORS, np.transpose(samples), strict=True)
            spreads = {error: common.spread(values) for error, values in columns}
            errors.append({"primitive": primitive, "phase": phase, "n": len(samples), **spreads})
            cells = (_three(spreads[e]) for e in ERRORS)
            rows.append((name, primitive, phase, *cells, len(samples)))
    result = {
        "robot": name,
        "actions": done.total(),
        "grasps": done["grasp"],
        "cubes_taken": taken,
        "asked": len(plans.seconds),
        "refusals": dict(plans.refusals),
        "unfinished": dict(watch.unfinished),
        "planning_ms": common.spread(1e3 * np.array(plans.seconds)),
        "fastest": asdict(watch.fastest),
        "hardest": asdict(watch.hardest),
        "errors": errors,
    }
    return result, rows


def _draw(kind: Primitive, z: float, workspace: Workspace, rng: np.random.Generator) -> Action:
    """Draw an action at any pixel and rotation, on a surface at height z (m)."""
    row, column = (int(v) for v in rng.integers(workspace.n_pixels, size=2))
    rotation = int(rng.integers(N_ROTATIONS))
    x, y = (float(v) for v in workspace.to_xy(row, column))
    yaw = float(rotation_angle(rotation))
    return Action(kind, (row, column), rotation, (x, y, z), yaw, float("nan"))


def _about_z(yaw: float) -> tuple[float, float, float, float]:
    return float(np.cos(yaw / 2)), 0.0, 0.0, float(np.sin(yaw / 2))


def _three(values: dict[str, float]) -> str:
    return " / ".join(f"{values[k]:.2f}" for k in ("median", "p95", "max"))


def _peak(peak: Peak) -> str:
    return f"{100 * peak.share:.0f} % ({peak.joint}, {peak.phase})"


def _counts(counter: dict[str, int]) -> str:
    return "; ".join(f"{n} {what}" for what, n in counter.items()) or "–"


if __name__ == "__main__":
    tyro.cli(main)
