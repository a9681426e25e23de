"""An episode as a folder: `episode.json`, a picture of each decision, a video."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..evaluation.steps import record_step
from ..interfaces import RGBDFrame
from ..perception.colors import color_name, format_color
from ..utils.files import write_atomic, write_json
from .draw.actions import ActionGeometry
from .draw.pictures import decision_picture, png

if TYPE_CHECKING:
    from ..evaluation.trial import EpisodeResult
    from ..retrieve import Step

RECORD = "episode.json"
VIDEO = "video.mp4"
PICTURES = "pictures"
CONTENTS = (RECORD, VIDEO, PICTURES)


@dataclass(frozen=True)
class EpisodeInfo:
    """Scene, goal, policy and cameras of an episode, known before its first step."""

    goal_name: str
    goal_rgb: tuple[int, int, int]  # sRGB
    visible_fraction: float  # of the goal, at the start
    scene: str
    n_objects: int
    seed: int
    policy: str
    robot: str
    sigma: float = 0.03  # m, spread of a random scene
    perturb: bool = False  # whether a fixed scene was varied by the seed
    noise: str = ""  # of cameras that bring none of their own, by name
    camera: str = "ray"  # back end
    cameras: tuple[dict[str, Any], ...] = ()  # as their file gives them; none: the default one
    randomised: bool = False  # whether masses, frictions, sizes, colours and light were varied


class EpisodeWriter:
    """Writes an episode's folder step by step, except the video.

    Args:
        folder: an existing, empty folder.
        info: what is known before the first step.
        geometry: what actions are drawn with.
    """

    def __init__(self, folder: Path, info: EpisodeInfo, geometry: ActionGeometry) -> None:
        self._folder, self._info, self._geometry = folder, info, geometry
        self._steps: list[dict[str, Any]] = []

    def add(
        self, step: Step, frame: RGBDFrame | None = None, *, lifted: bool | None = None
    ) -> None:
        """Write a step's picture and keep its record.

        Args:
            step: what happened.
            frame: the camera image that the decision was taken from.
            lifted: the jaw carried an object away, by the ground truth; None: unknown.
        """
        goal_rgb = self._info.goal_rgb
        picture = decision_picture(
            step, frame, goal_rgb=goal_rgb, geometry=self._geometry,
            goal_name=f"{color_name(goal_rgb)} ({self._info.goal_name})",
        )  # fmt: skip
        path = self._folder / PICTURES / f"decision-{step.index + 1:02d}.png"
        write_atomic(path, png(picture))
        self._steps.append(asdict(record_step(step, lifted)))

    def finish(self, result: EpisodeResult) -> None:
        """Write the record.

        Args:
            result: the outcome by the simulator's ground truth.
        """
        info = self._info
        record = {
            "success": result.success,
            "claimed_success": result.claimed_success,
            "goal": {
                "name": info.goal_name,
                "color": format_color(info.goal_rgb),
                "visible_fraction": info.visible_fraction,
            },
            "scene": info.scene,
            "objects": info.n_objects,
            "seed": info.seed,
            "sigma": info.sigma,
            "perturb": info.perturb,
            "noise": info.noise,
            "camera": info.camera,
            "cameras": info.cameras,
            "randomised": info.randomised,
            "policy": info.policy,
            "robot": info.robot,
            "reason": result.reason,
            "steps": self._steps,
        }
        write_json(self._folder / RECORD, record)
