"""The cameras of an episode: which can be used, and what their poses need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import RGBDFrame
from ..workspace import Workspace
from .frame_checks import check_coverage, check_view
from .likely_causes import likely_focal_length
from .table_plane import corrected, correction

LOST_SIGHT = 0.3  # of the share of pixels with depth in the first frame; with less it is said


@dataclass(frozen=True)
class Rig:
    """Cameras, as their first frames settled them."""

    fixes: tuple[npt.NDArray[np.float64] | None, ...]  # (4, 4) to be multiplied to each pose
    blind: frozenset[int]  # numbers of the cameras that cannot be used
    depth_shares: tuple[float, ...]  # of each camera's pixels

    def views(self, frames: Sequence[RGBDFrame]) -> tuple[list[RGBDFrame], list[str]]:
        """Correct the frames of one moment; leave out those that cannot be used.

        Returns:
            The frames, and a sentence for each camera that has lost its sight.
        Raises:
            UserError: another number of frames, or none has depth.
        """
        if len(frames) != len(self.fixes):
            raise UserError(
                f"{len(frames)} frames, but {len(self.fixes)} at the first look; give one of each "
                "camera, always in the same order"
            )
        views: list[RGBDFrame] = []
        notes: list[str] = []
        for i, (frame, fix) in enumerate(zip(frames, self.fixes, strict=True)):
            if i in self.blind:
                continue
            share = share_with_depth(frame)
            if share > 0:
                views.append(corrected(frame, fix))
            if share < LOST_SIGHT * self.depth_shares[i]:
                lost = "is left out of this look" if share == 0 else "sees little"
                notes.append(
                    f"{_name(i, frames)} {lost}: {share:.0%} of its pixels have depth, "
                    f"{self.depth_shares[i]:.0%} had at the start; is something before it?"
                )
        if not views:
            raise UserError(
                "no camera returned depth in this look, though at the start "
                f"{len(frames) - len(self.blind)} did; is something before it, or a cable loose?"
            )
        return views, notes


def settle_rig(
    frames: Sequence[RGBDFrame], workspace: Workspace, *, shown_in_first: bool
) -> tuple[Rig, list[str]]:
    """Find blind cameras, and the table's plane as each of the others sees it.

    Args:
        frames: the first ones, one of each camera.
        workspace: what they look at.
        shown_in_first: the goal was shown in the first camera's picture.
    Returns:
        The cameras, and sentences on what is not as it should be.
    Raises:
        UserError: no camera can be used, or not the one in whose picture the goal was shown.
    """
    notes: list[str] = []
    blind: dict[int, str] = {}
    fixes: list[npt.NDArray[np.float64] | None] = []
    shares = tuple(share_with_depth(frame) for frame in frames)
    for i, frame in enumerate(frames):
        fixes.append(None)
        if not shares[i]:
            k = frame.intrinsics
            blind[i] = f"returned no depth: all {k.width} x {k.height} pixels are 0 or NaN"
            continue
        try:
            fixes[i] = _fix(frame, workspace, _name(i, frames), notes)
        except UserError as error:
            if len(frames) == 1:
                raise
            blind[i] = str(error)
    if 0 in blind and len(frames) > 1 and shown_in_first:
        raise UserError(
            f"camera 1 of {len(frames)}, in whose picture the goal was shown, cannot be used: "
            f"{blind[0]}; show the goal in the picture of a camera that can, given first"
        )
    if len(blind) == len(frames):
        who = "the camera " if len(frames) == 1 else ""
        raise UserError("; ".join(who + why for why in blind.values()))
    notes += [f"camera {i + 1} of {len(frames)} is left out: {why}" for i, why in blind.items()]
    used = [(f.intrinsics, f.T_world_camera) for i, f in enumerate(frames) if i not in blind]
    if warning := check_coverage(used, workspace):
        notes.append(warning)
    return Rig(tuple(fixes), frozenset(blind), shares), notes


def _fix(
    frame: RGBDFrame, workspace: Workspace, name: str, notes: list[str]
) -> npt.NDArray[np.float64] | None:
    """Correction of a camera's pose; None if it needs none."""
    plane, warning = check_view(frame, workspace)
    notes += [f"{name} {warning}"] if warning else []
    if plane is None or plane.fits:
        return None
    fix = correction(plane, workspace)
    said = f"{name} sees the table {plane.describe()}; heights are corrected by that"
    if cause := likely_focal_length(frame, plane, workspace):
        said += f". It may be the intrinsics: {cause}"
    notes.append(said)
    return fix


def _name(number: int, frames: Sequence[RGBDFrame]) -> str:
    return "the camera" if len(frames) == 1 else f"camera {number + 1} of {len(frames)}"


def share_with_depth(frame: RGBDFrame) -> float:
    """Compute the share of a sample of the pixels that have depth; above 0 if any pixel has."""
    share = float((np.nan_to_num(frame.depth[::8, ::8]) > 0).mean())
    return share if share or not (np.nan_to_num(frame.depth) > 0).any() else 1 / frame.depth.size
