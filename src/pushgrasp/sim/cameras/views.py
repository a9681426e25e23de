"""The cameras of a simulated scene: which, how they see, and what spoils their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...errors import UserError
from ...interfaces import Camera, Intrinsics
from ...perception.camera_file import CameraSpec
from ...perception.regions import workspace_region
from ...workspace import Workspace
from ..cell import Cell
from .light import Light
from .noise import NOISES, SensorNoise, read_noise
from .ray import HasModelAndData, RayCamera

Backend = Literal["ray", "opengl"]


@dataclass(frozen=True)
class ViewConfig:
    """How a scene is looked at.

    Raises:
        UserError: there is no such noise or back end, or a camera looks past the workspace.
    """

    cameras: tuple[CameraSpec, ...] = ()
    """Empty: one at the ancestors' place, with their lens."""
    noise: str = ""
    """Of cameras that bring none of their own: "d405", "d405-averaged"; "" for perfect ones."""
    backend: Backend = "ray"
    """ray: rays cast by MuJoCo, everywhere the same; opengl: what the graphics library draws."""

    def __post_init__(self) -> None:
        if self.noise and self.noise not in NOISES:
            raise UserError(f"no noise {self.noise!r}; there are: {', '.join(NOISES)}")
        if self.backend not in ("ray", "opengl"):
            raise UserError(f"no camera back end {self.backend!r}; there are: ray, opengl")
        for camera in self.cameras:
            _noise(camera, self)
            try:
                workspace_region(Workspace(), camera.intrinsics, camera.T_world_camera)
            except UserError as error:
                raise UserError(f"camera {camera.name!r}: {error}") from error


def _noise(spec: CameraSpec, view: ViewConfig) -> SensorNoise | None:
    if spec.noise == "none":
        return None
    if spec.noise is not None:
        return read_noise(spec.noise, f"camera {spec.name!r}: noise")
    return NOISES.get(view.noise)


def make_cameras(
    world: HasModelAndData,
    view: ViewConfig,
    light: Light,
    *,
    workspace: Workspace,
    white: float = 0.0,
    seed: int = 0,
) -> list[Camera]:
    """Make the cameras of a world.

    Args:
        world: what they look at.
        view: which cameras.
        light: that everything is seen in.
        workspace: at which the default camera looks.
        white: m, standard deviation of a depth error for cameras that have no other noise.
        seed: of all noise; each camera draws from a stream of its own.
    Raises:
        UserError: a noise that cannot be read, or no OpenGL here.
    """
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
                seed=int(seeds[i]) if i else seed,  # the first as if it were alone
            )
        )
    return cameras
