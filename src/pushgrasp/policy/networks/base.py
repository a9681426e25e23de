"""Base class of the Q-networks: cut crops, score actions, encode training samples."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ...errors import UserError
from ...interfaces import Primitive
from ...perception.observation import Observation
from ...workspace import N_ROTATIONS, Workspace, rotation_angle
from ..base import Mask
from ..config import NetworkConfig
from .crops import at_pixels, centroid, crops, inside, to_crop


@dataclass(frozen=True)
class Scenes:
    """Batch of B scenes of one workspace, each with its target mask."""

    height: npt.NDArray[np.floating]  # (B, H, W) m above the table; NaN where unseen
    labels: npt.NDArray[np.integer]  # (B, H, W) 0 background, 1..n objects
    target: npt.NDArray[np.bool_]  # (B, H, W) the current target; may be empty
    color: npt.NDArray[np.uint8] | None  # (B, H, W, 3) sRGB; `compact` does not need it
    workspace: Workspace

    @classmethod
    def of(cls, observation: Observation, target: Mask) -> Scenes:
        """Wrap one scene (B = 1), without a copy."""
        seen = observation.heightmap
        return cls(
            height=seen.height[None],
            labels=observation.labels[None],
            target=target[None],
            color=seen.color[None],
            workspace=seen.workspace,
        )


class QNetwork(nn.Module):
    """Q-network of one primitive. Its input is rotated, so that it scores rightward actions only.

    Subclasses define the input planes and the forward pass on a crop.
    """

    stride = 1
    """The side of a crop must be a multiple of it."""
    chunk = N_ROTATIONS
    """Crops that go through the network at once."""
    sees_target = False
    """True: the target's mask is an input; False: it only selects among the outputs."""
    for_gpu = False
    """Too slow for a CPU, so that `device="auto"` takes a GPU."""
    half_turn_same = False
    """True: rotating a crop by 180 degrees rotates the output and nothing else, as a parallel jaw
    demands; then eight rotations are scored and copied to the other eight."""

    def __init__(self, config: NetworkConfig, primitive: Primitive) -> None:
        super().__init__()
        if config.crop_px <= 0 or config.crop_px % self.stride:
            raise UserError(
                f"crop_px {config.crop_px} does not suit {config.name}; "
                f"it must be a positive multiple of {self.stride}"
            )
        if not config.crop_resolution > 0:
            raise UserError(f"crop_resolution {config.crop_resolution} must be above 0 m")
        self.config = config
        self.primitive: Primitive = primitive

    def planes(self, scenes: Scenes) -> Tensor:
        """Make the input images (B, C, H, W) float32, in which 0 stands for "unknown"."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Score the rightward action at each pixel of crops.

        Args:
            x: (B, C, h, w), from `encode` or `crops`.
        Returns:
            (B, h, w) float32: logits if the config's output is "probability", else Q.
        """
        raise NotImplementedError

    @property
    def device(self) -> torch.device:
        """The device that holds the weights."""
        return next(self.parameters()).device

    def autocast(self) -> torch.autocast:
        """Return a context that computes in bfloat16 where the hardware can; twice as fast."""
        kind = self.device.type
        avx512 = torch.cpu._is_avx512_bf16_supported  # pyright: ignore[reportPrivateUsage]
        fast = kind == "cuda" or (kind == "cpu" and avx512())
        return torch.autocast(kind, torch.bfloat16, enabled=fast)

    def centers(self, scenes: Scenes) -> Tensor:
        """Compute the crops' centres (B, 2), row and column: the targets' centroids, or the
        workspace's middle if the config says so or the target is empty."""
        masks = torch.as_tensor(scenes.target, device=self.device)
        return centroid(masks if self.config.window == "target" else torch.zeros_like(masks))

    def encode(
        self,
        scenes: Scenes,
        pixels: npt.ArrayLike,
        rotations: npt.ArrayLike,
        *,
        shifts: npt.ArrayLike | None = None,
        flips: npt.ArrayLike | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Encode executed actions as training input: the crop of each, and the place in it.

        `at_pixels(network(x), place)[:, 0]` is then what `score` gives for the actions, but
        for the sigmoid.

        Args:
            scenes: B scenes.
            pixels: (B, 2) row and column of the actions.
            rotations: (B,) rotation indices.
            shifts: (B, 2) rows and columns by which to move the crops, in heightmap pixels.
            flips: (B, 2) bool, mirror the rows (leaves pushes and grasps what they are), the
                columns (grasps only).
        Returns:
            x: (B, C, h, w) for `forward`; place: (B, 1, 2) for `at_pixels`.
        """
        centers = self.centers(scenes)
        if shifts is not None:
            centers = centers + self._tensor(shifts)
        angles = self._tensor(rotation_angle(np.asarray(rotations)))
        flipped = None if flips is None else torch.as_tensor(flips, device=self.device)
        view = self._view(scenes.workspace)
        x = crops(self.planes(scenes), centers, angles, flips=flipped, **view)
        place = to_crop(self._tensor(pixels)[:, None], centers, angles, flips=flipped, **view)
        return x, place

    @torch.inference_mode()
    def score(
        self,
        observation: Observation,
        target: Mask,
        allowed: Mask,
        rotations: Collection[int] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Score all allowed actions.

        Args:
            observation: the look at the table.
            target: (H, W) bool, the current target; may be empty.
            allowed: (H, W) bool, pixels to score. Those outside the crop are left out.
            rotations: rotation indices to score; None for all.
        Returns:
            (16, H, W) float32: Q, or probabilities if the config says so; -inf elsewhere.
        """
        wanted = range(N_ROTATIONS) if rotations is None else sorted(set(rotations))
        q = np.full((N_ROTATIONS, *allowed.shape), -np.inf, np.float32)
        rows, columns = np.nonzero(allowed)
        if not len(rows) or not wanted:
            return q
        period = N_ROTATIONS // 2 if self.half_turn_same else N_ROTATIONS
        scored = sorted({r % period for r in wanted})
        pixels = np.stack([rows, columns], axis=1)
        values = self._values(Scenes.of(observation, target), pixels, scored)
        of = dict(zip(scored, values, strict=True))
        for rotation in wanted:
            q[rotation, rows, columns] = of[rotation % period]
        return q

    def _values(
        self, scene: Scenes, pixels: npt.NDArray[np.int64], rotations: Sequence[int]
    ) -> npt.NDArray[np.float32]:
        """Score P pixels (P, 2) at R rotations: (R, P), -inf outside the crop."""
        view = self._view(scene.workspace)
        planes = self.planes(scene)
        center = self.centers(scene)
        points = self._tensor(pixels)[None]
        values = []
        if was_training := self.training:
            self.eval()
        with self.autocast():
            for first in range(0, len(rotations), self.chunk):
                indices = np.asarray(rotations[first : first + self.chunk])
                angles = self._tensor(rotation_angle(indices))
                n = len(indices)
                maps = self(crops(planes, center.expand(n, -1), angles, **view))
                place = to_crop(points.expand(n, -1, -1), center.expand(n, -1), angles, **view)
                value = at_pixels(maps, place)
                if self.config.output == "probability":
                    value = value.sigmoid()
                seen = inside(place, self.config.crop_px)
                values.append(value.masked_fill(~seen, -torch.inf).cpu())
        if was_training:
            self.train()
        return torch.cat(values).numpy()

    def _view(self, workspace: Workspace) -> dict[str, Any]:
        return {
            "crop_px": self.config.crop_px,
            "crop_resolution": self.config.crop_resolution,
            "workspace": workspace,
        }

    def _tensor(self, values: npt.ArrayLike) -> Tensor:
        return torch.as_tensor(np.asarray(values, np.float32), device=self.device)
