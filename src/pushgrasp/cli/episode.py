"""`pushgrasp retrieve` and `pushgrasp demo`: one episode, and all that is to be shown of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console

from ..policy.load import load_policy
from ..sim.cameras.views import ViewConfig
from ..sim.randomise import DomainConfig
from ..sim.robots.registry import gripper
from ..sim.scenes.build import SceneConfig
from ..sim.scenes.layouts import PROCEDURAL
from .scene import build_scene_for
from .show import check_places, show_episode


def run_episode(
    *,
    scene: str,
    objects: int,
    goal: str | None,
    seed: int,
    policy: str,
    out: Path,
    video: bool,
    rerun: Path | None = None,
    sigma: float = 0.03,
    perturb: bool = False,
    robot: str = "gantry",
    view: ViewConfig | None = None,
    randomise: bool = False,
    file_settings: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """Run an episode; see `cli.Retrieve` for the arguments."""
    check_places(out, rerun)
    loaded = load_policy(policy, gripper(robot))
    config = SceneConfig(
        name=scene,
        n_objects=objects,
        sigma=sigma,
        seed=seed,
        perturb=perturb,
        robot=robot,
        visual_meshes=video,
        randomise=DomainConfig() if randomise else None,
        **file_settings,
    )
    console = Console(highlight=False, markup=False, soft_wrap=True)
    # splitting a file's meshes shows a bar, and a terminal shows one thing at a time
    spinner = console.status("building the scene") if scene in PROCEDURAL else nullcontext()
    with spinner:
        built = build_scene_for(config, goal)
    show_episode(
        built, loaded, view or ViewConfig(),
        policy_name=policy, out=out, video=video, rerun=rerun, console=console,
    )  # fmt: skip
    return 0
