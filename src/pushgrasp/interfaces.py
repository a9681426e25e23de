"""Protocols of cameras and robots, and the records that they exchange with policies.

Poses are `T_a_b`, 4x4 homogeneous, mapping points of frame b into frame a. Lengths are
metres, angles radians, forces newtons, images row-major.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from .workspace import Workspace

Primitive = Literal["grasp", "push"]


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera without distortion; pixel (column u, row v)."""

    width: int = 640  # pixels
    height: int = 480  # pixels
    fx: float = 618.62  # pixels
    fy: float = 618.62  # pixels
    cx: float = 320.0  # pixels
    cy: float = 240.0  # pixels


@dataclass(frozen=True)
class Region:
    """A rectangle of an image, to read out only what is needed."""

    row: int  # first row
    column: int  # first column
    height: int  # rows
    width: int  # columns


@dataclass(frozen=True)
class RGBDFrame:
    """One RGB-D image. Pixels outside the captured region have colour 0 and depth 0."""

    color: npt.NDArray[np.uint8]  # (H, W, 3) sRGB
    depth: npt.NDArray[np.float32]  # (H, W) metres along the optical axis; 0 or NaN: no return
    intrinsics: Intrinsics
    T_world_camera: npt.NDArray[np.float64]  # (4, 4); camera x right, y down, z forward
    workspace: Workspace | None = None
    """What the robot works on, for segmenters; set by `Perception`, not by cameras."""


class Camera(Protocol):
    """A calibrated RGB-D camera."""

    intrinsics: Intrinsics
    T_world_camera: npt.NDArray[np.float64]

    def capture(self, region: Region | None = None) -> RGBDFrame:
        """Capture the whole image or a region of it."""
        ...


@dataclass(frozen=True)
class GripperSpec:
    """Geometry and force limit of a parallel jaw.

    The tool frame's origin is midway between the finger tips' lowest points, z up; the
    jaw closes along the tool's x axis, which points along the yaw.
    """

    max_width: float = 0.110  # m between the pads when open
    max_force: float = 40.0  # N
    finger_thickness: float = 0.012  # m, along the closing direction
    finger_breadth: float = 0.022  # m, across it


@dataclass(frozen=True)
class MoveTo:
    """Move the tool in a straight line."""

    position: tuple[float, float, float]  # m, world frame, of the tool frame
    yaw: float  # rad about world z
    speed: float = 0.5  # m/s
    guard_force: float | None = None  # N of contact at which to stop; None: not guarded


@dataclass(frozen=True)
class MoveJaw:
    """Open or close the jaw; closing stops at contact and then presses with the force."""

    width: float  # m between the pads
    force: float = 15.0  # N


Command = MoveTo | MoveJaw


@dataclass(frozen=True)
class Report:
    """State of a robot after a command, as measured."""

    position: tuple[float, float, float]  # m, world frame, of the tool frame
    yaw: float  # rad
    width: float  # m between the pads
    stopped_by_contact: bool = False
    reached: bool = True  # False: stopped, refused or out of time; see reason
    reason: str = ""


class Robot(Protocol):
    """An arm with a parallel jaw that moves straight down from above."""

    name: str
    gripper: GripperSpec

    def execute(self, command: Command) -> Report:
        """Carry out one command and report the state after it.

        Raises:
            RobotError: the robot has stopped and needs a person (never for bad luck).
            SimulatorFault: only in simulation.
        """
        ...

    def refuses(self, moves: Sequence[MoveTo]) -> str:
        """Check the feasibility of a motion sequence from the current state.

        Returns:
            The reason against it: out of reach, beyond a joint limit, a collision; "" if feasible.
        """
        ...

    def home(self) -> Report:
        """Go to where the arm hides nothing from the camera, over the bin; let go there.

        Returns:
            The report over the bin just before the jaw opens: its width tells whether the hand
            still holds what it held.
        Raises:
            RobotError: it did not get there; what it holds it still holds.
        """
        ...

    def state(self) -> Report:
        """Return the current state."""
        ...

    def stop(self) -> None:
        """Stop at once and stay; safe to call at any time and more than once."""
        ...


@runtime_checkable
class Presents(Protocol):
    """A robot with a place of its own where it raises its hand, to be looked at."""

    present: MoveTo | None  # None: over the workspace's centre, see `primitives.present`


@dataclass(frozen=True)
class Action:
    """A primitive at a place, chosen by a policy."""

    primitive: Primitive
    pixel: tuple[int, int]  # row, column of the heightmap
    rotation: int  # 0..15
    position: tuple[float, float, float]  # m, world frame: the surface point under the pixel
    yaw: float  # rad: grasp: closing direction; push: direction of travel
    q: float  # its value, unweighted
    why: str = ""  # why this action was chosen, in words


@dataclass(frozen=True)
class Outcome:
    """What the robot knows after an action; no ground truth."""

    holding: bool = False  # the jaw stopped on something and kept it through the lift
    holds_goal: bool = False  # and the goal's colour is in the hand
    width: float = 0.0  # m between the pads after the lift
    changed: bool = False  # the camera saw the scene change
    executed: bool = True  # False: the robot refused or stopped early
    reason: str = ""
    reports: tuple[Report, ...] = field(default=(), repr=False)
