"""Grasp and push as waypoints for any robot, and the safety limits, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .interfaces import Action, MoveJaw, MoveTo, Presents, Report, Robot
from .utils.config_json import check_range
from .workspace import Workspace

TRAVEL_HEIGHT = 0.25  # m, tips above the table, clear of any heap
PRESENT_YAW = np.pi / 2  # rad: the jaw across the line of sight, so that no finger hides it
DESCENT_GUARD = 20.0  # N of contact that stops a descent
PUSH_GUARD = 35.0  # N that stops a push
GRIP_FORCE = 15.0  # N
MIN_HELD_WIDTH = 0.006  # m between the pads below which the jaw holds nothing
_PUSH_REPORTS = 6  # of a whole push: over, jaw, down, down, across, up
CLEARANCE_ABOVE = 0.03  # m above the chosen point where a descent turns slow


def present(workspace: Workspace, robot: Robot | None = None) -> MoveTo:
    """Return the motion that raises the hand, to be looked at.

    Args:
        workspace: the hand is raised over its centre.
        robot: unless this one has a place of its own for it, see `interfaces.Presents`.
    """
    if isinstance(robot, Presents) and robot.present is not None:
        return robot.present
    return MoveTo((*workspace.center, _travel_z(workspace)), PRESENT_YAW, speed=0.5)


@dataclass(frozen=True)
class PrimitiveConfig:
    """Depths and lengths of grasp and push; a policy carries them in its `config.json`."""

    grasp_depth: float = 0.02
    """m below the chosen point (section III-B)."""
    tip_clearance: float = 0.004
    """m that the finger tips stay above the table."""
    push_behind: float = 0.05
    """m behind the chosen point where a push starts (section III-B)."""
    push_length: float = 0.10
    """m of travel (section III-B)."""
    push_depth: float = 0.025
    """m below the chosen point at which the tips travel; half a block."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("grasp_depth", 0.0, 0.1),
            ("tip_clearance", 0.0, 0.05),
            ("push_behind", 0.0, 0.2),
            ("push_length", 0.0, 0.3),
            ("push_depth", 0.0, 0.1),
        ):
            check_range(self, name, low, high)


def run(
    robot: Robot, action: Action, config: PrimitiveConfig, workspace: Workspace
) -> tuple[Report, ...]:
    """Carry out one primitive.

    Args:
        robot: with its jaw open, at home.
        action: what was chosen.
        config: depths and lengths.
        workspace: bounds that the tool never leaves while it is low.
    Returns:
        The report after each command; the first says whether the tool got over the place, and
        is the only one if it did not. The last of a grasp is taken with the hand lifted, see
        `present`, and still closed.
    """
    if action.primitive == "grasp":
        return grasp(robot, action, config, workspace)
    return push(robot, action, config, workspace)


def moves(
    action: Action, config: PrimitiveConfig, workspace: Workspace, robot: Robot | None = None
) -> tuple[MoveTo, ...]:
    """Return the motions of a primitive that meets no contact, for `Robot.refuses`."""
    if action.primitive == "grasp":
        x, y, _ = action.position
        lift = MoveTo((x, y, _travel_z(workspace)), action.yaw)
        down = _descent(action, (x, y), config.grasp_depth, config, workspace)
        return (*down, lift, present(workspace, robot))
    start, end = push_path(action, config, workspace)
    down = _descent(action, start, config.push_depth, config, workspace)
    across = MoveTo((*end, down[-1].position[2]), action.yaw, 0.15, guard_force=PUSH_GUARD)
    return (*down, across, MoveTo((*end, _travel_z(workspace)), action.yaw))


def grasp(
    robot: Robot, action: Action, config: PrimitiveConfig, workspace: Workspace
) -> tuple[Report, ...]:
    """Open jaw from above, down until contact or depth, close, lift, show."""
    x, y, _ = action.position
    over, *down = _descent(action, (x, y), config.grasp_depth, config, workspace)
    reports = [robot.execute(over)]
    if not reports[-1].reached:
        return tuple(reports)
    reports += [robot.execute(move) for move in down]
    if reports[-1].stopped_by_contact:  # ease off, as a hand pressed onto something must
        low = reports[-1].position[2]
        reports.append(robot.execute(MoveTo((x, y, low + 0.003), action.yaw, 0.1)))
    closed = robot.execute(MoveJaw(0.0, GRIP_FORCE))
    reports.append(closed)
    z = closed.position[2]
    reports.append(robot.execute(MoveTo((x, y, z + 0.05), action.yaw, speed=0.2)))
    reports.append(robot.execute(MoveTo((x, y, _travel_z(workspace)), action.yaw, speed=0.5)))
    if holds(reports[-1]):
        reports.append(robot.execute(present(workspace, robot)))
    return tuple(reports)


