"""The cameras of a simulated scene: poses, back end and noise, and what they must see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...interfaces import Camera, Intrinsics
from ...perception.calibration_checks import likely_pose_mistake
from ...perception.camera_file import CameraSpec
from ...perception.frame_checks import check_coverage
from ...perception.hand import ABOVE, REACH
from ...perception.regions import box_share, workspace_region
from ...primitives import present
from ...workspace import Workspace
from ..cell import Cell
from .light import Lamp
from .noise import NOISES, SensorNoise, read_noise
from .ray import HasModelAndData, RayCamera

Backend = Literal["ray", "opengl"]

MIN_HAND_SHARE = 0.6
"""Share of the box around the raised hand that one camera must have in its image; of less, a
grasped goal is often not recognised. The standard camera has 0.83."""


@dataclass(frozen=True)
class ViewConfig:
    """Cameras of a scene.

    Raises:
        UserError: there is no such noise or back end.
    """

    cameras: tuple[CameraSpec, ...] = ()
    """Empty: one with the ancestors' pose and intrinsics."""
    noise: str = ""
    """For cameras that bring none: "d405", "d405-averaged"; "" for perfect ones."""
    backend: Backend = "ray"
    """ray: rays cast by MuJoCo, the same on every machine; opengl: drawn by the graphics
    library."""

    def __post_init__(self) -> None:
        if self.noise and self.noise not in NOISES:
            raise UserError(f"no noise {self.noise!r}; there are: {', '.join(NOISES)}")
        if self.backend not in ("ray", "opengl"):
            raise UserError(f"no camera back end {self.backend!r}; there are: ray, opengl")
        for camera in self.cameras:
            _noise(camera, self)

    def check(
        self, workspace: Workspace, shown_at: tuple[float, float, float] | None = None
    ) -> None:
        """Check that the cameras see the workspace and the raised hand.

        Args:
            workspace: where the objects lie.
            shown_at: m, tool where the hand is raised; None: over the workspace's centre.
        Raises:
            UserError: a camera stands under the table or sees nothing of the workspace, all
                together see too little of it, or none sees enough of the raised hand to recognise
                the goal in it.
        """
        for camera in self.cameras:
            below = workspace.table_z - float(camera.T_world_camera[2, 3])
            if below > 0:
                hint = likely_pose_mistake(camera.T_world_camera, camera.intrinsics, workspace)
                raise UserError(
                    f"camera {camera.name!r} stands {below:.2f} m under the table "
                    f"(z = {workspace.table_z:g}); raise it.{hint}"
                )
            try:
                workspace_region(workspace, camera.intrinsics, camera.T_world_camera)
            except UserError as error:
                hint = likely_pose_mistake(camera.T_world_camera, camera.intrinsics, workspace)
                end = f".{hint}" if hint else ""
                raise UserError(f"camera {camera.name!r}: {error}{end}") from error
        if self.cameras:
            check_coverage([(c.intrinsics, c.T_world_camera) for c in self.cameras], workspace)
            _check_hand(self.cameras, np.array(shown_at or present(workspace).position))


def _check_hand(cameras: tuple[CameraSpec, ...], hand: npt.NDArray[np.float64]) -> None:
    low, high = hand - REACH, hand + np.array([REACH, REACH, ABOVE])
    shares = [box_share(low, high, c.intrinsics, c.T_world_camera) for c in cameras]
    if max(shares) < MIN_HAND_SHARE:
        x, y, z = hand
        seen = ", ".join(f"{c.name!r} {s:.0%}" for c, s in zip(cameras, shares, strict=True))
        raise UserError(
            f"no camera sees the hand when it is raised to ({x:.2f}, {y:.2f}, {z:.2f}) m to show "
            f"what it holds: of the space around it {seen}; one must see {MIN_HAND_SHARE:.0%}, so "
            "turn or move a camera, or add one"
        )


def _noise(spec: CameraSpec, view: ViewConfig) -> SensorNoise | None:
    if spec.noise == "none":
        return None
    if spec.noise is not None:
        return read_noise(spec.noise, f"camera {spec.name!r}: noise")
    return NOISES.get(view.noise)


def make_cameras(
    world: HasModelAndData,
    view: ViewConfig,
    light: Lamp,
    *,
    workspace: Workspace,
    white: float = 0.0,
    seed: int = 0,
    checked: bool = True,
) -> list[Camera]:
    """Make the cameras of a world.

    Args:
        world: to render.
        view: which cameras.
        light: of the scene.
        workspace: what they must see; the default camera looks at its centre.
        white: m, standard deviation of a depth error for cameras that have no other noise.
        seed: of the noise; each camera has a separate RNG stream.
        checked: False makes them even if they do not see what they must.
    Raises:
        UserError: the cameras do not see what they must, or OpenGL does not work here.
    """
    if checked:
        view.check(workspace)
    specs = view.cameras or (CameraSpec("default", Intrinsics(), Cell(workspace).camera_pose),)
    seeds = np.random.SeedSequence(seed).generate_state(len(specs), np.uint64)
    cameras: list[Camera] = []
    for i, spec in enumerate(specs):
        noise = _noise(spec, view)
        if noise is None and white > 0:
            noise = SensorNoise(white=white)
        make = RayCamera
        if view.backend == "opengl":
            from .gl import GLCamera

            make = GLCamera
        cameras.append(
            make(
                world,
                intrinsics=spec.intrinsics,
                T_world_camera=spec.T_world_camera,
                light=light,
                noise=noise,
                seed=int(seeds[i]) if i else seed,  # the first as if it were the only one
            )
        )
    return cameras
