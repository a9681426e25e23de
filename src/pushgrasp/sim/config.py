"""The options that commands share: robot, cameras, domain randomisation."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import tyro

from ..workspace import Workspace, read_workspace

if TYPE_CHECKING:
    from .cameras.views import ViewConfig

MANY_PIXELS = 8_000_000
"""Of a camera, above which a warning says what an image costs."""

RobotName: TypeAlias = Literal["gantry", "ur5e", "panda", "fr3", "gantry-franka"]


@dataclass(frozen=True, kw_only=True)
class SimulationConfig:
    """Robot, cameras, domain randomisation."""

    robot: RobotName = "gantry"
    """gantry: x, y, z and yaw; ur5e: a UR5e with an RG2-like hand; panda, fr3: with
    the Franka Hand; gantry-franka: the gantry with that hand."""
    camera: Literal["ray", "opengl"] = "ray"
    """ray: cast rays, everywhere the same; opengl: what the graphics library draws."""
    cameras: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: one camera)")
    ] = None
    """JSON file of camera poses and intrinsics, merged into one heightmap."""
    noise: Literal["none", "d405", "d405-averaged"] = "none"
    """Depth noise: none, one image of a RealSense D405, or sixteen images averaged."""
    workspace: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: the scene's)")
    ] = None
    """JSON file of the workspace: x_min, y_min, size, table_z in metres."""
    randomise: tyro.conf.FlagCreatePairsOff[bool] = False
    """Vary masses, frictions, sizes, colours and light by the seed."""

    def read_workspace(self) -> Workspace | None:
        """Read the workspace; None: the scene's own.

        Raises:
            UserError: the file cannot be used.
        """
        return None if self.workspace is None else read_workspace(self.workspace)

    def view(self) -> ViewConfig:
        """Read the cameras.

        Raises:
            UserError: the file cannot be used.
        """
        from ..perception.camera_file import read_cameras
        from .cameras.views import ViewConfig

        noise = "" if self.noise == "none" else self.noise
        specs = read_cameras(self.cameras) if self.cameras else ()
        for spec in specs:
            pixels = spec.intrinsics.width * spec.intrinsics.height
            if pixels > MANY_PIXELS:
                print(
                    f"warning: camera {spec.name}: {pixels / 1e6:.0f} megapixels, each of which "
                    "takes about a second and 0.15 GB per image",
                    file=sys.stderr,
                )
        return ViewConfig(specs, noise, self.camera)


@dataclass(frozen=True, kw_only=True)
class SceneFileConfig:
    """How a scene file is read."""

    meshes: Annotated[
        Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: the file's)")
    ] = None
    """Folder of a scene file's meshes, looked at before the file's own."""
    offset: Annotated[tuple[float, float, float], tyro.conf.arg(metavar="X Y Z")] = (0.0, 0.0, 0.0)
    """Metres added to the positions in a scene file; codes after VPG's use 0 0.1 0."""
    drop: tyro.conf.FlagCreatePairsOff[bool] = False
    """Drop a scene file's objects one after another, so that they may share a place."""

    def scene_settings(self) -> dict[str, Any]:
        """Return these settings as fields of `SceneConfig`."""
        meshes = None if self.meshes is None else str(self.meshes)
        return {"meshes": meshes, "offset": self.offset, "drop": self.drop}
