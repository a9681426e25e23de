"""GraspNet's Q_g of candidate grasps, each for the segment that it is aimed at.

A policy that decides by GraspNet needs whole maps; for a candidate one rotated crop is enough.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...perception.observation import Observation
from ...workspace import rotation_angle
from ..networks.base import Scenes
from ..networks.compact import TARGET_PLANE, Compact
from ..networks.crops import at_pixels, centroid, crops, to_crop
from .proposals import GRASP, Candidates

RADIUS_PX = 2  # half the side of the square over which Q_g is averaged, as `maps.smooth` does
_SIDE = np.arange(-RADIUS_PX, RADIUS_PX + 1)
_SQUARE = np.stack(np.meshgrid(_SIDE, _SIDE, indexing="ij"), -1).reshape(-1, 2)


@torch.inference_mode()
def grasp_q(
    network: Compact, observation: Observation, candidates: Candidates
) -> npt.NDArray[np.float32]:
    """Compute Q_g (N,) of candidates (N,); NaN for pushes and where no segment is.

    Args:
        network: GraspNet, whose input is a crop around its target.
        observation: in which the candidates were proposed.
        candidates: of CANDIDATE.
    """
    values = np.full(len(candidates), np.nan, np.float32)
    wanted = (candidates["primitive"] == GRASP) & (candidates["label"] > 0)
    if not wanted.any():
        return values
    view: dict[str, Any] = {
        "crop_px": network.config.crop_px,
        "crop_resolution": network.config.crop_resolution,
        "workspace": observation.heightmap.workspace,
    }
    planes = network.planes(Scenes.of(observation, np.zeros(observation.labels.shape, bool)))
    images: list[Tensor] = []
    places: list[Tensor] = []
    order: list[npt.NDArray[np.intp]] = []
    for label in np.unique(candidates["label"][wanted]):
        own = np.flatnonzero(wanted & (candidates["label"] == label))
        some = candidates[own]
        mask = torch.from_numpy(observation.labels == label).float()
        planes[:, TARGET_PLANE] = mask
        center = centroid(mask[None]).expand(len(own), -1)
        yaw = torch.from_numpy(rotation_angle(some["rotation"].astype(int)).astype(np.float32))
        pixels = np.stack([some["row"], some["column"]], -1)[:, None] + _SQUARE
        points = torch.from_numpy(pixels.astype(np.float32))
        images.append(crops(planes, center, yaw, **view))
        places.append(to_crop(points, center, yaw, **view))
        order.append(own)
    with network.autocast():
        maps = network(torch.cat(images))
    read = at_pixels(maps, torch.cat(places))
    if network.config.output == "probability":
        read = read.sigmoid()
    values[np.concatenate(order)] = read.mean(1).numpy()
    return values