def push(
    robot: Robot, action: Action, config: PrimitiveConfig, workspace: Workspace
) -> tuple[Report, ...]:
    """Closed jaw down behind the point, through it in a straight line, up."""
    start, end = push_path(action, config, workspace)
    over, *down = _descent(action, start, config.push_depth, config, workspace)
    reports = [robot.execute(over)]
    if not reports[-1].reached:
        return tuple(reports)
    reports.append(robot.execute(MoveJaw(0.0)))
    reports += [robot.execute(move) for move in down]
    z = down[-1].position[2]
    if reports[-1].stopped_by_contact:  # something lies there: push above it
        z = reports[-1].position[2] + 0.005
        reports.append(robot.execute(MoveTo((*start, z), action.yaw, 0.1)))
    reports.append(robot.execute(MoveTo((*end, z), action.yaw, 0.15, guard_force=PUSH_GUARD)))
    x, y, _ = reports[-1].position
    reports.append(robot.execute(MoveTo((x, y, _travel_z(workspace)), action.yaw, speed=0.5)))
    return tuple(reports)


def executed_push(
    action: Action, reports: Sequence[Report]
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return where the low motion of a push began and ended, as the robot measured it.

    It may be shorter than planned: near an edge of the workspace, and where contact stopped it.

    Args:
        action: what was carried out.
        reports: of `run`.
    Returns:
        (x, y) of both in metres, world frame; None for a grasp, or if the robot did not get there.
    """
    if action.primitive != "push" or len(reports) < _PUSH_REPORTS:
        return None
    (x0, y0, _), (x1, y1, _) = reports[-3].position, reports[-2].position
    return (float(x0), float(y0)), (float(x1), float(y1))


def push_path(
    action: Action, config: PrimitiveConfig, workspace: Workspace
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Compute where a push starts and ends.

    Returns:
        (x, y) of both in metres, world frame, on the line through the chosen point. Near an
        edge of the workspace the push starts closer to the point, or ends early.
    """
    x, y, _ = action.position
    dx, dy = float(np.cos(action.yaw)), float(np.sin(action.yaw))
    behind = min(config.push_behind, _room((x, y), (-dx, -dy), workspace))
    start = (x - behind * dx, y - behind * dy)
    length = min(config.push_length, _room(start, (dx, dy), workspace))
    return start, (start[0] + length * dx, start[1] + length * dy)


def _room(
    point: tuple[float, float], direction: tuple[float, float], workspace: Workspace
) -> float:
    """Compute the distance (m) along a unit direction to the workspace's edge; 0 outside."""
    room = np.inf
    for p, d, low in zip(point, direction, (workspace.x_min, workspace.y_min), strict=True):
        if abs(d) > 1e-9:
            room = min(room, ((low + workspace.size if d > 0 else low) - p) / d)
    return max(room, 0.0)


def _travel_z(workspace: Workspace) -> float:
    """m, world frame, of tips at TRAVEL_HEIGHT."""
    return workspace.table_z + TRAVEL_HEIGHT


def _descent(
    action: Action,
    xy: tuple[float, float],
    depth: float,
    config: PrimitiveConfig,
    workspace: Workspace,
) -> tuple[MoveTo, MoveTo, MoveTo]:
    """Over the place, fast to just above the chosen point, slowly to a depth (m) below it.

    Both ways down are guarded: a finger may land on something taller beside the point.
    """
    surface, yaw = action.position[2], action.yaw
    bottom = max(surface - depth, workspace.table_z + config.tip_clearance)
    return (
        MoveTo((*xy, _travel_z(workspace)), yaw, speed=1.0),
        MoveTo((*xy, surface + CLEARANCE_ABOVE), yaw, speed=0.5, guard_force=DESCENT_GUARD),
        MoveTo((*xy, bottom), yaw, speed=0.15, guard_force=DESCENT_GUARD),
    )


def holds(report: Report) -> bool:
    """Tell from its width alone that a closed jaw holds something."""
    return report.width > MIN_HELD_WIDTH
